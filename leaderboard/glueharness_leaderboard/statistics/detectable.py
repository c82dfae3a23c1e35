"""What difference a comparison could show: power, before anybody trains another seed."""

from __future__ import annotations

import math
from dataclasses import dataclass

from glueharness_leaderboard.statistics.student_t import LEVEL, degrees_of_freedom, quantile

POWER = 0.80
_SMALL_SAMPLE = 1.05
"""By simulation: without it the power is 75 to 76 % where seeds are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is known of two models whose accuracies are to be compared.

    Attributes:
        rows: Rows of the dev split.
        between: Share of the rows on which runs of the two differ in being right.
        within: The same for two runs of one model: of the first, of the second.
        seed_deviation: Standard deviation of one run's accuracy over seeds.
    """

    rows: int
    between: float
    within: tuple[float, float]
    seed_deviation: float

    def detectable(self, first: int, second: int, seed_degrees: float) -> float:
        """The difference in accuracy that so many seeds a side show with a power of 80 %.

        Args:
            first: Seeds of the first.
            second: Seeds of the second.
            seed_degrees: Degrees of freedom of ``seed_deviation``; 0 if seeds do not count.
        """
        runs = (first, second)
        square = self.seed_deviation**2
        rows_part = (
            self.between - sum(w * (1 - 1 / m) / 2 for w, m in zip(self.within, runs, strict=True))
        ) / self.rows
        true_seeds = sum(
            max(0.0, square - w / (2 * self.rows)) / m
            for w, m in zip(self.within, runs, strict=True)
        )
        total = max(0.0, rows_part) + true_seeds
        seeds = min(total, square * (1 / first + 1 / second)) if seed_degrees > 0 else 0.0
        return detectable_difference(total - seeds, seeds, seed_degrees)


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
