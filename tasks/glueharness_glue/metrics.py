"""GLUE's metrics. They are ``evaluate`` modules, made only when a run scores."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glueharness import MetricSpec, SpecError

if TYPE_CHECKING:
    from glueharness import Metric, TaskSpec


def _accuracy(_task: TaskSpec) -> Metric:
    from glueharness_glue.evaluate_modules import Accuracy

    return Accuracy()


def _f1(task: TaskSpec) -> Metric:
    from glueharness_glue.evaluate_modules import BinaryF1

    if len(task.labels) != 2:
        raise SpecError(f"F1 needs two labels; {task.name} has {len(task.labels)}")
    return BinaryF1(positive=task.labels[1])


def _matthews(_task: TaskSpec) -> Metric:
    from glueharness_glue.evaluate_modules import MatthewsCorrelation

    return MatthewsCorrelation()


def _pearson(_task: TaskSpec) -> Metric:
    from glueharness_glue.evaluate_modules import Pearson

    return Pearson()


def _spearman(_task: TaskSpec) -> Metric:
    from glueharness_glue.evaluate_modules import Spearman

    return Spearman()


ACCURACY = MetricSpec(name="accuracy", title="Accuracy", factory=_accuracy)
"""The share of rows predicted right, in [0, 1]."""

F1 = MetricSpec(name="f1", title="F1", factory=_f1)
"""F1 of the task's second label, in [0, 1]."""

MATTHEWS = MetricSpec(
    name="matthews_correlation", title="Matthews corr.", factory=_matthews, bounds=(-1.0, 1.0)
)
"""Matthews correlation, in [-1, 1]; for three labels and more Gorodkin's R_K."""

PEARSON = MetricSpec(name="pearson", title="Pearson", factory=_pearson, bounds=(-1.0, 1.0))
"""Pearson correlation, in [-1, 1]."""

SPEARMAN = MetricSpec(name="spearman", title="Spearman", factory=_spearman, bounds=(-1.0, 1.0))
"""Spearman rank correlation, in [-1, 1]."""
