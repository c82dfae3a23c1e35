"""Metrics from plain functions, and accuracy."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from glueharness.errors import SpecError
from glueharness.specs import MetricSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from glueharness.specs import TaskSpec

    ScoreFunction = Callable[[Sequence[Any], Sequence[Any]], float]
    GroupedFunction = Callable[[Sequence[Any], Sequence[Any], Sequence[str]], float]


@dataclass(frozen=True, slots=True)
class FunctionMetric:
    """A :class:`glueharness.Metric` that calls a function.

    Attributes:
        name: Key of the result.
        function: Takes the references and the predictions, in scikit-learn's order.
    """

    name: str
    function: ScoreFunction

    def compute(self, *, predictions: Sequence[Any], references: Sequence[Any]) -> dict[str, float]:
        """Score predictions; see :meth:`glueharness.Metric.compute`.

        Raises:
            ValueError: There are not as many predictions as references.
        """
        if len(predictions) != len(references):
            raise ValueError(
                f"mismatch: {len(predictions)} predictions for {len(references)} references"
            )
        return {self.name: float(self.function(references, predictions))}


@dataclass(frozen=True, slots=True)
class GroupedFunctionMetric:
    """A :class:`glueharness.GroupedMetric` that calls a function.

    Attributes:
        name: Key of the result.
        function: Takes the references, the predictions, and the unit of each row.
    """

    name: str
    function: GroupedFunction

    def compute(self, *, predictions: Sequence[Any], references: Sequence[Any]) -> dict[str, float]:
        """Refuse: without units nobody knows which rows belong together.

        Raises:
            ValueError: Always.
        """
        raise ValueError(
            f"{self.name} of {len(predictions)} predictions for {len(references)} references needs "
            "to know which rows belong together: compute_grouped"
        )

    def compute_grouped(
        self, *, predictions: Sequence[Any], references: Sequence[Any], units: Sequence[str]
    ) -> dict[str, float]:
        """Score predictions; see :meth:`glueharness.GroupedMetric.compute_grouped`.

        Raises:
            ValueError: There are not as many predictions as references.
        """
        if len(predictions) != len(references):
            raise ValueError(
                f"mismatch: {len(predictions)} predictions for {len(references)} references"
            )
        return {self.name: float(self.function(references, predictions, units))}


def metric(
    name: str, title: str, function: ScoreFunction, *, bounds: tuple[float, float] = (0.0, 1.0)
) -> MetricSpec:
    """The spec of a metric that is a function.

    Args:
        name: Field name, for instance ``"macro_f1"``.
        title: Column heading.
        function: Takes references and predictions (label names, or floats for a regression, each
            of length n) and returns the score. Define it at the top level of a module, so that
            the task can be sent to another process, and import heavy libraries inside it.
        bounds: Worst and best value. Higher is better.
    """
    return MetricSpec(
        name=name,
        title=title,
        factory=partial(_make, FunctionMetric(name, function)),
        bounds=bounds,
    )


def _make(made: FunctionMetric, task: TaskSpec) -> FunctionMetric:  # noqa: ARG001 - the same for every task
    return made


def grouped_metric(
    name: str,
    title: str,
    function: GroupedFunction,
    *,
    unit: str = "",
    bounds: tuple[float, float] = (0.0, 1.0),
) -> MetricSpec:
    """The spec of a metric that is a function of rows which belong together.

    Args:
        name: Field name, for instance ``"exact_match"``.
        title: Column heading.
        function: As for :func:`metric`; its third argument says of each row what it belongs to.
        unit: Column of the data with that, for instance the number of a question; a task can name
            its own: ``dataclasses.replace(EXACT_MATCH, unit="question")``.
        bounds: Worst and best value. Higher is better.
    """
    made = GroupedFunctionMetric(name, function)
    return MetricSpec(
        name=name, title=title, factory=partial(_make_grouped, made), bounds=bounds, unit=unit
    )


def _make_grouped(made: GroupedFunctionMetric, task: TaskSpec) -> GroupedFunctionMetric:
    if not any(spec.name == made.name and spec.unit for spec in task.metrics):
        raise SpecError(
            f"the metric {made.name} needs a unit: the column of {task.name} that says which rows "
            "belong together",
            remedy='In a task file: unit = "COLUMN"; in Python: dataclasses.replace(SPEC, '
            'unit="COLUMN").',
        )
    return made


def _share_of_equal(references: Sequence[Any], predictions: Sequence[Any]) -> float:
    equal = sum(bool(a == b) for a, b in zip(references, predictions, strict=True))
    return equal / len(references)


ACCURACY = metric("accuracy", "Accuracy", _share_of_equal)
"""The share of rows whose prediction is right, a fraction in [0, 1]."""


def _share_of_exact(
    references: Sequence[Any], predictions: Sequence[Any], units: Sequence[str]
) -> float:
    right: dict[str, bool] = {}
    for truth, found, unit in zip(references, predictions, units, strict=True):
        right[unit] = right.get(unit, True) and bool(truth == found)
    return sum(right.values()) / len(right)


EXACT_MATCH = grouped_metric("exact_match", "Exact match", _share_of_exact)
"""The share of units (questions, for instance) of which every row is right, in [0, 1]."""
