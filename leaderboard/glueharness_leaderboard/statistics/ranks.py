"""Which ranks a contestant may have, and who may be the best."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from glueharness_leaderboard.statistics.student_t import LEVEL
from glueharness_leaderboard.statistics.variance import LEAST_ROWS

if TYPE_CHECKING:
    import numpy.typing as npt

    from glueharness_leaderboard.statistics.difference import AllPairs
    from glueharness_leaderboard.statistics.influence import Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class RankRange:
    """The ranks that a contestant may have.

    Attributes:
        low: One more than the number of contestants that are shown to be better.
        high: All contestants less those that are shown to be worse.
    """

    low: int
    high: int

    @property
    def may_be_best(self) -> bool:
        """Whether nobody is shown to be better."""
        return self.low == 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """All contestants of a table, ranked.

    Attributes:
        ranges: One each; None where the score is undefined.
        p: ``[K, K]``, the p of a pair as the row's contestant sees it: corrected for its K - 1
            comparisons.
    """

    ranges: tuple[RankRange | None, ...]
    p: Floats


def holm_corrected(p_values: Floats) -> Floats:
    """Values of p corrected for their number (Holm 1979, Scandinavian Journal of Statistics 6:65).

    Args:
        p_values: ``[..., N]``; each line is corrected for itself. What is no number is left
            out of the count and stays so.
    """
    order = np.argsort(p_values, axis=-1)  # numbers first
    sorted_p = np.take_along_axis(p_values, order, axis=-1)
    count = np.isfinite(p_values).sum(axis=-1, keepdims=True)
    steps = np.maximum(count - np.arange(p_values.shape[-1]), 1)
    corrected = np.minimum(1.0, np.fmax.accumulate(steps * sorted_p, axis=-1))
    corrected = np.where(np.isfinite(sorted_p), corrected, np.nan)
    result = np.empty_like(corrected)
    np.put_along_axis(result, order, corrected, axis=-1)
    return result


def rank(pairs: AllPairs, *, factors: Floats | None = None, simultaneous: bool = False) -> Ranking:
    """Rank ranges from all pairs of a table.

    Each contestant's range comes from its own comparisons, corrected after Holm (Mogstad,
    Romano, Shaikh and Wilhelm 2024, Review of Economic Studies 91:476): a range holds its
    contestant's true rank with at least 95 %.

    Args:
        pairs: All pairs.
        factors: ``[K, K]``, by how much each p is multiplied first, for instance because one side
            picked the best of several candidates.
        simultaneous: Whether all ranges are to hold at once: corrected over all pairs.
    """
    values, count = pairs.differences, len(pairs.differences)
    known = pairs.p if factors is None else np.minimum(1.0, pairs.p * factors)
    p = np.where(np.eye(count, dtype=bool), np.nan, known)
    corrected = _over_all(p) if simultaneous else holm_corrected(p)
    told = (corrected < LEVEL) & (pairs.effective_rows >= LEAST_ROWS)
    better, worse = told & (values < 0), told & (values > 0)
    defined = _defined(pairs)
    ranked = int(defined.sum())
    ranges = tuple(
        RankRange(low=1 + int(above.sum()), high=ranked - int(below.sum())) if known else None
        for above, below, known in zip(better, worse, defined, strict=True)
    )
    return Ranking(ranges=ranges, p=corrected)


def _over_all(p: Floats) -> Floats:
    """Each pair once, corrected over all of them."""
    result = np.full_like(p, np.nan)
    upper = np.triu_indices(len(p), 1)
    corrected = holm_corrected(p[upper])
    result[upper] = corrected
    result.T[upper] = corrected
    return result


def _defined(pairs: AllPairs) -> npt.NDArray[np.bool_]:
    return np.isfinite(np.diag(pairs.differences))
