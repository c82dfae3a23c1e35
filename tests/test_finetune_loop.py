"""The training loop against one that is written to be obviously right, and what ends it early."""

from __future__ import annotations

import dataclasses
import math
import shutil
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

import glueharness_native
from glueharness import Interrupted, ModelError, Table
from glueharness_finetune import Checkpoint
from glueharness_finetune.encoder_model import EncoderModel
from glueharness_finetune.model import FinetunedEncoder
from glueharness_finetune.tokens.batches import plan_epoch
from glueharness_finetune.training.checkpoint import CheckpointFolder
from glueharness_finetune.training.parameter_groups import without_decay
from glueharness_finetune.training.schedule import learning_rates
from tests.finetune_tools import (
    LABELS,
    Listener,
    colour_rows,
    colour_task,
    listen,
    model_context,
    write_checkpoint,
)
from tests.native_tools import needs_library

if TYPE_CHECKING:
    from pathlib import Path

    from glueharness import Progress


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_checkpoint(tmp_path_factory.mktemp("weights"), labels=LABELS)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def fit(folder: Path, checkpoint: Path, rows: int = 160, **settings: Any) -> Listener:
    task, dev = colour_task(), {"dev": colour_rows(40, 2)}
    context = listen(folder, task, dev)
    model = FinetunedEncoder(model_context(task, **settings), Checkpoint(name=str(checkpoint)))
    model.fit(colour_rows(rows, 1), dev, context)
    return context


def step_losses(reports: list[Progress]) -> list[float]:
    """Each step's loss, from the running means that are reported; all steps have equal rows."""
    means: dict[float, list[float]] = {}
    for report in reports:
        if report.phase == "train":
            means.setdefault(report.values["epoch"], []).append(report.values["loss"])
    losses = []
    for epoch in means.values():
        sums = [0.0, *(mean * (number + 1) for number, mean in enumerate(epoch))]
        losses += [float(loss) for loss in np.diff(sums)]
    return losses


def reference_losses(checkpoint: Path, train: Table, settings: Any, seed: int) -> list[float]:
    """Fine-tuning as the textbook has it, over the same rows: each step's loss."""
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(checkpoint)
    model = AutoModelForSequenceClassification.from_pretrained(checkpoint)
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    spared = ("bias", "LayerNorm.weight")
    below = {"bert.embeddings": 3, "bert.encoder.layer.0": 2, "bert.encoder.layer.1": 1}
    groups = []
    for name, parameter in model.named_parameters():
        depth = next((below[part] for part in below if name.startswith(part)), 0)
        rate = settings.learning_rate * settings.layerwise_lr_decay**depth
        decay = 0.0 if name.endswith(spared) else settings.weight_decay
        groups.append({"params": [parameter], "lr": rate, "weight_decay": decay})
    optimiser = torch.optim.AdamW(groups, foreach=False)
    steps = math.ceil(len(train) / settings.batch_size) * settings.epochs
    warmup = math.ceil(steps * settings.warmup_ratio)
    schedule: Any = _linear_schedule(optimiser, warmup, steps)
    texts = list(zip(train["question"], train["sentence"], strict=True))
    lengths = np.array([len(tokenizer(*pair)["input_ids"]) for pair in texts])
    losses = []
    for epoch in range(settings.epochs):
        for rows in plan_epoch(lengths, settings.batch_size, (seed, epoch), buckets=True):
            inputs = tokenizer([texts[row] for row in rows], padding=True, return_tensors="pt")
            labels = torch.tensor([LABELS.index(train["label"][row]) for row in rows])
            loss = model(**inputs, labels=labels).loss
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), settings.max_grad_norm)
            optimiser.step()
            schedule.step()
            optimiser.zero_grad()
            losses.append(float(loss.detach()))
    return losses


