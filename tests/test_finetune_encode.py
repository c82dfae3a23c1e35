"""Encoding, batches and prediction: the whole input is seen, and every row gets its own score."""

from __future__ import annotations

from collections import Counter
from itertools import chain, pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from glueharness import ModelError, Table
from glueharness_finetune import Checkpoint
from glueharness_finetune.model import FinetunedEncoder
from glueharness_finetune.pretrained import classifier as saving
from glueharness_finetune.pretrained import load as loading
from glueharness_finetune.settings import FinetuneSettings
from glueharness_finetune.tokens.batches import (
    Padding,
    collate,
    made_ahead,
    plan_epoch,
    plan_prediction,
)
from glueharness_finetune.tokens.tokenize import Encoder, Texts, padding_id
from tests.finetune_tools import LABELS, colour_rows, colour_task, model_context, write_checkpoint

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COLUMNS = ("question", "sentence")


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_checkpoint(tmp_path_factory.mktemp("weights"), labels=LABELS)


@pytest.fixture(scope="module")
def tokenizer(checkpoint: Path) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(checkpoint)


def rows_of(encoded: Any) -> list[list[int]]:
    return [list(encoded.ids[a:b]) for a, b in pairwise(encoded.offsets)]


@pytest.mark.parametrize("length", [8, 11, 64])
@pytest.mark.parametrize("columns", [("sentence",), COLUMNS])
def test_encoding_is_the_tokenizer_s_own(
    tokenizer: Any, columns: tuple[str, ...], length: int
) -> None:
    rows = colour_rows(30)
    encoded = Encoder(tokenizer, Texts(columns), length).encode(rows)
    texts = [list(rows[column]) for column in columns]
    expected = tokenizer(*texts, truncation="longest_first", max_length=length)
    assert rows_of(encoded) == expected["input_ids"]
    assert encoded.types is not None
    assert list(encoded.types) == list(chain.from_iterable(expected["token_type_ids"]))
    assert encoded.lengths.max() <= length


def test_a_tokenizer_in_python_gives_the_same(tokenizer: Any) -> None:
    class InPython:
        model_input_names = tokenizer.model_input_names
        backend_tokenizer = None

        def __call__(self, *texts: Any, **options: Any) -> Any:
            return tokenizer(*texts, **options)

    rows = colour_rows(30)
    slow: Any = InPython()
    quick = Encoder(tokenizer, Texts(COLUMNS), 12).encode(rows)
    plain = Encoder(slow, Texts(COLUMNS), 12).encode(rows)
    assert rows_of(quick) == rows_of(plain)
    assert quick.types is not None
    assert plain.types is not None
    assert np.array_equal(quick.types, plain.types)


def test_question_and_sentence_are_both_seen_and_told_apart(tokenizer: Any) -> None:
    encoder = Encoder(tokenizer, Texts(COLUMNS), 64)
    one = encoder.encode(Table({"question": ["is it red ?"], "sentence": ["it is blue ."]}))
    other = encoder.encode(Table({"question": ["is it grey ?"], "sentence": ["it is blue ."]}))
    swapped = encoder.encode(Table({"question": ["it is blue ."], "sentence": ["is it red ?"]}))
    assert len({str(rows_of(encoded)) for encoded in (one, other, swapped)}) == 3
    assert one.types is not None
    separators = int((one.ids == tokenizer.sep_token_id).sum())
    assert (separators, set(one.types.tolist())) == (2, {0, 1})


def test_nothing_to_encode(tokenizer: Any) -> None:
    encoded = Encoder(tokenizer, Texts(COLUMNS), 64).encode(Table({"question": [], "sentence": []}))
    assert len(encoded) == 0


def test_a_tokenizer_without_padding_is_refused(tokenizer: Any) -> None:
    class Bare:
        pad_token_id = None
        name_or_path = "gpt"

    bare: Any = Bare()
    with pytest.raises(ModelError, match="no padding token"):
        padding_id(bare)
    assert padding_id(tokenizer) == tokenizer.pad_token_id


@pytest.mark.parametrize("buckets", [True, False])
def test_an_epoch_has_every_row_once_in_steps_of_the_batch_size(buckets: bool) -> None:
    lengths = np.random.default_rng(0).integers(5, 120, 5000)
    plan = plan_epoch(lengths, 16, (7, 0), buckets=buckets)
    assert sorted(np.concatenate(plan)) == list(range(5000))
    assert Counter(len(rows) for rows in plan) == {16: 312, 8: 1}
    again = plan_epoch(lengths, 16, (7, 0), buckets=buckets)
    assert all(np.array_equal(a, b) for a, b in zip(plan, again, strict=True))
    next_epoch = plan_epoch(lengths, 16, (7, 1), buckets=buckets)
    assert not all(np.array_equal(a, b) for a, b in zip(plan, next_epoch, strict=True))


