"""Schedules and optimizers against those of transformers and PyTorch, and where training ends."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from transformers.optimization import Adafactor

from glueharness import PEARSON, ConfigError, Interrupted
from glueharness_finetune import Checkpoint, FinetuneSettings
from glueharness_finetune.cpu.skipped_steps import can_be_skipped
from glueharness_finetune.encoder_model import EncoderModel
from glueharness_finetune.learning_settings import SCHEDULES
from glueharness_finetune.model import FinetunedEncoder
from glueharness_finetune.training.loss import make_loss
from glueharness_finetune.training.schedule import learning_rates
from tests.finetune_reference import Reference
from tests.finetune_tools import (
    LABELS,
    Listener,
    colour_rows,
    colour_task,
    fit_until,
    listen,
    model_context,
    weights_of,
    write_checkpoint,
)

if TYPE_CHECKING:
    from pathlib import Path


STEPS = 100


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_checkpoint(tmp_path_factory.mktemp("weights"), labels=LABELS)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def fit(
    folder: Path, checkpoint: Path, *, rows: int = 160, stop: int = 0, **settings: Any
) -> tuple[FinetunedEncoder, Listener]:
    return fit_until(folder, checkpoint, settings, rows=rows, stop=stop)


def rates_of(context: Listener) -> list[float]:
    return [report.values["learning_rate"] for report in context.reports if report.phase == "train"]


def worst_move(ours: dict[str, torch.Tensor], theirs: Any, checkpoint: Path) -> float:
    """How far weights are from the reference's, by the length of the way that they went."""
    from safetensors.torch import load_file

    before, worst = load_file(checkpoint / "model.safetensors"), 0.0
    theirs.requires_grad_(False)
    assert float((theirs.classifier.weight - before["classifier.weight"]).norm()) > 0.01
    for name, parameter in theirs.named_parameters():
        if name.endswith("key.bias"):
            continue  # its gradient is zero but for rounding, and AdamW makes steps of that
        way = max(float((parameter - before[name]).norm()), 1e-3)
        worst = max(worst, float((ours[name] - parameter).norm()) / way)
    return worst


@pytest.mark.parametrize("warmup", [0, 13, None])
@pytest.mark.parametrize("name", SCHEDULES)
def test_every_schedule_is_that_of_transformers(name: str, warmup: int | None) -> None:
    from transformers import get_scheduler

    settings = FinetuneSettings(
        lr_scheduler_type=name, warmup_steps=warmup, epochs=STEPS // 4, batch_size=8,
        learning_rate=2e-3,
    )  # fmt: skip
    optimiser = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=2e-3)
    steps = math.ceil(STEPS * settings.warmup_ratio) if warmup is None else warmup
    schedule: Any = get_scheduler(name, optimiser, num_warmup_steps=steps, num_training_steps=STEPS)
    expected = []
    for _ in range(STEPS):
        expected.append(schedule.get_last_lr()[0])
        optimiser.step()
        schedule.step()
    assert learning_rates(settings, 32) == expected


def adamw(settings: FinetuneSettings, groups: Any) -> torch.optim.Optimizer:
    return torch.optim.AdamW(groups, betas=settings.betas, eps=settings.adam_epsilon, foreach=False)


def adafactor(_: FinetuneSettings, groups: Any) -> Any:
    make: Any = Adafactor  # it has no types
    return make(groups, scale_parameter=False, relative_step=False, lr=1e-3)


def sgd(settings: FinetuneSettings, groups: Any) -> torch.optim.Optimizer:
    return torch.optim.SGD(groups, lr=settings.learning_rate)


def cross_entropy(settings: FinetuneSettings, labels: Any) -> torch.nn.CrossEntropyLoss:
    """PyTorch's own, with weights that are worked out by hand."""
    weights = None
    if settings.class_weights == "balanced":
        counts = [list(labels).count(label) for label in LABELS]
        weights = torch.tensor([len(labels) / (len(LABELS) * count) for count in counts])
    elif settings.class_weights is not None:
        weights = torch.tensor([3.0, 0.5])
    return torch.nn.CrossEntropyLoss(weight=weights, label_smoothing=settings.label_smoothing)


def _slow(*values: Any) -> Any:
    return pytest.param(*values, marks=pytest.mark.slow)


