"""Metrics of runs as influences: in closed form where that gives the recorded values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from glueharness.errors import RunFolderError
from glueharness.plugin.blame import blamed
from glueharness.scoring.scorer import computed
from glueharness_leaderboard.statistics import influence
from glueharness_leaderboard.statistics.weighted_metrics import FAST

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from glueharness.record.record import RunRecord
    from glueharness.specs import MetricSpec, TaskSpec
    from glueharness_leaderboard.evidence.predictions import SplitValues
    from glueharness_leaderboard.statistics.influence import Influence, Values

_SAME = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitInfluences:
    """Metrics of runs on one split.

    Attributes:
        metrics: By metric name, all by the same units of rows.
        without: Metrics that could not be computed again: their task is not installed.
        units: Number of units.
        by_group: Whether the units are groups of a jackknife.
    """

    metrics: Mapping[str, Influence]
    without: tuple[str, ...]
    units: int
    by_group: bool


def influences_of(
    split: SplitValues, records: Sequence[RunRecord], task: TaskSpec | None, names: Sequence[str]
) -> SplitInfluences:
    """How far each unit of rows moves the runs' metrics.

    A name is no proof: a plugin may call something else ``f1``. So the closed form is used only
    if it gives what every run's record says, and the task's own definition where it does not.

    Args:
        split: The split.
        records: The runs.
        task: The task; None if no installed plugin knows it.
        names: The metrics.

    Raises:
        RunFolderError: Neither gives what a run's record says: its predictions or its scores are
            not its own.
        PluginError: The task's own metric raised.
    """
    specs = {spec.name: spec for spec in task.metrics} if task else {}
    units = _units(split, [specs[name] for name in names if name in specs])
    closed, open_ = {}, {}
    for name in names:
        recorded = np.array([_recorded(record, split.name, name) for record in records])
        found = influence.analytic(name, split.truth, split.predictions)
        if found is not None and _agrees(found.scores, recorded):
            closed[name] = _undefined_as_recorded(found, recorded)
        else:
            open_[name] = recorded
    groups = influence.random_groups(len(split.truth), units) if open_ else units
    result: dict[str, Influence] = {}
    without = []
    for name in names:
        if name in closed:
            result[name] = (
                closed[name] if groups is None else influence.summed(closed[name], groups)
            )
        elif name in specs and task is not None:
            result[name] = _by_definition(specs[name], task, (split, groups), records, open_[name])
        else:
            without.append(name)
    count = len(split.truth) if groups is None else int(groups.max()) + 1
    return SplitInfluences(
        metrics=result, without=tuple(without), units=count, by_group=bool(open_)
    )


def _units(split: SplitValues, specs: Sequence[MetricSpec]) -> Values | None:
    """Which rows belong together, if a metric says that some do."""
    for spec in specs:
        if spec.unit and spec.unit in split.units:
            return split.units[spec.unit]
    return None


def lacks_units(split: SplitValues, task: TaskSpec | None, names: Sequence[str]) -> bool:
    """Whether a metric says that rows belong together, and the runs do not tell which."""
    specs = task.metrics if task else ()
    return any(spec.unit and spec.unit not in split.units for spec in specs if spec.name in names)


def _agrees(found: Values, recorded: Values) -> bool:
    """Whether the values are those recorded; of constant predictions some metrics have none."""
    known = np.isfinite(recorded)
    return bool((np.abs(found - recorded)[known] <= _SAME).all() and (found[~known] == 0).all())


def _undefined_as_recorded(found: Influence, recorded: Values) -> Influence:
    scores = np.where(np.isfinite(recorded), found.scores, np.nan)
    return influence.Influence(scores=scores, values=found.values)


def _recorded(record: RunRecord, split: str, metric: str) -> float:
    value = record.metrics.get(split, {}).get(metric)
    return float("nan") if value is None else value


def _by_definition(
    spec: MetricSpec,
    task: TaskSpec,
    where: tuple[SplitValues, Values | None],
    records: Sequence[RunRecord],
    recorded: Values,
) -> Influence:
    """A metric's influence by the jackknife, from the task's own definition of it."""
    split, groups = where
    if groups is None:
        raise AssertionError("a jackknife needs groups")
    part = f"the metric {spec.name!r} of the task {task.name!r}"
    with blamed(part, None, "cannot be made"):
        metric = spec.factory(task)

    def named(values: Values) -> list[Any]:
        if not split.labels:
            return [float(value) for value in values]
        return [split.labels[value] for value in values]

    references = np.array(named(split.truth), dtype=object)
    together = split.units.get(spec.unit)
    predictions = [np.array(named(row), dtype=object) for row in split.predictions]

    def score(rows: Values) -> list[float]:
        truth = list(references[rows])
        units = None if together is None else [str(unit) for unit in together[rows]]
        with blamed(part, None, "failed"):
            return [
                computed(metric, spec.name, list(row[rows]), truth, units) for row in predictions
            ]

    whole = np.array(score(np.arange(len(references))))
    wrong = ~((np.abs(whole - recorded) <= _SAME) | (np.isnan(whole) & np.isnan(recorded)))
    if wrong.any():
        record = records[int(np.flatnonzero(wrong)[0])]
        raise RunFolderError(
            f"the predictions of {split.name} do not give the recorded {spec.name}: "
            f"{whole[wrong][0]:.6f}, and not {recorded[wrong][0]:.6f}",
            where=record.id,
            remedy="The record, the predictions or the task's metric was changed since the run.",
        )
    fast = FAST.get(spec.name)
    if fast is not None:
        once = np.ones((1, len(split.truth)))
        quick = fast(split.truth, split.predictions, once)[:, 0]
        if _agrees(np.nan_to_num(quick), np.nan_to_num(whole)):
            # The same by matrix products, for instance Matthews' correlation of three labels.
            def score(rows: Values) -> list[float]:
                kept = np.zeros((1, len(split.truth)))
                kept[0, rows] = 1
                return list(fast(split.truth, split.predictions, kept)[:, 0])

    return influence.jackknife(score, list(whole), groups)
