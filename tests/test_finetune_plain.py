"""Checkpoints read without transformers: the same tokens, the same weights, or not at all."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from glueharness import ModelError, Table
from glueharness_finetune.plain import NotPlain
from glueharness_finetune.plain.classifier import begin_pretrained, own_labels, read_config
from glueharness_finetune.plain.tokenizer import learn_tokenizer, read_tokenizer
from glueharness_finetune.pretrained.tokenizer import check_known
from glueharness_finetune.settings import FinetuneSettings
from glueharness_finetune.tokens.cache import TokenCache
from glueharness_finetune.tokens.tokenize import Encoder, Texts
from glueharness_finetune.tokens.vocabulary import learn_pieces
from tests.finetune_tools import LABELS, colour_rows, colour_task, write_checkpoint

if TYPE_CHECKING:
    from pathlib import Path

TEXTS = [
    "Is it RED?", "it is very very brown .", "Ünïcode, naïve café", "日本語 text", "a\tb\nc",
    "[CLS] in a text [SEP]", "x" * 300, "", "don't – “quotes” … €5", "\x00\ufffd\u200b zero",
]  # fmt: skip


class Arrays:
    """An engine as far as a checkpoint needs one: named arrays."""

    def __init__(self, shapes: dict[str, tuple[int, ...]]) -> None:
        self.weights: Any = {name: np.zeros(s, np.float32) for name, s in shapes.items()}

    def changed(self) -> None:
        pass


def engine_for(folder: Path) -> Any:
    """Arrays with the names and shapes of a classifier of two labels."""
    from transformers import AutoConfig, AutoModelForSequenceClassification

    config = AutoConfig.from_pretrained(folder)
    config.num_labels = 2
    from_config: Any = AutoModelForSequenceClassification.from_config
    model = from_config(config)
    return Arrays({name: tuple(p.shape) for name, p in model.named_parameters()})


def edit(path: Path, **changes: Any) -> None:
    content = json.loads(path.read_text(encoding="utf-8"))
    for name, value in changes.items():
        content.pop(name, None)
        if value is not None:
            content[name] = value
    path.write_text(json.dumps(content), encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_checkpoint(tmp_path / "encoder")


def same_tokens(ours: Any, theirs: Any) -> None:
    for backend in (ours.backend_tokenizer, theirs.backend_tokenizer):
        backend.no_padding()
        backend.no_truncation()
    pairs = list(zip(TEXTS, reversed(TEXTS), strict=True))
    for rows in (TEXTS, pairs):
        found = ours.backend_tokenizer.encode_batch(rows)
        wanted = theirs.backend_tokenizer.encode_batch(rows)
        assert [row.ids for row in found] == [row.ids for row in wanted]
        assert [row.type_ids for row in found] == [row.type_ids for row in wanted]
    for name in ("pad_token_id", "unk_token_id", "model_max_length", "padding_side"):
        assert getattr(ours, name) == getattr(theirs, name), name
    assert list(ours.model_input_names) == list(theirs.model_input_names)
    assert sorted(ours.all_special_ids) == sorted(theirs.all_special_ids)
    assert len(ours) == len(theirs)


def test_the_tokenizer_is_that_of_transformers(folder: Path, tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    ours = read_tokenizer(folder, "bert")
    same_tokens(ours, AutoTokenizer.from_pretrained(folder))
    (tmp_path / "saved").mkdir()
    shutil.copy(folder / "config.json", tmp_path / "saved")
    ours.save_pretrained(str(tmp_path / "saved"))
    same_tokens(ours, AutoTokenizer.from_pretrained(tmp_path / "saved"))


def test_a_learnt_tokenizer_is_that_of_transformers(tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    from glueharness_finetune.pretrained.tokenizer import learn_vocabulary

    rows = colour_rows(200)
    texts = [*rows["question"], *rows["sentence"], *TEXTS]
    ours = learn_tokenizer(texts, 200)
    same_tokens(ours, learn_vocabulary(texts, 200))
    (tmp_path / "config.json").write_text('{"model_type": "bert"}', encoding="utf-8")
    ours.save_pretrained(str(tmp_path))
    same_tokens(ours, AutoTokenizer.from_pretrained(tmp_path))
    same_tokens(read_tokenizer(tmp_path, "bert"), ours)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"do_lower_case": False}, "do_lower_case"),
        ({"strip_accents": False}, "strip_accents"),
        ({"padding_side": "left"}, "padding_side"),
        ({"truncation_side": "left"}, "truncation_side"),
        ({"tokenizer_class": "XLNetTokenizer"}, "XLNet"),
        ({"pad_token": "<pad>"}, "pad_token"),
        ({"model_max_length": "many"}, "model_max_length"),
        ({"model_max_length": float("inf")}, "model_max_length"),
        ({"model_max_length": float("nan")}, "model_max_length"),
        ({"model_max_length": 7.9}, "model_max_length"),
        ({"additional_special_tokens": ["<new>"]}, "additional_special_tokens"),
        ({"extra_special_tokens": {"image_token": "<new>"}}, "extra_special_tokens"),
        ({"added_tokens_decoder": {"500": {"content": "<new>"}}}, "adds the token '<new>'"),
        ({"bos_token": "<new>"}, "bos_token"),
        ({"split_special_tokens": True}, "split_special_tokens"),
    ],
)
def test_settings_that_contradict_the_tokenizer_are_left_to_transformers(
    folder: Path, changes: dict[str, Any], reason: str
) -> None:
    edit(folder / "tokenizer_config.json", **changes)
    with pytest.raises(NotPlain, match=reason):
        read_tokenizer(folder, "bert")


def test_other_tokenizers_are_left_to_transformers(folder: Path) -> None:
    with pytest.raises(NotPlain, match="roberta"):
        read_tokenizer(folder, "roberta")
    whole = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    for part, value in {
        "normalizer": {"type": "Lowercase"},
        "post_processor": None,
        "added_tokens": [{"content": "[NEW]", "id": 9, "special": True}],
        # transformers makes the parts anew by the settings, and goes by its own defaults.
        "model": {**whole["model"], "max_input_chars_per_word": 500},
    }.items():
        edited = json.dumps({**whole, part: value})
        (folder / "tokenizer.json").write_text(edited, encoding="utf-8")
        with pytest.raises(NotPlain):
            read_tokenizer(folder, "bert")
    (folder / "tokenizer.json").unlink()
    with pytest.raises(NotPlain, match=r"tokenizer\.json"):
        read_tokenizer(folder, "bert")


@pytest.mark.parametrize(
    ("part", "value", "setting"),
    [
        ("strip_accents", False, "strip_accents"),
        ("handle_chinese_chars", False, "tokenize_chinese_chars"),
        ("lowercase", False, "do_lower_case"),
        ("clean_text", False, "clean_text"),
    ],
)
def test_where_the_settings_are_silent_their_defaults_count(
    folder: Path, part: str, value: bool, setting: str
) -> None:
    edit(folder / "tokenizer_config.json", **{setting: None})
    read_tokenizer(folder, "bert")
    whole = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    whole["normalizer"][part] = value
    (folder / "tokenizer.json").write_text(json.dumps(whole), encoding="utf-8")
    with pytest.raises(NotPlain, match=setting):
        read_tokenizer(folder, "bert")


def test_special_tokens_of_every_file_are_bert_s(folder: Path) -> None:
    own = {"unk_token": "[UNK]", "cls_token": {"content": "[CLS]", "lstrip": False}}
    path = folder / "special_tokens_map.json"
    path.write_text(json.dumps(own), encoding="utf-8")
    read_tokenizer(folder, "bert")
    for more in ({"unk_token": "red"}, {"additional_special_tokens": ["<new>"]}):
        path.write_text(json.dumps({**own, **more}), encoding="utf-8")
        with pytest.raises(NotPlain, match="special_tokens_map"):
            read_tokenizer(folder, "bert")


@pytest.mark.parametrize(
    "change",
    [
        {"transformers_weights": "other.safetensors"},
        {"initializer_range": "x"},
        {"initializer_range": 0.0},
        {"initializer_range": float("nan")},
    ],
)
def test_configurations_that_transformers_alone_understands(
    folder: Path, change: dict[str, Any]
) -> None:
    read_config(folder)
    edit(folder / "config.json", **change)
    with pytest.raises(NotPlain):
        read_config(folder)


@pytest.mark.parametrize(
    "labels", [(), LABELS, tuple(reversed(LABELS)), ("LABEL_0", "LABEL_1"), ("yes", "no", "maybe")]
)
def test_weights_and_head_are_those_that_transformers_gives(
    tmp_path: Path, labels: tuple[str, ...]
) -> None:
    from glueharness_finetune.pretrained.load import load_pretrained

    folder = write_checkpoint(tmp_path / "encoder", labels=labels)
    engine = engine_for(folder)
    found = begin_pretrained(folder, colour_task(), engine, identity_pooler=True, seed=3)
    loaded = load_pretrained(folder, colour_task(), FinetuneSettings())
    assert found.facts == loaded.facts
    assert found.warnings == loaded.warnings
    fresh = found.facts["head"].startswith("fresh")
    for name, parameter in loaded.model.named_parameters():
        ours, theirs = engine.weights[name], parameter.detach().numpy()
        if fresh and name == "classifier.weight":
            assert ours.std() == pytest.approx(0.1, rel=0.5)
        else:
            assert np.array_equal(ours, theirs), name
    config: dict[str, Any] = loaded.model.config.to_dict()
    config["id2label"] = {str(number): name for number, name in config["id2label"].items()}
    for name in ("id2label", "label2id", "problem_type", "hidden_size", "num_hidden_layers"):
        assert found.config[name] == config[name], name


def test_texts_that_are_unknown_are_refused_in_the_same_words(folder: Path) -> None:
    from transformers import AutoTokenizer

    plain: Any = read_tokenizer(folder, "bert")
    usual = AutoTokenizer.from_pretrained(folder)
    rows = Table({"a": ["ЖЖ ЪЪ"]})
    said = []
    for tokenizer in (plain, usual):
        encoded = Encoder(tokenizer, Texts(("a",)), 32).encode(rows)
        with pytest.raises(ModelError, match=r"2 of the 2 tokens .* \(\[UNK\]\)") as caught:
            check_known(encoded, tokenizer, "here")
        said.append(str(caught.value))
    assert said[0] == said[1]


def spoil(folder: Path, change: Any) -> None:
    from safetensors.numpy import load_file, save_file

    stored = load_file(folder / "model.safetensors")
    change(stored)
    save_file(stored, folder / "model.safetensors")


def test_unusual_weights_are_left_to_transformers(folder: Path) -> None:
    engine = engine_for(folder)

    def begin() -> Any:
        return begin_pretrained(folder, colour_task(), engine, identity_pooler=True, seed=3)

    begin()
    shutil.copytree(folder, folder.with_name("kept"))
    words = next(name for name in engine.weights if "word_embeddings" in name)
    for change in (
        lambda stored: stored.pop(_stored(stored, words)),
        lambda stored: stored[_stored(stored, words)].__setitem__((1, 2), np.nan),
        lambda stored: stored.update({"encoder.layer.9.output.dense.bias": np.zeros(3, "f4")}),
        lambda stored: stored.update({_stored(stored, words): np.zeros((2, 2), "f4")}),
        lambda stored: stored.update({"x": np.zeros(1, "i8")}),
        lambda stored: stored[_stored(stored, words)].__setitem__((1, 2), 1.7e37),
        lambda stored: stored.update({name: 0 * values for name, values in stored.items()}),
    ):
        spoil(folder, change)
        with pytest.raises(NotPlain):
            begin()
        shutil.copy(folder.with_name("kept") / "model.safetensors", folder)
    (folder / "model.safetensors").write_bytes(b"12345678 no tensors")
    with pytest.raises(NotPlain):
        begin()
    (folder / "model.safetensors").unlink()
    with pytest.raises(NotPlain):
        begin()


def _stored(stored: dict[str, Any], name: str) -> str:
    return name if name in stored else name.removeprefix("bert.")


def test_unusual_configurations_are_left_to_transformers(folder: Path) -> None:
    assert own_labels({}) == {0: "LABEL_0", 1: "LABEL_1"}
    for wrong in ({"id2label": ["a"]}, {"id2label": {"x": "a"}}, {"num_labels": "3"}):
        with pytest.raises(NotPlain):
            own_labels(wrong)
    edit(folder / "config.json", auto_map={"AutoModel": "code.Model"})
    with pytest.raises(NotPlain, match="code"):
        read_config(folder)
    edit(folder / "config.json", auto_map=None, model_type=None)
    with pytest.raises(NotPlain, match="model type"):
        read_config(folder)


def test_a_vocabulary_is_learnt_once_for_the_same_texts(tmp_path: Path) -> None:
    texts = ["Ada wrote it.", "Who wrote it?", "na\u00efve\r\nwriters wrote \u2028 notes"] * 3
    cache = TokenCache(tmp_path)
    learnt = learn_pieces(texts, 60)
    assert learn_pieces(texts, 60, cache) == learnt
    (entry,) = tmp_path.glob("tokens/*")
    before = entry.read_bytes()
    assert list(learn_pieces(texts, 60, cache).items()) == list(learnt.items())
    assert entry.read_bytes() == before
    for others, size in ((texts[:-1], 60), (texts, 40), (["".join(texts)], 60)):
        assert learn_pieces(others, size, cache) == learn_pieces(others, size)
    entry.write_bytes(before[:-1] + b"?")  # damaged: learnt again, and kept whole
    assert learn_pieces(texts, 60, cache) == learnt
    assert entry.read_bytes() == before
