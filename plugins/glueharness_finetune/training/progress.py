"""Progress of a training: losses, speed, and the age of the last checkpoint."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np

from glueharness import ModelError
from glueharness import Progress as Report

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import torch

    from glueharness import FitContext
    from glueharness_finetune.settings import FinetuneSettings
    from glueharness_finetune.training.checkpoint import Progress

_LARGEST = 3.4e38
"""Of single precision: an engine that sums losses in double precision goes on beyond it, where
PyTorch has infinity."""
_REMEDY = (
    "Lower --learning-rate (half is a good first try), raise --warmup-ratio, or keep "
    "--max-grad-norm at 1; --precision fp32 tells whether rounding is to blame."
)
_REMEDY_AT_ONCE = (
    "No learning rate is to blame, for nothing was learnt yet: look at what training begins with, "
    "the checkpoint and the scores of the training rows. --precision fp32 tells whether rounding "
    "is to blame."
)
_STEPS_BETWEEN_LOOKS = 16
"""A GPU works ahead of Python until a loss is read; on a processor, reading it costs nothing."""


class Losses:
    """Adds up an epoch's losses and refuses one that is not a number.

    Args:
        progress: Where they are added up.
        on_gpu: Whether reading a loss makes Python wait.
    """

    def __init__(self, progress: Progress, *, on_gpu: bool) -> None:
        self._progress = progress
        self._every = _STEPS_BETWEEN_LOOKS if on_gpu else 1
        self._waiting: list[tuple[Any, int, float]] = []

    def add(self, loss: float | torch.Tensor, rows: int, rate: float) -> None:
        """Take a step's mean loss and its learning rate."""
        self._waiting.append((loss, rows, rate))
        if len(self._waiting) >= self._every:
            self.settle()

    def settle(self) -> None:
        """Read the losses that have not been read yet.

        Raises:
            ModelError: One is not finite.
        """
        if not self._waiting:
            return
        values = _values_of([loss for loss, _, _ in self._waiting])
        first = self._progress.step - len(values) + 1
        for step, value, (_, rows, rate) in zip(
            range(first, first + len(values)), values, self._waiting, strict=True
        ):
            if not abs(value) < _LARGEST:  # which no comparison with NaN is
                raise ModelError(
                    f"the loss is {value:g} at step {step}; the learning rate was {rate:.3g}"
                    if step > 1
                    else f"the loss is {value:g} before the first step",
                    remedy=_REMEDY if step > 1 else _REMEDY_AT_ONCE,
                )
            self._progress.loss += value * rows
            self._progress.rows += rows
        self._waiting.clear()


def require_numbers(what: str, values: Mapping[str, Any], step: int) -> None:
    """Refuse weights or scores that are no numbers: a step's loss says nothing of what it did.

    Args:
        what: What the values are, in the plural.
        values: Arrays of numpy or tensors of PyTorch, by name.
        step: Steps done.

    Raises:
        ModelError: It names one of them.
    """
    for name, found in values.items():
        if not _are_numbers(found):
            raise ModelError(
                f"the {what} are no longer numbers after step {step}: those of {name} hold NaN or "
                "infinity",
                remedy=_REMEDY,
            )


def _are_numbers(values: Any) -> bool:
    if isinstance(values, np.ndarray):
        return bool(np.isfinite(values).all())
    from torch import nn

    # What is not learnt may hold infinity for a purpose.
    return not isinstance(values, nn.Parameter) or bool(values.isfinite().all())


def _values_of(losses: Sequence[Any]) -> list[float]:
    """The values of losses; those of a GPU are waited for once."""
    if isinstance(losses[0], float):
        return list(losses)
    import torch

    values: list[float] = torch.stack(list(losses)).tolist()
    return values


class Clock:
    """Speed, progress reports, and when the next checkpoint is due.

    Args:
        context: Gets the progress reports.
        progress: How far training is.
        settings: Minutes between checkpoints.
        steps: Optimiser steps in all.
    """

    def __init__(
        self, context: FitContext, progress: Progress, settings: FinetuneSettings, steps: int
    ) -> None:
        self._context = context
        self._progress = progress
        self._minutes = settings.checkpoint_minutes
        self._steps = steps
        self._began = self._saved = time.monotonic()
        self._rows = self._rows_scored = self._steps_done = 0
        self._scoring = 0.0

    def tick(self, rows: int, rate: float) -> None:
        """Count a step that is done."""
        progress = self._progress
        self._rows += rows
        self._steps_done += 1
        values = {"learning_rate": rate, "epoch": len(progress.history) + 1}
        values["examples_per_second"] = self._rows / max(time.monotonic() - self._began, 1e-9)
        if progress.rows:
            values["loss"] = progress.loss / progress.rows
        self._context.report(
            Report(phase="train", done=progress.step, total=self._steps, values=values)
        )

    def checkpoint_due(self) -> bool:
        """Whether the last checkpoint is old enough."""
        waited = time.monotonic() - self._saved
        return bool(self._minutes) and waited >= self._minutes * 60

    def checkpoint_saved(self) -> None:
        """Start to wait for the next one."""
        self._saved = time.monotonic()

    def scored(self, rows: int, seconds: float) -> None:
        """Count an evaluation."""
        self._rows_scored += rows
        self._scoring += seconds

    def summary(self) -> dict[str, float]:
        """Rows, steps and seconds of training here, evaluation included; and of that alone."""
        return {
            "rows": self._rows,
            "steps": self._steps_done,
            "seconds": round(time.monotonic() - self._began, 3),
            "rows_scored": self._rows_scored,
            "seconds_of_scoring": round(self._scoring, 3),
        }
