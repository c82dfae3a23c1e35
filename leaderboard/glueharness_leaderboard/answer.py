"""What ``leaderboard`` answers: tables for readers, rows and JSON for programs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from glueharness_leaderboard.columns import legends, sheet_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glueharness.registry import Registry
    from glueharness.specs import GroupSpec, PublishedSpec
    from glueharness_leaderboard.columns import Sheet, View
    from glueharness_leaderboard.store import Section


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A finished leaderboard.

    Attributes:
        sheets: Tables for terminal and Markdown.
        legends: What the signs in them mean.
        flat: Rows for CSV.
        document: The same in full, JSON-able.
    """

    sheets: list[Sheet]
    legends: list[str]
    flat: list[dict[str, Any]]
    document: dict[str, Any]


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
    from glueharness_leaderboard import exports

    specs = list(registry.published) if published else []
    sheets: list[Sheet] = []
    flat: list[dict[str, Any]] = []
    names = dict.fromkeys([*(section.conditions.task for section in sections), *published])
    for name in names:
        own = [section for section in sections if section.conditions.task == name]
        sheets += [sheet_of(section, view) for section in own]
        flat += exports.flat_rows(own)
        if name in published and name in registry.tasks.items:
            from glueharness_leaderboard.published import published_flat, published_sheets

            task = registry.task(name)
            sheets += published_sheets(task, specs)
            flat += published_flat(task, specs)
    document: dict[str, Any] = {"sections": exports.document(sections)}
    if published:
        shown = [spec for spec in specs if set(spec.scores) & set(published)]
        document["published"] = [_published(spec) for spec in shown]
    return Answer(sheets=sheets, legends=legends(sections), flat=flat, document=document)


def answer_group(
    sections: Sequence[Section], group: GroupSpec, registry: Registry, *, published: bool
) -> Answer:
    """A row a model over a group's tasks, and the published rows.

    Args:
        sections: The rankings by model.
        group: The group.
        registry: Where tasks and published scores are looked up.
        published: Whether the published rows are to follow.
    """
    from glueharness_leaderboard.group_exports import group_document, group_flat
    from glueharness_leaderboard.group_rows import group_sheet, group_tables

    tasks = {task.name: task for task in registry.tasks}
    tables = group_tables(sections, group)
    sheets = [group_sheet(table, tasks) for table in tables]
    document: dict[str, Any] = {"groups": [group_document(table) for table in tables]}
    if published:
        from glueharness_leaderboard.published_group import published_group_sheet

        specs = [spec for spec in registry.published if spec.group == group.name]
        sheet = published_group_sheet(group, specs, tasks)
        sheets += [sheet] if sheet else []
        document["published"] = [_published(spec) for spec in specs]
    flat = [row for table in tables for row in group_flat(table)]
    return Answer(sheets=sheets, legends=[], flat=flat, document=document)


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
