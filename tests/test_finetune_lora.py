"""LoRA: the steps of peft itself, and what is saved of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from glueharness import ConfigError, Interrupted, ModelError
from glueharness_finetune import Checkpoint
from glueharness_finetune.encoder_model import EncoderModel
from glueharness_finetune.model import FinetunedEncoder
from glueharness_finetune.training import lora
from tests.finetune_reference import Reference
from tests.finetune_tools import (
    LABELS,
    Listener,
    colour_rows,
    colour_task,
    fit_until,
    model_context,
    write_checkpoint,
)

if TYPE_CHECKING:
    from pathlib import Path


peft = pytest.importorskip("peft", reason="needs glueharness[lora]")
GIVEN: dict[str, Any] = {"lora_rank": 4, "batch_size": 16, "keep_best": False}


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_checkpoint(tmp_path_factory.mktemp("weights"), labels=LABELS)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def fit(
    folder: Path, checkpoint: Path, *, stop: int = 0, **settings: Any
) -> tuple[FinetunedEncoder, Listener]:
    return fit_until(folder, checkpoint, {**GIVEN, **settings}, stop=stop)


def saved(model: FinetunedEncoder, folder: Path) -> dict[str, torch.Tensor]:
    from safetensors.torch import load_file

    folder.mkdir()
    model.save(folder)
    return load_file(folder / "model.safetensors")


def test_the_steps_are_those_of_peft(tmp_path: Path, checkpoint: Path) -> None:
    steps = 40
    given = {"dropout": 0.0, "max_steps": steps, "layerwise_lr_decay": 1.0, **GIVEN}
    model, context = fit(tmp_path / "run", checkpoint, **given)
    settings: Any = model_context(colour_task(), **given).settings

    class PeftReference(Reference):
        def adapted(self, model: Any) -> Any:
            torch.manual_seed(1)  # A is drawn; the checkpoint leaves nothing else to chance
            config = peft.LoraConfig(
                task_type="SEQ_CLS", r=4, lora_alpha=16, target_modules=["query", "value"]
            )
            return peft.get_peft_model(model, config)

    reference = PeftReference(
        checkpoint, colour_rows(160, 1), settings, seed=1,
        optimiser=lambda groups: torch.optim.AdamW(groups, foreach=False),
    )  # fmt: skip
    theirs = reference.run(steps, steps // 10).merge_and_unload()
    ours = saved(model, tmp_path / "model")
    before = saved_weights(checkpoint)
    moved = 0
    for name, parameter in theirs.named_parameters():
        way = float((parameter.detach() - before[name]).norm())
        moved += way > 1e-4
        assert float((ours[name] - parameter.detach()).norm()) <= 5e-3 * way, name
    assert moved == 6  # query and value of two layers, weight and bias of the classifier
    assert context.notes["lora"]["modules"] == ["query", "value"]
    assert context.notes["lora"]["trainable_parameters"] == 4 * 4 * (32 + 32) + 2 * 33
    assert context.notes["engine"]["fused_layers"] is False


def saved_weights(folder: Path) -> dict[str, torch.Tensor]:
    from safetensors.torch import load_file

    return load_file(folder / "model.safetensors")


def test_it_is_saved_as_a_plain_checkpoint_and_as_an_adapter(
    tmp_path: Path, checkpoint: Path
) -> None:
    from transformers import AutoModelForSequenceClassification, AutoTokenizer, pipeline

    task, rows = colour_task(), colour_rows(30, 5)
    model, context = fit(tmp_path / "run", checkpoint, epochs=4, lora_modules="all-linear")
    scores = model.predict(rows)
    saved(model, tmp_path / "model")
    dev = context.dev["dev"]
    kept = model.predict(dev)
    again = FinetunedEncoder(model_context(task, **GIVEN), Checkpoint(name=str(checkpoint)))
    again.load(tmp_path / "model")
    assert np.abs(again.predict(rows) - scores).max() < 1e-5
    assert np.abs(again.predict(dev) - kept).max() < 1e-5
    # What the epochs were scored with is what is saved.
    assert context.score({"dev": again.predict(dev)}).metrics == context.epochs[-1][1].metrics
    pairs = [
        {"text": q, "text_pair": s} for q, s in zip(rows["question"], rows["sentence"], strict=True)
    ]
    answer: Any = pipeline("text-classification", model=str(tmp_path / "model"))
    found = [one["label"] for one in answer(pairs)]
    assert found == [LABELS[number] for number in scores.argmax(1)]
    base: Any = AutoModelForSequenceClassification.from_pretrained(checkpoint)
    adapted = peft.PeftModel.from_pretrained(base, tmp_path / "model" / "adapter").eval()
    tokenizer = AutoTokenizer.from_pretrained(checkpoint)
    inputs = tokenizer(
        [each["text"] for each in pairs], [each["text_pair"] for each in pairs],
        padding=True, return_tensors="pt",
    )  # fmt: skip
    with torch.no_grad():
        logits = adapted(**inputs).logits.numpy()
    assert np.abs(logits - scores).max() < 1e-4


@pytest.mark.parametrize(
    ("stop", "identity", "trained"), [(3, True, True), (13, True, False), (13, False, False)]
)
def test_a_run_that_was_stopped_goes_on_to_the_same_bits(
    tmp_path: Path, checkpoint: Path, stop: int, *, identity: bool, trained: bool
) -> None:
    """Of a bare encoder a pooler that was never trained learns whole, also after the pause."""
    given: dict[str, Any] = {
        "lora_dropout": 0.1, "gradient_accumulation_steps": 2, "batch_size": 8,
        "identity_pooler": identity,
    }  # fmt: skip
    checkpoint = checkpoint if trained else write_checkpoint(tmp_path / "bare")
    whole, undisturbed = fit(tmp_path / "whole", checkpoint, **given)
    with pytest.raises(Interrupted):
        fit(tmp_path / "stopped", checkpoint, stop=stop, **given)
    resumed, second = fit(tmp_path / "stopped", checkpoint, **given)
    assert second.epochs == undisturbed.epochs
    theirs = saved(whole, tmp_path / "a")
    for name, values in saved(resumed, tmp_path / "b").items():
        assert torch.equal(values, theirs[name]), name


def test_layers_that_are_not_there_are_named(tmp_path: Path, checkpoint: Path) -> None:
    with pytest.raises(ModelError, match="--lora-modules nowhere") as caught:
        fit(tmp_path, checkpoint, lora_modules="nowhere")
    assert "all-linear" in caught.value.remedy


@pytest.mark.parametrize(("rank", "fits"), [(32, True), (33, False), (4000, False)])
def test_a_rank_above_the_sides_of_the_weights_is_refused(
    tmp_path: Path, checkpoint: Path, rank: int, fits: bool
) -> None:
    if fits:
        fit(tmp_path, checkpoint, lora_rank=rank, max_steps=1)
        return
    with pytest.raises(ModelError, match=f"--lora-rank {rank}: the weights of .*query have only"):
        fit(tmp_path, checkpoint, lora_rank=rank)


def test_what_peft_warns_of_is_told_in_the_record_and_not_on_the_terminal(
    tmp_path: Path, checkpoint: Path, recwarn: pytest.WarningsRecorder
) -> None:
    _, context = fit(tmp_path, checkpoint, lora_modules="query,word_embeddings", max_steps=1)
    assert not [each for each in recwarn if "peft" in each.filename or "peft" in str(each.message)]
    assert not [each for each in recwarn if "is_gradient_checkpointing" in str(each.message)]
    assert all("\n" not in text for text in context.warnings)


def test_a_missing_library_is_told_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lora, "find_spec", lambda _: None)
    with pytest.raises(ConfigError) as caught:
        EncoderModel(model_context(colour_task(), lora_rank=8), Checkpoint(name="x"))
    assert "pip install 'glueharness[lora]'" in str(caught.value)
