"""Runs as rows. What differs in task, split, rows or marks never stands in one ranking."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from glueharness_leaderboard.ranking.conditions import Conditions
from glueharness_leaderboard.ranking.settings import by_configuration
from glueharness_leaderboard.statistics import intervals
from glueharness_leaderboard.statistics.intervals import Interval

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from glueharness.record.record import RunRecord
    from glueharness.specs import TaskSpec

By = Literal["run", "model"]

_SAME = 1e-12
"""Scores that differ by less share a rank; floats from the same counts do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of a ranking: a run, or the runs of one configuration with different seeds.

    Attributes:
        runs: The runs; one, or one a seed.
        rank: 1 for the best; equal scores share a rank. 0 if there is no score to rank by.
        interval: 95 % interval of the primary score, a fraction; None if unknown.
        contender: Whether its interval overlaps the best row's; False for the best itself.
    """

    runs: tuple[RunRecord, ...]
    rank: int = 0
    interval: Interval | None = None
    contender: bool = False

    @property
    def model(self) -> str:
        """The model's name."""
        return self.runs[0].model

    @property
    def seeds(self) -> tuple[int, ...]:
        """The runs' seeds."""
        return tuple(run.seed for run in self.runs)

    @property
    def primary(self) -> float | None:
        """Mean primary score over the seeds, a fraction; None if there is none."""
        return _mean([run.primary for run in self.runs])

    @property
    def seconds(self) -> float:
        """Mean time of a run."""
        return math.fsum(sum(run.timings.values()) for run in self.runs) / len(self.runs)

    def score(self, split: str, metric: str) -> float | None:
        """Mean score over the seeds, a fraction; None if there is none."""
        return _mean([run.metrics.get(split, {}).get(metric) for run in self.runs])

    def deviation(self, split: str = "", metric: str = "") -> float | None:
        """Standard deviation over the seeds, of the primary score if none is named.

        Returns:
            A fraction; None for fewer than two seeds.
        """
        found = [
            run.metrics.get(split, {}).get(metric) if split else run.primary for run in self.runs
        ]
        scores = [score for score in found if score is not None and math.isfinite(score)]
        if len(scores) < 2 or len(scores) < len(self.runs):
            return None
        return intervals.standard_deviation(scores)


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Rows that may be ranked together.

    Attributes:
        conditions: What they have in common.
        task: The task's spec; None if no installed plugin knows the task.
        rows: Best first; those without a score at the end.
        ambiguous: Whether another section looks the same but for the rows' fingerprint.
    """

    conditions: Conditions
    task: TaskSpec | None
    rows: tuple[Row, ...]
    ambiguous: bool = False

    @property
    def title(self) -> str:
        """The task's name in print."""
        return self.task.title if self.task else self.conditions.task

    @property
    def metrics(self) -> list[str]:
        """Names of the metrics, the primary one first."""
        names = [spec.name for spec in self.task.metrics] if self.task else []
        seen = [
            name
            for row in self.rows
            for run in row.runs
            for scores in run.metrics.values()
            for name in scores
        ]
        ordered = dict.fromkeys([self.conditions.metric, *names, *seen])
        return [name for name in ordered if name in seen]


def sections_of(
    records: Iterable[RunRecord], tasks: Mapping[str, TaskSpec], by: By = "run"
) -> list[Section]:
    """Rank runs, apart wherever they may not be compared.

    Args:
        records: The runs; those without a score end up unranked.
        tasks: The known tasks, in the order of the sections.
        by: ``"run"`` for a row a run; ``"model"`` for a row a configuration, over its seeds.

    Returns:
        By task; complete data first, then partial, limited and sample data.
    """
    groups: dict[Conditions, list[RunRecord]] = {}
    for record in records:
        groups.setdefault(Conditions.of(record), []).append(record)
    looks: dict[object, int] = {}
    for conditions in groups:
        looks[_look(conditions)] = looks.get(_look(conditions), 0) + 1
    sections = [
        Section(
            conditions=conditions,
            task=tasks.get(conditions.task),
            rows=ranked(_rows(runs, by)),
            ambiguous=looks[_look(conditions)] > 1,
        )
        for conditions, runs in groups.items()
    ]
    order = {name: position for position, name in enumerate(tasks)}
    return sorted(sections, key=lambda section: _position(section, order))


