"""Checkpoints that look whole, and would train as another model than the one that was meant."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import torch

from tests.finetune_tools import colour_rows, write_checkpoint
from tests.test_checkpoint_fit import assert_as_plain, edit, edit_weights, fit, refused
from tests.tiny_checkpoints import write_tiny

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_checkpoint(tmp_path / "weights")


def renamed(folder: Path, old: str, new: str) -> None:
    def change(weights: dict[str, torch.Tensor]) -> None:
        before = dict(weights)
        weights.clear()
        weights.update({name.replace(old, new): value for name, value in before.items()})

    edit_weights(folder, change)


def test_tables_of_relative_positions_that_this_transformers_does_not_use(folder: Path) -> None:
    name = "encoder.layer.0.attention.self.distance_embedding.weight"
    edit(folder, position_embedding_type="relative_key")
    edit_weights(folder, lambda weights: weights.update({name: torch.randn(127, 16)}))
    said = refused(folder)
    assert "1 weights inside of the checkpoint's layers would be left out" in said
    assert name in said


@pytest.mark.parametrize(
    "form",
    [
        "query.base_layer.weight",
        "query.parametrizations.weight.original0",
    ],
)
def test_weights_in_another_form(folder: Path, form: str) -> None:
    renamed(folder, "query.weight", form)
    assert f"layer.0.attention.self.{form}: BertForSequenceClassification" in refused(folder)


def test_adapters_beside_the_weights_of_a_layer(folder: Path) -> None:
    name = "encoder.layer.1.output.adapters.task.adapter_down.0.weight"
    edit_weights(folder, lambda weights: weights.update({name: torch.randn(4, 32)}))
    assert name in refused(folder)


def test_what_older_versions_stored_besides_is_no_harm(folder: Path) -> None:
    def add(weights: dict[str, torch.Tensor]) -> None:
        weights["embeddings.position_ids"] = torch.arange(64)[None]
        weights["encoder.layer.0.attention.self.rotary.inv_freq"] = torch.ones(4)
        weights["cls.predictions.transform.dense.weight"] = torch.ones(32, 32)

    edit_weights(folder, add)
    fit(folder)


def test_a_whole_model_with_an_adapter_beside_it(folder: Path) -> None:
    adapter = {"base_model_name_or_path": "bert-base-uncased", "peft_type": "LORA"}
    (folder / "adapter_config.json").write_text(json.dumps(adapter), encoding="utf-8")
    assert "a whole model and an adapter of PEFT" in refused(folder)


@pytest.mark.parametrize(
    "changes",
    [
        {"chunk_size_feed_forward": 7},
        {"attn_implementation": "flash_attention_2"},
    ],
)
def test_by_which_means_it_computes_is_not_the_checkpoint_s_business(
    folder: Path, tmp_path: Path, changes: dict[str, Any]
) -> None:
    edit(folder, **changes)
    model, _ = fit(folder)
    assert_as_plain(model, tmp_path)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"layer_norm_eps": float("nan")}, "layer_norm_eps is nan, and no number"),
        ({"initializer_range": float("inf")}, "initializer_range is inf, and no number"),
    ],
)
def test_a_value_that_cannot_be_meant_is_named(
    folder: Path, changes: dict[str, Any], said: str
) -> None:
    edit(folder, **changes)
    assert said in refused(folder)


def test_a_longest_input_that_is_no_number(folder: Path) -> None:
    edit(folder, "tokenizer_config.json", model_max_length=float("nan"))
    assert "model_max_length is nan" in refused(folder)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("tokenizer.json", '{"version": "1.0", "model'),
        ("tokenizer_config.json", "{"),
        ("tokenizer_config.json", "[1]"),
        ("special_tokens_map.json", "{'a'"),
    ],
)
def test_a_damaged_file_of_the_tokenizer_is_named(folder: Path, name: str, content: str) -> None:
    (folder / name).write_text(content, encoding="utf-8")
    assert "the file" in refused(folder, where=folder / name)


@pytest.mark.parametrize(
    ("architecture", "name"),
    [
        ("deberta-v2", "spm.model"),
        ("albert", "spiece.model"),
        ("xlm-roberta", "sentencepiece.bpe.model"),
    ],
)
def test_a_vocabulary_of_sentencepiece_alone(architecture: str, name: str, tmp_path: Path) -> None:
    """As the repositories of DeBERTa-v3 have it, which hold no tokenizer.json."""
    import sentencepiece

    folder = write_tiny(architecture, tmp_path / "weights")
    for path in folder.glob("*token*"):
        path.unlink()
    rows = colour_rows(200)
    train: Any = sentencepiece.SentencePieceTrainer.train
    with (folder / name).open("wb") as written:
        train(
            sentence_iterator=iter([*rows["question"], *rows["sentence"]]),
            model_writer=written,
            vocab_size=70,
            hard_vocab_limit=False,
            pad_id=0,
            unk_id=1,
            bos_id=2,
            eos_id=3,
            control_symbols=["[CLS]", "[SEP]"],
            minloglevel=2,
        )
    model, context = fit(folder)
    assert not any("unknown" in line for line in context.warnings)
    assert_as_plain(model, tmp_path)
