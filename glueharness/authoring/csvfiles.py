"""A data source for tasks whose splits are CSV files: one file per split, read by column name."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glueharness.authoring.datafiles import (
    FileForm,
    FileFormat,
    FileSource,
    refuse_missing,
    text_of,
)
from glueharness.errors import DataError
from glueharness.specs import SourceSpec

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvForm(FileForm):
    """How a task's CSV files are written: a :class:`FileForm`, and the delimiter.

    Attributes:
        delimiter: The character between two fields.
        quoted: Whether fields may be wrapped in quotes; without this, a quote is a character like
            any other, as in many TSV files.
    """

    delimiter: str = ","
    quoted: bool = True


def csv_source(folder: Path | str | None = None, form: FileForm | None = None) -> SourceSpec:
    """A source that reads a task's CSV files; put it into the task's ``sources``.

    The first line of each file names its columns; more columns than the task has are ignored.
    A test file's labels are not read.

    Args:
        folder: Where the files are, for data that come with the plugin; None means the folder
            that the user gives with ``--data-dir``.
        form: How the files differ from plain ones.
    """
    return SourceSpec(
        name="csv",
        description="CSV files, one per split",
        factory=partial(
            FileSource, CSV, None if folder is None else Path(folder), form or CsvForm()
        ),
        order=5,
    )


_LONGEST_FIELD = 2**31 - 1
"""Characters; Python's own limit of 131,072 is less than a long text has."""
_DELIMITERS = (",", ";", "\t", "|")


def read_csv(
    path: Path, form: FileForm, needed: Mapping[str, str]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the records of a CSV file; see :class:`glueharness.authoring.datafiles.Reader`."""
    own = form if isinstance(form, CsvForm) else CsvForm()
    stream = io.StringIO(text_of(path), newline="")
    quotes: dict[str, Any] = {} if own.quoted else {"quoting": csv.QUOTE_NONE}
    reader = csv.reader(stream, delimiter=own.delimiter, strict=True, **quotes)
    before = csv.field_size_limit(_LONGEST_FIELD)  # of the whole process
    try:
        header = next(reader, [])
        _refuse_delimiter(header, needed, f"{path}:1", own)
        refuse_missing(header, needed, f"{path}:1", form)
        _refuse_twins(header, f"{path}:1")
        for fields in reader:
            if not fields:  # an empty line, as some programs leave at the end
                continue
            if len(fields) != len(header):
                raise DataError(
                    f"{len(fields)} fields where the header has {len(header)}",
                    where=f"{path}:{reader.line_num}",
                    remedy=f"A field with {own.delimiter!r} or a line break in it must be in "
                    "quotes.",
                )
            yield f"{path}:{reader.line_num}", dict(zip(header, fields, strict=True))
    except csv.Error as error:
        raise DataError(f"not valid CSV: {error}", where=f"{path}:{reader.line_num}") from error
    finally:
        csv.field_size_limit(before)


def _refuse_delimiter(
    header: list[str], needed: Mapping[str, str], place: str, form: CsvForm
) -> None:
    """Refuse a header that has all that is needed, if another character parts its names."""
    if len(header) != 1 or not needed:
        return
    for other in _DELIMITERS:
        names = next(csv.reader(header, delimiter=other), [])
        # A file of a single column, such as a test split, has no delimiter at all.
        if len(names) > 1 and set(needed.values()) <= set(names):
            said = (
                f"delimiter = {json.dumps(other)} below [source] in {form.task_file}."
                if form.task_file
                else f"CsvForm(delimiter={other!r})."
            )
            raise DataError(
                f"the fields are parted by {other!r}, not by {form.delimiter!r}",
                where=place,
                remedy=f"Whoever describes the task says so: {said}",
            )


def _refuse_twins(header: list[str], place: str) -> None:
    twins = sorted({name for name in header if name and header.count(name) > 1})
    if twins:
        raise DataError(f"two columns are called {', '.join(twins)}", where=place)


CSV = FileFormat(name="csv", read=read_csv)
