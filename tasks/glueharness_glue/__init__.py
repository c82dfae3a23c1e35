"""GLUE: its tasks, its metrics, and its data sources."""

from __future__ import annotations

from glueharness import GroupSpec, PublishedSpec, SourceSpec, TaskSpec, hookimpl


@hookimpl
def glueharness_tasks() -> list[TaskSpec]:
    """The nine tasks, of which QNLI is the one to read first, and the diagnostic set."""
    from glueharness_glue.tasks import TASKS

    return list(TASKS)


@hookimpl
def glueharness_sources() -> list[SourceSpec]:
    """A folder in the official layout, the hub, and the bundled sample."""
    from glueharness_glue.sources import SOURCES

    return list(SOURCES)


@hookimpl
def glueharness_groups() -> list[GroupSpec]:
    """All nine tasks under one name, with the GLUE score."""
    from glueharness_glue.score import GLUE

    return [GLUE]


@hookimpl
def glueharness_published() -> list[PublishedSpec]:
    """Rows of the official leaderboard and of papers."""
    from glueharness_glue.published import PUBLISHED

    return list(PUBLISHED)
