"""From a contestant's runs to its measurements: what a table of the statistics is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from glueharness.errors import RunFolderError
from glueharness_leaderboard.evidence.metrics import SplitInfluences, influences_of, lacks_units
from glueharness_leaderboard.evidence.predictions import side_by_side
from glueharness_leaderboard.evidence.predictions_file import dev_splits
from glueharness_leaderboard.evidence.quantity import Quantity, ranked_quantity
from glueharness_leaderboard.evidence.stored_predictions import read_run
from glueharness_leaderboard.statistics import influence
from glueharness_leaderboard.statistics.measurement import Measurement
from glueharness_leaderboard.statistics.score_interval import score_interval
from glueharness_leaderboard.statistics.variance import Components, ScoreTable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from glueharness.record.record import RunRecord
    from glueharness.record.store import RunStore
    from glueharness.specs import TaskSpec
    from glueharness_leaderboard.evidence.predictions import SplitValues
    from glueharness_leaderboard.evidence.reading_together import Reader
    from glueharness_leaderboard.evidence.stored_predictions import OneSplit
    from glueharness_leaderboard.statistics.influence import Influence

Bounds = tuple[float, float]

_BOUNDS: dict[str, Bounds] = {
    "matthews_correlation": (-1.0, 1.0),
    "pearson": (-1.0, 1.0),
    "spearman": (-1.0, 1.0),
}
"""Worst and best value of metrics whose task is not installed; of others 0 and 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contest:
    """What is asked of all contestants alike.

    Attributes:
        task: The task; None if no installed plugin knows it.
        counted: Names of the metrics that rank, the primary one first.
        store: The runs.
        every_metric: Whether to measure the metrics and splits one by one, too.
    """

    task: TaskSpec | None
    counted: tuple[str, ...]
    store: RunStore
    every_metric: bool = False

    def bounds(self, quantity: Quantity) -> Bounds:
        """Worst and best value."""
        names = [quantity.metric] if quantity.metric else list(self.counted)
        known = {spec.name: spec.bounds for spec in self.task.metrics} if self.task else _BOUNDS
        found = [known.get(name, (0.0, 1.0)) for name in names]
        return min(low for low, _ in found), max(high for _, high in found)

    def most(self, quantity: Quantity) -> float:
        """The largest difference of two scores that there can be."""
        low, high = self.bounds(quantity)
        return high - low


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A contestant's runs, measured.

    Attributes:
        quantities: By quantity, what is ranked first.
        padded: What is ranked, with a row more of each kind; only for a Matthews correlation of
            two labels, and for its interval only.
        constant: How many runs say the same for every row.
        splits: The predictions.
        without: Metrics that could not be computed again: their task is not installed.
    """

    quantities: Mapping[Quantity, Measurement]
    padded: Measurement | None
    constant: int
    splits: tuple[SplitValues, ...]
    without: tuple[str, ...]


def measure(
    runs: Sequence[RunRecord],
    contest: Contest,
    reference: Mapping[str, OneSplit] | None = None,
    reader: Reader | None = None,
) -> tuple[Measured, Mapping[str, OneSplit]]:
    """Read a contestant's predictions and measure them.

    Args:
        runs: Its runs.
        contest: What is asked.
        reference: Predictions of a run on the same rows, to compare the rows with.
        reader: Reads the predictions; None to read them here.

    Returns:
        What was measured, and the first run's predictions.

    Raises:
        RunFolderError: Predictions are missing, damaged, or not what the record says.
    """
    if not dev_splits(runs[0]):
        raise RunFolderError(
            "the record names no dev split", where=str(contest.store.path(runs[0]))
        )
    if reader is None:
        reads = [read_run(run, contest.store) for run in runs]
    else:
        reads = [reader.read(run) for run in runs]
    splits = side_by_side(reads, runs, contest.task, (contest.store, reference))
    names = list(contest.counted)
    if contest.every_metric:
        names += [name for name in _metrics(runs) if name not in names]
    for split in splits:
        if lacks_units(split, contest.task, names):
            raise RunFolderError(
                f"the predictions of {split.name} do not tell which rows belong together",
                where=str(contest.store.path(runs[0])),
                remedy="Run it again: glueharness writes that column since this version.",
            )
    influences = [influences_of(split, runs, contest.task, names) for split in splits]
    quantities = _quantities(splits, influences, contest, names)
    constant = np.logical_or.reduce([influence.is_constant(each.predictions) for each in splits])
    measured = Measured(
        quantities=quantities,
        padded=_padded(splits, contest, influences),
        constant=int(constant.sum()),
        splits=splits,
        without=tuple(sorted({name for each in influences for name in each.without})),
    )
    return measured, reads[0]


def _metrics(runs: Sequence[RunRecord]) -> list[str]:
    return list(dict.fromkeys(name for values in runs[0].metrics.values() for name in values))


def _quantities(
    splits: Sequence[SplitValues],
    influences: Sequence[SplitInfluences],
    contest: Contest,
    names: Sequence[str],
) -> dict[Quantity, Measurement]:
    """The ranked quantity first, then its parts, then what else the runs were scored by."""
    available = [name for name in names if all(name in each.metrics for each in influences)]
    counted = [name for name in contest.counted if name in available]
    found: dict[Quantity, Measurement] = {}
    splits_of = [split.name for split in splits]
    if counted and len(counted) == len(contest.counted):
        parts = [_mean([each.metrics[name] for name in counted]) for each in influences]
        found[ranked_quantity(splits_of, contest.counted)] = Measurement.of(parts)
    if not contest.every_metric:
        return found
    for name in available:
        if len(splits) > 1:
            mean = Measurement.of([each.metrics[name] for each in influences])
            found.setdefault(Quantity("", name), mean)
        for split, each in zip(splits_of, influences, strict=True):
            found.setdefault(Quantity(split, name), Measurement.of([each.metrics[name]]))
    return found


def _mean(parts: Sequence[Influence]) -> Influence:
    return parts[0] if len(parts) == 1 else influence.mean_of(parts)


def _padded(
    splits: Sequence[SplitValues], contest: Contest, influences: Sequence[SplitInfluences]
) -> Measurement | None:
    if contest.counted != ("matthews_correlation",) or any(
        len(split.labels) != 2 or each.by_group or each.units != len(split.truth)
        for split, each in zip(splits, influences, strict=True)
    ):
        return None
    rows = [influence.with_pseudo_rows(split.truth, split.predictions) for split in splits]
    return Measurement.of([influence.matthews(truth, values) for truth, values in rows])


@dataclass(frozen=True, slots=True, kw_only=True)
class Intervals:
    """Intervals of the contestants of a table.

    Attributes:
        table: The table.
        padded: The same contestants with pseudo-rows, for a Matthews correlation; None elsewhere.
        bounds: Worst and best value of what is ranked.
        proportion: Whether it is an accuracy, whose variance is known from its value.
    """

    table: ScoreTable
    padded: ScoreTable | None
    bounds: Bounds
    proportion: bool

    def of(self, place: int) -> tuple[float, float] | None:
        """The 95 % interval of a contestant; None if it has none."""
        table = self.table if self.padded is None else self.padded
        score = float(table.scores[place])
        components = table.single(place)
        units = [split.shape[1] for split in table.influences]
        each = table.measurements[place]
        if self.proportion and each.runs == 1 and components.seeds == 0:
            # The binomial's own variance: with it, the interval is Wilson's to the last digit.
            rows = sum(
                float((split**2).mean()) / count
                for split, count in zip(each.influences, units, strict=True)
            )
            components = Components(rows=rows / len(units) ** 2, seeds=0.0, seed_degrees=0.0)
        found = score_interval(score, components, self.bounds, sum(units))
        own = float(self.table.scores[place])
        if found is None or not np.isfinite(own):
            return None
        return min(found[0], own), max(found[1], own)


def intervals_of(contest: Contest, quantity: Quantity, found: Sequence[Measured]) -> Intervals:
    """Intervals of contestants for one quantity; all of them must have it."""
    padded = [each.padded for each in found if each.padded is not None]
    return Intervals(
        table=ScoreTable([each.quantities[quantity] for each in found]),
        padded=ScoreTable(padded) if padded and len(padded) == len(found) else None,
        bounds=contest.bounds(quantity),
        proportion=quantity.metric == "accuracy",
    )
