"""A row a model over all tasks of a group, with the group's score where every task is there."""

from __future__ import annotations

from dataclasses import dataclass, replace
from statistics import fmean
from typing import TYPE_CHECKING, TypeAlias

from glueharness.scoring.group_score import group_score, mean_scores
from glueharness_leaderboard.statistics.intervals import Interval
from glueharness_leaderboard.tables.columns import model_column
from glueharness_leaderboard.tables.heading import SAMPLE_NOTE
from glueharness_leaderboard.tables.sheet import Column, Sheet
from glueharness_leaderboard.tables.texts import (
    NOTHING,
    interval_text,
    plain,
    score_text,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from glueharness.specs import GroupSpec, TaskSpec
    from glueharness_leaderboard.ranking.group_standings import GroupStanding, Models
    from glueharness_leaderboard.ranking.rows import Row
    from glueharness_leaderboard.ranking.sections import Section

_MARK_NOTES = {
    "sample": f"SAMPLE · {SAMPLE_NOTE}",
    "partial": "PARTIAL · not complete: `glueharness leaderboard TASK` says which splits",
    "limited": "LIMITED · to some of the rows: `glueharness leaderboard TASK` says how many",
    "altered": "ALTERED · as many rows as the official data, and not the same ones",
    "fresh": "FRESH · trained from fresh weights, not from the pretrained ones",
}


def _note(mark: str) -> str:
    """What a mark says, above a table."""
    if mark.endswith(" parent"):
        what = mark.removesuffix(" parent")
        return f"{mark.upper()} · the run that it starts from, or whose model it is, is {what}"
    return _MARK_NOTES.get(mark, mark.upper())


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupRow:
    """A model over the tasks of a group.

    Attributes:
        model: The model's name.
        tasks: Task name to its best row: of several settings those with the best dev score.
        score: The group's score, a fraction; None unless all tasks are there.
        deviation: Its standard deviation over the seeds that every task has, a fraction; None
            for fewer than two.
        standing: What the statistics say of it; None unless all tasks and predictions are there.
        why: Why there is no score; empty if there is one.
    """

    model: str
    tasks: Mapping[str, Row]
    score: float | None
    deviation: float | None
    standing: GroupStanding | None = None
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupTable:
    """Models over the tasks of a group, on data of one kind.

    Attributes:
        group: The group.
        marks: What the runs are marked with.
        rows: Complete ones first, best first; then by the number of tasks.
        chosen: Whether a model was run with several settings on a task.
        left_out: Tasks that have runs on further data, which stand in no column here.
    """

    group: GroupSpec
    marks: tuple[str, ...]
    rows: tuple[GroupRow, ...]
    chosen: bool
    left_out: tuple[str, ...]


Standings: TypeAlias = "Callable[[Models, Mapping[str, Section]], Mapping[str, GroupStanding]]"
"""From models (their rows by task, and score) and the tasks' tables to standings by model."""


def group_tables(
    sections: Iterable[Section], group: GroupSpec, standings: Standings | None = None
) -> list[GroupTable]:
    """Rows over the tasks of a group, apart by the marks of their runs.

    Args:
        sections: Sections by model, the complete data of a task first.
        group: The group.
        standings: Asks the statistics.
    """
    by_marks: dict[tuple[str, ...], dict[str, list[Section]]] = {}
    for section in sections:
        if section.conditions.task in group.tasks:
            tasks = by_marks.setdefault(section.conditions.marks, {})
            tasks.setdefault(section.conditions.task, []).append(section)
    tables = []
    for marks, tasks in by_marks.items():
        chosen = {name: found[0] for name, found in tasks.items()}
        models = dict.fromkeys(row.model for section in chosen.values() for row in section.rows)
        rows = [_row(model, chosen, group) for model in models]
        rows.sort(key=lambda row: (-(row.score or 0.0), -len(row.tasks), row.model))
        if standings is not None:
            complete = {row.model: (row.tasks, row.score) for row in rows if row.score is not None}
            found_standings = standings(complete, chosen) if complete else {}
            rows = [replace(row, standing=found_standings.get(row.model)) for row in rows]
        left_out = tuple(name for name, found in tasks.items() if len(found) > 1)
        several = any(
            len({row.model for row in section.rows}) < len(section.rows)
            for section in chosen.values()
        )
        tables.append(
            GroupTable(
                group=group, marks=marks, rows=tuple(rows), chosen=several, left_out=left_out
            )
        )
    return sorted(tables, key=lambda table: (len(table.marks), "sample" in table.marks))


def _row(model: str, sections: Mapping[str, Section], group: GroupSpec) -> GroupRow:
    tasks = {}
    for name in group.tasks:
        if name in sections:
            best = next((row for row in sections[name].rows if row.model == model), None)
            if best is not None and best.primary is not None:
                tasks[name] = best
    found = group_score(group, {name: row.runs for name, row in tasks.items()})
    return GroupRow(
        model=model, tasks=tasks, score=found.score, deviation=found.deviation, why=found.why
    )


def group_sheet(table: GroupTable, tasks: Mapping[str, TaskSpec]) -> Sheet:
    """A group's table: a column a task, the score last."""
    columns = _columns(table, tasks)
    return Sheet(
        title=plain(f"{table.group.title} · dev"),
        notes=[plain(_note(mark)) for mark in table.marks],
        columns=columns,
        best=_stand_out(table.rows),
        answers=_answers(table.rows),
        footnotes=[plain(line) for line in _remarks(table, columns, tasks)],
    )


def _columns(table: GroupTable, tasks: Mapping[str, TaskSpec]) -> list[Column]:
    rows = table.rows
    columns = [model_column([row.model for row in rows])]
    standings = [row.standing for row in rows]
    if any(standings):
        lowest = [each.low if each else None for each in standings]
        ranks = list(map(_ranks, standings))
        columns.insert(0, Column(name="rank", heading="#", cells=ranks, keys=lowest))
    for name in _with_runs(table):
        title = plain(tasks[name].title if name in tasks else name)
        found = [
            ordered_scores(mean_scores(row.tasks[name].runs), tasks.get(name))
            if name in row.tasks
            else []
            for row in rows
        ]
        columns.append(task_column(title, found))
    columns.append(_score_column(table))
    if any(standings):
        ends = [interval_text(Interval(*each.interval)) if each else NOTHING for each in standings]
        lows = [each.interval[0] if each else None for each in standings]
        columns.append(
            Column(name="95 % interval", heading="95 % interval", cells=ends, spare=1, keys=lows)
        )
    return columns


def _with_runs(table: GroupTable) -> list[str]:
    """The group's tasks of which a row has runs."""
    return [name for name in table.group.tasks if any(name in row.tasks for row in table.rows)]


def _score_column(table: GroupTable) -> Column:
    """The score; of a model that has none how many tasks it has."""
    rows, total = table.rows, len(table.group.tasks)
    short = [
        f"{100 * row.score:.1f}"
        if row.score is not None
        else f"{len(row.tasks)} of {total}"
        if len(row.tasks) < total
        else "none"
        for row in rows
    ]
    full = [
        score_text(row.score, row.deviation) if row.score is not None else brief
        for row, brief in zip(rows, short, strict=True)
    ]
    scores = [row.score for row in rows]
    return Column(name="score", heading="score", cells=short, wide=full, right=True, keys=scores)


def _remarks(
    table: GroupTable, columns: Sequence[Column], tasks: Mapping[str, TaskSpec]
) -> list[str]:
    standings = [row.standing for row in table.rows]
    total = len(table.group.tasks)
    whys = {row.why for row in table.rows if row.score is None and len(row.tasks) == total}
    remarks = [f"No {table.group.title} score: {why}." for why in sorted(whys)]
    if table.chosen:
        points = max((each.selection for each in standings if each), default=0.0)
        luck = f" (that makes scores up to {100 * points:.1f} points too high)" if points else ""
        allowed = "; the ranks allow for it" if any(standings) else ""
        remarks.append(
            f"Of several settings that a model was run with, the best on dev count{luck}{allowed}."
        )
    if any("/" in cell for column in columns[1:-1] for cell in column.wide):
        remarks.append("Where there is no room for all metrics of a task, their mean is shown.")
    with_runs = _with_runs(table)
    without = [name for name in table.group.tasks if name not in with_runs]
    if without:
        titles = ", ".join(tasks[name].title if name in tasks else name for name in without)
        remarks.append(f"No such runs of {titles}.")
    if table.left_out:
        remarks.append(f"Runs on other data are left out for {', '.join(table.left_out)}.")
    return remarks


def _ranks(standing: GroupStanding | None) -> str:
    if standing is None:
        return NOTHING
    low, high = standing.low, standing.high
    return str(low) if low == high else f"{low}–{high}"


def _answers(rows: Sequence[GroupRow]) -> list[str]:
    """Who may be the best over all tasks."""
    ranked = [row for row in rows if row.standing]
    tied = [plain(row.model) for row in ranked if row.standing and row.standing.may_be_best]
    if len(ranked) < 2:
        return _answers_by_task(rows)
    if len(tied) == 1:
        others = "the other one is" if len(ranked) == 2 else f"the other {len(ranked) - 1} are"
        return [f"{tied[0]} is the best over all tasks: {others} worse at the 5 % level."]
    names = ", ".join(tied) if len(tied) <= 5 else f"{', '.join(tied[:5])} and {len(tied) - 5} more"
    return [f"{len(tied)} of {len(ranked)} models may be the best over all tasks: {names}."]


def _answers_by_task(rows: Sequence[GroupRow]) -> list[str]:
    """Where no test over all tasks can be made: on how many tasks a model may be the best."""
    tested: dict[str, int] = {}
    tied: dict[str, int] = {}
    for row in rows:
        found = [each.standing for each in row.tasks.values() if each.standing is not None]
        tested[row.model] = len(found)
        tied[row.model] = sum(each.may_be_best for each in found)
    most = max(tied.values(), default=0)
    first = sorted(name for name, count in tied.items() if count == most)
    if len(rows) < 2 or not most:
        return []
    shown = [*map(plain, first[:4]), *([f"{len(first) - 4} more"] if first[4:] else [])]
    names = " and ".join(part for part in (", ".join(shown[:-1]), shown[-1]) if part)
    counts = {tested[name] for name in first}
    tasks = f"{most} of {counts.pop()} tasks" if len(counts) == 1 else f"{most} tasks"
    return [f"{names} may be the best on {tasks}: as far as the tests tell."]


def _stand_out(rows: Sequence[GroupRow]) -> frozenset[int]:
    """Positions of those that may be the best; without statistics of the first one."""
    if any(row.standing for row in rows):
        return frozenset(
            place for place, row in enumerate(rows) if row.standing and row.standing.may_be_best
        )
    return frozenset({0}) if rows and rows[0].score is not None else frozenset()


def ordered_scores(scores: Mapping[str, Mapping[str, float]], task: TaskSpec | None) -> list[float]:
    """A task's scores, the metrics in its order, split by split."""
    if task is None:
        return [value for values in scores.values() for value in values.values()]
    return [
        values[metric.name]
        for values in scores.values()
        for metric in task.metrics
        if metric.name in values
    ]


def task_column(title: str, found: Sequence[Sequence[float]], digits: int = 2) -> Column:
    """A task's column: all its scores where there is room, else their mean."""
    short = [f"{100 * fmean(values):.1f}" if values else NOTHING for values in found]
    full = [
        "/".join(f"{100 * value:.{digits}f}" for value in values) or NOTHING for values in found
    ]
    means = [fmean(values) if values else None for values in found]
    return Column(name=title, heading=title, cells=short, wide=full, right=True, keys=means)
