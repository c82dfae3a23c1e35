"""What is ranked and compared: a metric on a split, or a mean of several."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from glueharness_leaderboard.evidence.predictions_file import dev_splits

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from glueharness.record.record import RunRecord
    from glueharness.specs import GroupSpec, TaskSpec


class Quantity(NamedTuple):
    """A number that a run has.

    Attributes:
        split: Dev split; empty for the mean over all of them.
        metric: Metric name; empty for the mean of those that count.
    """

    split: str
    metric: str


def counted_metrics(task: TaskSpec | None, groups: Iterable[GroupSpec]) -> tuple[str, ...]:
    """Names of the metrics that rank a task's runs, the primary one first.

    Those whose mean the task's group counts (GLUE takes F1 and accuracy for MRPC); of a task
    without a group the primary one.
    """
    if task is None:
        return ()
    group = next(
        (each for each in groups if each.name == task.group and task.name in each.tasks), None
    )
    if group is None:
        return (task.primary.name,)
    return group.metrics.get(task.name) or tuple(metric.name for metric in task.metrics)


def ranked_quantity(splits: Sequence[str], counted: Sequence[str]) -> Quantity:
    """What ranks: the one metric on the one split, or the mean where there are several."""
    return Quantity(splits[0] if len(splits) == 1 else "", counted[0] if len(counted) == 1 else "")


def score_of(record: RunRecord, quantity: Quantity, counted: Sequence[str]) -> float | None:
    """A run's recorded value; None if a part of it is missing or no number."""
    splits = [quantity.split] if quantity.split else dev_splits(record)
    metrics = [quantity.metric] if quantity.metric else list(counted)
    values = [record.metrics.get(split, {}).get(metric) for split in splits for metric in metrics]
    known = [value for value in values if value is not None and math.isfinite(value)]
    return math.fsum(known) / len(known) if values and len(known) == len(values) else None
