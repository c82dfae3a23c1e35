"""The arguments of the run-event hooks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from glueharness.record.record import RunRecord
    from glueharness.specs import Evaluation, Progress, TaskSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted:
    """A run is about to train.

    Attributes:
        record: The record as it stands: configuration, data, environment.
        folder: The run folder.
        differs: In words, what it computes otherwise than the earlier run that is most like it;
            empty if there is none.
    """

    record: RunRecord
    folder: Path
    differs: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunProgress:
    """A run is at work.

    Attributes:
        run: Run id.
        progress: How far it is.
    """

    run: str
    progress: Progress


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEvaluated:
    """An epoch is over.

    Attributes:
        run: Run id.
        epoch: 1 for the first.
        evaluation: Scores of the dev splits.
        values: Further values of the epoch from the model, for instance ``{"loss": 0.61}``.
    """

    run: str
    epoch: int
    evaluation: Evaluation
    values: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunAdjusted:
    """A setting has another value than in the record of ``RunStarted``.

    Attributes:
        run: Run id.
        setting: Its name.
        value: The value that is used.
        reason: Why, for instance ``"recipe for fresh weights"``.
    """

    run: str
    setting: str
    value: Any
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunWarned:
    """Something that the user should know, for instance that weights are fresh.

    Attributes:
        run: Run id.
        message: One or two sentences.
    """

    run: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFinished:
    """A run is complete.

    Attributes:
        record: The final record.
        folder: The run folder.
    """

    record: RunRecord
    folder: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFailed:
    """A run ended without completing.

    Attributes:
        record: The record; its status is ``failed`` or ``interrupted``.
        folder: The run folder.
        error: What ended it.
    """

    record: RunRecord
    folder: Path
    error: BaseException


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepFinished:
    """Several settings of a model were tried on a task, and one of them is the best.

    Attributes:
        task: The task.
        candidates: The completed runs of each setting that has any, the best first.
        folder: The folder of the runs.
        remarks: What is said below the table of the settings; whoever hears of it may add to it.
        stopped: How many further settings a search stopped early.
    """

    task: TaskSpec
    candidates: Sequence[Sequence[RunRecord]]
    folder: Path
    remarks: list[str]
    stopped: int = 0
