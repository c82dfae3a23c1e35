"""What data sources of files have in common: from records, as they are read, to a checked split.

A reader yields the records of a file with their places; everything else (which field is which
column, label words, scores, messages) is the same for CSV, JSON Lines and Parquet.
"""

from __future__ import annotations

import contextlib
import difflib
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from glueharness.data.table import HALF_A_CHARACTER, Table, is_whole
from glueharness.errors import DataError, NotInFolder, SourceUnavailable, SpecError
from glueharness.specs import INDEX_COLUMN, LABEL_COLUMN, DataOptions, DataOrigin

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from glueharness.specs import SealedFile, TaskSpec

    Record = Mapping[str, Any]
    RowFunction = Callable[[Record], Record | Sequence[Record]]

LARGEST_FILE = 1 << 32
"""Bytes of a data file beyond which it is refused; it is read into memory."""
_SHOWN = 80
_LISTED = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class FileForm:
    """How a task's data files are written.

    Attributes:
        files: Split name to file name; a split that is not listed is ``<split>.jsonl``, or
            whatever the suffix of the format is.
        columns: Column of the task, or ``"label"``, to the field's name in the files where they
            differ, for instance ``{"text": "headline", "label": "is_clickbait"}``.
        labels: How a label is written in the files to the label's name, where they differ, for
            instance ``{"0": "negative", "1": "positive"}``. A number is written as in ``str()``,
            the truth values are ``"true"`` and ``"false"``.
        row: Makes of each record, a dict of the file's fields, the row or the rows that it stands
            for; ``columns`` and ``labels`` are looked up in what it returns. Define it at the top
            level of a module. It is called for test splits, too, whose records may have no label.
        below: The task's folder below the one that the user gives with ``--data-dir``.
        task_file: The file that describes the task, for messages; empty for a task in Python.
        sealed: The files by split of a task that a run's record describes, which alone are read;
            None for a task that a plugin describes.
    """

    files: Mapping[str, str] = field(default_factory=dict)
    columns: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    row: RowFunction | None = None
    below: str = ""
    task_file: str = ""
    sealed: Mapping[str, SealedFile] | None = None

    def __post_init__(self) -> None:
        """Refuse a text that is the answer.

        Raises:
            SpecError: A column is the field with the label.
        """
        answer = self.columns.get(LABEL_COLUMN, LABEL_COLUMN)
        for column, name in self.columns.items():
            if column != LABEL_COLUMN and name == answer:
                raise SpecError(
                    f"the column {column!r} is the field {name!r}, which has the label: a model "
                    "would be told the answer"
                )