@pytest.mark.parametrize(
    ("make", "settings"),
    [
        (adamw, {"lr_scheduler_type": "cosine", "warmup_steps": 7}),
        pytest.param(
            adamw,
            {"adam_beta1": 0.8, "adam_beta2": 0.98, "adam_epsilon": 1e-6},
            marks=pytest.mark.slow,
        ),
        _slow(adamw, {"adam_beta1": 0.95, "adam_beta2": 0.99, "gradient_accumulation_steps": 4}),
        pytest.param(
            adamw, {"adam_epsilon": 1e-3, "layerwise_lr_decay": 0.8}, marks=pytest.mark.slow
        ),
        pytest.param(
            adafactor,
            {"optim": "adafactor", "lr_scheduler_type": "constant_with_warmup"},
            marks=pytest.mark.slow,
        ),
        pytest.param(
            adafactor,
            {"optim": "adafactor", "layerwise_lr_decay": 0.8, "max_grad_norm": 0.0},
            marks=pytest.mark.slow,
        ),
        (adafactor, {"optim": "adafactor", "gradient_accumulation_steps": 4}),
        pytest.param(
            sgd,
            {"optim": "sgd", "learning_rate": 0.5, "weight_decay": 0.02},
            marks=pytest.mark.slow,
        ),
        (sgd, {"optim": "sgd", "learning_rate": 0.5, "gradient_accumulation_steps": 2}),
        _slow(adamw, {"label_smoothing": 0.1, "gradient_accumulation_steps": 2}),
        _slow(adamw, {"class_weights": "entailment=3,not_entailment=0.5"}),
        (
            adamw,
            {
                "class_weights": "balanced",
                "label_smoothing": 0.2,
                "gradient_accumulation_steps": 4,
            },
        ),
    ],
)
def test_a_hundred_steps_end_at_the_weights_of_the_reference(
    tmp_path: Path, checkpoint: Path, make: Any, settings: dict[str, Any]
) -> None:
    """Schedules, betas and epsilon with our AdamW; Adafactor and SGD; all with accumulation."""
    parts = settings.get("gradient_accumulation_steps", 1)
    given = {"dropout": 0.0, "batch_size": 16 // parts, "weight_decay": 0.05, **settings}
    given |= {"keep_best": False}
    model, context = fit(tmp_path, checkpoint, max_steps=STEPS, **given)
    chosen: Any = model_context(colour_task(), max_steps=STEPS, **given).settings
    train = colour_rows(160, 1)
    reference = Reference(
        checkpoint, train, chosen, seed=1, optimiser=lambda each: make(chosen, each),
        loss=cross_entropy(chosen, train["label"]),
    )  # fmt: skip
    warmup = chosen.warmup_steps if chosen.warmup_steps is not None else STEPS // 10
    theirs = reference.run(STEPS, warmup)
    assert rates_of(context) == pytest.approx(reference.rates, rel=1e-12)
    assert len(reference.losses) == STEPS
    assert worst_move(weights_of(model), theirs, checkpoint) < 5e-3


@pytest.mark.parametrize(
    ("betas", "epsilon", "able"),
    [
        ((0.9, 0.999), 1e-8, True),
        ((0.9, 0.98), 1e-6, True),
        ((0.0, 0.5), 1e-6, True),
        ((0.9, 0.95), 1e-8, False),
        ((0.99, 0.999), 1e-8, False),
        ((0.9, 0.999), 1e-5, False),
    ],
)
def test_word_vectors_wait_only_where_many_steps_in_one_are_exact(
    tmp_path: Path,
    checkpoint: Path,
    betas: tuple[float, float],
    epsilon: float,
    able: bool,
) -> None:
    assert can_be_skipped(betas, epsilon) is able
    settings: dict[str, Any] = {
        "adam_beta1": betas[0],
        "adam_beta2": betas[1],
        "adam_epsilon": epsilon,
    }
    _, context = fit(tmp_path, checkpoint, max_steps=1, **settings)
    assert context.notes["engine"]["lazy_embedding"] is able


@pytest.mark.parametrize(("steps", "epochs"), [(3, 1), (10, 1), (11, 2), (25, 3)])
def test_max_steps_ends_within_an_epoch_and_scores_there(
    tmp_path: Path, checkpoint: Path, steps: int, epochs: int
) -> None:
    _, context = fit(tmp_path, checkpoint, batch_size=16, max_steps=steps, epochs=7)
    reports = [report for report in context.reports if report.phase == "train"]
    assert [report.done for report in reports] == list(range(1, steps + 1))
    assert {report.total for report in reports} == {steps}
    assert [number for number, _, _ in context.epochs] == list(range(1, epochs + 1))


@pytest.mark.parametrize("stop", [3, pytest.param(10, marks=pytest.mark.slow), 13])
@pytest.mark.parametrize(
    "settings",
    [
        {"early_stopping_patience": 1, "epochs": 5, "gradient_accumulation_steps": 2,
         "batch_size": 8, "learning_rate": 1e-6, "label_smoothing": 0.1,
         "class_weights": "balanced"},
        {"optim": "adafactor", "max_steps": 14},
        {"optim": "sgd", "max_steps": 14, "gradient_accumulation_steps": 2, "batch_size": 8},
        {"adam_beta1": 0.95, "adam_beta2": 0.96, "max_steps": 14, "lr_scheduler_type": "cosine"},
    ],
)  # fmt: skip
def test_a_run_that_was_stopped_goes_on_to_the_same_bits(
    tmp_path: Path, checkpoint: Path, settings: dict[str, Any], stop: int
) -> None:
    given = {"batch_size": 16, "dropout": 0.1, **settings}
    whole, undisturbed = fit(tmp_path / "whole", checkpoint, **given)
    with pytest.raises(Interrupted):
        fit(tmp_path / "stopped", checkpoint, stop=stop, **given)
    resumed, second = fit(tmp_path / "stopped", checkpoint, **given)
    assert second.epochs == undisturbed.epochs
    theirs = weights_of(whole)
    for name, values in weights_of(resumed).items():
        assert torch.equal(values, theirs[name]), name


def test_a_warm_up_without_an_end_is_told(tmp_path: Path, checkpoint: Path) -> None:
    _, context = fit(tmp_path, checkpoint, max_steps=5, warmup_steps=9)
    assert np.isclose(rates_of(context)[-1], 3e-3 * 4 / 9)
    assert any("The warm-up takes all of the 5 steps" in text for text in context.warnings)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"early_stopping_patience": 2, "keep_best": False}, "it needs --keep-best"),
        ({"lr_scheduler_type": "polynomial", "learning_rate": 1e-8}, "must begin above it"),
    ],
)
def test_settings_that_contradict_each_other(values: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        FinetuneSettings(**values)


@pytest.mark.parametrize("patience", [1, 2])
def test_training_ends_when_no_epoch_was_better_for_so_long(
    tmp_path: Path, checkpoint: Path, patience: int
) -> None:
    """So does one that is resumed after its last epoch."""
    task, dev = colour_task(), {"dev": colour_rows(40, 2)}
    primaries = [0.5, 0.7, 0.7, 0.6, 0.9, 0.8]
    given = {"epochs": 6, "early_stopping_patience": patience, "batch_size": 32}

    def told(folder: Path, *, resume: bool) -> tuple[Listener, FinetunedEncoder]:
        context = listen(folder, task, dev, resume=resume)

        def score(predictions: Any, plain: Any = context.score) -> Any:
            evaluation = plain(predictions)
            return type(evaluation)(
                metrics=evaluation.metrics, primary=primaries[len(context.epochs)]
            )

        context.score = score  # type: ignore[method-assign] # the epochs' scores are given
        model = FinetunedEncoder(model_context(task, **given), Checkpoint(name=str(checkpoint)))
        model.fit(colour_rows(160, 1), dev, context)
        return context, model

    first, model = told(tmp_path, resume=False)
    assert [evaluation.primary for _, evaluation, _ in first.epochs] == primaries[: 2 + patience]
    again, other = told(tmp_path, resume=True)
    assert again.epochs == first.epochs
    assert not any(report.phase == "train" for report in again.reports)
    assert np.array_equal(other.predict(dev["dev"]), model.predict(dev["dev"]))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"class_weights": "entailment=1"}, "must give each label of colours a weight above 0"),
        ({"class_weights": "entailment=1,not_entailment=0"}, "entailment=1,not_entailment=1"),
        ({"class_weights": "entailment=1,not_entailment=x"}, "a weight above 0"),
        ({"class_weights": "entailment=1e300,not_entailment=1"}, "between 1e-30 and 1e+30"),
        ({"class_weights": "entailment=1,not_entailment=1e-40"}, "between 1e-30 and 1e+30"),
        ({"class_weights": "entailment=1,other=2,not_entailment=1"}, "a weight above 0"),
    ],
)
def test_weights_for_other_labels_are_refused(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        EncoderModel(model_context(colour_task(), **settings), Checkpoint(name="x"))
    assert said in str(caught.value)


@pytest.mark.parametrize("settings", [{"class_weights": "balanced"}, {"label_smoothing": 0.1}])
def test_what_is_about_labels_is_refused_for_scores(settings: dict[str, Any]) -> None:
    task = colour_task(labels=(), score_range=(0.0, 5.0), metrics=(PEARSON,))
    with pytest.raises(ConfigError, match="is about labels, and colours has scores"):
        EncoderModel(model_context(task, **settings), Checkpoint(name="x"))


def test_a_label_without_rows_does_not_count() -> None:
    task = colour_task(labels=("a", "b", "c"))
    settings = FinetuneSettings(class_weights="balanced")
    loss = make_loss(settings, task, torch.tensor([0, 0, 0, 2]))
    assert loss.weights is not None
    assert loss.weights.tolist() == pytest.approx([4 / 6, 0.0, 2.0])
    assert loss.weight_of(torch.tensor([0, 2])) == pytest.approx(4 / 6 + 2)
