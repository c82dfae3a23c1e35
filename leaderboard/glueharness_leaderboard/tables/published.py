"""Published scores in tables of their own, each with its source."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING, Any

from glueharness_leaderboard.tables.sheet import Column, Sheet
from glueharness_leaderboard.tables.texts import NOTHING, plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from glueharness.specs import PublishedSpec, Role, TaskSpec

_ROLES: tuple[Role, ...] = ("test", "dev")


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedRow:
    """What somebody published of one task.

    Attributes:
        spec: Where and by whom.
        version: Version of the task's data, for instance ``"v1"``.
        outdated: Whether that is not the current one: no score to stand beside the others.
        scores: By split and metric, fractions.
    """

    spec: PublishedSpec
    version: str
    outdated: bool
    scores: Mapping[str, Mapping[str, float]]

    def primary(self, task: TaskSpec) -> float:
        """Mean of the primary metric over the splits, a fraction; below all others if absent."""
        found = [values.get(task.primary.name) for values in self.scores.values()]
        known = [value for value in found if value is not None]
        return fmean(known) if known else -2.0


def published_rows(
    task: TaskSpec, specs: Iterable[PublishedSpec], role: Role
) -> list[PublishedRow]:
    """What is published of a task's dev or test splits, best first, outdated data last."""
    names = [split.name for split in task.splits_of(role)]
    rows = []
    for spec in specs:
        scores = {
            name: spec.scores[task.name][name]
            for name in names
            if name in spec.scores.get(task.name, {})
        }
        if scores:
            version = spec.versions.get(task.name, task.version)
            rows.append(
                PublishedRow(
                    spec=spec, version=version, outdated=version != task.version, scores=scores
                )
            )
    return sorted(rows, key=lambda row: (row.outdated, -row.primary(task), row.spec.name))


def published_sheets(task: TaskSpec, specs: Sequence[PublishedSpec]) -> list[Sheet]:
    """The published scores of a task: one table for test scores, one for dev scores."""
    sheets = []
    for role in _ROLES:
        rows = published_rows(task, specs, role)
        if rows:
            sheets.append(_sheet(task, role, rows))
    return sheets


def _sheet(task: TaskSpec, role: Role, rows: Sequence[PublishedRow]) -> Sheet:
    splits = [split.name for split in task.splits_of(role)]
    sources = list(dict.fromkeys(row.spec.source for row in rows))
    columns = [
        Column(name="model", heading="model", cells=[plain(row.spec.name) for row in rows],
               flexible=True),
    ]  # fmt: skip
    digits = digits_of(value for row in rows for of in row.scores.values() for value in of.values())
    for metric in task.metrics:
        cells = [
            "/".join(
                _points(row.scores.get(split, {}).get(metric.name), digits) for split in splits
            )
            for row in rows
        ]
        if any(cell.strip(f"/{NOTHING}") for cell in cells):
            title = plain(metric.title)
            first = [row.scores.get(splits[0], {}).get(metric.name) for row in rows]
            columns.append(Column(name=title, heading=title, cells=cells, right=True, keys=first))
    marks = [badge(task, row.version) if row.outdated else "" for row in rows]
    if any(marks):
        columns.append(Column(name="data", heading="data", cells=marks))
    remarks = [plain(row.spec.note) for row in rows]
    if any(remarks):
        columns.append(Column(name="note", heading="note", cells=remarks, flexible=True))
    numbers = [f"[{sources.index(row.spec.source) + 1}]" for row in rows]
    columns.append(Column(name="source", heading="source", cells=numbers))
    where = "test scores of the official server" if role == "test" else "dev scores"
    note = f"PUBLISHED · {where}, never ranked with one's own"
    outdated = [
        f"{mark}: other data, not to be compared with {badge(task, task.version)}"
        for mark in marks
        if mark
    ]
    name = f"{task.title} {task.version}".strip()
    return Sheet(
        title=plain(f"{name} · published · {' + '.join(splits)}"),
        notes=[note],
        columns=columns,
        footnotes=[*dict.fromkeys(outdated), *footnotes(sources)],
    )


def digits_of(scores: Iterable[float]) -> int:
    """Digits behind the point that published scores have, in points: 1, or 2 if any has more."""
    return 1 if all(abs(1000 * score - round(1000 * score)) < 1e-6 for score in scores) else 2


def _points(score: float | None, digits: int) -> str:
    return NOTHING if score is None else f"{100 * score:.{digits}f}"


def badge(task: TaskSpec, version: str) -> str:
    """The mark of a score on other data: ``QNLI v1``."""
    return plain(f"{task.title} {version}")


def footnotes(sources: Sequence[str]) -> list[str]:
    """Numbered sources."""
    return [plain(f"[{number}] {source}") for number, source in enumerate(sources, start=1)]


def published_flat(task: TaskSpec, specs: Sequence[PublishedSpec]) -> list[dict[str, Any]]:
    """The published scores of a task, one mapping a row, for CSV and JSON; fractions."""
    return [
        {
            "task": task.name,
            "version": row.version,
            "marks": f"published {role}" + (" outdated" if row.outdated else ""),
            "model": row.spec.name,
            "metric": task.primary.name,
            "score": row.primary(task),
            **{
                f"score:{split}:{metric}": value
                for split, values in row.scores.items()
                for metric, value in values.items()
            },
            "source": row.spec.source,
            "note": row.spec.note,
        }
        for role in _ROLES
        for row in published_rows(task, specs, role)
    ]