class Reader(Protocol):
    """Reads the records of a file."""

    def __call__(
        self, path: Path, form: FileForm, needed: Mapping[str, str]
    ) -> Iterator[tuple[str, Record]]:
        """Yield each record with its place, ``file:line``.

        Args:
            path: The file.
            form: How it is written.
            needed: Column of the task to the field's name, for formats that know all names
                before the first record; empty if a row function decides.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFormat:
    """A format of data files.

    Attributes:
        name: Name of the source, and suffix of files whose name is not given.
        read: Reads a file.
    """

    name: str
    read: Reader


@dataclass(frozen=True, slots=True)
class FileSource:
    """A source of files in one format, one file per split.

    Attributes:
        format: The format.
        folder: Where the files are; None for the user's ``--data-dir``.
        form: How they are written.
    """

    format: FileFormat
    folder: Path | None
    form: FileForm

    def open(self, task: TaskSpec, options: DataOptions) -> FileData:
        """Look for the files.

        Raises:
            SourceUnavailable: No folder was given, or the author's own holds none of them.
            NotInFolder: The user's folder holds none of them.
        """
        folder = self.folder
        if folder is None:
            if options.folder is None:
                raise SourceUnavailable("no folder was given", remedy="Give it: --data-dir FOLDER")
            folder = options.folder / self.form.below
        data = FileData(task=task, folder=folder, form=self.form, format=self.format)
        if not data.available and self.form.sealed is None:
            names = ", ".join(data.file(split.name).name for split in task.splits)
            kind = SourceUnavailable if self.folder else NotInFolder
            raise kind(f"none of {names} is in {folder}")
        return data


@dataclass(frozen=True, slots=True, kw_only=True)
class FileData:
    """The files of one task.

    Attributes:
        task: The task.
        folder: Where they are.
        form: How they are written.
        format: Their format.
    """

    task: TaskSpec
    folder: Path
    form: FileForm
    format: FileFormat

    @property
    def origin(self) -> DataOrigin:
        """The folder."""
        return DataOrigin(source=self.format.name, location=str(self.folder))

    @property
    def available(self) -> list[str]:
        """The splits that have a file."""
        if self.form.sealed is not None:  # of one that is gone or another now, reading it tells
            return [split.name for split in self.task.splits if split.name in self.form.sealed]
        return [split.name for split in self.task.splits if self.file(split.name).is_file()]

    def file(self, split: str) -> Path:
        """The file of a split.

        Raises:
            DataError: It is not there any more, or another one than a record says.
        """
        if self.form.sealed is not None:
            if split not in self.form.sealed:
                raise DataError(
                    f"the record names no file for the split {split!r}",
                    remedy="It was not there when the run was made. Name the task's own file, if "
                    "there is one: glueharness --plugin FILE ...",
                )
            return self.form.sealed[split].find()
        return self.folder / self.form.files.get(split, f"{split}.{self.format.name}")

    @property
    def files(self) -> dict[str, Path]:
        """The file of each split that has one; see :class:`glueharness.FromFiles`."""
        found = {}
        for split in self.available:
            with contextlib.suppress(DataError):  # of a split that nobody reads
                found[split] = self.file(split)
        return found

    def load(self, split: str) -> Table:
        """Read the file of a split.

        Raises:
            DataError: With file and line.
        """
        rows = RecordRows(task=self.task, form=self.form)
        needed = rows.headings(split) if self.form.row is None else {}
        return rows.table(split, self.format.read(self.file(split), self.form, needed))


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordRows:
    """Makes a task's split of records, wherever they come from.

    Attributes:
        task: The task.
        form: What the records' fields mean.
    """

    task: TaskSpec
    form: FileForm

    def headings(self, split: str) -> dict[str, str]:
        """Column of the split to the name of its field."""
        others = {metric.unit for metric in self.task.metrics if metric.unit}
        others |= {key for file in self.task.submission if file.split == split for key in file.keys}
        wanted = [*self.task.columns, *sorted(others - {*self.task.columns})]
        if self.task.split(split).role != "test":  # a test split's labels are never read
            wanted.append(LABEL_COLUMN)
        return {name: self.form.columns.get(name, name) for name in wanted}

    def table(self, split: str, records: Iterable[tuple[str, Record]]) -> Table:
        """The split that these records, each with its place, are.

        Raises:
            DataError: With the record's place.
        """
        headings = self.headings(split)
        columns: dict[str, list[Any]] = {name: [] for name in headings}
        for place, row in self._rows(records):
            refuse_missing(row, headings, place, self.form)
            for name, heading in headings.items():
                columns[name].append(self._value(name, row[heading], place))
        count = len(columns[self.task.columns[0]])
        return Table({INDEX_COLUMN: list(range(count)), **columns})

    def _rows(self, records: Iterable[tuple[str, Record]]) -> Iterator[tuple[str, Record]]:
        if self.form.row is None:
            yield from records
            return
        for place, record in records:
            for row in _made(self.form.row, record, place):
                yield place, row

    def _value(self, name: str, value: Any, place: str) -> Any:
        if name in self.task.columns:
            if not isinstance(value, str):
                raise DataError(f"{name} is {shown(value)}, which is not text", where=place)
            if not is_whole(value):
                raise DataError(f"{name} {HALF_A_CHARACTER}", where=place)
            return value
        if name != LABEL_COLUMN:  # says which rows belong together, or which row is which
            return str(value)
        return self._score(value, place) if self.task.regression else self._label(value, place)

    def _score(self, value: Any, place: str) -> float:
        try:
            score = math.nan if isinstance(value, bool) else float(value)
            if isinstance(value, str) and ("_" in value or not value.isascii()):
                score = math.nan  # "1_0" is a number in Python, and nobody's score
        except (TypeError, ValueError, OverflowError):
            score = math.nan
        if not math.isfinite(score):
            raise DataError(f"the score is {shown(value)}, which is no number", where=place)
        low, high = self.task.score_range or (-math.inf, math.inf)
        if not low <= score <= high:
            raise DataError(
                f"the score is {score:g}, which is not from {low:g} to {high:g}", where=place
            )
        return score

    def _label(self, value: Any, place: str) -> str:
        word = label_word(value)
        if word is None:
            raise DataError(f"the label is {shown(value)}, which is no label", where=place)
        name = self.form.labels.get(word, word)
        if name not in self.task.labels:
            known = ", ".join(self.task.labels)
            known = known if len(known) <= _LISTED else f"{known[:_LISTED]} …"
            called = "" if name == word else f", which the task's description calls {name!r}"
            raise DataError(
                f"the label is {shown(word)}{called}; the labels of {self.task.name} are {known}",
                where=place,
                remedy="Add it to the task's labels, or say which label it means: "
                + (
                    f'"{word[:_SHOWN]}" = "..." below [source.labels] in {self.form.task_file}.'
                    if self.form.task_file
                    else f"{type(self.form).__name__}(labels={{{shown(word)}: ...}})."
                ),
            )
        return name


def _made(function: RowFunction, record: Record, place: str) -> Sequence[Record]:
    """The rows that a record stands for."""
    try:
        made = function(record)
    except DataError as error:
        raise DataError(error.what, where=error.where or place, remedy=error.remedy) from error
    except Exception as error:
        raise DataError(
            f"the task's row function cannot use this record: {type(error).__name__}: {error}",
            where=place,
        ) from error
    rows = [made] if isinstance(made, dict) else made
    if not isinstance(rows, list | tuple) or not all(isinstance(row, dict) for row in rows):
        raise DataError(
            f"the task's row function made {shown(made)} of this record",
            where=place,
            remedy="It must return a dict, or a list of dicts.",
        )
    return rows


def label_word(value: Any) -> str | None:
    """How a label is written, whatever the format's type for it; None for what is no label."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, str):
        return value if is_whole(value) else None
    return str(value) if isinstance(value, int | float) and value == value else None  # noqa: PLR0124 - not a number


