"""Intervals in closed form: what can be said of a score from the run record alone.

Plain Python on purpose: the leaderboard over hundreds of runs starts faster than numpy imports.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

CONFIDENCE = 0.95
Z = 1.959963984540054
"""Normal quantile for a two-sided interval of 95 %."""

_WHOLE = 1e-6


class Interval(NamedTuple):
    """An interval of 95 %.

    Attributes:
        low: Lower end, in the unit of the score.
        high: Upper end.
    """

    low: float
    high: float


def wilson(share: float, trials: int) -> Interval:
    """Wilson's score interval of a proportion (Wilson 1927, JASA 22:209).

    Unlike the textbook ±1.96·√(p(1−p)/n) it keeps its promise on small dev sets and near 1.

    Args:
        share: Share of the rows that are right, a fraction in [0, 1].
        trials: All rows, at least 1.
    """
    scale = 1 + Z**2 / trials
    centre = (share + Z**2 / (2 * trials)) / scale
    half = Z * math.sqrt(share * (1 - share) / trials + Z**2 / (4 * trials**2)) / scale
    # At the ends the two terms cancel, save for rounding.
    low = 0.0 if share == 0 else max(0.0, centre - half)
    high = 1.0 if share == 1 else min(1.0, centre + half)
    return Interval(low, high)


def is_share(share: float, trials: int) -> bool:
    """Whether a score can be a share of so many rows: k/n for some whole k."""
    counted = share * trials
    return 0 <= share <= 1 and abs(counted - round(counted)) <= _WHOLE * trials


def of_mean(scores: Sequence[float], intervals: Sequence[Interval]) -> Interval:
    """Interval of the mean of independent scores, from their own intervals.

    The method of variance estimates recovery (Zou and Donner 2008, Statistics in Medicine
    27:1693), which keeps the asymmetry of each interval. Of one score it is that score's own.

    Args:
        scores: The scores, for instance MNLI matched and mismatched.
        intervals: Their intervals.
    """
    count = len(scores)
    mean = math.fsum(scores) / count
    down = math.hypot(*(score - end.low for score, end in zip(scores, intervals, strict=True)))
    up = math.hypot(*(end.high - score for score, end in zip(scores, intervals, strict=True)))
    return Interval(mean - down / count, mean + up / count)


def widened_by_seeds(mean: float, rows: Interval, seed_scores: Sequence[float]) -> Interval:
    """An interval that covers the choice of rows, made to cover the choice of seeds too.

    Both are recovered as in :func:`of_mean`; the seeds' part is Student's t interval.

    Args:
        mean: Mean score of the seeds.
        rows: Its interval for the choice of rows.
        seed_scores: One score a seed; at least two.
    """
    from scipy import special

    count = len(seed_scores)
    quantile = float(special.stdtrit(count - 1, (1 + CONFIDENCE) / 2))
    half = quantile * standard_deviation(seed_scores) / math.sqrt(count)
    return Interval(
        mean - math.hypot(mean - rows.low, half), mean + math.hypot(rows.high - mean, half)
    )


def standard_deviation(values: Sequence[float]) -> float:
    """Standard deviation with n − 1 in the denominator; 0 for one value."""
    if len(values) < 2:
        return 0.0
    mean = math.fsum(values) / len(values)
    return math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1))
