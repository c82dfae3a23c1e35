"""GLUE's submission: one TSV file per task, the zip of all of them, and a checker for both."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glueharness import WriterSpec, hookimpl

if TYPE_CHECKING:
    from glueharness import Writer


def _glue() -> Writer:
    from glueharness_submission.writer import GlueWriter

    return GlueWriter()


@hookimpl
def glueharness_writers() -> list[WriterSpec]:
    """The format that the GLUE server accepts."""
    return [
        WriterSpec(
            name="glue",
            description="index<TAB>prediction, one TSV file per task, all at the root of one zip.",
            factory=_glue,
        )
    ]
