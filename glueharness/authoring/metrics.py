"""Metrics from plain functions, and accuracy."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from glueharness.specs import MetricSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from glueharness.specs import TaskSpec

    ScoreFunction = Callable[[Sequence[Any], Sequence[Any]], float]


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


def _share_of_equal(references: Sequence[Any], predictions: Sequence[Any]) -> float:
    equal = sum(bool(a == b) for a, b in zip(references, predictions, strict=True))
    return equal / len(references)


ACCURACY = metric("accuracy", "Accuracy", _share_of_equal)
"""The share of rows whose prediction is right, a fraction in [0, 1]."""
