"""Published rows over all tasks of a group."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from glueharness_leaderboard.tables.group import ordered_scores, task_column
from glueharness_leaderboard.tables.published import badge, footnotes
from glueharness_leaderboard.tables.sheet import Column, Sheet
from glueharness_leaderboard.tables.texts import NOTHING, plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from glueharness.specs import GroupSpec, PublishedSpec, TaskSpec


def published_group_sheet(
    group: GroupSpec, specs: Iterable[PublishedSpec], tasks: Mapping[str, TaskSpec]
) -> Sheet:
    """The published rows of a group, best first, with their sources."""
    rows = sorted(specs, key=lambda spec: -(spec.group_score or 0.0))
    sources = list(dict.fromkeys(spec.source for spec in rows))
    names = [plain(spec.name) for spec in rows]
    columns = [Column(name="model", heading="model", cells=names, flexible=True)]
    badges: dict[str, None] = {}
    for name in group.tasks:
        task = tasks.get(name)
        column = task_column(
            plain(task.title if task else name),
            [ordered_scores(spec.scores.get(name, {}), task) for spec in rows],
            digits=1,
        )
        old = [spec.versions.get(name, "") if task else "" for spec in rows]
        if task is not None and any(old):
            badges |= dict.fromkeys(badge(task, version) for version in old if version)
            column = _marked(column, [version not in {"", task.version} for version in old])
        columns.append(column)
    scores = [f"{100 * spec.group_score:.1f}" if spec.group_score else NOTHING for spec in rows]
    numbers = [f"[{sources.index(spec.source) + 1}]" for spec in rows]
    columns += [
        Column(name="score", heading="score", cells=scores, right=True),
        Column(name="source", heading="", cells=numbers),
    ]
    outdated = [f"* {mark}: other data, not to be compared with the others" for mark in badges]
    return Sheet(
        title=plain(f"{group.title} · published · test"),
        notes=["PUBLISHED · test scores of the official server, never ranked with one's own"],
        columns=columns,
        footnotes=[*outdated, *footnotes(sources)],
    )


def _marked(column: Column, marks: Sequence[bool]) -> Column:
    """A star behind the marked cells; a space behind the others keeps digits below digits."""

    def star(cells: Sequence[str]) -> list[str]:
        return [f"{cell}{'*' if mark else ' '}" for cell, mark in zip(cells, marks, strict=True)]

    return replace(column, cells=star(column.cells), wide=star(column.wide))
