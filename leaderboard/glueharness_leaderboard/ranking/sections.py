"""Runs as rows. What differs in task, split, rows or marks never stands in one ranking."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from glueharness_leaderboard.evidence.quantity import Quantity, counted_metrics, ranked_quantity
from glueharness_leaderboard.ranking.conditions import Conditions
from glueharness_leaderboard.ranking.rows import Row, mean_score
from glueharness_leaderboard.ranking.settings import by_configuration, configuration
from glueharness_leaderboard.statistics.intervals import Interval

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from glueharness.record.record import RunRecord
    from glueharness.specs import GroupSpec, TaskSpec
    from glueharness_leaderboard.ranking.standing import Standings

By = Literal["run", "model"]

_SEVERE = ("sample", "limited", "partial", "altered", "fresh")
"""Marks, the gravest first: tables with them come after the others of their task."""

_TRIED = 3
"""Runs of a section that are asked for a task that is nowhere else."""

_SAME = 1e-12
"""Scores that differ by less share a place; floats from the same counts do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Rows that may be ranked together.

    Attributes:
        conditions: What they have in common.
        task: The task's spec; None if neither a plugin nor the runs know it.
        rows: Best first; those without a score at the end.
        ambiguous: Whether another section looks the same but for the rows' fingerprint.
        counted: Metrics whose mean ranks, the primary one first.
        standings: What the statistics say of the rows together; None if they were not asked.
    """

    conditions: Conditions
    task: TaskSpec | None
    rows: tuple[Row, ...]
    ambiguous: bool = False
    counted: tuple[str, ...] = ()
    standings: Standings | None = None

    @property
    def title(self) -> str:
        """The task's name in print."""
        return self.task.title if self.task else self.conditions.task

    @property
    def quantity(self) -> Quantity:
        """What ranks."""
        return ranked_quantity([split.name for split in self.conditions.dev], self.counted)

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
    records: Iterable[RunRecord],
    tasks: Mapping[str, TaskSpec],
    by: By = "run",
    groups: Iterable[GroupSpec] = (),
    recorded: Callable[[RunRecord], TaskSpec | None] = lambda _: None,
) -> list[Section]:
    """Rank runs, apart wherever they may not be compared.

    Args:
        records: The runs; those without a score end up unranked.
        tasks: The known tasks, in the order of the sections.
        by: ``"run"`` for a row a run; ``"model"`` for a row a configuration, over its seeds.
        groups: The known groups: they say which metrics of a task count.
        recorded: Finds the task of a run that is not among the known ones in the run's record.

    Returns:
        By task; complete data first, then partial, limited and sample data.
    """
    known = tuple(groups)
    found: dict[Conditions, list[RunRecord]] = {}
    for record in records:
        found.setdefault(Conditions.of(record), []).append(record)
    _join_evaluations(found)
    looks: dict[object, int] = {}
    for conditions in found:
        looks[_look(conditions)] = looks.get(_look(conditions), 0) + 1
    sections = []
    for conditions, runs in found.items():
        task = tasks.get(conditions.task) or _recorded(runs, recorded)
        counted = counted_metrics(task, known) or (conditions.metric,)
        section = Section(
            conditions=conditions,
            task=task,
            rows=ranked(_rows(runs, by, counted)),
            ambiguous=looks[_look(conditions)] > 1,
            counted=counted,
        )
        sections.append(section)
    order = {name: position for position, name in enumerate(tasks)}
    return sorted(sections, key=lambda section: _position(section, order))


def _recorded(
    runs: Sequence[RunRecord], recorded: Callable[[RunRecord], TaskSpec | None]
) -> TaskSpec | None:
    """The task as the newest of the runs that keep it have it; older versions kept none."""
    newest = sorted(runs, key=lambda run: run.began, reverse=True)[:_TRIED]
    return next((task for run in newest if (task := recorded(run)) is not None), None)


def _join_evaluations(found: dict[Conditions, list[RunRecord]]) -> None:
    """Put models that were only evaluated among those that were trained for the same dev rows.

    Where runs with different training rows stand in tables of their own, evaluations do as well.
    """
    for conditions in [each for each in found if not each.train]:
        trained = [
            other for other in found if other.train and replace(other, train=()) == conditions
        ]
        if len(trained) == 1:
            found[trained[0]] += found.pop(conditions)


def ranked(rows: Sequence[Row]) -> tuple[Row, ...]:
    """The rows best first, with their places."""
    scored = sorted(
        (row for row in rows if row.value is not None),
        key=lambda row: (-(row.value or 0.0), row.model, row.runs[0].began),
    )
    result: list[Row] = []
    for position, row in enumerate(scored, start=1):
        tied = bool(result) and abs((result[-1].value or 0) - (row.value or 0)) <= _SAME
        result.append(replace(row, rank=result[-1].rank if tied else position))
    unscored = [replace(row, rank=0) for row in rows if row.value is None]
    return (*result, *unscored)


def with_standings(section: Section, standings: Standings) -> Section:
    """The section with what the statistics say; a row that they know nothing of stays as it is."""
    rows = tuple(
        replace(row, refused=place in standings.refused)
        if standing is None
        else replace(
            row,
            standing=standing,
            measured=Interval(*standing.interval) if standing.interval else None,
        )
        for place, (row, standing) in enumerate(zip(section.rows, standings.rows, strict=True))
    )
    return replace(section, rows=rows, standings=standings)


def _rows(records: list[RunRecord], by: By, counted: tuple[str, ...]) -> list[Row]:
    # A seed without a score leaves its whole configuration without one: the rest would be
    # those that went well.
    usable: list[RunRecord] = []
    rest: list[RunRecord] = []
    for record in records:
        scored = mean_score([record.primary]) is not None or record.status == "completed"
        (usable if scored else rest).append(record)
    configurations = by_configuration(usable)
    best = {max(runs, key=lambda run: run.primary or 0.0).id: len(runs) for runs in configurations}
    tried = _settings_tried(configurations, counted) if by == "model" else {}
    groups = [[record] for record in usable] if by == "run" else configurations
    return [
        *(
            Row(
                runs=tuple(runs),
                counted=counted,
                siblings=best.get(runs[0].id, 1) if by == "run" else 1,
                settings_tried=tried.get(runs[0].id, 1),
            )
            for runs in groups
        ),
        *(Row(runs=(record,), counted=counted) for record in rest),
    ]


def _settings_tried(
    configurations: Sequence[Sequence[RunRecord]], counted: tuple[str, ...]
) -> dict[str, int]:
    """Of how many settings each model's best row is the best, by the id of its first run."""
    by_model: dict[tuple[str, str], list[tuple[float, str, object]]] = {}
    for runs in configurations:
        value = Row(runs=tuple(runs), counted=counted).value
        if value is not None:
            name, settings, _ = configuration(runs[0])
            by_model.setdefault((name, runs[0].kind), []).append((value, runs[0].id, settings))
    return {
        max(found, key=lambda each: each[0])[1]: len({settings for _, _, settings in found})
        for found in by_model.values()
    }


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
    severity = [mark in conditions.marks for mark in _SEVERE]
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
