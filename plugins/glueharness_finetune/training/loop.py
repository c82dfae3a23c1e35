"""The training loop: read it from top to bottom.

Shapes: b = rows of a step, n = rows of the split.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn

from glueharness import Interrupted, ModelError
from glueharness import Progress as Report
from glueharness_finetune.tokens.batches import made_ahead, plan_epoch
from glueharness_finetune.training.checkpoint import CheckpointFolder, Epoch, Progress
from glueharness_finetune.training.progress import Clock, Losses, require_numbers
from glueharness_finetune.training.trainee import HelperLost

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import numpy as np
    import numpy.typing as npt

    from glueharness import Evaluation, FitContext, FloatArray
    from glueharness_finetune.settings import FinetuneSettings
    from glueharness_finetune.tokens.tokenize import Encoded
    from glueharness_finetune.training.checkpoint import Saved
    from glueharness_finetune.training.trainee import Trainee


class _StopAsked(Exception):  # noqa: N818 - the user's wish
    """The user asked to stop while the dev splits were scored."""


@dataclass(slots=True, kw_only=True)
class Training:
    """Everything that the loop works with.

    Attributes:
        trainee: The model with its optimiser, whatever computes them.
        settings: The settings.
        seed: Seed of the order of rows.
        train: Training rows.
        dev: Dev rows by split name.
        rates: Learning rate of each step.
        checkpoints: Where progress is kept.
        context: The run.
        progress: How far it is.
        best: Weights of the best epoch; None if it is the present one, or none is kept.
        multiple: What lengths are rounded up to where rows are sorted by them.
        kept_scores: What the weights to keep give the dev rows, by split, once that is known.
        tokenizing: Rows and seconds of tokenizing dev rows.
    """

    trainee: Trainee
    settings: FinetuneSettings
    seed: int
    train: Encoded
    dev: Mapping[str, Encoded]
    rates: Sequence[float]
    checkpoints: CheckpointFolder
    context: FitContext
    progress: Progress
    best: Mapping[str, Any] | None = None
    multiple: int = 8
    kept_scores: Mapping[str, FloatArray] = field(default_factory=dict)
    tokenizing: Mapping[str, float] = field(default_factory=dict)


def run_training(training: Training) -> None:
    """Train from where ``training.progress`` stands to the end, and leave the epoch to keep.

    Raises:
        Interrupted: The user asked to stop; a checkpoint was saved.
        ModelError: The loss is no number, or memory ran out.
    """
    settings, progress, trainee = training.settings, training.progress, training.trainee
    rates = training.rates
    if not progress.step and max(rates, default=0) < settings.learning_rate:
        training.context.warn(
            f"The warm-up takes all of the {len(rates)} steps: the learning rate does not reach "
            f"{settings.learning_rate}."
        )
    clock = Clock(training.context, progress, settings, len(rates))
    with training.context.interruptible() as asked:
        while _goes_on(training):
            losses = Losses(progress, on_gpu=trainee.on_gpu)
            for rows, inputs in _steps_left(training):
                if asked():
                    losses.settle()
                    _stop(training)
                try:
                    loss = trainee.step(rows, inputs, progress.step)
                except HelperLost as lost:
                    losses.settle()
                    _give_up(training, lost)
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
                began = time.monotonic()
                scores = _score(training, asked)
                clock.scored(sum(map(len, scores.values())), time.monotonic() - began)
            except _StopAsked:
                _stop(training)
            except HelperLost as lost:
                _give_up(training, lost)
            _end_epoch(training, scores, rates[progress.step - 1])
            clock.checkpoint_saved()
    if settings.keep_best and training.best is not None:
        trainee.load(training.best)
    trainee.finish()
    training.context.note("speed", {**clock.summary(), **training.tokenizing})


def _goes_on(training: Training) -> bool:
    """Whether there is a step to do, or an epoch that is not scored yet."""
    progress, patience = training.progress, training.settings.early_stopping_patience
    if progress.position:
        return True
    waited = len(progress.history) - progress.best
    return progress.step < len(training.rates) and (patience is None or waited < patience)


def restore(training: Training, saved: Saved) -> None:
    """Put a checkpoint into a training, and tell the epochs that were over before."""
    training.trainee.load(saved.weights)
    training.trainee.restore(saved.optimiser)
    training.progress, training.best = saved.progress, saved.best
    from glueharness.specs import Evaluation as Scores

    for epoch in saved.progress.history:
        evaluation: Evaluation = Scores(
            metrics=epoch.metrics, primary=epoch.primary, losses=epoch.losses
        )
        training.context.epoch(epoch.number, evaluation, epoch.values)


def _steps_left(training: Training) -> Iterator[tuple[npt.NDArray[np.int64], Any]]:
    """The running epoch's steps from where it stands: rows of each ``[b]``, and its inputs."""
    progress, settings, trainee = training.progress, training.settings, training.trainee
    plan = plan_epoch(
        training.train.longest,
        settings.rows_a_step,
        (training.seed, len(progress.history)),
        buckets=settings.length_buckets,
        multiple=training.multiple,
    )
    # The last epoch is cut off where the steps were counted, and not the epochs.
    end = progress.position + len(training.rates) - progress.step
    steps = ((rows, trainee.inputs(rows)) for rows in plan[progress.position : end])
    return made_ahead(steps, 4) if trainee.on_gpu else iter(steps)


