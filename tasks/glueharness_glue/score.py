"""The GLUE score: one number for nine tasks."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from glueharness import GroupSpec
from glueharness_glue.common import GLUE_PAPER
from glueharness_glue.tasks import TASKS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from glueharness import TaskSpec
    from glueharness.specs import Role, Scores

_COUNTED = tuple(task for task in TASKS if not task.trained_on)
_METRICS = {
    "cola": ("matthews_correlation",),
    "sst2": ("accuracy",),
    "mrpc": ("f1", "accuracy"),
    "stsb": ("pearson", "spearman"),
    "qqp": ("f1", "accuracy"),
    "mnli": ("accuracy",),
    "qnli": ("accuracy",),
    "rte": ("accuracy",),
    "wnli": ("accuracy",),
}
"""What counts, as the GLUE paper says (section 3.3): it stays, whatever a task measures besides."""


def task_score(
    task: TaskSpec, scores: Mapping[str, Mapping[str, float]], role: Role
) -> float | None:
    """A task's part of the GLUE score: the mean of its metrics, and over MNLI's two sets.

    Args:
        task: The task.
        scores: Metric values by split and metric name.
        role: Whether the dev or the test splits count.

    Returns:
        A fraction; None if a metric or one of MNLI's sets is missing.
    """
    values = [
        scores.get(split.name, {}).get(metric, math.nan)
        for split in task.splits_of(role)
        for metric in _METRICS[task.name]
    ]
    return _mean(values) if values and all(math.isfinite(value) for value in values) else None


def glue_score(scores: Scores) -> float | None:
    """The mean over the nine tasks; AX does not count.

    This rule reproduces the published scores of the official server to 0.06 points. (The
    "Average" of the BERT paper is something else: it leaves WNLI out, and averages nine columns.)

    Args:
        scores: Metric values, fractions, by task, split and metric name. Dev and test are never
            mixed in one score.

    Returns:
        A fraction; None unless all nine tasks are there with all of their metrics.
    """
    roles: tuple[Role, ...] = ("dev", "test")
    for role in roles:
        parts = [task_score(task, scores.get(task.name, {}), role) for task in _COUNTED]
        known = [part for part in parts if part is not None]
        if len(known) == len(parts):
            return _mean(known)
    return None


def _mean(values: Sequence[float]) -> float:
    """The same as ``statistics.fmean``, whose module is slow to import."""
    return math.fsum(values) / len(values)


GLUE = GroupSpec(
    name="glue",
    title="GLUE",
    description="The mean over nine tasks, each the mean of its metrics; AX does not count.",
    tasks=tuple(task.name for task in _COUNTED),
    score=glue_score,
    metrics=_METRICS,
    citation=GLUE_PAPER,
)