def test_buckets_save_most_of_the_padding_and_keep_the_order_random() -> None:
    lengths = np.random.default_rng(0).integers(5, 120, 5000)
    padding = Padding(0)

    def padded(buckets: bool) -> tuple[int, list[int]]:
        plan = plan_epoch(lengths, 16, (7, 0), buckets=buckets)
        widths = [padding.width(int(lengths[rows].max())) for rows in plan]
        return sum(w * len(rows) for w, rows in zip(widths, plan, strict=True)), widths

    bucketed, widths = padded(buckets=True)
    assert bucketed < 1.15 * lengths.sum() < 0.75 * padded(buckets=False)[0]
    assert all(width % 8 == 0 for width in widths)
    assert abs(np.corrcoef(widths[:-1], widths[1:])[0, 1]) < 0.2


@pytest.mark.parametrize("left", [False, True])
def test_collating_pads_and_masks(tokenizer: Any, left: bool) -> None:
    encoded = Encoder(tokenizer, Texts(COLUMNS), 64).encode(colour_rows(20))
    rows = np.array([3, 17, 4])
    padding = Padding(tokenizer.pad_token_id, left=left, longest=64)
    inputs = collate(encoded, rows, padding)
    expected = rows_of(encoded)
    width = inputs["input_ids"].shape[1]
    assert width % 8 == 0
    assert width - max(len(expected[row]) for row in rows) < 8
    for place, row in enumerate(rows):
        mask = inputs["attention_mask"][place].bool()
        assert inputs["input_ids"][place][mask].tolist() == expected[row]
        assert (inputs["input_ids"][place][~mask] == tokenizer.pad_token_id).all()
        assert bool(mask[-1 if left else 0])


def test_no_batch_is_wider_than_the_model() -> None:
    assert Padding(0, longest=60).width(58) == 60
    assert Padding(0, longest=60).width(50) == 56


def test_prediction_batches_keep_to_the_token_budget() -> None:
    lengths = np.random.default_rng(0).integers(5, 120, 1000)
    padding = Padding(0)
    plan = plan_prediction(lengths, padding, 1024)
    assert sorted(np.concatenate(plan)) == list(range(1000))
    sizes = [padding.width(int(lengths[rows].max())) * len(rows) for rows in plan]
    assert max(sizes) <= 1024
    assert np.mean(sizes) > 900


def test_prediction_gives_each_row_the_score_it_has_alone(checkpoint: Path) -> None:
    model = FinetunedEncoder(
        model_context(colour_task(), evaluation_tokens=512), Checkpoint(name=str(checkpoint))
    )
    model.load(checkpoint)
    rows = colour_rows(60)
    together = model.predict(rows)
    assert together.shape == (60, 2)
    assert together.dtype == np.float32
    for row in (0, 13, 59):
        alone = model.predict(Table({name: [rows[name][row]] for name in COLUMNS}))
        assert np.allclose(alone[0], together[row], atol=1e-6)
    asked = Table({"question": ["is the sky warm ?"] * 60, "sentence": rows["sentence"]})
    assert not np.allclose(model.predict(asked), together)


def test_an_empty_split_and_an_untrained_model(checkpoint: Path) -> None:
    model = FinetunedEncoder(model_context(colour_task()), Checkpoint(name=str(checkpoint)))
    empty = Table({"question": [], "sentence": []})
    with pytest.raises(ModelError, match="not trained"):
        model.predict(empty)
    model.load(checkpoint)
    assert model.predict(empty).shape == (0, 2)


def test_making_ahead_keeps_order_and_hands_errors_on() -> None:
    assert list(made_ahead(range(20), 3)) == list(range(20))

    def breaks() -> Iterator[int]:
        yield 1
        raise ValueError("broken")

    items = made_ahead(breaks(), 2)
    assert next(items) == 1
    with pytest.raises(ValueError, match="broken"):
        next(items)


def test_a_saved_tokenizer_does_not_tell_what_was_encoded(checkpoint: Path, tmp_path: Path) -> None:
    saved = []
    for name in ("asked", "not asked"):
        classifier = loading.load_saved(checkpoint, colour_task(), FinetuneSettings())
        if name == "asked":
            Encoder(classifier.tokenizer, Texts(COLUMNS), 8).encode(colour_rows(3))
        (tmp_path / name).mkdir()
        saving.save(classifier, tmp_path / name)
        saved.append((tmp_path / name / "tokenizer.json").read_bytes())
    assert saved[0] == saved[1]