def _score(training: Training, asked: Callable[[], bool]) -> dict[str, FloatArray]:
    """What the present weights give the dev rows, by split.

    Raises:
        ModelError: They, or the weights, are no numbers.
    """
    total, before = sum(len(encoded) for encoded in training.dev.values()), 0

    def advance(done: int) -> None:
        if asked():
            raise _StopAsked
        report = Report(phase="evaluate", done=before + done, total=total, unit="rows")
        training.context.report(report)

    training.trainee.flush()
    require_numbers("weights", training.trainee.weights(), training.progress.step)
    scores = {}
    for name, encoded in training.dev.items():
        scores[name] = training.trainee.scores(encoded, advance)
        before += len(encoded)
    require_numbers("scores", scores, training.progress.step)
    return scores


def _end_epoch(training: Training, scores: Mapping[str, FloatArray], rate: float) -> None:
    """Put the epoch into the history, keep it if it is the best, and save a checkpoint."""
    progress = training.progress
    evaluation = training.context.score(scores)
    number = len(progress.history) + 1
    epoch = Epoch(
        number=number,
        metrics={name: dict(values) for name, values in evaluation.metrics.items()},
        primary=evaluation.primary,
        losses=dict(evaluation.losses),
        values={
            "loss": progress.loss / progress.rows,
            "learning_rate": rate,
            "step": progress.step,
        },
    )
    best = max((past.primary for past in progress.history), default=-math.inf)
    progress.history.append(epoch)
    progress.position, progress.loss, progress.rows = 0, 0.0, 0
    if not training.settings.keep_best:
        training.kept_scores = scores
    elif epoch.primary > best:
        progress.best = number
        training.best = training.trainee.copy()
        training.kept_scores = scores
    training.context.epoch(number, evaluation, epoch.values)
    _save(training)


def _save(training: Training) -> bool:
    return training.checkpoints.save(
        training.progress,
        training.trainee.weights(),
        training.trainee.state(),
        training.best,
    )


def _give_up(training: Training, lost: HelperLost) -> NoReturn:
    """End because a process that trains as well is gone; what is done so far is not."""
    # A GPU may wait for that process for ever: nothing can be had from it.
    saved = not training.trainee.on_gpu and _save(training)
    step, total = training.progress.step, len(training.rates)
    raise ModelError(
        f"training stopped after step {step} of {total}: {lost.what}",
        remedy="A checkpoint was saved: the same command goes on from here."
        if saved
        else "The same command goes on from the last checkpoint.",
    ) from lost


def _stop(training: Training) -> None:
    saved = _save(training)
    step, total = training.progress.step, len(training.rates)
    raise Interrupted(
        f"stopped after step {step} of {total}",
        remedy="A checkpoint was saved: the same command goes on from here."
        if saved
        else "The checkpoint of this step could not be saved; an earlier one may be there.",
    )
