"""Tasks without code: a TOML file says what a task is and where its data are."""

from __future__ import annotations

from glueharness import FileKindSpec, FileReader, hookimpl


def _reader() -> FileReader:
    from glueharness_taskfile.reader import TaskFileReader

    return TaskFileReader()


@hookimpl
def glueharness_file_kinds() -> list[FileKindSpec]:
    """A task in TOML."""
    return [
        FileKindSpec(
            name="toml",
            description="A task: its facts, its metrics by name, and where its data are.",
            factory=_reader,
        )
    ]
