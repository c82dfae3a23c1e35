"""The score of a group of tasks from runs with several seeds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import stdev
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from glueharness.record.record import RunRecord
    from glueharness.specs import GroupSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupScore:
    """A model's score over the tasks of a group.

    Attributes:
        score: The group's rule applied to each task's mean scores over its seeds, a fraction;
            None unless all tasks are there.
        deviation: Standard deviation of the scores of the single seeds that every task has, a
            fraction; None for fewer than two.
        why: Why there is no score, in words; empty if there is one.
        marks: What sets the runs apart that made it, for instance ``sample``.
    """

    score: float | None
    deviation: float | None
    why: str = ""
    marks: tuple[str, ...] = ()


def mean_scores(runs: Sequence[RunRecord]) -> dict[str, dict[str, float]]:
    """The runs' mean scores by split and metric name, as far as all of them have them."""
    if not runs:
        return {}
    return {
        split: {
            metric: math.fsum(values) / len(values)
            for metric in metrics
            if (values := _known(run.metrics.get(split, {}).get(metric) for run in runs))
            and len(values) == len(runs)
        }
        for split, metrics in runs[0].metrics.items()
    }


def group_score(group: GroupSpec, runs: Mapping[str, Sequence[RunRecord]]) -> GroupScore:
    """The group's score: first the mean over a task's seeds, then the group's rule.

    So no run is discarded if a seed is missing for some task; only the deviation needs seeds that
    every task has. The one rule on what may make such a score, for whoever shows it: every task,
    on its whole splits, and either all on the bundled sample or none.

    Args:
        group: The group.
        runs: Task name to the model's runs of it.
    """
    present = {task: runs[task] for task in group.tasks if runs.get(task)}
    marks = tuple(sorted({mark for each in present.values() for run in each for mark in run.marks}))
    why = _why_none(group, present)
    if why:
        return GroupScore(score=None, deviation=None, why=why, marks=marks)
    shared = [{run.seed for run in found} for found in present.values()]
    single = [
        group.score(
            {
                task: mean_scores([run for run in found if run.seed == seed])
                for task, found in present.items()
            }
        )
        for seed in sorted(set.intersection(*shared) if shared else ())
    ]
    known = _known(single)
    score = group.score({task: mean_scores(found) for task, found in present.items()})
    return GroupScore(
        score=score,
        deviation=stdev(known) if len(known) > 1 else None,
        why="a metric that counts is missing" if score is None else "",
        marks=marks,
    )


def _why_none(group: GroupSpec, runs: Mapping[str, Sequence[RunRecord]]) -> str:
    """Why these runs make no score of the group; empty if they may."""
    if len(runs) < len(group.tasks):
        return f"{len(runs)} of {len(group.tasks)} tasks"
    short = [
        task
        for task, found in runs.items()
        if any({"partial", "limited"} & set(run.marks) for run in found)
    ]
    if short:
        return f"the data of {', '.join(short)} are not complete"
    samples = {run.data.sample for found in runs.values() for run in found}
    return "some tasks are of the bundled sample, others are not" if len(samples) > 1 else ""


def _known(values: Iterable[float | None]) -> list[float]:
    return [value for value in values if value is not None and math.isfinite(value)]
