"""How far each row moves a score: influence functions, and a jackknife where there is none.

Shapes: m = runs, n = rows, u = units (rows, or groups of rows that belong together). Truth is
``[n]``, predictions are ``[m, n]``. A score on n rows moves by ``influence[r] / n`` when row r
gains weight, so the variance of the mean influence is the score's variance (Hampel 1974, JASA
69:383).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]
Values: TypeAlias = npt.NDArray[Any]
"""Label ids, or floats of a regression."""
Score: TypeAlias = Callable[[npt.NDArray[np.intp]], Sequence[float]]
"""The runs' scores on some of the rows, given by position: ``[m]``."""

JACKKNIFE_GROUPS = 200
"""Groups that a jackknife deletes one at a time; each costs one computation of the metric."""

_SEED = 20_18_11
"""One seed for all jackknives: the same runs give the same intervals."""
_CONSTANT = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class Influence:
    """Scores of runs on one split, and what each unit of rows adds to them.

    Attributes:
        scores: ``[m]``, as the metric gives them; not a number where it is undefined.
        values: ``[m, u]``; the mean over the units is 0.
    """

    scores: Floats
    values: Floats

    def of(self, runs: Sequence[int]) -> Influence:
        """Only those runs, by position."""
        return Influence(scores=self.scores[list(runs)], values=self.values[list(runs)])


def accuracy(truth: Values, predictions: Values) -> Influence:
    """Share of the rows that are right."""
    right = (predictions == truth).astype(np.float64)  # [m, n]
    scores = right.mean(axis=1)
    return Influence(scores=scores, values=right - scores[:, None])


def f1(truth: Values, predictions: Values) -> Influence:
    """F1 of the label with id 1; 0 where no row has or gets that label."""
    positive, true = predictions == 1, truth == 1
    both = positive.astype(np.float64) + true  # [m, n]
    mean = both.mean(axis=1, keepdims=True)
    scale = np.where(mean == 0, 1.0, mean)
    hits = (positive & true).astype(np.float64)
    scores = 2 * hits.mean(axis=1, keepdims=True) / scale
    return Influence(scores=scores[:, 0], values=(2 * hits - scores * both) / scale)


def pearson(truth: Values, predictions: Values) -> Influence:
    """Pearson's correlation; of constant predictions 0, which no row moves."""
    x, _ = _standardised(np.asarray(truth, np.float64))
    y, _ = _standardised(np.asarray(predictions, np.float64))
    scores = (x * y).mean(axis=1)  # [m]
    return Influence(scores=scores, values=_of_correlation(x, y, scores))


def matthews(truth: Values, predictions: Values) -> Influence:
    """Matthews correlation of two labels, with the ids 0 and 1: Pearson's of the ids."""
    return pearson(truth, predictions)


def spearman(truth: Values, predictions: Values) -> Influence:
    """Spearman's correlation; of constant predictions 0.

    A row moves its own product of ranks, and the ranks of the others.
    """
    rows = len(truth)
    true_ranks, true_groups = _ranks(truth)
    x, x_spread = _standardised(true_ranks)
    scores, values = [], []
    for row in predictions:
        ranks, groups = _ranks(row)
        y, y_spread = _standardised(ranks)
        score = float((x * y).mean())
        value = _of_correlation(x, y[None], np.array([score]))[0]
        for group, rest, spread in (
            (true_groups, y - score * x, x_spread),
            (groups, x - score * y, y_spread),
        ):
            if spread > 0:
                totals = np.bincount(group, rest)
                above = totals[::-1].cumsum()[::-1] - totals / 2
                value += above[group] / rows / spread
        scores.append(score)
        values.append(value - value.mean() if y_spread > 0 and x_spread > 0 else np.zeros(rows))
    return Influence(scores=np.array(scores), values=np.stack(values))


ANALYTIC: dict[str, Callable[[Values, Values], Influence]] = {
    "accuracy": accuracy,
    "f1": f1,
    "matthews_correlation": matthews,
    "pearson": pearson,
    "pearsonr": pearson,
    "spearman": spearman,
    "spearmanr": spearman,
}
"""By metric name. A name is no proof: whoever uses one compares its scores with the record's."""


def analytic(name: str, truth: Values, predictions: Values) -> Influence | None:
    """The metric of that name in closed form; None if there is none for these labels."""
    if name not in ANALYTIC:
        return None
    if ANALYTIC[name] in {matthews, f1} and max(truth.max(), predictions.max()) > 1:
        return None
    return ANALYTIC[name](truth, predictions)


