"""One tab-separated file as GLUE writes it: rows of fields, no quoting, errors with their line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from operator import itemgetter
from typing import TYPE_CHECKING

from glueharness import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

Columns = dict[str, list[str]]
Mismatch = Callable[[int, "list[str]", int], bool]
_ENCODING = "utf-8-sig"  # some of the files begin with a byte order mark


@dataclass(slots=True, kw_only=True)
class TsvRows:
    """What was read of a file.

    Attributes:
        columns: Name to the texts of a column; the columns are equally long.
        lines: Numbers of the lines that the rows came from, where one was left out; empty if
            the rows follow each other without a gap from ``first`` on.
        first: Number of the first row's line.
    """

    columns: Columns
    first: int
    lines: list[int] = field(default_factory=list)

    def line(self, row: int) -> int:
        """Number of the line that a row came from; 1 is the first of the file."""
        return self.lines[row] if self.lines else self.first + row


@dataclass(slots=True, kw_only=True)
class Form:
    """What of a file is wanted.

    Attributes:
        headings: Name of a column to its heading, for a file with a header.
        positions: Name of a column to its position, for a file with none.
        width: Number of fields per row, for a file without a header.
        short: Decides about a row of another length (line number, fields, width): True leaves
            it out, False lets it stand as an error.
    """

    headings: Mapping[str, str]
    positions: Mapping[str, int] = field(default_factory=dict)
    width: int = 0
    short: Mismatch = lambda _line, _fields, _width: False


def first_fields(path: Path) -> list[str]:
    """The fields of the first line; none if it cannot be read."""
    try:
        with path.open(encoding=_ENCODING) as stream:
            return stream.readline().rstrip("\n").split("\t")
    except (OSError, UnicodeDecodeError):
        return []


def read_rows(path: Path, form: Form) -> TsvRows:
    """Read the wanted columns of a file.

    Lines may end in LF, CR LF or CR, and empty lines at the end do no harm.

    Raises:
        DataError: The file cannot be read, is empty or not UTF-8, lacks a heading, or has a
            row with another number of fields than the header.
    """
    try:
        with path.open(encoding=_ENCODING) as stream:
            positions, width, first = dict(form.positions), form.width, 1
            if not positions:
                header = _header(stream.readline(), path)
                positions, width, first = _positions(header, form, path), len(header), 2
            return _read_body(enumerate(stream, first), path, form, (positions, width, first))
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror}", where=str(path)) from error
    except UnicodeDecodeError:
        raise _not_utf8(path) from None


def _header(line: str, path: Path) -> list[str]:
    if not line.strip():
        raise DataError(
            "the file is empty" if not line else "the first line is empty; it names the columns",
            where=f"{path}:1",
            remedy="Get the file again from the official GLUE download.",
        )
    return line.rstrip("\n").split("\t")


def _positions(header: Sequence[str], form: Form, path: Path) -> dict[str, int]:
    missing = [heading for heading in form.headings.values() if heading not in header]
    if missing:
        names = ", ".join(repr(name) for name in missing)
        raise DataError(
            f"the header has no column {names}; it has {', '.join(header)}", where=f"{path}:1"
        )
    return {name: header.index(heading) for name, heading in form.headings.items()}


def _read_body(
    numbered: enumerate[str], path: Path, form: Form, shape: tuple[dict[str, int], int, int]
) -> TsvRows:
    positions, width, first = shape
    names = list(positions)
    pick = itemgetter(*positions.values())
    rows, lines, gaps, empty = [], [], False, 0
    for number, line in numbered:
        fields = line.rstrip("\n").split("\t")
        if len(fields) != width:
            if fields == [""]:
                empty = empty or number
            elif not form.short(number, fields, width):
                raise _wrong_width(path, number, len(fields), width)
            gaps = True
            continue
        if empty:
            raise DataError("this line is empty", where=f"{path}:{empty}")
        rows.append(pick(fields))
        lines.append(number)
    if not rows:
        what = "the file has a header and no rows" if first > 1 else "the file is empty"
        raise DataError(what, where=f"{path}:{first}")
    columns = (
        [list(rows)] if len(names) == 1 else [list(values) for values in zip(*rows, strict=True)]
    )
    return TsvRows(
        columns=dict(zip(names, columns, strict=True)), first=first, lines=lines if gaps else []
    )


def _wrong_width(path: Path, line: int, found: int, expected: int) -> DataError:
    return DataError(
        f"{found} {'field' if found == 1 else 'fields'} where {expected} are expected",
        where=f"{path}:{line}",
        remedy="A field was lost or split: get the file again from the official GLUE download.",
    )


def _not_utf8(path: Path) -> DataError:
    with path.open("rb") as stream:
        for number, line in enumerate(stream, start=1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError as error:
                return DataError(
                    f"this line is not UTF-8 (byte {error.start + 1} is 0x{line[error.start]:02x})",
                    where=f"{path}:{number}",
                    remedy="Convert the file to UTF-8, or get it again.",
                )
    return DataError("the file is not UTF-8", where=str(path))
