"""SuperGLUE: seven of its eight tasks, its two diagnostic sets, its score and its submission."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glueharness import GroupSpec, TaskSpec, WriterSpec, hookimpl

if TYPE_CHECKING:
    from glueharness import Writer

requires_api = "1.0"


def _writer() -> Writer:
    from glueharness_superglue.writer import SuperGlueWriter

    return SuperGlueWriter()


@hookimpl
def glueharness_tasks() -> list[TaskSpec]:
    """The tasks; each is a record in ``tasks.py``."""
    from glueharness_superglue.tasks import TASKS

    return list(TASKS)


@hookimpl
def glueharness_groups() -> list[GroupSpec]:
    """All of them under one name."""
    from glueharness_superglue.score import SUPERGLUE

    return [SUPERGLUE]


@hookimpl
def glueharness_writers() -> list[WriterSpec]:
    """The form of the submission."""
    return [
        WriterSpec(
            name="superglue",
            description='{"idx": ..., "label": ...} on each line, one file per task, in one zip.',
            factory=_writer,
        )
    ]
