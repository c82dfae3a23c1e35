"""What is uncertain in a score: which rows were drawn, and which seeds.

Run i of contestant k scores ``theta_k`` plus a part of its seed, and row r moves it by a part of
the row, of model and row, and of seed and row (the interaction). What is asked for is the score
on new rows with new seeds. Rows are shared by all contestants of a table; seeds are not: that
two runs have the same number says nothing.

The scores of a contestant's seeds spread by seed and interaction together. So the variance of
the mean influence over rows, which holds the interaction too, is given without it where seeds
are counted: once, not twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from glueharness_leaderboard.statistics.measurement import SeedSample
from glueharness_leaderboard.statistics.student_t import degrees_of_freedom

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glueharness_leaderboard.statistics.influence import Floats
    from glueharness_leaderboard.statistics.measurement import Measurement

LEAST_ROWS = 5
"""Fewer deciding rows than this cannot carry a verdict."""
_ROUNDING = 1e-9
"""Influences, which are of the order of 1, below which they are 0 but for rounding."""
_OWN_LEVEL = 0.10
"""Level of the F test by which a contestant keeps a seed variance of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Components:
    """The variance of a score, or of a difference of scores.

    Attributes:
        rows: From the choice of rows, without the interaction where seeds are counted.
        seeds: From the choice of seeds; 0 where nothing is known of them.
        seed_degrees: Degrees of freedom of ``seeds``.
        effective_rows: How many rows decide, as :func:`rows_variance` counts them; infinite
            where it has no meaning.
    """

    rows: float
    seeds: float
    seed_degrees: float
    effective_rows: float = float("inf")

    @property
    def variance(self) -> float:
        """The variance."""
        return self.rows + self.seeds

    @property
    def degrees(self) -> float:
        """Degrees of freedom for Student's t."""
        return float(degrees_of_freedom(self.rows, self.seeds, self.seed_degrees))

    def plus(self, other: Components) -> Components:
        """Of the sum of two independent scores, for instance on two tasks."""
        seeds = self.seeds + other.seeds
        return Components(
            rows=self.rows + other.rows,
            seeds=seeds,
            seed_degrees=_satterthwaite(
                [(self.seeds, self.seed_degrees), (other.seeds, other.seed_degrees)]
            ),
            effective_rows=max(self.effective_rows, other.effective_rows),
        )

    def times(self, factor: float) -> Components:
        """Of a score multiplied by a number."""
        return Components(
            rows=self.rows * factor**2,
            seeds=self.seeds * factor**2,
            seed_degrees=self.seed_degrees,
            effective_rows=self.effective_rows,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedSpread:
    """Variance over seeds of every contestant of a table, pooled.

    Attributes:
        variances: ``[K]``, of one run's score.
        degrees: ``[K]``, degrees of freedom.
        interactions: ``[K]``, the part of it that the variance over rows holds too.
        pooled: Variance of the pool; 0 if no contestant has two seeds.
        pool_degrees: Degrees of freedom of the pool; 0 likewise.
        own: ``[K]``, who spreads so much more than the others that it keeps its own variance.
        borrowed: ``[K]``, who has one run and is given the pool's.
    """

    variances: Floats
    degrees: Floats
    interactions: Floats
    pooled: float
    pool_degrees: float
    own: Floats
    borrowed: Floats

    @property
    def ratio(self) -> float:
        """Largest standard deviation over seeds that is used, by the pool's; 1 for none."""
        if self.pooled <= 0 or not self.own.any():
            return 1.0
        return float(np.sqrt(self.variances[self.own].max() / self.pooled))


def seed_spread(samples: Sequence[SeedSample]) -> SeedSpread:
    """Pool the contestants' variance over seeds.

    A contestant whose variance is larger than the others' (F test at 10 %) keeps its own; one
    with a single run borrows the pool's; one whose seeds agree in every row has none.
    """
    fixed = np.array([each.repeats for each in samples], dtype=bool)
    runs = np.array([each.runs for each in samples])
    degrees = np.array([each.degrees for each in samples], np.float64)
    variance = np.array([each.variance for each in samples], np.float64)
    interaction = np.array([each.interaction for each in samples], np.float64)
    total = float(degrees.sum())
    pooled = float((variance * degrees).sum()) / total if total else 0.0
    shared = float((interaction * degrees).sum()) / total if total else 0.0
    if pooled <= _ROUNDING**2:
        # Seeds that differ in rows and by luck not in score spread by what those rows give.
        pooled = shared
    own = _stands_out(variance, degrees)
    return SeedSpread(
        variances=np.where(fixed, 0.0, np.where(own, variance, pooled)),
        degrees=np.where(own, degrees, total),
        interactions=np.where(fixed, 0.0, shared),
        pooled=pooled,
        pool_degrees=total,
        own=own,
        borrowed=(runs == 1) & (total > 0),
    )


def _stands_out(variances: Floats, degrees: Floats) -> Floats:
    """Whose variance is larger than that of all others together, by an F test."""
    rest_degrees = degrees.sum() - degrees
    usable = (degrees > 0) & (rest_degrees > 0)
    rest = np.divide(
        (variances * degrees).sum() - variances * degrees,
        rest_degrees,
        out=np.zeros_like(variances),
        where=usable,
    ).clip(min=0)
    ratio = np.divide(variances, rest, out=np.where(variances > 0, np.inf, 0.0), where=rest > 0)
    found: Floats = usable & (
        special.fdtrc(np.maximum(degrees, 1), np.maximum(rest_degrees, 1), ratio) < _OWN_LEVEL
    )
    return found


class ScoreTable:
    """Contestants on the same rows, with their seed variance pooled.

    Args:
        measurements: The contestants.
        others: Seeds of further contestants on the same rows, for the pool only.
    """

    def __init__(
        self, measurements: Sequence[Measurement], others: Sequence[SeedSample] = ()
    ) -> None:
        self.measurements = tuple(measurements)
        samples = [each.seeds if each.defined else SeedSample(runs=1) for each in self.measurements]
        self.spread = seed_spread([*samples, *others])

    def __len__(self) -> int:
        """Number of contestants, K."""
        return len(self.measurements)

    @cached_property
    def scores(self) -> Floats:
        """Mean score of each contestant: ``[K]``; not a number where it is undefined."""
        return np.array([each.score for each in self.measurements])

    @cached_property
    def runs(self) -> Floats:
        """Number of runs of each contestant: ``[K]``."""
        return np.array([each.runs for each in self.measurements], np.float64)

    @cached_property
    def influences(self) -> tuple[Floats, ...]:
        """Mean influence of each contestant over its runs, by split: ``[K, u]``."""
        splits = range(len(self.measurements[0].influences)) if self.measurements else ()
        return tuple(
            np.stack([each.influences[split] for each in self.measurements]) for split in splits
        )

    @cached_property
    def split_scores(self) -> Floats:
        """Mean score of each contestant by split: ``[splits, K]``."""
        return np.array([each.split_scores for each in self.measurements], np.float64).T

    def single(self, contestant: int) -> Components:
        """The variance of one contestant's score."""
        rows = [rows_variance(split[contestant]) for split in self.influences]
        return self._components(rows, [contestant])

    def pair(self, first: int, second: int) -> Components:
        """The variance of the difference between two contestants' scores."""
        rows = [
            rows_variance(split[first] - split[second], float(scores[first] - scores[second]))
            for split, scores in zip(self.influences, self.split_scores, strict=True)
        ]
        return self._components(rows, [first, second])

    def _components(self, rows: Sequence[tuple[float, float]], places: Sequence[int]) -> Components:
        count = len(rows)
        variance = sum(value for value, _ in rows) / count**2
        spread = self.spread
        parts = [
            (float(spread.variances[place] / self.runs[place]), float(spread.degrees[place]))
            for place in places
        ]
        seeds = sum(value for value, _ in parts)
        effective = max((deciding for _, deciding in rows), default=float("inf"))
        if seeds <= 0:
            return Components(rows=variance, seeds=0.0, seed_degrees=0.0, effective_rows=effective)
        shared = sum(float(spread.interactions[place] / self.runs[place]) for place in places)
        return Components(
            rows=max(0.0, variance - shared),
            seeds=seeds,
            seed_degrees=min(_satterthwaite(parts), spread.pool_degrees),
            effective_rows=effective,
        )


def rows_variance(influence: Floats, difference: float = 0.0) -> tuple[float, float]:
    """Variance of a mean influence over rows, and how many rows decide.

    Enlarged by one over the number of deciding rows: where few rows decide, their sum of
    squares is itself a guess, and McNemar's test is what this comes to.

    Where one side wins nearly every row, the difference hardly varies from row to row, and the
    few rows that are otherwise would seem to decide. There the spread is taken about 0, where it
    would be if there were no difference: for accuracy that is McNemar's test, exactly.

    Args:
        influence: ``[u]``, mean 0.
        difference: The difference in score that these rows make; 0 for a single score.

    Returns:
        The variance, and q²/Σd⁴, which for the accuracy of one run and another is about the
        number of rows on which only one is right; 0 where no row differs.
    """
    count = len(influence)
    constant = np.abs(influence).max() <= _ROUNDING
    if constant and abs(difference) <= _ROUNDING:
        return 0.0, 0.0
    if count < 2:
        return difference**2, 1.0
    total, deciding = (0.0, 0.0) if constant else _deciding(influence)
    if deciding < LEAST_ROWS and count * difference**2 > total:
        total, deciding = _deciding(influence + difference)
    return total / (count * (count - 1)) * (1 + 1 / deciding), deciding


def _deciding(influence: Floats) -> tuple[float, float]:
    """Sum of the squares q, and q²/Σd⁴."""
    squares = influence**2
    total = float(squares.sum())
    return total, total**2 / float((squares**2).sum())


def _satterthwaite(parts: Sequence[tuple[float, float]]) -> float:
    """Degrees of freedom of a sum of variances, each with its own."""
    total = sum(value for value, _ in parts)
    doubt = sum(value * value / degrees for value, degrees in parts if value > 0)
    return total * total / doubt if doubt > 0 else 0.0