@pytest.mark.parametrize(
    ("steps", "layerwise"),
    [(60, 1.0), (120, 0.8), pytest.param(500, 1.0, marks=pytest.mark.slow)],
)
def test_the_loss_curve_is_the_reference_loop_s(
    tmp_path: Path, checkpoint: Path, steps: int, layerwise: float
) -> None:
    settings: dict[str, Any] = {
        "dropout": 0.0,
        "layerwise_lr_decay": layerwise,
        "batch_size": 16,
        "learning_rate": 3e-3,
        "weight_decay": 0.05,
    }
    rows = 16 * steps // 2
    context = fit(tmp_path, checkpoint, rows=rows, epochs=2, **settings)
    chosen = model_context(colour_task(), epochs=2, **settings).settings
    ours = step_losses(context.reports)
    theirs = reference_losses(checkpoint, colour_rows(rows, 1), chosen, seed=1)
    assert len(ours) == len(theirs) == steps
    assert theirs[-1] < theirs[0] - 0.1
    assert np.abs(np.subtract(ours, theirs)).max() < 1e-5


def test_accumulated_batches_are_one_large_batch(tmp_path: Path, checkpoint: Path) -> None:
    shared = {"dropout": 0.0, "epochs": 1}
    whole = fit(tmp_path / "a", checkpoint, rows=100, batch_size=32, **shared)
    parts = fit(
        tmp_path / "b", checkpoint, rows=100, batch_size=8, gradient_accumulation_steps=4, **shared
    )
    assert len(step_losses(whole.reports)) == 4
    difference = np.subtract(step_losses(whole.reports), step_losses(parts.reports))
    assert np.abs(difference).max() < 1e-5


def test_the_schedule_is_transformers_linear_one() -> None:
    settings = model_context(
        colour_task(), learning_rate=1.0, warmup_ratio=0.13, epochs=47, batch_size=8
    ).settings
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimiser = torch.optim.SGD([parameter], lr=1.0)
    schedule: Any = _linear_schedule(optimiser, math.ceil(47 * 0.13), 47)
    expected = []
    for _ in range(47):
        expected.append(schedule.get_last_lr()[0])
        optimiser.step()
        schedule.step()
    assert learning_rates(settings, 7) == pytest.approx(expected, abs=1e-12)


def test_biases_and_normalisation_do_not_decay(checkpoint: Path) -> None:
    from transformers import AutoModelForSequenceClassification

    model = AutoModelForSequenceClassification.from_pretrained(checkpoint)
    names = {name for name, _ in model.named_parameters()}
    expected = {name for name in names if "LayerNorm" in name or name.endswith("bias")}
    assert without_decay(model) == expected
    assert "classifier.weight" in names - expected


def test_the_best_epoch_is_kept_and_not_the_last(tmp_path: Path, checkpoint: Path) -> None:
    task, dev = colour_task(), {"dev": colour_rows(40, 2)}
    context = listen(tmp_path, task, dev)

    def score(predictions: Any, plain: Any = context.score) -> Any:
        evaluation = plain(predictions)
        scored.append(predictions["dev"])
        first = 1.0 if len(scored) == 1 else 0.5
        return type(evaluation)(metrics=evaluation.metrics, primary=first)

    scored: list[Any] = []
    context.score = score  # type: ignore[method-assign]  # the first epoch shall win
    model = FinetunedEncoder(model_context(task, epochs=3), Checkpoint(name=str(checkpoint)))
    model.fit(colour_rows(160, 1), dev, context)
    assert np.array_equal(model.predict(dev["dev"]), scored[0])
    assert not np.array_equal(scored[0], scored[2])


def test_the_same_seed_gives_the_same_run_and_another_does_not(
    tmp_path: Path, checkpoint: Path
) -> None:
    runs = [fit(tmp_path / str(n), checkpoint, epochs=1, seed=s) for n, s in enumerate((3, 3, 4))]
    curves = [step_losses(run.reports) for run in runs]
    assert curves[0] == curves[1]
    assert curves[0] != curves[2]


