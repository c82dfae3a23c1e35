"""The fit context of a model whose training speed is measured, and the speeds it measured."""

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
"""Name of the :class:`glueharness.Progress` phase in which a model trains."""
_WARM_UP = 0.15
"""Share of the time that is not counted, while caches, allocators and clocks settle."""


class Stopwatch:
    """A :class:`glueharness.FitContext` that measures how fast a model trains, and keeps nothing.

    Args:
        folder: For checkpoints.
        scorer: Scores the dev rows.
        seconds: How long to train, counted from the first step.
        listen: Called with each progress report.

    Attributes:
        notes: Facts that the model noted.
        adjusted: Settings that the model changed, by name.
        warnings: The model's warnings.
        stopped: Whether the user asked to stop.
        began: When ``fit`` was called, in seconds of ``time.perf_counter``.
        ended: When it returned.
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
        """Note the time of a report."""
        now = time.perf_counter()
        if progress.phase == TRAIN_PHASE and self._first is None:
            self._first = now
        self._reports.append((now, progress))
        self._listen(progress)

    def epoch(self, epoch: int, evaluation: Evaluation, values: Mapping[str, float]) -> None:
        """Ignored: scores after so little training mean nothing."""

    def note(self, name: str, value: Any) -> None:
        """Keep a fact about the model."""
        self.notes[name] = value

    def adjust(self, name: str, value: Any, origin: str) -> None:
        """Keep the value that the model really uses for a setting."""
        del origin
        self.adjusted[name] = value

    def warn(self, message: str) -> None:
        """Keep a warning."""
        self.warnings.append(message)

    @contextmanager
    def interruptible(self) -> Iterator[Callable[[], bool]]:
        """A region that is asked to stop when the user presses Ctrl-C or the time is over."""
        with interruptible() as asked:

            def over() -> bool:
                self.stopped = self.stopped or asked()
                late = self._first is not None and (
                    time.perf_counter() - self._first >= self._seconds
                )
                return self.stopped or late

            yield over

    def before_training(self) -> float:
        """Seconds from ``began`` to the first step, without reading texts; 0 if there was none."""
        if self._first is None:
            return 0.0
        rate = self.reading_rate()
        totals = {report.phase: report.total for _, report in self._before()}
        return self._first - self.began - (sum(totals.values()) / rate if rate else 0.0)

    def reading_rate(self) -> float | None:
        """Rows per second that texts are read with; None if the model did not report it.

        What happened before the first report is not reading.
        """
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
        """Seconds from the first step to the end, or of all of ``fit`` if no step was reported."""
        return self.ended - (self.began if self._first is None else self._first)

    def training_rate(self, rows: int) -> float:
        """Training rows per second.

        Args:
            rows: Rows of the whole training: rows of the split times epochs.
        """
        counted = self._first or 0.0
        counted += _WARM_UP * (self.ended - counted)
        done = seconds = 0.0
        total = 0
        for (earlier, last), (later, report) in pairwise(self._reports):
            # What happens between two training steps (an evaluation, say) is counted elsewhere.
            if last.phase == report.phase == TRAIN_PHASE and earlier >= counted:
                done += report.done - last.done
                seconds += later - earlier
                total = report.total
        if done and seconds and total:
            return rows * done / total / seconds
        return rows / max(self.seconds_of_training(), 1e-9)
