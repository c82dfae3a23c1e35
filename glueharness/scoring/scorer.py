"""From a model's output to labels, and from labels to metrics. Labels are handled by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glueharness.errors import DataError, ModelError, PluginError
from glueharness.plugin.blame import blamed
from glueharness.record.computation import LARGEST_NUMBER
from glueharness.scoring.losses import mean_loss
from glueharness.specs import LABEL_COLUMN, Evaluation, GroupedMetric

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from contextlib import AbstractContextManager

    from glueharness.plugin.status import PluginStatus
    from glueharness.record.score_kind import ScoreKind
    from glueharness.specs import FloatArray, Metric, MetricSpec, Split, TaskSpec

_CLOSE = 1e-6


def check_scores(scores: FloatArray, task: TaskSpec, rows: int) -> None:
    """Refuse a prediction of the wrong shape or with values that are not numbers.

    Raises:
        ModelError: It says which shape was expected.
    """
    import numpy as np

    expected = (rows,) if task.regression else (rows, len(task.labels))
    if not isinstance(scores, np.ndarray) or scores.shape != expected:
        shape = getattr(scores, "shape", type(scores).__name__)
        raise ModelError(f"predict must return an array of shape {expected}, not {shape}")
    if not np.isfinite(scores).all():
        row = int(np.argwhere(~np.isfinite(scores).reshape(rows, -1).all(axis=1))[0, 0])
        raise ModelError(f"predict gave a value that is not a number for row {row}")


def decide(scores: FloatArray, task: TaskSpec) -> list[Any]:
    """Label names of the highest scores, or floats within the score range for a regression.

    Args:
        scores: ``[n, k]``, or ``[n]`` for a regression.
        task: The task.

    Returns:
        n values.
    """
    if not task.regression:
        return [task.labels[position] for position in scores.argmax(axis=1)]
    if task.score_range is None:
        return [float(value) for value in scores]
    low, high = task.score_range
    return [float(value) for value in scores.clip(low, high)]


def computed(
    metric: Metric,
    name: str,
    values: Sequence[Any],
    references: Sequence[Any],
    units: Sequence[str] | None,
) -> float:
    """What a metric says of predictions.

    Args:
        metric: The metric.
        name: Its name, the key of its result.
        values: Label names, or floats for a regression; length n.
        references: The same for the truth.
        units: What each row belongs to, for a metric that looks at rows together.

    Raises:
        ValueError: The metric looks at rows together, and there are no units.
    """
    if isinstance(metric, GroupedMetric):
        if units is None:
            raise ValueError("nothing says which rows belong together")
        found = metric.compute_grouped(predictions=values, references=references, units=units)
    else:
        found = metric.compute(predictions=values, references=references)
    return float(found[name])


class Scorer:
    """Scores predictions of a task's dev splits.

    Args:
        task: The task.
        dev: The labelled splits, by name.
        owner: The plugin that offers the task, for messages; None where it is not known.
        kind: What the model's scores are: of some there is a loss.

    Raises:
        DataError: A dev split has no labels, or lacks the column that a metric groups its rows by.
        PluginError: A metric cannot be made.
    """

    def __init__(
        self,
        task: TaskSpec,
        dev: Mapping[str, Split],
        owner: PluginStatus | None = None,
        kind: ScoreKind = "not known",
    ) -> None:
        self.task = task
        self._kind = kind
        self._owner = owner
        self._references: dict[str, Sequence[Any]] = {}
        for name, split in dev.items():
            # Only dev splits are ever scored: the hub's test labels are placeholders.
            if task.split(name).role != "dev" or LABEL_COLUMN not in split.column_names:
                raise DataError(f"split {name!r} of {task.name} has no labels to score against")
            self._references[name] = list(split[LABEL_COLUMN])
        # Made now, so that a metric that is not there is no surprise after an epoch of training.
        self._metrics: dict[str, Metric] = {}
        self._units: dict[tuple[str, str], Sequence[str]] = {}
        for spec in task.metrics:
            with self._blamed(spec, "cannot be made"):
                self._metrics[spec.name] = spec.factory(task)
            if isinstance(self._metrics[spec.name], GroupedMetric):
                self._find_units(spec, dev)

    def _find_units(self, spec: MetricSpec, dev: Mapping[str, Split]) -> None:
        """Keep which rows belong together, for a metric that looks at them so."""
        for name, split in dev.items():
            if spec.unit not in split.column_names:
                raise DataError(
                    f"the {name} split of {self.task.name} has no column {spec.unit!r}, which says "
                    f"what rows {spec.name} looks at together"
                )
            self._units[name, spec.unit] = [str(value) for value in split[spec.unit]]

    def _blamed(self, spec: MetricSpec, failure: str) -> AbstractContextManager[None]:
        """A metric is the task's, not the model's that is at work."""
        part = f"the metric {spec.name!r} of the task {self.task.name!r}"
        return blamed(part, self._owner, failure)

    def score(self, split: str, values: Sequence[Any]) -> dict[str, float]:
        """Score decided values (see :func:`decide`) of one dev split, by metric name."""
        references = self._references[split]
        results = {}
        for spec in self.task.metrics:
            with self._blamed(spec, "failed"):
                results[spec.name] = computed(
                    self._metrics[spec.name],
                    spec.name,
                    values,
                    references,
                    self._units.get((split, spec.unit)),
                )
            _check_bounds(spec, self.task, results[spec.name])
        return results

    def evaluate(self, predictions: Mapping[str, FloatArray]) -> Evaluation:
        """Score a model's numbers for all dev splits.

        Args:
            predictions: By split name, as :meth:`Model.predict` returns them.
        """
        metrics, losses = {}, {}
        for name, references in self._references.items():
            scores = predictions[name]
            check_scores(scores, self.task, len(references))
            metrics[name] = self.score(name, decide(scores, self.task))
            loss = mean_loss(scores, references, self.task, self._kind)
            if loss is not None:
                losses[name] = loss
        primary = [values[self.task.primary.name] for values in metrics.values()]
        return Evaluation(metrics=metrics, primary=sum(primary) / len(primary), losses=losses)


def _check_bounds(spec: MetricSpec, task: TaskSpec, value: float) -> None:
    """Refuse what is not a number, and per cents where a fraction was promised."""
    low, high = (max(-LARGEST_NUMBER, spec.bounds[0]), min(LARGEST_NUMBER, spec.bounds[1]))
    if not low - _CLOSE <= value <= high + _CLOSE:  # which no comparison with NaN is
        raise PluginError(
            f"the metric {spec.name!r} of the task {task.name!r} gave {value:g}, outside of its "
            f"bounds {low:g} to {high:g}",
            remedy="Its MetricSpec must name the worst and the best value that it can give.",
        )
