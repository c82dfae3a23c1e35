"""The usual metrics, by name: functions of scikit-learn and SciPy, imported when a run scores.

A metric that is undefined is 0, as papers report it: correlations if one side is constant, and F1
if the label is neither predicted nor in the data.
"""

from __future__ import annotations

import warnings
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from glueharness.authoring.metrics import ACCURACY, EXACT_MATCH, FunctionMetric, metric
from glueharness.errors import SpecError
from glueharness.specs import MetricSpec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from glueharness.specs import Metric, TaskSpec


def _f1_score(references: Sequence[str], predictions: Sequence[str], positive: str) -> float:
    from sklearn.metrics import f1_score

    hits = [[label == positive for label in labels] for labels in (references, predictions)]
    return float(f1_score(hits[0], hits[1], zero_division=0.0))


def _f1(task: TaskSpec) -> Metric:
    if len(task.labels) != 2:
        raise SpecError(
            f"F1 needs two labels; {task.name} has {len(task.labels)}",
            remedy="For more labels take macro_f1.",
        )
    function = partial(_f1_score, positive=task.labels[1])
    return FunctionMetric("f1", function)


def _macro_f1_score(
    references: Sequence[str], predictions: Sequence[str], labels: Sequence[str]
) -> float:
    from sklearn.metrics import f1_score

    score = f1_score(
        references, predictions, labels=list(labels), average="macro", zero_division=0.0
    )
    return float(score)


def _macro_f1(task: TaskSpec) -> Metric:
    function = partial(_macro_f1_score, labels=task.labels)
    return FunctionMetric("macro_f1", function)


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

MACRO_F1 = MetricSpec(name="macro_f1", title="Macro F1", factory=_macro_f1)
"""The mean of the F1 of each label of the task, in [0, 1]."""

MATTHEWS = metric("matthews_correlation", "Matthews corr.", _matthews, bounds=(-1.0, 1.0))
"""Matthews correlation, in [-1, 1]; for three labels and more Gorodkin's R_K."""

PEARSON = metric("pearson", "Pearson", _pearson, bounds=(-1.0, 1.0))
"""Pearson correlation, in [-1, 1]."""

SPEARMAN = metric("spearman", "Spearman", _spearman, bounds=(-1.0, 1.0))
"""Spearman rank correlation, ties at their average rank, in [-1, 1]."""

METRICS: Mapping[str, MetricSpec] = MappingProxyType(
    {spec.name: spec for spec in (ACCURACY, F1, MACRO_F1, MATTHEWS, EXACT_MATCH, PEARSON, SPEARMAN)}
)
"""The usual metrics by name."""
