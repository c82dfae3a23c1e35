"""What the leaderboard says where there is no run to rank, and what to do next."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from glueharness.cli.runs_list import left_out

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glueharness.plugin.registry import Registry
    from glueharness.record.record import RunRecord
    from glueharness.record.store import RunStore
    from glueharness.specs import TaskSpec


class Asked(NamedTuple):
    """What was asked for.

    Attributes:
        store: The runs.
        task: Name of the task or group; empty for every task.
        where: Conditions on the runs.
    """

    store: RunStore
    task: str
    where: tuple[str, ...]


def no_runs(
    records: Sequence[RunRecord], tasks: Sequence[str], asked: Asked, registry: Registry
) -> str:
    """What to say instead of a table, and what to do next.

    Args:
        records: The runs that meet the conditions.
        tasks: Names of the tasks that were asked for.
        asked: What was asked.
        registry: What the plugins offer.
    """
    left = left_out(asked.store, list(tasks) if asked.task else None)
    if asked.where and not records:
        return f"No runs in {asked.store.name} with {' and '.join(asked.where)}{left}."
    of_task = [record for record in records if record.task in tasks]
    what = "runs" if not asked.task else f"runs of {asked.task}"
    if of_task:
        counts: dict[str, int] = {}
        for record in of_task:
            counts[record.status] = counts.get(record.status, 0) + 1
        listing = ", ".join(f"{count} {status}" for status, count in sorted(counts.items()))
        return (
            f"No completed {what} in {asked.store.name}, only {listing}.\n"
            "See them:  glueharness leaderboard --all-statuses"
        )
    others = sorted({record.task for record in records})
    hint = f" There are runs of {', '.join(others)}." if others else ""
    name = "qnli" if not asked.task else asked.task
    if name in registry.tasks.items and registry.task(name).trained_on:
        return f"No {what} in {asked.store.name}{left}.{_advice(registry.task(name), others)}"
    return f"No {what} in {asked.store.name}{left}.{hint}\nMake one:  glueharness run {name}"


def _advice(task: TaskSpec, others: Sequence[str]) -> str:
    """What to do for a task without training data, which runs of another task predict."""
    learnt = task.trained_on
    if not task.splits_of("dev"):
        first = "" if learnt in others else f"glueharness run {learnt}, then "
        return (
            f" It has no labelled rows to rank by; runs of {learnt} predict it.\n"
            f"Predict it:  {first}glueharness submit {task.name}"
        )
    if learnt in others:
        return (
            f" It is scored with runs of {learnt}, and there are some.\n"
            f"Score one:  glueharness evaluate {task.name}"
        )
    return f" It is scored with runs of {learnt}.\nMake and score one:  glueharness run {task.name}"
