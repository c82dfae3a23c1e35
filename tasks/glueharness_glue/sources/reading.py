"""From the fields of a GLUE file to the columns of a split: labels by name, row numbers, texts."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

from glueharness import INDEX_COLUMN, LABEL_COLUMN, DataError, Table
from glueharness_glue.sources.quotes import unquoted
from glueharness_glue.sources.tsvfile import Form, TsvRows, read_rows

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from glueharness import TaskSpec, TsvLayout


_NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?")


def read_split(
    path: Path, split: str, task: TaskSpec, layout: TsvLayout, remarks: list[str]
) -> Table:
    """Read one file as a split of a task.

    Train and dev splits carry labels and are numbered by their place in the file. A test split
    carries the file's own row numbers and never a label.

    Args:
        path: The file.
        split: The split's name.
        task: The task.
        layout: How its files look.
        remarks: What the user should know is added here.

    Raises:
        DataError: The file is not what the task says, with file and line.
    """
    dropped: list[int] = []
    suspects: dict[int, str] = {}
    rows = read_rows(path, _form(path, split, task, layout, (dropped, suspects)))
    _refuse_lost_tabs(path, dropped, suspects)
    if split in layout.broken_rows:
        rows = _without_empty_labels(rows, dropped)
    count = len(next(iter(rows.columns.values())))
    _refuse_outdated(path, split, layout, count)
    columns: dict[str, Any] = {}
    if task.split(split).role == "test":
        columns[INDEX_COLUMN] = _numbers(rows, path)
    else:
        columns[INDEX_COLUMN] = _places(rows, count)
        columns[LABEL_COLUMN] = _labels(rows, path, task, layout)
    for column in task.columns:
        texts = rows.columns[column]
        columns[column] = [unquoted(text) for text in texts] if layout.quoted else texts
    if dropped:
        remarks.append(
            f"{path}: {len(dropped)} broken rows left out, as the hub does, "
            f"the first at line {min(dropped)}"
        )
    if layout.quoted:
        _remark_on_quotes(rows, path, task, remarks)
    return Table(columns)


def _form(
    path: Path,
    split: str,
    task: TaskSpec,
    layout: TsvLayout,
    noted: tuple[list[int], dict[int, str]],
) -> Form:
    """What is wanted of a file.

    Rows that are too short are noted: the lines that were left out, and, of these, the lines that
    end in a label all the same, with that label.
    """
    positions = layout.positions.get(split, {})
    headings = {column: layout.columns.get(column, column) for column in task.columns}
    if task.split(split).role == "test":
        headings[INDEX_COLUMN] = layout.index
    else:
        headings[LABEL_COLUMN] = layout.label
    droppable = split in layout.broken_rows
    dropped, suspects = noted

    def short(line: int, fields: list[str], width: int) -> bool:
        label = _label_at_the_end(fields[-1], task, layout) if len(fields) == width - 1 else ""
        if droppable and len(fields) < width:
            dropped.append(line)
            # In a row that was broken in two, the quote that opens the text is not closed yet.
            if label and fields[-1].count('"') % 2 == 0:
                suspects[line] = label
            return True
        if label:
            raise _lost_tab(path, line, label)
        return False

    return Form(headings=headings, positions=positions, width=layout.width, short=short)


def _label_at_the_end(text: str, task: TaskSpec, layout: TsvLayout) -> str:
    """The label that a text ends in, behind a space; empty if it ends in none."""
    words = text.rsplit(maxsplit=1)
    if len(words) < 2:
        return ""
    if task.regression:
        low, high = task.score_range or (-math.inf, math.inf)
        return words[1] if _NUMBER.fullmatch(words[1]) and low <= float(words[1]) <= high else ""
    return words[1] if words[1] in (layout.labels or task.labels) else ""


def _refuse_lost_tabs(path: Path, dropped: list[int], suspects: dict[int, str]) -> None:
    """Tell a label's tab that became spaces from a row that was broken in two.

    The second half of a broken row follows it, and is too short as well.
    """
    halves = set(dropped) - set(suspects)
    for line, label in suspects.items():
        if line + 1 not in halves:
            raise _lost_tab(path, line, label)


def _lost_tab(path: Path, line: int, label: str) -> DataError:
    return DataError(
        f"the tab before the label {label!r} has become spaces",
        where=f"{path}:{line}",
        remedy="Get the file again from the official GLUE download.",
    )


def _without_empty_labels(rows: TsvRows, dropped: list[int]) -> TsvRows:
    labels = rows.columns[LABEL_COLUMN]
    if "" not in labels:
        return rows
    kept = [row for row, label in enumerate(labels) if label]
    dropped.extend(rows.line(row) for row, label in enumerate(labels) if not label)
    return TsvRows(
        columns={name: [texts[row] for row in kept] for name, texts in rows.columns.items()},
        first=rows.first,
        lines=[rows.line(row) for row in kept],
    )


def _refuse_outdated(path: Path, split: str, layout: TsvLayout, count: int) -> None:
    version = layout.outdated.get(split, {}).get(count)
    if version:
        raise DataError(
            f"these {count} rows are {version}",
            where=str(path),
            remedy="Get the current version from the official GLUE download.",
        )


def _places(rows: TsvRows, count: int) -> list[int]:
    """Places in the file, counted from 0, with gaps where a row was left out, as on the hub."""
    if not rows.lines:
        return list(range(count))
    return [line - rows.first for line in rows.lines]


def _numbers(rows: TsvRows, path: Path) -> list[int]:
    """A test file's own row numbers: 0 … n-1, each once."""
    texts = rows.columns[INDEX_COLUMN]
    expected = list(range(len(texts)))
    if texts == [str(number) for number in expected]:
        return expected
    numbers: list[int] = []
    seen: set[str] = set()
    for row, text in enumerate(texts):
        # isdecimal alone takes Arabic-Indic and other digits too.
        if not (text.isascii() and text.isdecimal()) or int(text) >= len(texts) or text in seen:
            raise DataError(
                f"the row number is {text!r}; each of 0 to {len(texts) - 1} must stand here once",
                where=f"{path}:{rows.line(row)}",
            )
        seen.add(text)
        numbers.append(int(text))
    return numbers


