"""The context of a run that nobody follows."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from glueharness.scoring import Scorer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from glueharness import Evaluation, FloatArray, Progress, TaskSpec
    from glueharness.table import Table


@dataclass(slots=True)
class Quiet:
    """A ``FitContext`` that scores the dev rows and tells nobody.

    Attributes:
        task: The task.
        dev: Dev rows.
        folder: Where checkpoints go.
        resume: Whether to go on from them.
    """

    task: TaskSpec
    dev: Table
    folder: Path
    resume: bool = False

    def report(self, progress: Progress) -> None:
        """Nobody asks."""

    def score(self, predictions: Mapping[str, FloatArray]) -> Evaluation:
        """The task's metrics of the dev rows."""
        return Scorer(self.task, {"dev": self.dev}).evaluate(predictions)

    def epoch(self, epoch: int, evaluation: Evaluation, values: Mapping[str, float]) -> None:
        """Nobody asks."""

    def note(self, name: str, value: Any) -> None:
        """Nobody asks."""

    def adjust(self, name: str, value: Any, origin: str) -> None:
        """Nobody asks."""

    def warn(self, message: str) -> None:
        """Nobody asks."""

    @contextlib.contextmanager
    def interruptible(self) -> Iterator[Callable[[], bool]]:
        """Nobody interrupts."""
        yield lambda: False