def ranked(rows: Sequence[Row]) -> tuple[Row, ...]:
    """The rows best first, with their ranks and marks."""
    scored = sorted(
        (row for row in rows if row.primary is not None),
        key=lambda row: (-(row.primary or 0.0), row.model, row.runs[0].started),
    )
    result: list[Row] = []
    for position, row in enumerate(scored, start=1):
        tied = bool(result) and abs((result[-1].primary or 0) - (row.primary or 0)) <= _SAME
        rank = result[-1].rank if tied else position
        best = scored[0].interval
        contender = (
            position > 1
            and row.interval is not None
            and best is not None
            and row.interval.overlaps(best)
        )
        result.append(replace(row, rank=rank, contender=contender))
    unscored = [replace(row, rank=0) for row in rows if row.primary is None]
    return (*result, *unscored)


def with_intervals(section: Section, measure: Callable[[Row], Interval | None]) -> Section:
    """The section ranked again with intervals from elsewhere; None keeps the one there is."""
    rows = [replace(row, interval=measure(row) or row.interval) for row in section.rows]
    return replace(section, rows=ranked(rows))


def interval_from_record(runs: Sequence[RunRecord]) -> Interval | None:
    """The 95 % interval of runs' mean primary score, if their records allow one.

    They do for accuracy, which is a share of n rows. Of several seeds the interval covers the
    choice of rows, as if all seeds erred on the same ones, and the choice of seeds.
    """
    first = runs[0]
    if first.primary_metric != "accuracy":
        return None
    scores = [run.primary for run in runs if run.primary is not None]
    by_split = _proportions(runs)
    if by_split is None or len(scores) < len(runs):
        return None
    of_splits = [intervals.wilson(share, rows) for share, rows in by_split]
    rows = intervals.of_mean([share for share, _ in by_split], of_splits)
    if len(scores) == 1:
        return rows
    low, high = intervals.widened_by_seeds(math.fsum(scores) / len(scores), rows, scores)
    return Interval(max(low, 0.0), min(high, 1.0))


def _proportions(runs: Sequence[RunRecord]) -> list[tuple[float, int]] | None:
    """Accuracy and rows of each dev split, the mean over runs; None if any is no share of rows."""
    found = []
    for name, split in runs[0].data.splits.items():
        if split.role != "dev":
            continue
        shares = [run.metrics.get(name, {}).get("accuracy") for run in runs]
        known = [share for share in shares if share is not None]
        if len(known) < len(runs) or any(
            not intervals.is_share(share, split.rows) for share in known
        ):
            return None
        found.append((math.fsum(known) / len(known), split.rows))
    return found or None


def _rows(records: list[RunRecord], by: By) -> list[Row]:
    scored = [record for record in records if _mean([record.primary]) is not None]
    unscored = [record for record in records if _mean([record.primary]) is None]
    groups = [[record] for record in scored] if by == "run" else by_configuration(scored)
    return [
        *(Row(runs=tuple(runs), interval=interval_from_record(runs)) for runs in groups),
        *(Row(runs=(record,)) for record in unscored),
    ]


def _look(conditions: Conditions) -> object:
    """What a reader sees of the conditions: all but the fingerprints."""
    return (
        conditions.task,
        conditions.version,
        conditions.metric,
        conditions.marks,
        tuple((split.name, split.rows) for split in conditions.dev + conditions.train),
    )


def _position(section: Section, order: Mapping[str, int]) -> tuple[object, ...]:
    conditions = section.conditions
    severity = [mark in conditions.marks for mark in ("sample", "limited", "partial")]
    rows = -sum(split.rows for split in conditions.train + conditions.dev)
    return (
        order.get(conditions.task, len(order)),
        conditions.task,
        severity,
        rows,
        conditions.version,
        conditions.metric,
        [split.fingerprint for split in conditions.dev + conditions.train],
    )


def _mean(values: Sequence[float | None]) -> float | None:
    """The mean; None if a value is missing or no number."""
    numbers = [value for value in values if value is not None and math.isfinite(value)]
    if not numbers or len(numbers) < len(values):
        return None
    return math.fsum(numbers) / len(numbers)
