"""GLUE's metrics on thousands of resamples at once: every row counts as often as it was drawn.

Shapes: c = distinct rows, m = models, r = resamples. Truth is ``[c]``, predictions are ``[m, c]``,
weights ``[r, c]`` say how often each row was drawn, results are ``[m, r]``, fractions. Labels are
ids in the order of the task's labels.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]
Values: TypeAlias = npt.NDArray[Any]
"""Label ids, or floats of a regression."""
WeightedMetric: TypeAlias = Callable[[Values, Values, Floats], Floats]

_CONSTANT = 1e-12
"""Variance, as a share of the whole, below which a resample has one value only."""


def accuracy(truth: Values, predictions: Values, weights: Floats) -> Floats:
    """Share of the rows that are right."""
    right = (predictions == truth).astype(np.float64)  # [m, c]
    return _per_row(right @ weights.T, weights)


def f1(truth: Values, predictions: Values, weights: Floats) -> Floats:
    """F1 of the label with id 1; 0 where no row has or gets that label."""
    positive = predictions == 1  # [m, c]
    hits = (positive & (truth == 1)).astype(np.float64) @ weights.T  # [m, r]
    both = positive.astype(np.float64) @ weights.T + weights @ (truth == 1).astype(np.float64)
    return _ratio(2 * hits, both, empty=0.0)


def matthews_correlation(truth: Values, predictions: Values, weights: Floats) -> Floats:
    """Matthews correlation for any number of labels (Gorodkin 2004); 0 where it is undefined."""
    total = weights.sum(axis=1)  # [r]
    covariance = ((predictions == truth).astype(np.float64) @ weights.T) * total
    true_spread, spread = total**2, np.broadcast_to(total**2, covariance.shape).copy()
    for label in np.unique(np.append(predictions, truth)):
        true_count = weights @ (truth == label).astype(np.float64)  # [r]
        count = (predictions == label).astype(np.float64) @ weights.T  # [m, r]
        covariance -= count * true_count
        true_spread = true_spread - true_count**2
        spread -= count**2
    return _ratio(covariance, np.sqrt(true_spread * spread), empty=0.0)


def pearson(truth: Values, predictions: Values, weights: Floats) -> Floats:
    """Pearson's correlation; not a number where one side is constant."""
    total = weights.sum(axis=1)  # [r]
    # Centred beforehand, so that the differences of large sums below keep their digits.
    x = truth - truth.mean()  # [c]
    y = predictions - predictions.mean(axis=1, keepdims=True)  # [m, c]
    mean_x, mean_y = weights @ x / total, y @ weights.T / total
    variance_x = weights @ x**2 / total - mean_x**2  # [r]
    variance_y = y**2 @ weights.T / total - mean_y**2  # [m, r]
    covariance = (y * x) @ weights.T / total - mean_x * mean_y
    constant = (variance_x <= _CONSTANT * (x**2).mean()) | (
        variance_y <= _CONSTANT * (y**2).mean(axis=1, keepdims=True)
    )
    product = np.where(constant, 0.0, variance_x * variance_y)
    return _ratio(covariance, np.sqrt(product), empty=np.nan)


def spearman(truth: Values, predictions: Values, weights: Floats) -> Floats:
    """Spearman's correlation: Pearson's of the ranks within each resample, ties at their mean."""
    drawn = np.ascontiguousarray(weights.T)  # [c, r]: sorting rows then moves whole lines
    true_ranks = _ranks(truth, drawn)
    return np.stack(
        [_rank_correlation(true_ranks, _ranks(row, drawn), drawn) for row in predictions]
    )


FAST: dict[str, WeightedMetric] = {
    "accuracy": accuracy,
    "f1": f1,
    "matthews_correlation": matthews_correlation,
    "pearson": pearson,
    "pearsonr": pearson,
    "spearman": spearman,
    "spearmanr": spearman,
}
"""By metric name. A name is no proof: whoever uses one compares its value with the record's."""


def _ranks(values: Values, drawn: Floats) -> Floats:
    """Mid-ranks of the rows among the drawn ones, ``[c, r]``, their mean moved to 0."""
    _, group, sizes = np.unique(values, return_inverse=True, return_counts=True)
    starts = np.cumsum(sizes) - sizes
    in_group = np.add.reduceat(drawn[np.argsort(group, kind="stable")], starts, axis=0)
    middle: Floats = np.cumsum(in_group, axis=0)
    # The mean mid-rank of n rows, counted from 1/2, is n/2 whatever the ties.
    middle -= in_group / 2 + drawn.sum(axis=0) / 2
    return middle[group]


def _rank_correlation(x: Floats, y: Floats, drawn: Floats) -> Floats:
    """Correlation of centred ``[c, r]`` ranks, each row counted as often as drawn; ``[r]``."""
    weighted = drawn * x
    covariance = np.einsum("cr,cr->r", weighted, y)
    spread = np.einsum("cr,cr->r", weighted, x) * np.einsum("cr,cr,cr->r", drawn, y, y)
    return _ratio(covariance, np.sqrt(spread), empty=np.nan)


def _per_row(sums: Floats, weights: Floats) -> Floats:
    result: Floats = sums / weights.sum(axis=1)
    return result


def _ratio(numerator: Floats, denominator: Floats, *, empty: float) -> Floats:
    result = np.full_like(numerator, empty)
    np.divide(numerator, denominator, out=result, where=denominator != 0)
    return result
