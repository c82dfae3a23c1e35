"""McNemar's test for two classifiers on the same rows, as a note beside the engine's own.

Plain Python: exact where exactness is cheap.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """Who is right on how many rows.

    Attributes:
        both: Rows on which both are right.
        first: Rows on which only the first is right.
        second: Rows on which only the second is right.
        neither: Rows on which both are wrong.
    """

    both: int
    first: int
    second: int
    neither: int


@dataclass(frozen=True, slots=True, kw_only=True)
class McNemar:
    """McNemar's test: are the rows on which only one is right split evenly?

    Attributes:
        exact: Two-sided p of the exact binomial test; it errs on the safe side.
        mid: Two-sided mid-p, which does not overshoot so (Fagerland, Lydersen and Laake 2013,
            BMC Medical Research Methodology 13:91, who advise it).
    """

    exact: float
    mid: float


def mcnemar(first: int, second: int) -> McNemar:
    """McNemar's test from the rows on which only one of two classifiers is right.

    Args:
        first: Rows on which only the first is right.
        second: Rows on which only the second is right.
    """
    total, fewer = first + second, min(first, second)
    if total == 0:
        return McNemar(exact=1.0, mid=1.0)
    # Whole numbers throughout: Python's do not overflow, and the one division is exact.
    term, tail = 1, 1
    for successes in range(1, fewer + 1):
        term = term * (total - successes + 1) // successes
        tail += term
    whole = 1 << total
    if first == second:
        return McNemar(exact=1.0, mid=1 - term / (2 * whole))
    return McNemar(exact=min(1.0, 2 * tail / whole), mid=(2 * tail - term) / whole)
