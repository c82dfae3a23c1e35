"""What a table could show, and how far its first row and its picked epochs are lucky."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from glueharness_leaderboard.statistics.detectable import detectable_difference
from glueharness_leaderboard.statistics.selection import expected_maximum

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glueharness_leaderboard.statistics.difference import AllPairs
    from glueharness_leaderboard.statistics.variance import ScoreTable

_MORE_SEEDS = (5, 10, 20)


def optimism(table: ScoreTable, tried: int, place: int) -> float | None:
    """What the best of equal epochs is expected to win, if epochs differ as seeds do."""
    shared = float(table.spread.interactions[place])
    if tried < 2 or shared <= 0:
        return None
    return expected_maximum(tried) * math.sqrt(shared)


def detectable(pairs: AllPairs, first: int) -> float | None:
    """Difference from the first row that would show, the median over the others."""
    found = [
        detectable_difference(each.rows, each.seeds, each.seed_degrees)
        for other in range(len(pairs.differences))
        if other != first and np.isfinite(pairs.differences[first, other])
        for each in [pairs.components(first, other)]
        if each.variance > 0
    ]
    return float(np.median(found)) if found else None


def with_more_seeds(table: ScoreTable, pairs: AllPairs, first: int) -> tuple[int, float] | None:
    """What would show if each row had more seeds: the rows' part stays, the seeds' part shrinks."""
    spread = table.spread
    most = int(table.runs.max())
    seeds = next((number for number in _MORE_SEEDS if number > most), 0)
    if spread.pool_degrees == 0 or not seeds or len(table) < 2:
        return None
    found = [
        detectable_difference(
            float(pairs.rows[first, other]),
            float(spread.variances[first] + spread.variances[other]) / seeds,
            float(len(table) * (seeds - 1)),
        )
        for other in range(len(table))
        if other != first and np.isfinite(pairs.differences[first, other])
    ]
    return (seeds, float(np.median(found))) if found else None


def luck(pairs: AllPairs, tied: Sequence[int]) -> float:
    """What the first of so many equal rows is expected to be too high by."""
    if len(tied) < 2:
        return 0.0
    variance = (pairs.rows + pairs.seeds)[np.ix_(tied, tied)]
    mean = float(variance.sum()) / (len(tied) * (len(tied) - 1))
    return expected_maximum(len(tied)) * math.sqrt(mean / 2)
