"""Find out what is wrong with a file that does not have the right form, line by line."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from glueharness_submission.collector import quoted
from glueharness_submission.form import COLUMNS, HEADER
from glueharness_submission.indexes import check_indexes, index_problem
from glueharness_submission.values import value_problem

if TYPE_CHECKING:
    from collections import Counter

    from glueharness_submission.collector import Collector
    from glueharness_submission.expected import Expected
    from glueharness_submission.values import ValueProblem

_BOM = b"\xef\xbb\xbf"
# UTF-32's mark begins with that of UTF-16. Without one, every other byte of ASCII text is 0.
_WIDE = {
    "UTF-32": (b"\xff\xfe\0\0", b"\0\0\xfe\xff", b"i\0\0\0", b"\0\0\0i"),
    "UTF-16": (b"\xff\xfe", b"\xfe\xff", b"i\0", b"\0i"),
}
_NAMES = {b",": "a comma", b";": "a semicolon", b"|": "a bar", b" ": "a space"}
_OTHER_SEPARATOR = re.compile(rb"\s*([,;|]|[ ]+)\s*")
_HEADER_SHOWN = "index<TAB>prediction"
_PATIENCE = 1000


@dataclass(slots=True)
class _Rows:
    """The rows read so far.

    Attributes:
        indexes: Row numbers.
        lines: The line of each.
        unread: Lines in which no row number could be read.
    """

    indexes: list[int] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    unread: int = 0


def diagnose(
    data: bytes, expected: Expected, collector: Collector, counts: Counter[bytes]
) -> int | None:
    """Report to the collector what is wrong with ``data``.

    Args:
        data: The content of the file.
        expected: What it must contain.
        collector: Takes the findings.
        counts: Filled with how often each value occurs.

    Returns:
        The number of predictions, or None if the file is not text of lines.
    """
    lines = _lines(data, collector)
    if not lines:
        return None
    first = _header(lines[0], collector)
    body = lines[first - 1 :]
    limit = 2 * (len(body) if expected.rows is None else expected.rows) + _PATIENCE
    rows = _read_rows(body[:limit], first, expected, collector, counts)
    blank = sum(not line.strip() for line in body)
    total = len(body) - blank
    _count(total, first, expected, collector)
    if not rows.unread:
        check_indexes(rows.indexes, rows.lines, expected.rows, collector)
    return total


def _lines(data: bytes, collector: Collector) -> list[bytes]:
    """The lines without their ends, and without blank ones at the end of the file."""
    if not data.strip():
        collector.tell("empty", "the file is empty", line=1)
        return []
    if not data.strip(b"\0"):
        what = f"the file holds nothing but {len(data):,} zero bytes"
        collector.tell("zeros", what, line=1, remedy="Write it anew; a disk may have failed.")
        return []
    for name, starts in _WIDE.items():
        if data.startswith(starts):
            what = f"the file is {name}; it must be UTF-8"
            remedy = "Save it as UTF-8 without a byte-order mark."
            collector.tell(name, what, line=1, remedy=remedy)
            return []
    if data.startswith(_BOM):
        what = "the file begins with a byte-order mark"
        collector.tell("bom", what, line=1, remedy="Save it as UTF-8 without a byte-order mark.")
        data = data.removeprefix(_BOM)
    if b"\r" in data and b"\n" not in data:
        what = "the lines end in a carriage return (CR), not in a line feed (LF)"
        collector.tell("cr", what, line=1)
        data = data.replace(b"\r", b"\n")
    lines = data.split(b"\n")
    if lines[-1]:
        what = "the last line does not end in a line feed"
        collector.tell("no end", what, line=len(lines), answer="accepted")
    else:
        lines.pop()
    end = len(lines)
    while not lines[end - 1].strip():
        end -= 1
    for number in range(end + 1, len(lines) + 1):
        collector.tell("blank end", "there is a blank line at the end", line=number)
    return lines[:end]


def _header(line: bytes, collector: Collector) -> int:
    """Check the header.

    Returns:
        The line on which the predictions begin.
    """
    line = _without_return(line, 1, collector)
    if line == HEADER:
        return 2
    remedy = f"The first line must be {_HEADER_SHOWN}."
    fields = [part.strip().strip(b"\"'") for part in _split(line)]
    if fields and index_problem(fields[0]) != "none":
        collector.tell("header", "the header is missing", line=1, remedy=remedy)
        return 1
    what = f"the header is {quoted(line)}"
    names = [part.decode("utf-8", "replace").lower() for part in fields]
    if names == list(COLUMNS):
        if b"\t" not in line:
            what = f"the header's names are separated by {_separator(line)}, not by a tab"
        else:
            what = f"the header {quoted(line)} differs in case, quotes or spaces"
    elif set(COLUMNS) < set(names):
        what = f"the header has {len(names)} columns; it must have two"
    collector.tell("header", what, line=1, remedy=remedy)
    return 2


def _without_return(line: bytes, number: int, collector: Collector) -> bytes:
    """The line without the CR of a CR LF, which is reported."""
    if not line.endswith(b"\r"):
        return line
    what = "the line ends in CR LF; it should end in LF alone"
    # Whoever has submitted such files says that they were scored.
    collector.tell("crlf", what, line=number, answer="probably accepted")
    return line[:-1]


def _split(line: bytes) -> list[bytes]:
    if b"\t" in line:
        return line.split(b"\t")
    match = _OTHER_SEPARATOR.search(line)
    return [line[: match.start()], line[match.end() :]] if match else [line]


def _separator(line: bytes) -> str:
    match = _OTHER_SEPARATOR.search(line)
    return _NAMES[match.group(1)[:1]] if match else "nothing"


def _read_rows(
    body: list[bytes],
    first: int,
    expected: Expected,
    collector: Collector,
    counts: Counter[bytes],
) -> _Rows:
    """Read every line and report each mistake in it."""
    rows = _Rows()
    problems: dict[bytes, ValueProblem | None] = {}
    for number, whole in enumerate(body, start=first):
        # For the first line, which may not be a header, this was reported above.
        line = (
            whole.removesuffix(b"\r") if number == 1 else _without_return(whole, number, collector)
        )
        if not line.strip():
            collector.tell("blank", "the line is blank", line=number)
            continue
        fields = _fields(line, number, collector)
        if fields is None:
            rows.unread += 1
            continue
        index, value = fields
        _read_index(index, number, rows, collector)
        counts[value] += 1
        if value not in problems:
            problems[value] = value_problem(value, expected)
        problem = problems[value]
        if problem is not None and not collector.again(problem.kind, number):
            collector.tell(
                problem.kind,
                problem.what,
                line=number,
                answer=problem.answer,
                remedy=problem.remedy,
            )
    return rows


def _fields(line: bytes, number: int, collector: Collector) -> tuple[bytes, bytes] | None:
    """Index and value of a line, or None if it does not have just these two."""
    parts = line.split(b"\t")
    if len(parts) == 1:
        parts = _split(line)
        if len(parts) == 2 and not collector.again("separator", number):
            what = f"{_separator(line)} is where a tab must be"
            collector.tell("separator", what, line=number)
    if len(parts) != 2:
        if not collector.again("fields", number):
            shown = "1 field" if len(parts) == 1 else f"{len(parts)} fields"
            collector.tell("fields", f"{shown}; there must be two: {_HEADER_SHOWN}", line=number)
        return None
    return parts[0], parts[1]


def _read_index(text: bytes, number: int, rows: _Rows, collector: Collector) -> None:
    problem = index_problem(text)
    if problem == "none":
        rows.unread += 1
        if not collector.again("index", number):
            collector.tell("index", f"{quoted(text)} is not a row number", line=number)
        return
    value = int(float(text.strip().strip(b"\"'"))) if problem else int(text)
    if problem and not collector.again("index form", number):
        what = f"the row number {quoted(text)} must be written {value}"
        collector.tell("index form", what, line=number)
    rows.indexes.append(value)
    rows.lines.append(number)


def _count(total: int, first: int, expected: Expected, collector: Collector) -> None:
    """Report too few or too many predictions."""
    rows = expected.rows
    if rows is None or total == rows:
        return
    hint = expected.hints.get(total)
    what = f"{total:,} predictions; there must be {rows:,}"
    collector.tell(
        "rows",
        f"{what}: {hint}" if hint else what,
        line=first + min(total, rows) - (total < rows),
    )
