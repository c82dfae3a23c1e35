"""Tables in another order, with fewer rows and columns. Ranks and sentences stay those of all."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from glueharness.errors import UnknownNameError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glueharness_leaderboard.tables.sheet import Column, Sheet


_SOMETIMES = frozenset(
    {"marks", "last epoch", "95 % interval", "rows/s", "rows a second", "status"}
)
"""Columns that a table has only where there is something to show."""


def arranged(sheets: Sequence[Sheet], *, sort: str, top: int, names: Sequence[str]) -> list[Sheet]:
    """The tables sorted by a column, with their first rows, and with some columns.

    Args:
        sheets: The tables.
        sort: Column to sort by: numbers from the highest, texts from A; ``-`` before it turns that
            round, and rows without a value come last. Empty for the ranks.
        top: How many rows each may have; 0 for all.
        names: Columns to show, in order, by name or heading; empty for all. A table shows those
            of them that it has.

    Raises:
        UnknownNameError: No table has a column of that name.
    """
    by = sort.removeprefix("-").strip()
    known = {_plain(name) for sheet in sheets for column in sheet.columns for name in _of(column)}
    for name in [*names, *([by] if by else [])]:
        if sheets and _plain(name) not in known | _SOMETIMES:
            raise UnknownNameError.among("column", name, known)
    found = [_sorted(sheet, by, turned=sort.startswith("-")) for sheet in sheets] if by else sheets
    return [_cut(sheet, top, [_plain(name) for name in names]) for sheet in found]


def _sorted(sheet: Sheet, by: str, *, turned: bool) -> Sheet:
    column = _by_name(sheet).get(_plain(by))
    if column is None:
        return sheet
    keys = list(column.keys or column.cells)
    known = [place for place, key in enumerate(keys) if key is not None]
    numbers = all(isinstance(keys[place], int | float) for place in known)

    def key(place: int) -> tuple[float, str]:
        found = keys[place]
        return (float(found or 0.0), "") if numbers else (0.0, str(found))

    # Stable both ways: rows with the same value keep their order.
    known.sort(key=key, reverse=numbers is not turned)
    places = known + [place for place, found in enumerate(keys) if found is None]
    note = f"Sorted by {column.name}{', turned round' if turned else ''}; ranks are as tested."
    found = sheet.with_rows(places)
    return replace(found, footnotes=[*found.footnotes, note])


def _cut(sheet: Sheet, top: int, names: Sequence[str]) -> Sheet:
    rows = len(sheet.columns[0].cells) if sheet.columns else 0
    if top and rows > top:
        note = f"{top} of {rows} rows; ranks and sentences are of all."
        sheet = replace(sheet.with_rows(range(top)), footnotes=[*sheet.footnotes, note])
    if not names:
        return sheet
    by_name = _by_name(sheet)
    # Asked for: not left out for want of space.
    columns = [replace(by_name[name], spare=0) for name in names if name in by_name]
    return replace(sheet, columns=columns or list(sheet.columns))


def _by_name(sheet: Sheet) -> dict[str, Column]:
    return {_plain(name): column for column in sheet.columns for name in _of(column)}


def _of(column: Column) -> tuple[str, ...]:
    return column.name, column.heading, *([column.also] if column.also else [])


def _plain(name: str) -> str:
    return " ".join(name.lower().replace("_", " ").split())
