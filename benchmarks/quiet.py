"""The contexts of a run that nobody follows, and whose settings stay as they are."""

from __future__ import annotations

import contextlib
import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from glueharness import ModelContext
from glueharness.plugin.registry import Registry
from glueharness.run.config import COMMAND_LINE
from glueharness.scoring.scorer import Scorer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from glueharness import Evaluation, FloatArray, Progress, TaskSpec
    from glueharness.data.table import Table
    from glueharness_finetune import FinetuneSettings


def as_chosen(task: TaskSpec, settings: FinetuneSettings, seed: int) -> ModelContext:
    """The context of a model of which the user chose every setting: no recipe changes one."""
    names = [field.name for field in dataclasses.fields(settings)]
    origins = dict.fromkeys(names, COMMAND_LINE)
    return ModelContext(
        task=task,
        settings=settings,
        seed=seed,
        origins=origins,
        engines=tuple(Registry().engines),
    )


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
        """Refuse it: who is compared trains with the same settings.

        Raises:
            AssertionError: Always.
        """
        raise AssertionError(f"{name} became {value} by the {origin}; the peer's stays")

    def warn(self, message: str) -> None:
        """Nobody asks."""

    @contextlib.contextmanager
    def interruptible(self) -> Iterator[Callable[[], bool]]:
        """Nobody interrupts."""
        yield lambda: False