def test_a_stop_leaves_a_checkpoint_and_going_on_changes_nothing(
    tmp_path: Path, checkpoint: Path
) -> None:
    task, dev, train = colour_task(), {"dev": colour_rows(40, 2)}, colour_rows(160, 1)

    def model() -> FinetunedEncoder:
        return FinetunedEncoder(model_context(task, epochs=3), Checkpoint(name=str(checkpoint)))

    undisturbed = listen(tmp_path / "a", task, dev)
    whole = model()
    whole.fit(train, dev, undisturbed)

    stopped = listen(tmp_path / "b", task, dev)

    def stop_later(progress: Progress) -> None:
        if progress.phase == "train" and progress.done == 8:
            stopped.asked = True

    stopped.on_report = stop_later
    with pytest.raises(Interrupted, match="stopped after step 8 of 15"):
        model().fit(train, dev, stopped)
    resumed = listen(tmp_path / "b", task, dev, resume=True)
    rest = model()
    rest.fit(train, dev, resumed)
    assert resumed.epochs == undisturbed.epochs
    assert np.array_equal(rest.predict(dev["dev"]), whole.predict(dev["dev"]))
    assert sum(report.phase == "train" for report in resumed.reports) == 7


def test_a_stop_while_the_dev_split_is_scored(tmp_path: Path, checkpoint: Path) -> None:
    task, dev = colour_task(), {"dev": colour_rows(40, 2)}
    context = listen(tmp_path, task, dev)

    def stop_in_evaluation(progress: Progress) -> None:
        context.asked |= progress.phase == "evaluate"

    context.on_report = stop_in_evaluation
    model = FinetunedEncoder(
        model_context(task, evaluation_tokens=512), Checkpoint(name=str(checkpoint))
    )
    with pytest.raises(Interrupted, match="stopped after step 5 of 10"):
        model.fit(colour_rows(160, 1), dev, context)
    saved = CheckpointFolder(tmp_path, context.warn).load(model._plan(160))
    assert saved is not None
    assert (saved.progress.step, saved.progress.position, saved.progress.history) == (5, 5, [])


@pytest.fixture
def steep(tmp_path: Path, checkpoint: Path) -> Path:
    """A checkpoint whose loss is so steep that one step at a large rate goes out of bounds."""
    weights = load_file(checkpoint / "model.safetensors")
    weights["classifier.weight"] *= 1e13
    shutil.copytree(checkpoint, tmp_path / "weights")
    save_file(weights, tmp_path / "weights" / "model.safetensors", {"format": "pt"})
    return tmp_path / "weights"


RECKLESS: dict[str, Any] = {
    "optim": "sgd", "learning_rate": 1.0, "max_grad_norm": 0.0, "warmup_ratio": 0.0
}  # fmt: skip


def test_a_loss_that_is_no_number_says_where_and_what_to_do(tmp_path: Path, steep: Path) -> None:
    with pytest.raises(ModelError, match=r"the loss is nan at step 2; the learning rate") as caught:
        fit(tmp_path / "run", steep, **RECKLESS)
    assert "--learning-rate" in caught.value.remedy


def test_what_the_last_step_has_done_is_looked_at(tmp_path: Path, steep: Path) -> None:
    with pytest.raises(ModelError, match="are no longer numbers after step 1") as caught:
        fit(tmp_path / "run", steep, **RECKLESS, max_steps=1)
    assert "--learning-rate" in caught.value.remedy


@pytest.mark.parametrize("engine", ["torch", pytest.param("native", marks=needs_library)])
def test_weights_of_words_that_no_row_holds_are_looked_at(
    tmp_path: Path, checkpoint: Path, engine: str
) -> None:
    """An epsilon that single precision does not know makes NaN of a row without a gradient."""
    task, dev = colour_task(), {"dev": colour_rows(8, 2)}
    context = model_context(task, engine=engine, epochs=1, adam_epsilon=1e-45)
    context = dataclasses.replace(context, engines=tuple(glueharness_native.glueharness_engines()))
    model = EncoderModel(context, Checkpoint(name=str(checkpoint)))
    with pytest.raises(ModelError, match=r"no longer numbers after step 2: those of .*word_embed"):
        model.fit(colour_rows(64, 1), dev, listen(tmp_path / "run", task, dev))


def test_a_loss_that_is_no_number_before_anything_was_learnt_blames_no_rate(
    tmp_path: Path, checkpoint: Path
) -> None:
    task = colour_task(labels=(), metrics=colour_task().metrics)
    rows = colour_rows(32, 1)
    train = Table(
        {"question": rows["question"], "sentence": rows["sentence"], "label": [1e30] * len(rows)}
    )
    model = FinetunedEncoder(model_context(task, epochs=1), Checkpoint(name=str(checkpoint)))
    with pytest.raises(ModelError, match="the loss is inf before the first step") as caught:
        model.fit(train, {}, listen(tmp_path, task, {}))
    assert "No learning rate is to blame" in caught.value.remedy


