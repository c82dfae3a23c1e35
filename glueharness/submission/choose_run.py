"""Chooses the run that predicts a task's submission: the one named, or the best."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glueharness.errors import RunFolderError, SubmissionError
from glueharness.record.best import Choice, Wanted
from glueharness.run.trained_model import task_problem

if TYPE_CHECKING:
    from glueharness.plugin.registry import Registry
    from glueharness.record.record import RunRecord
    from glueharness.record.store import RunStore
    from glueharness.specs import TaskSpec

REFUSED = frozenset({"sample", "fresh", "sample parent", "fresh parent"})
"""Marks of runs that are not submitted of themselves; a fresh one is if it is named."""


def learner(task: TaskSpec, registry: Registry) -> TaskSpec:
    """The task whose runs predict ``task``: itself, or the one it is predicted with."""
    return registry.task(task.trained_on) if task.trained_on else task


def choose_run(
    store: RunStore, task: TaskSpec, run: str = "", *, model: str = "", seed: int | None = None
) -> Choice:
    """The run that was named, or the best of those that may be submitted.

    Args:
        store: The runs.
        task: The task that the run must have learnt.
        run: Id, a part of an id, or ``latest``; empty for the best.
        model: Model that it must be of; empty for any.
        seed: Seed that it must have; None for any.

    Raises:
        SubmissionError: There is none, or the one that was named cannot be submitted.
        UnknownNameError: No run of that name.
    """
    if run:
        return _named(store, task, run)
    wanted = Wanted(
        task=task.name,
        purpose="submit",
        metric=task.primary.title,
        model=model,
        seed=seed,
        refused=REFUSED,
        fits=lambda record: not task_problem(record, task),
        remedy=_remedy(task),
    )
    try:
        return store.best(wanted)
    except RunFolderError as error:
        raise SubmissionError(error.what, where=error.where, remedy=error.remedy) from error


def _remedy(task: TaskSpec) -> str:
    return (
        f"Train one on real data first: glueharness run {task.name} --data-dir FOLDER\n"
        "A run from fresh weights is submitted only if it is named: --run ID"
    )


def _named(store: RunStore, task: TaskSpec, run: str) -> Choice:
    record = store.find(run)
    problem = _problem(store, record, task)
    if problem:
        raise SubmissionError(
            f"run {record.id} cannot be submitted: {problem}",
            where=str(store.path(record)),
            remedy=f"List the runs: glueharness runs --runs-dir {store.folder}",
        )
    return Choice(record=record, folder=store.path(record), why="the one that was asked for")


def _problem(store: RunStore, record: RunRecord, task: TaskSpec) -> str:
    if record.kind == "evaluation":
        whose = f": name run {record.parent.id}" if record.parent else ""
        return f"it is an evaluation, and keeps no model of its own{whose}"
    if record.task != task.name:
        return f"it is a run of {record.task}, not of {task.name}"
    if record.status != "completed":
        return f"its status is {store.state(record)}"
    if record.data.sample:
        return "it was trained on the bundled sample"
    if not store.has_model(record):
        return "its model is gone"
    return task_problem(record, task)
