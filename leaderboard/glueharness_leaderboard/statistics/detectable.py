"""What difference a comparison could show: power, before anybody trains another seed."""

from __future__ import annotations

import math

from glueharness_leaderboard.statistics.student_t import LEVEL, degrees_of_freedom, quantile

POWER = 0.80
_SMALL_SAMPLE = 1.05
"""By simulation: without it the power is 75 to 76 % where seeds are counted."""


def detectable_difference(rows: float, seeds: float, seed_degrees: float) -> float:
    """The difference that shows with a power of 80 %, from the variance of a difference.

    Args:
        rows: Variance from rows.
        seeds: Variance from seeds.
        seed_degrees: Its degrees of freedom.
    """
    nu = float(degrees_of_freedom(rows, seeds, seed_degrees))
    both = float(quantile(1 - LEVEL / 2, nu)) + float(quantile(POWER, nu))
    return (_SMALL_SAMPLE if seeds > 0 else 1.0) * both * math.sqrt(rows + seeds)
