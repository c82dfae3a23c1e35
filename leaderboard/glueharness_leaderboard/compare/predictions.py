"""Runs' predictions side by side on the same rows, and their scores on resamples of these."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from glueharness.errors import ConfigError, RunFolderError
from glueharness.run.predictions import read_predictions
from glueharness_leaderboard.statistics import bootstrap, intervals
from glueharness_leaderboard.statistics.bootstrap import SplitScores
from glueharness_leaderboard.statistics.intervals import Interval

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from glueharness.record.record import RunRecord
    from glueharness.specs import TaskSpec
    from glueharness_leaderboard.statistics.weighted_metrics import Floats

MEAN = ""
"""Stands for the mean over the dev splits where a split's name is expected."""

_LEAST_USABLE = 0.5
"""Share of the resamples that a metric must be defined on for an interval."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What runs predicted for the dev splits of one task.

    Attributes:
        task: The task; None if no installed plugin knows it.
        records: The runs.
        splits: Their predictions, in the order of ``records``.
    """

    task: TaskSpec | None
    records: tuple[RunRecord, ...]
    splits: tuple[SplitScores, ...]

    @property
    def primary(self) -> tuple[str, str]:
        """Split and metric that rank: of several splits, their mean."""
        split = self.splits[0].name if len(self.splits) == 1 else MEAN
        return split, self.records[0].primary_metric

    def of(self, runs: Sequence[int]) -> Evidence:
        """The same with only those runs, by position."""
        return replace(
            self,
            records=tuple(self.records[run] for run in runs),
            splits=tuple(split.of(runs) for split in self.splits),
        )

    def recorded(self, split: str, metric: str) -> list[float]:
        """The runs' recorded scores."""
        if split == MEAN:
            return [_number(record.primary) for record in self.records]
        return [_number(record.metrics[split].get(metric)) for record in self.records]


@dataclass(frozen=True, slots=True, kw_only=True)
class Samples:
    """Scores on resamples.

    Attributes:
        scores: By split (or :data:`MEAN`) and metric: ``[m, r]``, m runs, r resamples. Of one
            split, all metrics and all runs share the resamples.
        without: Metrics that could not be computed again: their task is not installed.
    """

    scores: Mapping[tuple[str, str], Floats]
    without: tuple[str, ...] = ()


def load_evidence(records: Sequence[RunRecord], runs_dir: Path, task: TaskSpec | None) -> Evidence:
    """Read runs' predictions of the dev splits.

    Raises:
        ConfigError: The runs were not scored on the same rows.
        RunFolderError: A file is missing, damaged, or not what its record says.
    """
    check_same_rows(records)
    first = records[0]
    splits = [
        _load_split(name, records, runs_dir, task)
        for name, split in first.data.splits.items()
        if split.role == "dev"
    ]
    return Evidence(task=task, records=tuple(records), splits=tuple(splits))


def check_same_rows(records: Sequence[RunRecord]) -> None:
    """Make sure that runs can be compared row by row.

    Raises:
        ConfigError: They are of different tasks, or were scored on different rows.
    """
    first = records[0]
    expected = _dev_rows(first)
    for record in records[1:]:
        if record.task != first.task:
            raise ConfigError(
                f"{first.id} is a run of {first.task}, {record.id} one of {record.task}",
                remedy="Only runs of one task can be compared.",
            )
        found = _dev_rows(record)
        if found != expected:
            raise ConfigError(
                f"{first.id} and {record.id} were not scored on the same rows: "
                f"{_describe(expected)} against {_describe(found)}",
                remedy="Only runs in one table of `glueharness leaderboard` can be compared.",
            )


def _dev_rows(record: RunRecord) -> dict[str, tuple[int, str]]:
    return {
        name: (split.rows, split.fingerprint)
        for name, split in record.data.splits.items()
        if split.role == "dev"
    }


def _describe(rows: Mapping[str, tuple[int, str]]) -> str:
    return ", ".join(
        f"{name} with {count:,} rows (fingerprint {fingerprint})"
        for name, (count, fingerprint) in rows.items()
    )


