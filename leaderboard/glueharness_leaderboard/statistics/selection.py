"""The best of several candidates looks better than it is: by how much, and what is left of it.

Candidates are the epochs of a run (its best one is kept), the settings of a model, or its seeds,
wherever the dev split picked the one that is shown.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

if TYPE_CHECKING:
    from glueharness_leaderboard.statistics.influence import Floats, Values

RESAMPLES = 200
_SEED = 20_18_11


@cache
def expected_maximum(candidates: int) -> float:
    """Mean of the largest of so many standard normal values: 0.56 of two, 1.54 of ten."""
    if candidates < 2:
        return 0.0
    # E[max] = ∫ (1 − F^k) over x > 0 less ∫ F^k over x < 0.
    x = np.linspace(0, 12, 4001)
    tails = 1 - special.ndtr(x) ** candidates - special.ndtr(-x) ** candidates
    return float((tails[:-1] + tails[1:]).sum() / 2 * (x[1] - x[0]))


def out_of_bag_score(
    earned: Floats, units: Values | None = None, resamples: int = RESAMPLES
) -> float:
    """Score of "take the best candidate", chosen in a bootstrap sample and scored outside of it.

    BBC-CV's correction (Tsamardinos, Greasidou and Borboudakis 2018, Machine Learning 107:1895)
    for a score that is a mean over rows, such as accuracy.

    Args:
        earned: ``[k, n]``, what each row gives each candidate.
        units: ``[n]``, each row's unit, 0 … u-1, if rows belong together.
        resamples: Bootstrap samples.
    """
    weights = resampled_rows(earned.shape[1], units, resamples)  # [n, r]
    outside = (weights == 0).astype(np.float64)
    return chosen_outside(earned @ weights, (earned @ outside) / np.maximum(outside.sum(axis=0), 1))


def chosen_outside(inside: Floats, outside: Floats) -> float:
    """Mean score outside of the bootstrap samples of the candidate that is best within.

    Args:
        inside: ``[k, r]``, the candidates' scores in each sample.
        outside: ``[k, r]``, on the rows that are not in it; not a number where there is none.
    """
    chosen = np.nan_to_num(inside, nan=-np.inf).argmax(axis=0)  # [r]
    return float(np.nanmean(outside[chosen, np.arange(outside.shape[1])]))


def selection_factor(first: int, second: int, *, first_is_better: bool) -> float:
    """By how much p of a difference is multiplied where candidates' predictions are not stored.

    With k candidates against a fixed run it is k, and with the same number on both sides 1.
    Where the side with fewer candidates is ahead, it is so in spite of the selection.

    Args:
        first: Candidates of the first, at least 1.
        second: Candidates of the second.
        first_is_better: Which of the two is ahead.
    """
    ahead, behind = (first, second) if first_is_better else (second, first)
    return max(1.0, ahead / behind)


def resampled_rows(rows: int, units: Values | None = None, resamples: int = RESAMPLES) -> Floats:
    """How often each row is in each bootstrap sample: ``[n, r]``.

    Args:
        rows: n.
        units: ``[n]``, each row's unit, 0 … u-1, if rows belong together.
        resamples: r.
    """
    generator = np.random.default_rng(_SEED)
    count = rows if units is None else int(units.max()) + 1
    drawn = generator.integers(0, count, size=(resamples, count))
    drawn += (np.arange(resamples) * count)[:, None]
    weights: Floats = np.bincount(drawn.ravel(), minlength=resamples * count).astype(np.float64)
    weights = weights.reshape(resamples, count).T
    return weights if units is None else weights[units]
