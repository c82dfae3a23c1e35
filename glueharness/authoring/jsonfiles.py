"""A data source for tasks whose splits are JSON Lines files: one object per line."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glueharness.authoring.datafiles import FileForm, FileFormat, FileSource, shown, text_of
from glueharness.errors import DataError
from glueharness.specs import SourceSpec

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def jsonl_source(folder: Path | str | None = None, form: FileForm | None = None) -> SourceSpec:
    """A source that reads a task's JSON Lines files; put it into the task's ``sources``.

    Each line is an object; more fields than the task has columns are ignored. A test file's
    labels are not read.

    Args:
        folder: Where the files are, for data that come with the plugin; None means the folder
            that the user gives with ``--data-dir``.
        form: How the files differ from plain ones.
    """
    return SourceSpec(
        name="jsonl",
        description="JSON Lines files, one per split",
        factory=partial(
            FileSource, JSONL, None if folder is None else Path(folder), form or FileForm()
        ),
        order=5,
    )


def read_jsonl(
    path: Path,
    form: FileForm,  # noqa: ARG001 - as every reader
    needed: Mapping[str, str],  # noqa: ARG001 - a line says only what is in this line
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the records of a file; see :class:`glueharness.authoring.datafiles.Reader`."""
    # Not splitlines(): a text may hold other line breaks, for instance U+2028.
    for number, line in enumerate(text_of(path).split("\n"), start=1):
        if not line.strip():
            continue
        place = f"{path}:{number}"
        try:
            record = json.loads(line)
        # Besides its own error: numbers of thousands of digits, brackets in brackets.
        except (ValueError, RecursionError) as error:
            said = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
            raise DataError(
                f"not valid JSON: {said}",
                where=place,
                remedy="JSON Lines has one whole object on each line.",
            ) from error
        if not isinstance(record, dict):
            raise DataError(
                f"this line is {shown(record)}, not an object",
                where=place,
                remedy='JSON Lines has one object on each line: {"text": "...", "label": "..."}.',
            )
        yield place, record


JSONL = FileFormat(name="jsonl", read=read_jsonl)
