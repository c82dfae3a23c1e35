"""Pairs of very long texts: encoded quickly, to the very tokens that truncation would leave."""

from __future__ import annotations

import random
import time
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from glueharness import Table
from glueharness_finetune.tokens.long_pairs import shorten_pairs
from glueharness_finetune.tokens.tokenize import Encoder, Texts
from tests.finetune_tools import colour_rows, write_checkpoint

if TYPE_CHECKING:
    from pathlib import Path

WORDS = (
    "very", "unbelievable", "red", "wärm", "?!", "日本語", "e\u0301tude", "x" * 30, " \n ",
    "don't", ".", " ", "\U0001f469\u200d\U0001f680",
)  # fmt: skip


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Any:
    from transformers import AutoTokenizer

    folder: Path = write_checkpoint(tmp_path_factory.mktemp("weights"))
    return AutoTokenizer.from_pretrained(folder)


def learnt(kind: str) -> Any:
    """A tokenizer of another kind, with a template that adds three special tokens to a pair."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

    rows = colour_rows(200)
    texts = [*rows["question"], *rows["sentence"], *WORDS]
    special = ["<s>", "</s>", "<unk>"]
    trainer: Any
    if kind == "bytes":
        backend = Tokenizer(models.BPE())
        backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        backend.decoder = decoders.ByteLevel()
        trainer = trainers.BpeTrainer(vocab_size=400, special_tokens=special, show_progress=False)
    else:
        backend = Tokenizer(models.Unigram())
        backend.pre_tokenizer = pre_tokenizers.Metaspace()
        trainer = trainers.UnigramTrainer(
            vocab_size=150, special_tokens=special, unk_token=special[2], show_progress=False
        )
    backend.train_from_iterator(texts, trainer)
    backend.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> $B:1 </s>:1",
        special_tokens=[("<s>", backend.token_to_id("<s>")), ("</s>", backend.token_to_id("</s>"))],
    )
    return backend


def truncated(backend: Any, first: str, second: str, longest: int) -> tuple[list[int], list[int]]:
    """What the tokenizer makes of a pair."""
    backend.no_padding()
    backend.enable_truncation(longest, strategy="longest_first", direction="right")
    found = backend.encode(first, second)
    return found.ids, found.type_ids


def text(draw: random.Random, words: int) -> str:
    return " ".join(draw.choice(WORDS) for _ in range(words))


@pytest.mark.parametrize("kind", ["word pieces", "bytes", "unigrams"])
@pytest.mark.parametrize("longest", [8, 13])
def test_the_tokens_are_those_of_the_whole_pair(tokenizer: Any, kind: str, longest: int) -> None:
    backend = tokenizer.backend_tokenizer if kind == "word pieces" else learnt(kind)
    draw = random.Random(longest)
    shortened = 0
    for number in range(16):
        most = draw.choice([2, 10, 12]) * longest
        first = text(draw, draw.randrange(most))
        # Equal lengths and neighbouring ones decide who gets the odd token.
        words = len(first.split(" ")) + draw.choice([-1, 0, 0, 1]) if number % 2 else most
        second = first if number % 10 == 0 else text(draw, max(words, 0))
        few = shorten_pairs(backend, [first], [second], longest)
        shortened += few != ([first], [second])
        assert truncated(backend, few[0][0], few[1][0], longest) == truncated(
            backend, first, second, longest
        ), (first, second)
    assert shortened > 3


def test_only_long_pairs_are_touched(tokenizer: Any) -> None:
    rows = colour_rows(20)
    first, second = list(rows["question"]), list(rows["sentence"])
    found = shorten_pairs(tokenizer.backend_tokenizer, first, second, 64)
    assert found[0] is first
    assert found[1] is second


@pytest.mark.parametrize("side", ["left", "right"])
def test_the_encoder_s_rows_are_the_tokenizer_s(tokenizer: Any, side: str) -> None:
    draw = random.Random(5)
    pairs = [(text(draw, 200), text(draw, words)) for words in (3, 199, 200, 201, 600)]
    rows = Table({"question": [one for one, _ in pairs], "sentence": [two for _, two in pairs]})
    before, tokenizer.truncation_side = tokenizer.truncation_side, side
    try:
        encoded = Encoder(tokenizer, Texts(("question", "sentence")), 32).encode(rows)
        expected = tokenizer(
            *map(list, zip(*pairs, strict=True)), truncation="longest_first", max_length=32
        )
    finally:
        tokenizer.truncation_side = before
    found = [encoded.ids[begin:end].tolist() for begin, end in pairwise(encoded.offsets)]
    assert found == expected["input_ids"]


def test_two_texts_of_16000_words_take_no_time(tokenizer: Any) -> None:
    draw = random.Random(3)
    rows = Table({"question": [text(draw, 16_000)], "sentence": [text(draw, 16_000)]})
    began = time.perf_counter()
    encoded = Encoder(tokenizer, Texts(("question", "sentence")), 128).encode(rows)
    assert time.perf_counter() - began < 3
    assert encoded.lengths.tolist() == [128]