def jackknife(score: Score, whole: Sequence[float], groups: Values) -> Influence:
    """Influence of any metric, by deleting one group of rows at a time.

    The pseudo-values of the delete-a-group jackknife (Kott 2001, Journal of Official Statistics
    17:521), less their mean. The groups take the place of the rows.

    Args:
        score: The runs' scores on some of the rows.
        whole: Their scores on all rows.
        groups: ``[n]``, each row's group, 0 … G-1: see :func:`random_groups`.
    """
    count = int(groups.max()) + 1
    if count < 2:  # nothing is left without it
        scores = np.asarray(whole, np.float64)
        return Influence(scores=scores, values=np.zeros((len(scores), 1)))
    found = np.array([score(np.flatnonzero(groups != group)) for group in range(count)])  # [G, m]
    values = (count - 1) * (found.mean(axis=0) - found).T  # [m, G]
    # Where the metric is undefined without some rows, nothing can be said of its spread.
    known = np.isfinite(values).all(axis=1)
    return Influence(
        scores=np.where(known, np.asarray(whole, np.float64), np.nan),
        values=np.where(known[:, None], values, 0.0),
    )


def random_groups(rows: int, units: Values | None = None) -> Values:
    """Each row's group for :func:`jackknife`: fixed, random, of nearly equal size.

    Args:
        rows: n.
        units: ``[n]``, each row's unit, 0 … u-1; the rows of one are never parted.

    Returns:
        ``[n]``, 0 … G-1 with G at most :data:`JACKKNIFE_GROUPS`.
    """
    count = rows if units is None else int(units.max()) + 1
    order = np.random.default_rng(_SEED).permutation(count)
    groups: Values = np.argsort(order, kind="stable") % min(count, JACKKNIFE_GROUPS)
    return groups if units is None else groups[units]


def summed(influence: Influence, groups: Values) -> Influence:
    """The same influence by groups of rows, which then take the place of the rows.

    Args:
        influence: By rows.
        groups: ``[n]``, each row's group, 0 … u-1.
    """
    rows, count = len(groups), int(groups.max()) + 1
    values = np.array([np.bincount(groups, row, count) for row in influence.values], np.float64)
    return Influence(scores=influence.scores, values=values * (count / rows))


def mean_of(parts: Sequence[Influence]) -> Influence:
    """The mean of several metrics on one split: both scores and influences are averaged."""
    return Influence(
        scores=np.mean([part.scores for part in parts], axis=0),
        values=np.mean([part.values for part in parts], axis=0),
    )


def with_pseudo_rows(truth: Values, predictions: Values) -> tuple[Values, Values]:
    """Two labels and a row more of each kind, truth × prediction.

    For the interval of a Matthews correlation only, never for the score: so that a model which
    always or nearly always says the same gets an interval at all.
    """
    extra = np.tile(np.array([0, 1, 0, 1]), (len(predictions), 1))
    return np.append(truth, [0, 0, 1, 1]), np.hstack([predictions, extra])


def is_constant(predictions: Values) -> npt.NDArray[np.bool_]:
    """Which runs say the same for every row: ``[m]``."""
    same: npt.NDArray[np.bool_] = (predictions == predictions[:, :1]).all(axis=1)
    return same


def _standardised(values: Floats) -> tuple[Floats, Any]:
    """Values less their mean, in units of their standard deviation; 0 where that is 0."""
    centred = values - values.mean(axis=-1, keepdims=True)
    spread = values.std(axis=-1, keepdims=True)
    scale = np.abs(values).max(axis=-1, keepdims=True)
    constant = spread <= _CONSTANT * scale
    result = np.where(constant, 0.0, centred / np.where(constant, 1.0, spread))
    found = np.where(constant, 0.0, spread)[..., 0]
    return result, float(found) if values.ndim == 1 else found


def _of_correlation(x: Floats, y: Floats, scores: Floats) -> Floats:
    """Influence on a correlation from standardised values: ``[m, n]``."""
    values: Floats = x * y - scores[:, None] / 2 * (x**2 + y**2)
    values -= values.mean(axis=1, keepdims=True)
    return values


def _ranks(values: Values) -> tuple[Floats, Values]:
    """Mid-ranks as shares of the rows, and each row's place among the distinct values."""
    _, groups, counts = np.unique(values, return_inverse=True, return_counts=True)
    return ((np.cumsum(counts) - counts / 2) / len(values))[groups], groups