def _load_split(
    name: str, records: Sequence[RunRecord], runs_dir: Path, task: TaskSpec | None
) -> SplitScores:
    columns: list[Sequence[Any]] = []
    truth: Sequence[Any] | None = None
    index: Sequence[int] | None = None
    for record in records:
        folder = runs_dir / record.id
        read = read_predictions(folder, name)
        if read.references is None or len(read.values) != record.data.splits[name].rows:
            raise RunFolderError(
                f"the predictions of {name} are not those of the record", where=str(folder)
            )
        if truth is not None and (list(read.references) != truth or list(read.index) != index):
            raise RunFolderError(
                f"the predictions of {name} are of other rows than those of {records[0].id}",
                where=str(folder),
            )
        truth, index = list(read.references), list(read.index)
        columns.append(read.values)
    assert truth is not None  # noqa: S101 - there is at least one run
    if not isinstance(truth[0], str):
        numbers = np.asarray(columns, dtype=np.float64)
        return SplitScores(name=name, truth=np.asarray(truth, np.float64), predictions=numbers)
    labels = task.labels if task else tuple(sorted({*truth, *(v for c in columns for v in c)}))
    ids = {label: place for place, label in enumerate(labels)}
    try:
        return SplitScores(
            name=name,
            truth=np.array([ids[label] for label in truth]),
            predictions=np.array([[ids[label] for label in column] for column in columns]),
            labels=labels,
        )
    except KeyError as error:
        raise RunFolderError(
            f"the predictions of {name} hold the label {error}, which {records[0].task} has not",
            where=str(runs_dir),
        ) from error


def draw(evidence: Evidence, *, primary_only: bool = False) -> Samples:
    """The runs' scores on resamples of the dev rows.

    Args:
        evidence: The runs.
        primary_only: Whether to leave out the other metrics.
    """
    metric = evidence.primary[1]
    scores: dict[tuple[str, str], Floats] = {}
    without: set[str] = set()
    for place, split in enumerate(evidence.splits):
        recorded = [record.metrics[split.name] for record in evidence.records]
        names = [metric] if primary_only else list(recorded[0])
        fast = bootstrap.fast_metrics(split, recorded)
        # Another seed for each split: their rows are drawn independently of each other.
        seed = bootstrap.SEED + place
        quick = {name: fast[name] for name in names if name in fast}
        found = bootstrap.resample(split, quick, bootstrap.RESAMPLES, seed)
        for name in names:
            if name in quick:
                continue
            if evidence.task is None or name not in {s.name for s in evidence.task.metrics}:
                without.add(name)
                continue
            slow = {name: bootstrap.slow_metric(name, evidence.task, split)}
            found |= bootstrap.resample(split, slow, bootstrap.SLOW_RESAMPLES, seed)
        scores |= {(split.name, name): values for name, values in found.items()}
    parts = [scores.get((split.name, metric)) for split in evidence.splits]
    known = [part for part in parts if part is not None]
    if len(parts) > 1 and len(known) == len(parts):
        shortest = min(part.shape[1] for part in known)
        mean = np.mean([part[:, :shortest] for part in known], axis=0)
        scores = {(MEAN, metric): mean, **scores}
    return Samples(scores=scores, without=tuple(sorted(without)))


def interval_of(samples: Floats, scores: Sequence[float]) -> Interval | None:
    """95 % interval of runs' mean score, for the choice of rows and, of several runs, of seeds.

    Args:
        samples: The runs' scores on resamples, ``[m, r]``.
        scores: Their scores.

    Returns:
        None if too few resamples have a score, or all have the same: of a model that always
        says one thing, the Matthews correlation is 0 on any rows.
    """
    rows = percentile_interval(samples.mean(axis=0))
    if rows is None or rows.low == rows.high:
        return None
    if len(scores) == 1:
        return rows
    mean = math.fsum(scores) / len(scores)
    return intervals.widened_by_seeds(mean, rows, scores)


def percentile_interval(samples: Floats) -> Interval | None:
    """The middle 95 % of resampled values (Efron and Tibshirani 1993, chapter 13).

    Returns:
        None if more than half of them are no number.
    """
    usable = samples[np.isfinite(samples)]
    if len(usable) < _LEAST_USABLE * len(samples):
        return None
    tail = (1 - intervals.CONFIDENCE) / 2
    low, high = np.quantile(usable, [tail, 1 - tail])
    return Interval(float(low), float(high))


def _number(value: float | None) -> float:
    return math.nan if value is None else value
