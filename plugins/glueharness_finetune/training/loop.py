"""The training loop: read it from top to bottom.

Shapes: b = rows of a batch, s = padded length, k = outputs, n = rows of the split.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from glueharness import Interrupted, ModelError
from glueharness import Progress as Report
from glueharness_finetune.runtime import ran_out
from glueharness_finetune.tokens.batches import collate, made_ahead, plan_epoch
from glueharness_finetune.training.checkpoint import CheckpointFolder, Epoch, Progress
from glueharness_finetune.training.progress import Clock, Losses
from glueharness_finetune.training.weights import copy_of, load_weights, weights_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    import numpy as np
    import numpy.typing as npt
    import torch
    from transformers import PreTrainedModel

    from glueharness import Evaluation, FitContext
    from glueharness_finetune.predictor import Predictor
    from glueharness_finetune.settings import FinetuneSettings
    from glueharness_finetune.tokens.tokenize import Encoded
    from glueharness_finetune.training.optimiser import Optimiser


class _StopAsked(Exception):  # noqa: N818 - the user's wish
    """The user asked to stop while the dev splits were scored."""


@dataclass(slots=True, kw_only=True)
class Training:
    """Everything that the loop works with.

    Attributes:
        model: The model, on its device.
        settings: The settings.
        seed: Seed of the order of rows and of dropout.
        train: Training rows.
        targets: Label numbers int64 ``[n]``, or scores float32 ``[n]`` for a regression.
        dev: Dev rows by split name.
        predictor: Scores the dev rows.
        rates: Learning rate of each step.
        optimiser: Moves the weights.
        checkpoints: Where progress is kept.
        context: The run.
        progress: How far it is.
        best: Weights of the best epoch; None if it is the present one, or none is kept.
    """

    model: PreTrainedModel
    settings: FinetuneSettings
    seed: int
    train: Encoded
    targets: torch.Tensor
    dev: Mapping[str, Encoded]
    predictor: Predictor
    rates: Sequence[float]
    optimiser: Optimiser
    checkpoints: CheckpointFolder
    context: FitContext
    progress: Progress
    best: Mapping[str, torch.Tensor] | None = None
    rows_at_once: int = field(init=False)

    def __post_init__(self) -> None:
        """Begin with the rows at once that the settings say."""
        self.rows_at_once = self.settings.batch_size


def run_training(training: Training) -> None:
    """Train from where ``training.progress`` stands to the end, and leave the epoch to keep.

    Raises:
        Interrupted: The user asked to stop; a checkpoint was saved.
        ModelError: The loss is no number, or memory ran out.
    """
    settings, progress = training.settings, training.progress
    rates = training.rates
    clock = Clock(training.context, progress, settings, len(rates))
    training.model.train()
    with training.context.interruptible() as asked:
        while len(progress.history) < settings.epochs:
            losses = Losses(progress, on_gpu=training.predictor.runtime.on_gpu)
            for rows, parts in _steps_left(training):
                if asked():
                    losses.settle()
                    _stop(training)
                loss = _gradient(training, rows, parts)
                training.optimiser.step(progress.step)
                rate = rates[progress.step]
                progress.step += 1
                progress.position += 1
                losses.add(loss, len(rows), rate)
                clock.tick(len(rows), rate)
                if clock.checkpoint_due():
                    losses.settle()
                    _save(training)
                    clock.checkpoint_saved()
            losses.settle()
            try:
                evaluation = _evaluate(training, asked)
            except _StopAsked:
                _stop(training)
            _end_epoch(training, evaluation, rates[progress.step - 1])
            clock.checkpoint_saved()
    if settings.keep_best and training.best is not None:
        load_weights(training.model, training.best)
    training.optimiser.release()
    training.context.note("speed", clock.summary())


def _steps_left(
    training: Training,
) -> Iterator[tuple[npt.NDArray[np.int64], Iterable[tuple[dict[str, torch.Tensor], torch.Tensor]]]]:
    """The running epoch's steps from where it stands: rows of each, and its batches."""
    progress, settings = training.progress, training.settings
    plan = plan_epoch(
        training.train.lengths,
        training.settings.rows_a_step,
        (training.seed, len(progress.history)),
        buckets=settings.length_buckets,
    )
    steps = ((rows, list(_batches(training, rows))) for rows in plan[progress.position :])
    return made_ahead(steps, 4) if training.predictor.runtime.on_gpu else iter(steps)


def _batches(
    training: Training, rows: npt.NDArray[np.int64]
) -> Iterator[tuple[dict[str, torch.Tensor], torch.Tensor]]:
    """A step's rows as batches of inputs ``[b, s]`` and targets ``[b]``."""
    pinned = training.predictor.runtime.on_gpu
    for start in range(0, len(rows), training.rows_at_once):
        part = rows[start : start + training.rows_at_once]
        inputs = collate(training.train, part, training.predictor.padding)
        targets = training.targets[part]
        if pinned:
            inputs = {name: value.pin_memory() for name, value in inputs.items()}
            targets = targets.pin_memory()
        yield inputs, targets


