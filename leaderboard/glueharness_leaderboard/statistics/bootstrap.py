"""Resampling dev rows: scores of models on the same thousands of resamples.

Rows that agree in truth and all predictions are one cell drawn several times, which makes a
resample of forty thousand rows a draw of a few counts. Shapes as in ``weighted``: c = cells,
m = models, r = resamples.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from glueharness_leaderboard.statistics.weighted_metrics import FAST

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from glueharness.specs import TaskSpec
    from glueharness_leaderboard.statistics.weighted_metrics import Floats, Values, WeightedMetric

RESAMPLES = 5_000
SLOW_RESAMPLES = 200
"""Resamples for a metric that has to be computed one resample at a time."""
SEED = 20_18_11
"""One seed for all: the same runs give the same intervals."""

_CHUNK = 1_000_000
"""Weights held at a time: 2 MB, which stay in a processor's cache."""
_SAME = 1e-6
_COUNTS_COST, _INDEX_COST = 6, 1
"""What drawing a cell's count costs, in units of drawing one row (measured)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitScores:
    """Truth and predictions of one split, row by row.

    Attributes:
        name: The split's name.
        truth: ``[n]``, label ids or floats.
        predictions: ``[m, n]``, one row a run.
        labels: Label names, the position is the id; empty for a regression.
    """

    name: str
    truth: Values
    predictions: Values
    labels: tuple[str, ...] = ()

    def of(self, runs: Sequence[int]) -> SplitScores:
        """The same split with only those runs."""
        return SplitScores(
            name=self.name,
            truth=self.truth,
            predictions=self.predictions[list(runs)],
            labels=self.labels,
        )


def fast_metrics(
    scores: SplitScores, recorded: Sequence[Mapping[str, float]]
) -> dict[str, WeightedMetric]:
    """The vectorised metrics that give the recorded values, by name.

    A plugin may call something else ``f1``: only what reproduces every run's record is used.

    Args:
        scores: The split.
        recorded: Metric values of each run.
    """
    once = np.ones((1, len(scores.truth)))
    found = {}
    for name, metric in FAST.items():
        if not all(name in values for values in recorded):
            continue
        values = metric(scores.truth, scores.predictions, once)[:, 0]
        expected = [run[name] for run in recorded]
        if np.allclose(values, expected, rtol=0, atol=_SAME, equal_nan=True):
            found[name] = metric
    return found


def slow_metric(name: str, task: TaskSpec, scores: SplitScores) -> WeightedMetric:
    """A metric in the form of the vectorised ones, from the task's own definition.

    Args:
        name: Metric name.
        task: The task.
        scores: The split; its labels turn ids back into names.
    """
    spec = next(spec for spec in task.metrics if spec.name == name)
    metric = spec.factory(task)

    def named(values: Values) -> list[Any]:
        if not scores.labels:
            return [float(value) for value in values]
        return [scores.labels[value] for value in values]

    def compute(truth: Values, predictions: Values, weights: Floats) -> Floats:
        result = np.empty((len(predictions), len(weights)))
        for place, counts in enumerate(weights.astype(np.int64)):
            references = named(np.repeat(truth, counts))
            for model, row in enumerate(predictions):
                answer = metric.compute(
                    predictions=named(np.repeat(row, counts)), references=references
                )
                result[model, place] = answer[name]
        return result

    return compute


def resample(
    scores: SplitScores,
    metrics: Mapping[str, WeightedMetric],
    resamples: int,
    seed: int = SEED,
) -> dict[str, Floats]:
    """Scores of all runs on the same resamples of the rows.

    Args:
        scores: The split.
        metrics: What to compute, by name.
        resamples: How many resamples of n rows, drawn with replacement.
        seed: Seed of the draws.

    Returns:
        By metric: ``[m, r]``.
    """
    cells = np.unique(np.vstack([scores.truth, scores.predictions]), axis=1, return_counts=True)
    (truth, *rows), counts = cells
    predictions = np.stack(rows)
    parts: dict[str, list[Floats]] = {name: [] for name in metrics}
    for weights in _weights(counts, resamples, np.random.default_rng(seed)):
        for name, metric in metrics.items():
            parts[name].append(metric(truth, predictions, weights))
    return {name: np.concatenate(found, axis=1) for name, found in parts.items()}


def _weights(counts: Values, resamples: int, generator: np.random.Generator) -> Iterator[Floats]:
    """How often each cell is drawn in each resample, ``[r, c]``, some resamples at a time."""
    cells, total = len(counts), int(counts.sum())
    draw = _draw_counts if cells * _COUNTS_COST < total * _INDEX_COST else _draw_rows
    step = max(1, _CHUNK // max(cells, total if draw is _draw_rows else 0))
    for start in range(0, resamples, step):
        yield draw(counts, min(step, resamples - start), generator)


def _draw_counts(counts: Values, resamples: int, generator: np.random.Generator) -> Floats:
    total = counts.sum()
    drawn: Floats = generator.multinomial(total, counts / total, size=resamples).astype(np.float64)
    return drawn


def _draw_rows(counts: Values, resamples: int, generator: np.random.Generator) -> Floats:
    cells, total = len(counts), int(counts.sum())
    cell_of_row = np.repeat(np.arange(cells), counts)
    drawn = cell_of_row[generator.integers(0, total, size=(resamples, total))]
    drawn += (np.arange(resamples) * cells)[:, None]
    weights: Floats = np.bincount(drawn.ravel(), minlength=resamples * cells).astype(np.float64)
    return weights.reshape(resamples, cells)