def test_running_out_of_memory_says_what_to_lower(
    tmp_path: Path, checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from transformers import BertForSequenceClassification

    forward = BertForSequenceClassification.forward

    def fails_in_training(self: Any, **inputs: Any) -> Any:
        if self.training:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return forward(self, **inputs)

    monkeypatch.setattr(BertForSequenceClassification, "forward", fails_in_training)
    with pytest.raises(ModelError, match="memory ran out at step 1 with 32 rows") as caught:
        fit(tmp_path, checkpoint)
    assert "--batch-size" in caught.value.remedy


def test_auto_batch_halves_the_rows_and_computes_the_same(
    tmp_path: Path, checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from transformers import BertForSequenceClassification

    plain = fit(tmp_path / "a", checkpoint, dropout=0.0, epochs=1)
    forward = BertForSequenceClassification.forward

    def fails_above_8(self: Any, **inputs: Any) -> Any:
        if self.training and len(inputs["input_ids"]) > 8:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return forward(self, **inputs)

    monkeypatch.setattr(BertForSequenceClassification, "forward", fails_above_8)
    small = fit(tmp_path / "b", checkpoint, dropout=0.0, epochs=1, auto_batch=True)
    assert small.notes["rows_at_once"] == 8
    assert len(small.warnings) == 2
    difference = np.subtract(step_losses(plain.reports), step_losses(small.reports))
    assert np.abs(difference).max() < 1e-5


@pytest.mark.parametrize("most", [3, 0])
def test_scoring_goes_on_in_halves_when_memory_runs_out(
    tmp_path: Path, checkpoint: Path, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    from transformers import BertForSequenceClassification

    task, rows, dev = colour_task(), colour_rows(40, 3), {"dev": colour_rows(8, 2)}
    model = FinetunedEncoder(
        model_context(task, epochs=1, precision="fp32"), Checkpoint(name=str(checkpoint))
    )
    model.fit(colour_rows(64, 1), dev, listen(tmp_path, task, dev))
    expected = model.predict(rows)
    forward = BertForSequenceClassification.forward

    def fails_above(self: Any, **inputs: Any) -> Any:
        if len(inputs["input_ids"]) > most:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to")
        return forward(self, **inputs)

    monkeypatch.setattr(BertForSequenceClassification, "forward", fails_above)
    if most:
        assert np.abs(model.predict(rows) - expected).max() < 1e-5
        return
    with pytest.raises(ModelError, match=r"memory ran out while scoring a row of \d+ tokens"):
        model.predict(rows)


def test_a_regression_learns_numbers(tmp_path: Path, checkpoint: Path) -> None:
    task = colour_task(labels=(), score_range=(0.0, 5.0), metrics=colour_task().metrics)
    rows = colour_rows(320, 1)
    scores = [4.0 if label == LABELS[0] else 1.0 for label in rows["label"]]
    train = Table({"question": rows["question"], "sentence": rows["sentence"], "label": scores})
    context = listen(tmp_path, task, {})
    model = FinetunedEncoder(
        model_context(task, epochs=10, batch_size=16, keep_best=False),
        Checkpoint(name=str(checkpoint)),
    )
    context.score = _no_scores  # type: ignore[method-assign]  # there is no dev split here
    model.fit(train, {}, context)
    found = model.predict(train)
    assert found.shape == (320,)
    assert found.dtype == np.float32
    assert np.corrcoef(found, scores)[0, 1] > 0.8
    assert context.notes["checkpoint"]["head"].startswith("fresh")


def _linear_schedule(optimiser: torch.optim.Optimizer, warmup: int, steps: int) -> Any:
    from transformers import get_linear_schedule_with_warmup

    untyped: Any = get_linear_schedule_with_warmup
    return untyped(optimiser, warmup, steps)


def _no_scores(predictions: Any) -> Any:
    from glueharness import Evaluation

    return Evaluation(metrics=predictions, primary=0.0)