def _gradient(
    training: Training,
    rows: npt.NDArray[np.int64],
    batches: Iterable[tuple[dict[str, torch.Tensor], torch.Tensor]],
) -> torch.Tensor:
    """Add up the gradient of the mean loss over a step's rows; returns that loss."""
    import torch

    runtime = training.predictor.runtime
    while True:
        # A step's random numbers follow from seed and step alone: a resumed run draws the same.
        runtime.draw_from(_seed_of(training.seed, training.progress.step))
        total = torch.zeros((), device=runtime.device)
        try:
            for inputs, targets in batches:
                placed = {n: v.to(runtime.device, non_blocking=True) for n, v in inputs.items()}
                wanted = targets.to(runtime.device, non_blocking=True)  # [b]
                with runtime.autocast():
                    logits = training.model(**placed).logits  # [b, k]
                loss = _loss(logits.float(), wanted) * (len(targets) / len(rows))
                torch.autograd.backward(loss)
                total += loss.detach()
        except (RuntimeError, MemoryError) as error:
            training.optimiser.forget_gradients()
            _make_room(training, error)
            batches = list(_batches(training, rows))
        else:
            return total


def _loss(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Mean loss of a batch: cross-entropy for label numbers, squared error for scores."""
    from torch.nn import functional

    if targets.is_floating_point():
        return functional.mse_loss(logits[:, 0], targets)
    return functional.cross_entropy(logits, targets)


def _evaluate(training: Training, asked: Callable[[], bool]) -> Evaluation:
    total, before = sum(len(encoded) for encoded in training.dev.values()), 0

    def advance(done: int) -> None:
        if asked():
            raise _StopAsked
        report = Report(phase="evaluate", done=before + done, total=total, unit="rows")
        training.context.report(report)

    training.optimiser.flush()
    scores = {}
    for name, encoded in training.dev.items():
        scores[name] = training.predictor.scores(encoded, advance)
        before += len(encoded)
    return training.context.score(scores)


def _end_epoch(training: Training, evaluation: Evaluation, rate: float) -> None:
    """Put the epoch into the history, keep it if it is the best, and save a checkpoint."""
    progress = training.progress
    number = len(progress.history) + 1
    epoch = Epoch(
        number=number,
        metrics={name: dict(values) for name, values in evaluation.metrics.items()},
        primary=evaluation.primary,
        values={"loss": progress.loss / progress.rows, "learning_rate": rate},
    )
    best = max((past.primary for past in progress.history), default=-math.inf)
    progress.history.append(epoch)
    progress.position, progress.loss, progress.rows = 0, 0.0, 0
    if training.settings.keep_best and epoch.primary > best:
        progress.best = number
        training.best = copy_of(weights_of(training.model))
    training.context.epoch(number, evaluation, epoch.values)
    _save(training)


def _save(training: Training) -> bool:
    return training.checkpoints.save(
        training.progress,
        weights_of(training.model),
        training.optimiser.tensors(),
        training.best,
    )


def _stop(training: Training) -> None:
    saved = _save(training)
    step, total = training.progress.step, len(training.rates)
    raise Interrupted(
        f"stopped after step {step} of {total}",
        remedy="A checkpoint was saved: the same command goes on from here."
        if saved
        else "The checkpoint of this step could not be saved; an earlier one may be there.",
    )


def _make_room(training: Training, error: RuntimeError | MemoryError) -> None:
    """After memory ran out: halve the rows at once if that is wanted, else say what to lower.

    Raises:
        ModelError: Memory ran out, and nothing is left to halve.
        RuntimeError: It was another error.
    """
    import torch

    if not ran_out(error):
        raise error
    if training.settings.auto_batch and training.rows_at_once > 1:
        training.rows_at_once = math.ceil(training.rows_at_once / 2)
        if training.predictor.runtime.on_gpu:
            torch.cuda.empty_cache()
        training.context.note("rows_at_once", training.rows_at_once)
        training.context.warn(
            f"The GPU ran out of memory: {training.rows_at_once} rows go through the model at "
            f"once from here on; a step still has {training.settings.rows_a_step}."
        )
        return
    rows, accumulated = training.rows_at_once, training.settings.gradient_accumulation_steps
    raise ModelError(
        f"memory ran out at step {training.progress.step + 1} with {rows} rows of up to "
        f"{training.settings.max_length} tokens at once",
        remedy=f"Lower --batch-size {training.settings.batch_size} and raise "
        f"--gradient-accumulation-steps {accumulated} by the same factor, which computes the "
        "same; or lower --max-length. On a GPU, --auto-batch does the first by itself.",
    ) from error


def _seed_of(seed: int, step: int) -> int:
    """A seed for one step; neighbouring steps get unrelated ones."""
    digest = hashlib.blake2b(f"{seed}/{step}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1
