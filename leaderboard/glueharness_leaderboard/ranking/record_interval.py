"""The interval of an accuracy from the record alone, for runs whose predictions are not there."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from glueharness_leaderboard.statistics import intervals
from glueharness_leaderboard.statistics.intervals import Interval

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glueharness.record.record import RunRecord


def interval_from_record(runs: Sequence[RunRecord]) -> Interval | None:
    """The 95 % interval of runs' mean primary score, if their records allow one.

    They do for accuracy, which is a share of n rows. Of several seeds the interval covers the
    choice of rows, as if all seeds erred on the same ones, and the choice of seeds.
    """
    first = runs[0]
    if first.primary_metric != "accuracy":
        return None
    scores = [run.primary for run in runs if run.primary is not None]
    by_split = _proportions(runs)
    if by_split is None or len(scores) < len(runs):
        return None
    of_splits = [intervals.wilson(share, rows) for share, rows in by_split]
    rows = intervals.of_mean([share for share, _ in by_split], of_splits)
    if len(scores) == 1:
        return rows
    low, high = intervals.widened_by_seeds(math.fsum(scores) / len(scores), rows, scores)
    return Interval(max(low, 0.0), min(high, 1.0))


def _proportions(runs: Sequence[RunRecord]) -> list[tuple[float, int]] | None:
    """Accuracy and rows of each dev split, the mean over runs; None if any is no share of rows."""
    found = []
    for name, split in runs[0].data.splits.items():
        if split.role != "dev":
            continue
        shares = [run.metrics.get(name, {}).get("accuracy") for run in runs]
        known = [share for share in shares if share is not None]
        if len(known) < len(runs) or any(
            not intervals.is_share(share, split.rows) for share in known
        ):
            return None
        found.append((math.fsum(known) / len(known), split.rows))
    return found or None
