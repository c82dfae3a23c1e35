"""The score of the group: the mean over the tasks, each the mean of its metrics."""

from __future__ import annotations

from math import fsum
from typing import TYPE_CHECKING

from glueharness import GroupSpec
from glueharness_superglue.tasks import DIAGNOSTICS, PAPER, TASKS

if TYPE_CHECKING:
    from collections.abc import Mapping

    Scores = Mapping[str, Mapping[str, Mapping[str, float]]]

_COUNTED = tuple(task for task in TASKS if task not in DIAGNOSTICS)


def mean_of_tasks(scores: Scores) -> float | None:
    """The mean over the seven tasks; None unless all are there with all of their metrics.

    Args:
        scores: Metric values, fractions, by task, split and metric name.
    """
    for split in ("dev", "test"):
        parts = []
        for task in _COUNTED:
            values = scores.get(task.name, {}).get(split, {})
            found = [values[metric.name] for metric in task.metrics if metric.name in values]
            if len(found) == len(task.metrics):
                parts.append(fsum(found) / len(found))
        if len(parts) == len(_COUNTED):
            return fsum(parts) / len(parts)
    return None


SUPERGLUE = GroupSpec(
    name="superglue",
    title="SuperGLUE without ReCoRD",
    description="The mean over seven of the eight tasks, each the mean of its metrics. It is not "
    "the score of the official leaderboard, in which ReCoRD counts too.",
    tasks=tuple(task.name for task in _COUNTED),
    score=mean_of_tasks,
    citation=PAPER,
)
