"""What saves memory: 16 bits with a scaled loss, layers that are computed again, long inputs."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from glueharness import Interrupted, ModelError, Table
from glueharness_finetune import FinetuneSettings
from glueharness_finetune.training.adamw import AdamW
from glueharness_finetune.training.loss_scale import LossScale
from tests.finetune_tools import (
    LABELS,
    Listener,
    colour_rows,
    fit_until,
    weights_of,
    write_checkpoint,
)

if TYPE_CHECKING:
    from pathlib import Path

    from glueharness_finetune.model import FinetunedEncoder


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_checkpoint(tmp_path_factory.mktemp("weights"), labels=LABELS)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def fit(
    folder: Path, checkpoint: Path, *, stop: int = 0, **settings: Any
) -> tuple[FinetunedEncoder, Listener]:
    given = {"batch_size": 16, "keep_best": False, **settings}
    return fit_until(folder, checkpoint, given, stop=stop)


def losses_of(context: Listener) -> list[float]:
    return [values["loss"] for _, _, values in context.epochs]


@dataclass
class Pair:
    """The same small model twice: for our optimizer and for PyTorch's."""

    ours: torch.nn.Module
    theirs: torch.nn.Module


def pair() -> Pair:
    made = []
    for _ in range(2):
        torch.manual_seed(1)
        layers = (torch.nn.Linear(8, 16), torch.nn.Tanh(), torch.nn.Linear(16, 2))
        made.append(torch.nn.Sequential(*layers))
    return Pair(*made)


def test_the_loss_is_scaled_as_pytorch_does_and_overflowing_steps_are_left_out() -> None:
    """Both start with a scale of 65,536; two steps overflow, and change nothing."""
    models, steps = pair(), 60
    settings = FinetuneSettings(precision="fp16", weight_decay=0.0, max_grad_norm=1.0)
    rates = [1e-2 * (steps - step) / steps for step in range(steps)]
    optimiser = AdamW(models.ours, settings, rates)
    scale = LossScale(models.ours, optimiser, "cpu")
    theirs = torch.optim.AdamW(models.theirs.parameters(), weight_decay=0.0)
    scaler = torch.amp.GradScaler("cpu")
    generator = torch.Generator().manual_seed(2)
    for step in range(steps):
        inputs = torch.randn(4, 8, generator=generator)
        targets = torch.randint(2, (4,), generator=generator)
        found = []
        for model in (models.ours, models.theirs):
            with torch.autocast("cpu", torch.float16):
                logits = model(inputs)
            loss = torch.nn.functional.cross_entropy(logits.float(), targets)
            found.append(loss * (torch.inf if step in (3, 20) else 1.0))
        torch.autograd.backward(scale.scaled(found[0]))
        before = [p.detach().clone() for p in models.ours.parameters()]
        scale.step_with(step)
        if step in (3, 20):
            assert all(map(torch.equal, before, models.ours.parameters()))
        torch.autograd.backward(scaler.scale(found[1]))
        scaler.unscale_(theirs)
        torch.nn.utils.clip_grad_norm_(models.theirs.parameters(), 1.0)
        theirs.param_groups[0]["lr"] = rates[step]
        scaler.step(theirs)
        scaler.update()
        theirs.zero_grad()
    assert scale.facts == {"scale": 65536.0 / 4, "steps_left_out": 2}
    for a, b in zip(models.ours.parameters(), models.theirs.parameters(), strict=True):
        assert torch.allclose(a, b, atol=1e-6)


def test_fp16_learns_what_fp32_learns(tmp_path: Path, checkpoint: Path) -> None:
    given: dict[str, Any] = {"dropout": 0.0, "epochs": 4}
    half, told = fit(tmp_path / "half", checkpoint, precision="fp16", **given)
    single, reference = fit(tmp_path / "single", checkpoint, precision="fp32", **given)
    assert told.notes["precision"] == "fp16"
    assert told.notes["engine"]["lazy_embedding"] is False
    assert told.notes["loss_scale"]["scale"] >= 1024
    assert losses_of(told) == pytest.approx(losses_of(reference), abs=0.03)
    assert losses_of(told) != losses_of(reference)
    rows = colour_rows(50, 4)
    assert np.abs(half.predict(rows) - single.predict(rows)).max() < 0.3


@pytest.mark.parametrize("stop", [3, 13])
@pytest.mark.parametrize(
    "settings", [{"precision": "fp16"}, {"gradient_checkpointing": True}], ids=["fp16", "again"]
)
def test_a_run_that_was_stopped_goes_on_to_the_same_bits(
    tmp_path: Path, checkpoint: Path, settings: dict[str, Any], stop: int
) -> None:
    given = {"gradient_accumulation_steps": 2, "batch_size": 8, **settings}
    whole, undisturbed = fit(tmp_path / "whole", checkpoint, **given)
    with pytest.raises(Interrupted):
        fit(tmp_path / "stopped", checkpoint, stop=stop, **given)
    resumed, second = fit(tmp_path / "stopped", checkpoint, **given)
    assert second.epochs == undisturbed.epochs
    theirs = weights_of(whole)
    for name, values in weights_of(resumed).items():
        assert torch.equal(values, theirs[name]), name


@pytest.mark.parametrize("plain", [True, False])
def test_layers_that_are_computed_again_give_the_same(
    tmp_path: Path, checkpoint: Path, plain: bool
) -> None:
    """With dropout: the second time draws what the first one drew."""
    given: dict[str, Any] = {"dropout": 0.2, "epochs": 1, "plain_math": plain}
    counted: list[int] = []

    def count(*_: Any) -> None:
        counted.append(1)

    whole, _ = fit(tmp_path / "whole", checkpoint, **given)
    handle = torch.nn.modules.module.register_module_forward_hook(
        lambda module, *_: count() if type(module).__name__ == "BertLayer" else None
    )
    try:
        again, context = fit(tmp_path / "again", checkpoint, gradient_checkpointing=True, **given)
    finally:
        handle.remove()
    assert len(counted) > 2 * 2 * 10  # two layers, each twice in ten steps, and for the dev rows
    theirs = weights_of(whole)
    for name, values in weights_of(again).items():
        assert torch.allclose(values, theirs[name], atol=1e-6), name
    assert context.notes["engine"]["fused_layers"] is not plain


def test_a_model_that_cannot_compute_again_says_so(
    tmp_path: Path, checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from transformers import BertForSequenceClassification

    monkeypatch.setattr(BertForSequenceClassification, "supports_gradient_checkpointing", False)
    with pytest.raises(ModelError, match="BertForSequenceClassification cannot do that"):
        fit(tmp_path, checkpoint, gradient_checkpointing=True)


def test_inputs_may_be_as_long_as_the_model_takes(tmp_path: Path) -> None:
    checkpoint = write_checkpoint(tmp_path / "weights", labels=LABELS, max_position_embeddings=1500)
    told = checkpoint / "tokenizer_config.json"
    text = json.loads(told.read_text(encoding="utf-8"))
    told.write_text(json.dumps({**text, "model_max_length": 1500}), encoding="utf-8")
    long = Table({"question": ["is the sky warm ?"], "sentence": ["it is very red . " * 400]})
    found = {}
    for wanted in (600, 1500, 4000):
        model, context = fit(
            tmp_path / str(wanted), checkpoint, max_length=wanted, max_steps=1, batch_size=4,
        )  # fmt: skip
        assert context.notes["max_length"] == min(wanted, 1500)
        found[wanted] = model.predict(long)
    assert not np.array_equal(found[600], found[1500])
    assert np.array_equal(found[1500], found[4000])
