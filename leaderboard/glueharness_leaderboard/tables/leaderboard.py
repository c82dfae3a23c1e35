"""What ``leaderboard`` answers: tables for readers, rows and JSON for programs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from glueharness_leaderboard.tables.columns import legends, sheet_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from glueharness.plugin.registry import Registry
    from glueharness.specs import GroupSpec, PublishedSpec
    from glueharness_leaderboard.ranking.sections import Section
    from glueharness_leaderboard.tables.columns import View
    from glueharness_leaderboard.tables.group import Standings
    from glueharness_leaderboard.tables.sheet import Sheet


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A finished leaderboard.

    Attributes:
        sheets: Tables for terminal and Markdown.
        legends: What the signs in them mean.
        runs: Number of rows that stand for runs of one's own.
        flat: Makes the rows for CSV.
        document: Makes the same in full, JSON-able.
    """

    sheets: list[Sheet]
    legends: list[str]
    runs: int
    flat: Callable[[], list[dict[str, Any]]]
    document: Callable[[], dict[str, Any]]


def answer_tasks(
    sections: Sequence[Section], view: View, registry: Registry, published: Sequence[str] = ()
) -> Answer:
    """The runs of some tasks, and what is published of them.

    Args:
        sections: The rankings.
        view: How rows are shown.
        registry: Where tasks and published scores are looked up.
        published: Tasks whose published scores are to follow their runs.
    """
    specs = list(registry.published) if published else []
    sheets: list[Sheet] = []
    for name, own in _by_task(sections, published).items():
        sheets += [sheet_of(section, view) for section in own]
        if name in published and name in registry.tasks.items:
            from glueharness_leaderboard.tables.published import published_sheets

            sheets += published_sheets(registry.task(name), specs)

    def flat() -> list[dict[str, Any]]:
        from glueharness_leaderboard.tables.export import flat_rows
        from glueharness_leaderboard.tables.published import published_flat

        rows = []
        for name, own in _by_task(sections, published).items():
            rows += flat_rows(own)
            if name in published and name in registry.tasks.items:
                rows += published_flat(registry.task(name), specs)
        return rows

    def document() -> dict[str, Any]:
        from glueharness_leaderboard.tables import export

        found: dict[str, Any] = {"sections": export.document(sections, view.by)}
        if published:
            shown = [spec for spec in specs if set(spec.scores) & set(published)]
            found["published"] = [_published(spec) for spec in shown]
        return found

    return Answer(
        sheets=sheets,
        legends=legends(sections),
        runs=sum(len(section.rows) for section in sections),
        flat=flat,
        document=document,
    )


def _by_task(sections: Sequence[Section], published: Sequence[str]) -> dict[str, list[Section]]:
    """The sections of each task, in their order; tasks with published scores only at the end."""
    found: dict[str, list[Section]] = {}
    for section in sections:
        found.setdefault(section.conditions.task, []).append(section)
    for name in published:
        found.setdefault(name, [])
    return found


def answer_group(
    sections: Sequence[Section],
    group: GroupSpec,
    registry: Registry,
    *,
    published: bool,
    standings: Standings | None = None,
) -> Answer:
    """A row a model over a group's tasks, and the published rows.

    Args:
        sections: The rankings by model.
        group: The group.
        registry: Where tasks and published scores are looked up.
        published: Whether the published rows are to follow.
        standings: Asks the statistics about the models that have every task.
    """
    from glueharness_leaderboard.tables.group import group_sheet, group_tables

    tasks = {task.name: task for task in registry.tasks}
    tables = group_tables(sections, group, standings)
    sheets = [group_sheet(table, tasks) for table in tables]
    specs = [spec for spec in registry.published if published and spec.group == group.name]
    if specs:
        from glueharness_leaderboard.tables.published_group import published_group_sheet

        sheets.append(published_group_sheet(group, specs, tasks))

    def flat() -> list[dict[str, Any]]:
        from glueharness_leaderboard.tables.export_group import group_flat, published_group_flat

        own = [row for table in tables for row in group_flat(table)]
        return own + published_group_flat(group, specs)

    def document() -> dict[str, Any]:
        from glueharness_leaderboard.tables.export_group import group_document

        found: dict[str, Any] = {"groups": [group_document(table) for table in tables]}
        if published:
            found["published"] = [_published(spec) for spec in specs]
        return found

    runs = sum(len(table.rows) for table in tables)
    return Answer(sheets=sheets, legends=[], runs=runs, flat=flat, document=document)


def _published(spec: PublishedSpec) -> dict[str, Any]:
    return {
        "model": spec.name,
        "scores": {
            task: {split: dict(values) for split, values in splits.items()}
            for task, splits in spec.scores.items()
        },
        "group": spec.group,
        "group_score": spec.group_score,
        "versions": dict(spec.versions),
        "source": spec.source,
        "note": spec.note,
    }
