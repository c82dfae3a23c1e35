"""The score of "take the best setting" without the luck of having been the best on these rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from glueharness_leaderboard.statistics.selection import chosen_outside, resampled_rows
from glueharness_leaderboard.statistics.weighted_metrics import FAST

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glueharness_leaderboard.evidence.measuring import Contest, Measured
    from glueharness_leaderboard.evidence.predictions import SplitValues
    from glueharness_leaderboard.statistics.influence import Floats, Values

_SAME = 1e-6


def out_of_bag(candidates: Sequence[Measured], contest: Contest) -> float | None:
    """Choose among candidates in bootstrap samples, score the chosen one outside of them.

    Args:
        candidates: A model's settings, each over its seeds, on the same rows.
        contest: What was asked of them.

    Returns:
        A fraction; None if a metric has no form for many resamples at once.
    """
    inside, outside = [], []
    for place in range(len(candidates[0].splits)):
        sides = [each.splits[place] for each in candidates]
        units = next(iter(sides[0].units.values()), None)
        weights = resampled_rows(len(sides[0].truth), units)  # [n, r]
        left = (weights == 0).astype(np.float64)
        drawn, rest = (
            _scores(sides, contest.counted, each.T, candidates) for each in (weights, left)
        )
        if drawn is None or rest is None:
            return None
        inside.append(drawn)
        outside.append(rest)
    return chosen_outside(np.mean(inside, axis=0), np.mean(outside, axis=0))


def _scores(
    sides: Sequence[SplitValues],
    counted: Sequence[str],
    weights: Values,
    candidates: Sequence[Measured],
) -> Floats | None:
    """Mean of the counted metrics over each candidate's seeds: ``[k, r]``."""
    if any(name not in FAST for name in counted) or not _is_theirs(sides, counted, candidates):
        return None
    found = [
        np.mean(
            [FAST[name](side.truth, side.predictions, weights).mean(axis=0) for name in counted],
            axis=0,
        )
        for side in sides
    ]
    scores: Floats = np.nan_to_num(np.stack(found), nan=0.0)
    return scores


def _is_theirs(
    sides: Sequence[SplitValues], counted: Sequence[str], candidates: Sequence[Measured]
) -> bool:
    """Whether the quick metrics are those that were recorded, where that can be seen."""
    if len(candidates[0].splits) > 1:
        return counted == ("accuracy",)
    for side, each in zip(sides, candidates, strict=True):
        once = np.ones((1, len(side.truth)))
        found = np.mean([FAST[name](side.truth, side.predictions, once).mean() for name in counted])
        recorded = next(iter(each.quantities.values())).score
        if not each.constant and abs(found - recorded) > _SAME:
            return False
    return True