def shown(value: Any) -> str:
    """A value of a file, short enough for a message."""
    if value is None:
        return "missing (null)"
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def refuse_missing(
    there: Collection[str], headings: Mapping[str, str], place: str, form: FileForm
) -> None:
    """Refuse a header or a record that lacks a field.

    Raises:
        DataError: With the nearest names that it has, and how the author says which is meant.
    """
    missing = {name: heading for name, heading in headings.items() if heading not in there}
    if missing:
        spare = [heading for heading in there if heading not in headings.values()]
        what = "header" if place.endswith(":1") and not isinstance(there, dict) else "record"
        raise DataError(
            f"the {what} lacks {', '.join(missing.values())}; it has {_listed(there) or 'nothing'}",
            where=place,
            remedy=_naming(missing, spare, form),
        )


def _listed(names: Collection[str]) -> str:
    """Names of fields, in a length for a message."""
    text = ", ".join(map(str, names))
    return text if len(text) <= _LISTED else f"{text[:_LISTED]}…"


def _naming(missing: Mapping[str, str], spare: Sequence[str], form: FileForm) -> str:
    """How the author names the fields of the file that may be meant."""
    near = {
        name: (difflib.get_close_matches(heading, spare, n=1, cutoff=0.5) or [""])[0]
        for name, heading in missing.items()
    }
    meant = ", ".join(f"{heading!r}" for heading in near.values() if heading)
    start = f"If {meant} is meant" if meant else "Where the file has another heading"
    if form.task_file:
        lines = "; ".join(f'{name} = "{near[name] or "HEADING"}"' for name in missing)
        return f"{start}, say so in {form.task_file}, below [source.columns]: {lines}"
    pairs = ", ".join(f"{name!r}: {near[name] or 'HEADING'!r}" for name in missing)
    return f"{start}, the task's plugin says so: {type(form).__name__}(columns={{{pairs}}})."


def text_of(path: Path) -> str:
    """The text of a file in UTF-8, without a byte order mark.

    Raises:
        DataError: It cannot be read, is too large, or is not UTF-8, with the line.
    """
    from glueharness.system.user_files import read_within

    try:
        raw = read_within(path, LARGEST_FILE)
        return raw.decode("utf-8-sig")
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror}", where=str(path)) from error
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise DataError("this line is not UTF-8", where=f"{path}:{line}") from error
