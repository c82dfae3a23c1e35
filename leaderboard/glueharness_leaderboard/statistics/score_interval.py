"""The 95 % interval of one contestant's score, on the scale that suits the metric."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from glueharness_leaderboard.statistics.difference import half_width
from glueharness_leaderboard.statistics.student_t import LEVEL, quantile

if TYPE_CHECKING:
    from glueharness_leaderboard.statistics.variance import Components

_ALMOST_ONE = 0.999999


def score_interval(
    score: float,
    components: Components,
    bounds: tuple[float, float],
    rows: int,
    level: float = LEVEL,
) -> tuple[float, float] | None:
    """Interval of a score.

    Between 0 and 1 it is Wilson's, with as many rows as the variance is worth (one run's
    accuracy: exactly Wilson 1927); between -1 and 1 it is made on Fisher's scale, the inverse
    hyperbolic tangent. Both keep their promise near the ends, where score ± half does not.

    Args:
        score: The score.
        components: Its variance.
        bounds: Worst and best value of the metric.
        rows: Units of rows, for a score at either end.
        level: Probability of missing the true score.

    Returns:
        None if nothing is known of its variance.
    """
    if not math.isfinite(score):
        return None
    if tuple(bounds) == (0.0, 1.0):
        return wilson(score, components, rows, level)
    if components.variance <= 0:
        return None
    half = half_width(components, level)
    if tuple(bounds) == (-1.0, 1.0):
        if abs(score) >= 1:
            return None
        centre = math.atanh(min(max(score, -_ALMOST_ONE), _ALMOST_ONE))
        reach = half / max(1e-9, 1 - score * score)
        low, high = math.tanh(centre - reach), math.tanh(centre + reach)
    else:
        low, high = max(bounds[0], score - half), min(bounds[1], score + half)
    return min(low, score), max(high, score)


def wilson(
    share: float, components: Components, rows: int, level: float = LEVEL
) -> tuple[float, float] | None:
    """Wilson's interval with the number of rows that the variance is worth."""
    spread = share * (1 - share)
    if spread <= 0:
        worth, reach = float(rows), float(quantile(1 - level / 2, math.inf))
    elif components.variance <= 0:
        return None
    else:
        worth = spread / components.variance
        reach = float(quantile(1 - level / 2, components.degrees))
    scale = 1 + reach**2 / worth
    centre = share + reach**2 / (2 * worth)
    half = reach * math.sqrt(spread / worth + reach**2 / (4 * worth**2))
    low = 0.0 if share == 0 else max(0.0, (centre - half) / scale)
    high = 1.0 if share == 1 else min(1.0, (centre + half) / scale)
    return low, high
