"""GLUE's metrics: functions of scikit-learn and SciPy, imported when a run scores with them.

Accuracy comes from glueharness, which offers it to every task. A metric that is undefined is 0, as
papers report it: correlations if one side is constant, and F1 if the label is neither predicted nor
in the data.
"""

from __future__ import annotations

import warnings
from functools import partial
from typing import TYPE_CHECKING, Any

from glueharness import ACCURACY, MetricSpec, SpecError, metric

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glueharness import Metric, TaskSpec

__all__ = ["ACCURACY", "F1", "MATTHEWS", "PEARSON", "SPEARMAN"]


def _f1_score(references: Sequence[str], predictions: Sequence[str], positive: str) -> float:
    from sklearn.metrics import f1_score

    hits = [[label == positive for label in labels] for labels in (references, predictions)]
    return float(f1_score(hits[0], hits[1], zero_division=0.0))


def _f1(task: TaskSpec) -> Metric:
    if len(task.labels) != 2:
        raise SpecError(f"F1 needs two labels; {task.name} has {len(task.labels)}")
    return metric("f1", "F1", partial(_f1_score, positive=task.labels[1])).factory(task)


def _matthews(references: Sequence[str], predictions: Sequence[str]) -> float:
    if _constant(references) or _constant(predictions):
        return 0.0
    from sklearn.metrics import matthews_corrcoef

    return float(matthews_corrcoef(references, predictions))


def _pearson(references: Sequence[float], predictions: Sequence[float]) -> float:
    if _constant(references) or _constant(predictions):
        return 0.0
    from scipy.stats import NearConstantInputWarning, pearsonr

    with warnings.catch_warnings(action="ignore", category=NearConstantInputWarning):
        return float(pearsonr(references, predictions).statistic)


def _spearman(references: Sequence[float], predictions: Sequence[float]) -> float:
    if _constant(references) or _constant(predictions):
        return 0.0
    from scipy.stats import spearmanr

    return float(spearmanr(references, predictions).statistic)


def _constant(values: Sequence[Any]) -> bool:
    return len(set(values)) < 2


F1 = MetricSpec(name="f1", title="F1", factory=_f1)
"""F1 of the task's second label, in [0, 1]."""

MATTHEWS = metric("matthews_correlation", "Matthews corr.", _matthews, bounds=(-1.0, 1.0))
"""Matthews correlation, in [-1, 1]; for three labels and more Gorodkin's R_K."""

PEARSON = metric("pearson", "Pearson", _pearson, bounds=(-1.0, 1.0))
"""Pearson correlation, in [-1, 1]."""

SPEARMAN = metric("spearman", "Spearman", _spearman, bounds=(-1.0, 1.0))
"""Spearman rank correlation, ties at their average rank, in [-1, 1]."""
