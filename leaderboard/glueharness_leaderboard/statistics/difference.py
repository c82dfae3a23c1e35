"""Is a difference between two contestants real? One test for all metrics, without resampling."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from glueharness_leaderboard.statistics.student_t import (
    LEVEL,
    degrees_of_freedom,
    quantile,
    two_sided_p,
)
from glueharness_leaderboard.statistics.variance import LEAST_ROWS, Components, rows_variance

if TYPE_CHECKING:
    from glueharness_leaderboard.statistics.influence import Floats
    from glueharness_leaderboard.statistics.variance import ScoreTable

_SAME = 1e-9

Verdict = Literal["real", "not distinguishable", "identical", "too few rows differ", "undefined"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """The first contestant's score less the second's.

    Attributes:
        value: The difference, a fraction; not a number if a score is undefined.
        components: Its variance.
        p: Two-sided p of "there is none".
        comparisons: By how much p is multiplied for other comparisons and for selection, at
            least 1; the interval is made wider to match, so that it leaves out 0 exactly if
            the corrected p is below 5 %.
        most: The largest difference that the metric has room for; the interval ends there.
    """

    value: float
    components: Components
    p: float
    comparisons: float = 1.0
    most: float = math.inf

    @property
    def p_corrected(self) -> float:
        """p, corrected."""
        return min(1.0, self.p * self.comparisons)

    @property
    def interval(self) -> tuple[float, float]:
        """Interval of 95 %, corrected likewise."""
        half = half_width(self.components, LEVEL / self.comparisons)
        return max(self.value - half, -self.most), min(self.value + half, self.most)

    @property
    def verdict(self) -> Verdict:
        """What can be said at the 5 % level."""
        if math.isnan(self.value):
            return "undefined"
        if self.value == 0 and self.components.variance == 0:
            return "identical"
        if self.components.effective_rows < LEAST_ROWS:
            return "too few rows differ"
        return "real" if self.p_corrected < LEVEL else "not distinguishable"


def half_width(components: Components, level: float = LEVEL) -> float:
    """Half of the width of an interval that is missed with probability ``level``."""
    if components.variance <= 0:
        return 0.0
    return float(quantile(1 - level / 2, components.degrees)) * math.sqrt(components.variance)


def p_of(value: float, components: Components) -> float:
    """Two-sided p of a difference with that variance."""
    if math.isnan(value):
        return math.nan
    if components.variance <= 0:
        return float(value == 0)
    return float(two_sided_p(value / math.sqrt(components.variance), components.degrees))


def difference(table: ScoreTable, first: int, second: int) -> Difference:
    """Compare two contestants of a table."""
    value = float(table.scores[first] - table.scores[second])
    if math.isnan(value):
        unknown = Components(rows=0.0, seeds=0.0, seed_degrees=0.0)
        return Difference(value=math.nan, components=unknown, p=math.nan)
    components = table.pair(first, second)
    if _identical(table, first, second):
        components = Components(rows=0.0, seeds=0.0, seed_degrees=0.0)
        value = 0.0
    return Difference(value=value, components=components, p=p_of(value, components))


@dataclass(frozen=True, slots=True, kw_only=True)
class AllPairs:
    """Every contestant against every other.

    Attributes:
        differences: ``[K, K]``, the row's score less the column's.
        rows: ``[K, K]``, variance from rows.
        seeds: ``[K, K]``, variance from seeds.
        seed_degrees: ``[K, K]``, degrees of freedom of ``seeds``.
        effective_rows: ``[K, K]``, how many rows decide.
        p: ``[K, K]``; 1 on the diagonal, not a number where a score is undefined.
    """

    differences: Floats
    rows: Floats
    seeds: Floats
    seed_degrees: Floats
    effective_rows: Floats
    p: Floats

    def components(self, first: int, second: int) -> Components:
        """The variance of one difference."""
        at = (first, second)
        return Components(
            rows=float(self.rows[at]),
            seeds=float(self.seeds[at]),
            seed_degrees=float(self.seed_degrees[at]),
            effective_rows=float(self.effective_rows[at]),
        )


def all_pairs(table: ScoreTable) -> AllPairs:
    """All pairs at once: the same as :func:`difference`, by matrix products."""
    scores = table.scores
    values = scores[:, None] - scores[None, :]
    count = len(table.influences)
    rows = np.zeros_like(values)
    effective = np.zeros_like(values)
    identical = np.ones(values.shape, dtype=bool)
    for split, own in zip(table.influences, table.split_scores, strict=True):
        variance, deciding = _rows_of_pairs(split, own[:, None] - own[None, :])
        rows += variance / count**2
        effective = np.maximum(effective, deciding)
        identical &= variance == 0
    identical &= np.abs(values) <= _SAME
    seeds, degrees, shared = _seeds_of_pairs(table)
    rows = np.where(seeds > 0, np.maximum(0.0, rows - shared), rows)
    values = np.where(identical, 0.0, values)
    rows, seeds = np.where(identical, 0.0, rows), np.where(identical, 0.0, seeds)
    return AllPairs(
        differences=values,
        rows=rows,
        seeds=seeds,
        seed_degrees=degrees,
        effective_rows=effective,
        p=p_of_pairs(values, rows, seeds, degrees),
    )


def p_of_pairs(values: Floats, rows: Floats, seeds: Floats, degrees: Floats) -> Floats:
    """Two-sided p of many differences; not a number where one is none."""
    variance = rows + seeds
    some = variance > 0
    statistic = np.divide(
        values, np.sqrt(variance), out=np.where(values == 0, 0.0, np.inf), where=some
    )
    found = two_sided_p(
        np.where(np.isnan(values), 0.0, statistic), degrees_of_freedom(rows, seeds, degrees)
    )
    return np.where(np.isnan(values), np.nan, found)


def _rows_of_pairs(influence: Floats, differences: Floats) -> tuple[Floats, Floats]:
    """Row variance of all pairs and the number of deciding rows, from ``[K, u]`` and ``[K, K]``."""
    count = influence.shape[1]
    second = influence @ influence.T
    squares = influence**2
    norms = np.diag(second)
    total = np.maximum(norms[:, None] + norms[None, :] - 2 * second, 0.0)
    cubes = (squares * influence) @ influence.T
    fourths = np.diag(squares @ squares.T)
    fourth = (
        fourths[:, None] + fourths[None, :] - 4 * cubes - 4 * cubes.T + 6 * (squares @ squares.T)
    )
    # Where two nearly agree, the differences of large sums have lost their digits.
    total[total <= _SAME**2 * count] = 0.0
    close = total <= 1e-6 * (norms[:, None] + norms[None, :])
    for first, other in zip(*np.nonzero(np.triu(close)), strict=True):
        gap = (influence[first] - influence[other]) ** 2
        total[first, other] = total[other, first] = gap.sum() if gap.max() > _SAME**2 else 0.0
        fourth[first, other] = fourth[other, first] = (gap**2).sum()
    some = (total > 0) & (fourth > 0)
    deciding = np.divide(total**2, fourth, out=np.zeros_like(total), where=some)
    enlarged = 1 + np.divide(1.0, deciding, out=np.zeros_like(total), where=some)
    variance = np.where(some, total / max(count * (count - 1), 1) * enlarged, 0.0)
    # Where one side wins nearly every row: pair by pair, there are few of them.
    one_sided = (deciding < LEAST_ROWS) & (count * differences**2 > total)
    for first, other in zip(*np.nonzero(np.triu(one_sided, 1)), strict=True):
        gap, at = influence[first] - influence[other], (first, other)
        variance[at], deciding[at] = rows_variance(gap, float(differences[at]))
        variance[other, first], deciding[other, first] = variance[at], deciding[at]
    return variance, deciding


def _seeds_of_pairs(table: ScoreTable) -> tuple[Floats, Floats, Floats]:
    """Seed variance of all pairs, its degrees of freedom, and the interaction within it."""
    spread, runs = table.spread, table.runs
    count = len(runs)  # the pool may hold more than the contestants
    own_degrees = spread.degrees[:count]
    each = spread.variances[:count] / runs
    seeds = each[:, None] + each[None, :]
    doubt = np.divide(each**2, own_degrees, out=np.zeros_like(each), where=own_degrees > 0)
    doubts = doubt[:, None] + doubt[None, :]
    degrees = np.divide(seeds**2, doubts, out=np.zeros_like(seeds), where=doubts > 0)
    shared = spread.interactions[:count] / runs
    return seeds, np.minimum(degrees, spread.pool_degrees), shared[:, None] + shared[None, :]


def _identical(table: ScoreTable, first: int, second: int) -> bool:
    """Whether no row moves the difference, and there is none."""
    return abs(table.scores[first] - table.scores[second]) <= _SAME and all(
        np.abs(split[first] - split[second]).max() <= _SAME for split in table.influences
    )