def _labels(
    rows: TsvRows, path: Path, task: TaskSpec, layout: TsvLayout
) -> Sequence[str] | Sequence[float]:
    texts = rows.columns[LABEL_COLUMN]
    if task.regression:
        return [_score(text, task, rows, path, row) for row, text in enumerate(texts)]
    names = dict(layout.labels) or {name: name for name in task.labels}
    try:
        return [names[text] for text in texts]
    except KeyError as error:
        text = error.args[0]
        raise DataError(
            f"the label is {text!r}; {task.name} knows {', '.join(names)}",
            where=f"{path}:{rows.line(texts.index(text))}",
        ) from None


def _score(text: str, task: TaskSpec, rows: TsvRows, path: Path, row: int) -> float:
    low, high = task.score_range or (-math.inf, math.inf)
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not low <= value <= high:
        raise DataError(
            f"the score is {text!r}, which is no number from {low:g} to {high:g}",
            where=f"{path}:{rows.line(row)}",
        )
    return value


def _remark_on_quotes(rows: TsvRows, path: Path, task: TaskSpec, remarks: list[str]) -> None:
    """Quotes that do not stand as this file's quotes should: someone has edited the file."""
    odd = [
        row
        for column in task.columns
        for row, text in enumerate(rows.columns[column])
        if '"' in text and unquoted(text) == text
    ]
    if odd:
        remarks.append(
            f"{path}: {len(odd)} texts hold quotes that are not doubled and wrapped, the first "
            f"at line {rows.line(min(odd))}; the file may have lost its quotes"
        )
