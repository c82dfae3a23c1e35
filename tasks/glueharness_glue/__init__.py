"""GLUE: its tasks, its metrics, and the places that its data come from."""

from __future__ import annotations

from glueharness import SourceSpec, TaskSpec, hookimpl


@hookimpl
def glueharness_tasks() -> list[TaskSpec]:
    """QNLI, the reference task."""
    from glueharness_glue.qnli import QNLI

    return [QNLI]


@hookimpl
def glueharness_sources() -> list[SourceSpec]:
    """A folder in the official layout, the hub, and the bundled sample."""
    from glueharness_glue.sources import SOURCES

    return list(SOURCES)
