"""The context of a training whose speed is measured, and what its reports say of it."""

from __future__ import annotations

import time
from contextlib import contextmanager
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from glueharness.system.interrupts import interruptible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from glueharness.scoring.scorer import Scorer
    from glueharness.specs import Evaluation, FloatArray, Progress

TRAIN_PHASE = "train"
"""What a model calls the phase of :class:`glueharness.Progress` whose steps are training."""
_WARM_UP = 0.15
"""Share of the time that is not counted: caches, allocators and clocks settle in it."""


class Stopwatch:
    """The context of a training that only its speed is wanted of.

    Args:
        folder: For checkpoints.
        scorer: Scores the dev rows.
        seconds: How long to train, from the first step on.
        listen: Told of progress.

    Attributes:
        notes: Facts that the model told.
        adjusted: Settings that the model changed, by name.
        warnings: What it warned of.
        stopped: Whether the user wants it to stop.
        began: When training was called, in seconds of ``time.perf_counter``.
        ended: When it came back.
    """

    def __init__(
        self, folder: Path, scorer: Scorer, seconds: float, listen: Callable[[Progress], None]
    ) -> None:
        self.folder = folder
        self.resume = False
        self.notes: dict[str, Any] = {}
        self.adjusted: dict[str, Any] = {}
        self.warnings: list[str] = []
        self.stopped = False
        self.began = self.ended = time.perf_counter()
        self._scorer = scorer
        self._seconds = seconds
        self._listen = listen
        self._reports: list[tuple[float, Progress]] = []
        self._first: float | None = None

    def score(self, predictions: Mapping[str, FloatArray]) -> Evaluation:
        """Score predictions of the dev rows."""
        return self._scorer.evaluate(predictions)

    def report(self, progress: Progress) -> None:
        """Note the time."""
        now = time.perf_counter()
        if progress.phase == TRAIN_PHASE and self._first is None:
            self._first = now
        self._reports.append((now, progress))
        self._listen(progress)

    def epoch(self, epoch: int, evaluation: Evaluation, values: Mapping[str, float]) -> None:
        """Scores after so little training mean nothing."""

    def note(self, name: str, value: Any) -> None:
        """Keep a fact about the model."""
        self.notes[name] = value

    def adjust(self, name: str, value: Any, origin: str) -> None:
        """Keep the value that a setting really has, and not why."""
        del origin
        self.adjusted[name] = value

    def warn(self, message: str) -> None:
        """Keep a warning."""
        self.warnings.append(message)

    @contextmanager
    def interruptible(self) -> Iterator[Callable[[], bool]]:
        """A region that is asked to stop by the user, or when its time is over."""
        with interruptible() as asked:

            def over() -> bool:
                self.stopped = self.stopped or asked()
                late = self._first is not None and (
                    time.perf_counter() - self._first >= self._seconds
                )
                return self.stopped or late

            yield over

    def before_training(self) -> float:
        """Seconds from the beginning to the first step, but for reading texts; 0 if not told."""
        if self._first is None:
            return 0.0
        rate = self.reading_rate()
        totals = {report.phase: report.total for _, report in self._before()}
        return self._first - self.began - (sum(totals.values()) / rate if rate else 0.0)

    def reading_rate(self) -> float | None:
        """Rows a second before training; what came before the first report is no reading."""
        before = [(when, report) for when, report in self._before() if report.unit == "rows"]
        rows = seconds = 0.0
        for (earlier, last), (later, report) in pairwise(before):
            rows += report.done - (last.done if last.phase == report.phase else 0)
            seconds += later - earlier
        return rows / seconds if rows and seconds else None

    def _before(self) -> list[tuple[float, Progress]]:
        if self._first is None:
            return []
        return [(when, report) for when, report in self._reports if when < self._first]

    def seconds_of_training(self) -> float:
        """From the first step to the end; all of it for a model that tells no steps."""
        return self.ended - (self.began if self._first is None else self._first)

    def training_rate(self, rows: int) -> float:
        """Rows a second.

        Args:
            rows: Rows that the whole training goes through, each epoch's counted.
        """
        counted = self._first or 0.0
        counted += _WARM_UP * (self.ended - counted)
        done = seconds = 0.0
        total = 0
        for (earlier, last), (later, report) in pairwise(self._reports):
            # Whatever lies between two steps and is no training is counted by itself.
            if last.phase == report.phase == TRAIN_PHASE and earlier >= counted:
                done += report.done - last.done
                seconds += later - earlier
                total = report.total
        if done and seconds and total:
            return rows * done / total / seconds
        return rows / max(self.seconds_of_training(), 1e-9)
