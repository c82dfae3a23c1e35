"""Labels travel by name: between checkpoint, task, saved model and pipeline."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from glueharness import ModelError
from glueharness_finetune import Checkpoint
from glueharness_finetune.model import FinetunedEncoder
from glueharness_finetune.pretrained.head import plan_head
from glueharness_finetune.pretrained.load import load_pretrained
from tests.finetune_tools import (
    LABELS,
    colour_rows,
    colour_task,
    listen,
    model_context,
    write_checkpoint,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.mark.parametrize(
    ("names", "keep", "order", "warned"),
    [
        (("entailment", "not_entailment"), True, None, False),
        (("not_entailment", "entailment"), True, (1, 0), False),
        (("Not-Entailment", "ENTAILMENT"), True, (1, 0), False),
        (("LABEL_0", "LABEL_1"), True, None, False),
        (("LABEL_0", "LABEL_1", "LABEL_2"), False, None, False),
        (("entailment", "neutral"), False, None, True),
        (("entailment", "neutral", "contradiction"), False, None, True),
        (("good", "bad"), False, None, False),
    ],
)
def test_heads_are_matched_by_name(
    names: tuple[str, ...], keep: bool, order: tuple[int, ...] | None, warned: bool
) -> None:
    plan = plan_head(dict(enumerate(names)), colour_task())
    assert (plan.keep, plan.order, bool(plan.warning)) == (keep, order, warned)
    assert plan.reason


def scores_of(folder: Path, labels: tuple[str, ...]) -> Any:
    """Each label's score from a checkpoint loaded for the task, by name."""
    task = colour_task(labels=labels)
    loaded = load_pretrained(folder, task, model_context(task).settings)
    texts = colour_rows(6)
    inputs = loaded.tokenizer(
        list(texts["question"]), list(texts["sentence"]), padding=True, return_tensors="pt"
    )
    loaded.model.train(mode=False)
    logits = loaded.model(**inputs).logits.detach().numpy()
    return {label: logits[:, number] for number, label in enumerate(labels)}, loaded


def test_a_checkpoint_with_another_order_is_mapped(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path, labels=LABELS)
    same, kept = scores_of(folder, LABELS)
    mapped, moved = scores_of(folder, LABELS[::-1])
    for label in LABELS:
        assert np.allclose(same[label], mapped[label], atol=1e-6)
    assert not np.allclose(same[LABELS[0]], same[LABELS[1]])
    assert "head_order" not in kept.facts
    assert moved.facts["head_order"] == {"not_entailment": 1, "entailment": 0}
    assert moved.model.config.id2label == {0: "not_entailment", 1: "entailment"}


def test_a_head_for_other_labels_is_fresh(tmp_path: Path) -> None:
    _, loaded = scores_of(write_checkpoint(tmp_path, labels=("entailment", "neutral")), LABELS)
    assert loaded.facts["head"].startswith("fresh: the checkpoint names other labels")
    assert "only in part" in loaded.warnings[0]


def test_an_encoder_without_a_head_gets_one(tmp_path: Path) -> None:
    _, loaded = scores_of(write_checkpoint(tmp_path), LABELS)
    assert loaded.facts["head"] == "fresh: the checkpoint has none for the task"
    assert loaded.warnings == []


def test_a_head_with_another_number_of_outputs_is_fresh(tmp_path: Path) -> None:
    _, loaded = scores_of(write_checkpoint(tmp_path, labels=("a", "b", "c")), LABELS)
    assert loaded.facts["head"].startswith("fresh")
    assert loaded.model.config.num_labels == 2


def test_a_saved_model_is_a_plain_checkpoint_that_speaks_label_names(tmp_path: Path) -> None:
    from transformers import pipeline

    task, dev = colour_task(), {"dev": colour_rows(80, 2)}
    checkpoint = Checkpoint(name=str(write_checkpoint(tmp_path / "weights")))
    model = FinetunedEncoder(model_context(task, epochs=8, batch_size=16), checkpoint)
    context = listen(tmp_path / "run", task, dev)
    model.fit(colour_rows(400, 1), dev, context)
    assert context.epochs[-1][1].primary > 0.8
    folder = tmp_path / "model"
    folder.mkdir()
    model.save(folder)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    assert config["id2label"] == {"0": "entailment", "1": "not_entailment"}
    assert "glueharness" not in json.dumps(config)
    assert not list(folder.glob("*.bin"))

    scores = model.predict(dev["dev"])
    again = FinetunedEncoder(model_context(task), checkpoint)
    again.load(folder)
    assert np.array_equal(again.predict(dev["dev"]), scores)

    texts = [
        {"text": question, "text_pair": sentence}
        for question, sentence in zip(dev["dev"]["question"], dev["dev"]["sentence"], strict=True)
    ]
    classify: Any = pipeline("text-classification", model=str(folder))
    expected = [LABELS[number] for number in scores.argmax(axis=1)]
    assert [answer["label"] for answer in classify(texts)] == expected
    assert set(expected) == set(LABELS)

    with pytest.raises(ModelError, match="the model's labels are entailment, not_entailment"):
        FinetunedEncoder(model_context(colour_task(labels=LABELS[::-1])), checkpoint).load(folder)


def pooler_of(folder: Path, **settings: Any) -> tuple[torch.Tensor, dict[str, Any]]:
    """The pooler's weight as a run would begin with it, and what the record says."""
    task = colour_task()
    loaded = load_pretrained(folder, task, model_context(task, **settings).settings)
    pooler: Any = loaded.model.base_model.pooler
    return pooler.dense.weight.detach(), loaded.facts


def change_weights(folder: Path, change: Callable[[dict[str, torch.Tensor]], None]) -> None:
    weights = load_file(folder / "model.safetensors")
    change(weights)
    save_file(weights, folder / "model.safetensors", {"format": "pt"})


def test_a_pooler_that_was_never_trained_begins_as_the_identity(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path)
    weight, facts = pooler_of(folder)
    assert torch.equal(weight, torch.eye(32))
    assert "never trained" in facts["pooler"]
    own, told = pooler_of(folder, identity_pooler=False)
    assert torch.equal(own, load_file(folder / "model.safetensors")["pooler.dense.weight"])
    assert "pooler" not in told


def test_a_pooler_that_the_checkpoint_lacks_begins_as_the_identity(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path)

    def drop(weights: dict[str, torch.Tensor]) -> None:
        del weights["pooler.dense.weight"], weights["pooler.dense.bias"]

    change_weights(folder, drop)
    weight, _ = pooler_of(folder)
    assert torch.equal(weight, torch.eye(32))


def test_a_pooler_that_was_trained_stays(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path)
    change_weights(folder, lambda weights: weights["pooler.dense.bias"].__setitem__(3, 1e-3))
    weight, facts = pooler_of(folder)
    assert torch.equal(weight, load_file(folder / "model.safetensors")["pooler.dense.weight"])
    assert "pooler" not in facts


def test_a_pooler_stays_with_its_head(tmp_path: Path) -> None:
    weight, facts = pooler_of(write_checkpoint(tmp_path, labels=LABELS))
    assert not torch.equal(weight, torch.eye(32))
    assert "pooler" not in facts
