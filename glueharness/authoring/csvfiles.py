"""A data source for tasks whose splits are CSV files: one file per split, read by column name."""

from __future__ import annotations

import csv
import difflib
import io
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glueharness.data.table import Table
from glueharness.errors import DataError, NotInFolder, SourceUnavailable
from glueharness.specs import INDEX_COLUMN, LABEL_COLUMN, DataOptions, DataOrigin, SourceSpec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from glueharness.specs import TaskSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvForm:
    """How a task's CSV files are written.

    Attributes:
        files: Split name to file name; a split that is not listed is ``<split>.csv``.
        columns: Column of the task, or ``"label"``, to the heading in the files where they differ,
            for instance ``{"text": "headline", "label": "is_clickbait"}``.
        labels: How a label is written in the files to the label's name, where they differ, for
            instance ``{"0": "negative", "1": "positive"}``.
        delimiter: The character between two fields.
    """

    files: Mapping[str, str] = field(default_factory=dict)
    columns: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    delimiter: str = ","

    def file(self, split: str) -> str:
        """The file name of a split."""
        return self.files.get(split, f"{split}.csv")


def csv_source(folder: Path | str | None = None, form: CsvForm | None = None) -> SourceSpec:
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
        factory=partial(CsvSource, None if folder is None else Path(folder), form or CsvForm()),
        order=5,
    )


@dataclass(frozen=True, slots=True)
class CsvSource:
    """The source of :func:`csv_source`.

    Attributes:
        folder: Where the files are; None for the user's ``--data-dir``.
        form: How they are written.
    """

    folder: Path | None
    form: CsvForm

    def open(self, task: TaskSpec, options: DataOptions) -> CsvData:
        """Look for the files.

        Raises:
            SourceUnavailable: No folder was given, or the author's own holds none of them.
            NotInFolder: The user's folder holds none of them.
        """
        folder = self.folder or options.folder
        if folder is None:
            raise SourceUnavailable("no folder was given", remedy="Give it: --data-dir FOLDER")
        if not any((folder / self.form.file(split.name)).is_file() for split in task.splits):
            names = ", ".join(self.form.file(split.name) for split in task.splits)
            kind = SourceUnavailable if self.folder else NotInFolder
            raise kind(f"none of {names} is in {folder}")
        return CsvData(task=task, folder=folder, form=self.form)


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvData:
    """The CSV files of one task.

    Attributes:
        task: The task.
        folder: Where they are.
        form: How they are written.
    """

    task: TaskSpec
    folder: Path
    form: CsvForm

    @property
    def origin(self) -> DataOrigin:
        """The folder."""
        return DataOrigin(source="csv", location=str(self.folder))

    @property
    def available(self) -> list[str]:
        """The splits that have a file."""
        names = [split.name for split in self.task.splits]
        return [name for name in names if (self.folder / self.form.file(name)).is_file()]

    def load(self, split: str) -> Table:
        """Read the file of a split.

        Raises:
            DataError: With file and line.
        """
        wanted = [*self.task.columns]
        if self.task.split(split).role != "test":
            wanted.append(LABEL_COLUMN)
        path = self.folder / self.form.file(split)
        headings = {name: self.form.columns.get(name, name) for name in wanted}
        columns: dict[str, Any] = _read(path, headings, self.form.delimiter)
        lines = columns.pop("")
        if LABEL_COLUMN in columns:
            columns[LABEL_COLUMN] = [
                self._label(text, f"{path}:{line}")
                for text, line in zip(columns[LABEL_COLUMN], lines, strict=True)
            ]
        return Table({INDEX_COLUMN: list(range(len(lines))), **columns})

    def _label(self, text: str, where: str) -> str | float:
        if self.task.regression:
            try:
                return float(text)
            except ValueError:
                raise DataError(f"the score is {text!r}, which is no number", where=where) from None
        name = self.form.labels.get(text, text)
        if name not in self.task.labels:
            known = ", ".join(self.task.labels)
            raise DataError(
                f"the label is {text!r}; the labels of {self.task.name} are {known}",
                where=where,
                remedy="Add it to the task's labels, or say which label it means: "
                f"CsvForm(labels={{{text!r}: ...}}).",
            )
        return name


def _read(path: Path, headings: Mapping[str, str], delimiter: str) -> dict[str, list[Any]]:
    """The wanted columns of a file, and under ``""`` the number of each row's last line."""
    reader = csv.reader(io.StringIO(_text(path), newline=""), delimiter=delimiter, strict=True)
    columns: dict[str, list[Any]] = {name: [] for name in ("", *headings)}
    try:
        header = next(reader, [])
        places = _places(header, headings, path)
        for fields in reader:
            if not fields:  # an empty line, as some programs leave at the end
                continue
            if len(fields) != len(header):
                raise DataError(
                    f"{len(fields)} fields where the header has {len(header)}",
                    where=f"{path}:{reader.line_num}",
                    remedy=f"A field with {delimiter!r} or a line break in it must be in quotes.",
                )
            for name, place in places.items():
                columns[name].append(fields[place])
            columns[""].append(reader.line_num)
    except csv.Error as error:
        raise DataError(f"not valid CSV: {error}", where=f"{path}:{reader.line_num}") from error
    return columns


def _places(header: Sequence[str], headings: Mapping[str, str], path: Path) -> dict[str, int]:
    missing = {name: heading for name, heading in headings.items() if heading not in header}
    if missing:
        spare = [heading for heading in header if heading not in headings.values()]
        raise DataError(
            f"the header lacks {', '.join(missing.values())}; it has "
            f"{', '.join(header) or 'nothing'}",
            where=f"{path}:1",
            remedy=_naming(missing, spare),
        )
    return {name: header.index(heading) for name, heading in headings.items()}


def _naming(missing: Mapping[str, str], spare: Sequence[str]) -> str:
    """How the plugin names the columns of the file that may be meant."""
    near = {
        name: (difflib.get_close_matches(heading, spare, n=1, cutoff=0.5) or [""])[0]
        for name, heading in missing.items()
    }
    pairs = ", ".join(f"{name!r}: {near[name] or 'HEADING'!r}" for name in missing)
    meant = ", ".join(f"{heading!r}" for heading in near.values() if heading)
    start = f"If {meant} is meant" if meant else "Where the file has another heading"
    return f"{start}, the task's plugin says so: CsvForm(columns={{{pairs}}})."


def _text(path: Path) -> str:
    try:
        raw = path.read_bytes()
        return raw.decode("utf-8-sig")
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror}", where=str(path)) from error
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise DataError("this line is not UTF-8", where=f"{path}:{line}") from error
