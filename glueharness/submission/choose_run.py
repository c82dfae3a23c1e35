"""Which run of a task is taken where the user names none: the best, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from glueharness.errors import SubmissionError
from glueharness.record.folders import find_run, list_runs
from glueharness.record.record import MODEL_FOLDER

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from glueharness.plugin.registry import Registry
    from glueharness.record.record import RunRecord
    from glueharness.specs import TaskSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A run that was chosen.

    Attributes:
        record: The run.
        folder: Its folder.
        why: Why this one, in words.
    """

    record: RunRecord
    folder: Path
    why: str


def learner(task: TaskSpec, registry: Registry) -> TaskSpec:
    """The task whose runs predict ``task``: itself, or the one that it has no data without."""
    return registry.task(task.trained_on) if task.trained_on else task


def choose_run(runs_dir: Path, task: TaskSpec, run: str = "") -> Choice:
    """The run that was named, or the best of those that may be submitted.

    Args:
        runs_dir: Folder of the runs.
        task: The task that the run must have learnt.
        run: Id, beginning of an id, or ``latest``; empty for the best.

    Raises:
        SubmissionError: There is none, or the one that was named may not be submitted.
        UnknownNameError: No run of that name.
    """
    return _named(runs_dir, task, run) if run else _best(runs_dir, task)


def best_run(runs_dir: Path, task: TaskSpec) -> RunRecord:
    """The record of the best run (see :func:`choose_run`)."""
    return choose_run(runs_dir, task).record


def _named(runs_dir: Path, task: TaskSpec, run: str) -> Choice:
    folder, record = find_run(runs_dir, run)
    problem = ""
    if record.task != task.name:
        problem = f"it is a run of {record.task}, not of {task.name}"
    elif record.status != "completed":
        problem = f"its status is {record.status}"
    elif record.data.sample:
        problem = "it was trained on the bundled sample"
    elif not (folder / MODEL_FOLDER).is_dir():
        problem = "its model is gone"
    if problem:
        raise SubmissionError(
            f"run {record.id} cannot be submitted: {problem}",
            where=str(folder),
            remedy=f"List the runs: glueharness runs --runs-dir {runs_dir}",
        )
    return Choice(record=record, folder=folder, why="the one that was asked for")


def _best(runs_dir: Path, task: TaskSpec) -> Choice:
    records = [record for record in list_runs(runs_dir)[0] if record.task == task.name]
    completed = [record for record in records if record.status == "completed"]
    real = [record for record in completed if not record.data.sample]
    able = [record for record in real if (runs_dir / record.id / MODEL_FOLDER).is_dir()]
    left_out = {
        "not completed": len(records) - len(completed),
        "on the bundled sample": len(completed) - len(real),
        "without a model": len(real) - len(able),
    }
    if not able:
        raise SubmissionError(
            f"there is no run of {task.name} to submit ({_listing(left_out) or 'none was made'})",
            where=str(runs_dir),
            remedy=f"Train one on real data first: glueharness run {task.name} --data-dir FOLDER",
        )
    # A dev split cut short flatters by luck: runs with whole ones come first.
    whole = [record for record in able if not _dev_cut_short(record)] or able
    # Scores on other rows are no comparison, and a task may have changed since: what was trained
    # on last counts.
    alike = [record for record in whole if _dev_rows(record) == _dev_rows(whole[-1])]
    left_out["with a cut dev split"] = len(able) - len(whole)
    left_out["on other dev rows"] = len(whole) - len(alike)
    others = _listing(left_out)
    # Of equals the one that the leaderboard lists first.
    best = min(alike, key=lambda record: (-_primary(record), record.model, record.started))
    why = f"best of {len(alike)} runs by {task.primary.title} on dev"
    if len(alike) == 1:
        why = f"the only run of {task.name}"
    return Choice(
        record=best,
        folder=runs_dir / best.id,
        why=f"{why}; left out: {others}" if others else why,
    )


def _listing(left_out: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {what}" for what, count in left_out.items() if count)


def _primary(record: RunRecord) -> float:
    value = record.primary
    return float("-inf") if value is None or value != value else value  # noqa: PLR0124 - not a number


def _dev_rows(record: RunRecord) -> dict[str, str]:
    """What the run was scored on: fingerprints of texts and labels by dev split."""
    splits = record.data.splits.items()
    return {name: split.fingerprint for name, split in splits if split.role == "dev"}


def _dev_cut_short(record: RunRecord) -> bool:
    splits = record.data.splits.values()
    return any(split.partial or split.limited for split in splits if split.role == "dev")
