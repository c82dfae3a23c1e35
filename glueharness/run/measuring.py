"""Measures what a run takes: speed, steps, memory and size."""

from __future__ import annotations

import math
import time
from contextlib import contextmanager
from statistics import fmean
from typing import TYPE_CHECKING, Any

from glueharness.record.computation import LARGEST_NUMBER
from glueharness.record.record import MeasuredRecord
from glueharness.system.memory import PeakMemory

if TYPE_CHECKING:
    from collections.abc import Iterator

    from glueharness.record.record import RunRecord


class Meter:
    """Measures one run, from when it is made."""

    def __init__(self) -> None:
        self._memory = PeakMemory()
        self._rows = 0
        self._seconds = 0.0

    @contextmanager
    def scoring(self, rows: int) -> Iterator[None]:
        """Time the scoring of the dev rows."""
        began = time.perf_counter()
        yield
        self._rows += rows
        self._seconds += time.perf_counter() - began

    def measured(self, record: RunRecord, parameters: int | None) -> MeasuredRecord:
        """What the run took, by its record, by what its model told, and by our own clock.

        Args:
            record: The record of the run that is about to be completed.
            parameters: Number of parameters by the model's spec, if it is fixed.
        """
        told = record.notes.get("speed")
        speed = told if isinstance(told, dict) else {}
        of_rows, of_steps = _training_speed(record, speed)
        steps = record.history[-1].values.get("step") if record.history else None
        losses = [epoch.values.get("loss") for epoch in record.history]
        known = [loss for loss in losses if loss is not None]
        return MeasuredRecord(
            steps=_count(steps),
            # Every epoch has the same rows.
            train_loss=fmean(known) if known and len(known) == len(losses) else None,
            train_rows_per_second=of_rows,
            train_steps_per_second=of_steps,
            predict_rows_per_second=_predicting(speed) or _rate(self._rows, self._seconds),
            parameters=_count(record.notes.get("parameters")) or parameters,
            peak_memory_bytes=self._memory.bytes(),
            peak_gpu_memory_bytes=_count(record.notes.get("peak_gpu_memory_bytes")),
        )


def _predicting(speed: dict[str, Any]) -> float | None:
    """Dev rows per second from texts to scores; None if the model does not tell both parts."""
    parts = [
        _rate(_number(speed.get(rows)), _number(speed.get(seconds)))
        for rows, seconds in (
            ("rows_scored", "seconds_of_scoring"),
            ("rows_tokenized", "seconds_of_tokenizing"),
        )
    ]
    known = [part for part in parts if part is not None]
    return round(1 / sum(1 / part for part in known), 3) if len(known) == len(parts) else None


def _training_speed(record: RunRecord, speed: dict[str, Any]) -> tuple[float | None, float | None]:
    """Training rows and steps per second; None where there was no training."""
    if record.kind != "training":
        return None, None
    rows, seconds = _number(speed.get("rows")), _number(speed.get("seconds"))
    if rows is None or seconds is None:
        train = [split.rows for split in record.data.splits.values() if split.role == "train"]
        epochs = max(1, len(record.history))
        return _rate(sum(train) * epochs, record.timings.get("fit")), None
    seconds -= _number(speed.get("seconds_of_scoring")) or 0.0
    return _rate(rows, seconds), _rate(_number(speed.get("steps")), seconds)


def _number(value: Any) -> float | None:
    """A number that a model told, if it is one: notes may hold anything."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value) if 0 <= value <= LARGEST_NUMBER else None


def _count(value: Any) -> int | None:
    number = _number(value)
    return None if number is None else int(number)


def _rate(amount: float | None, seconds: float | None) -> float | None:
    """An amount per second; None where nothing was done, or too quickly to be timed."""
    if not amount or not seconds or seconds < 1e-6:
        return None
    return round(amount / seconds, 3)
