"""Tables with fewer rows and columns. Ranks and verdicts stay those over all rows."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from glueharness.errors import UnknownNameError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glueharness_leaderboard.tables.columns import Column, Sheet


def cut(sheets: Sequence[Sheet], top: int, names: Sequence[str]) -> list[Sheet]:
    """The tables with their first rows, and with some columns.

    Args:
        sheets: The tables.
        top: How many rows each may have; 0 for all.
        names: Columns to show, in order, by name or heading; empty for all. A table shows those
            of them that it has.

    Raises:
        UnknownNameError: No table has a column of that name.
    """
    known = {_plain(name) for sheet in sheets for column in sheet.columns for name in _of(column)}
    for name in names:
        if sheets and _plain(name) not in known:
            raise UnknownNameError.among("column", name, known)
    return [_cut(sheet, top, [_plain(name) for name in names]) for sheet in sheets]


def _cut(sheet: Sheet, top: int, names: Sequence[str]) -> Sheet:
    columns = list(sheet.columns)
    if names:
        by_name = {_plain(name): column for column in columns for name in _of(column)}
        # Asked for: not left out for want of space.
        columns = [replace(by_name[name], spare=0) for name in names if name in by_name] or columns
    rows = len(sheet.columns[0].cells) if sheet.columns else 0
    if not top or rows <= top:
        return replace(sheet, columns=columns)
    return replace(
        sheet,
        columns=[
            replace(
                column,
                cells=column.cells[:top], wide=column.wide[:top], narrow=column.narrow[:top],
            )
            for column in columns
        ],
        best=frozenset(place for place in sheet.best if place < top),
        footnotes=[*sheet.footnotes, f"{top} of {rows} rows; ranks and sentences are of all."],
    )  # fmt: skip


def _of(column: Column) -> tuple[str, str]:
    return column.name, column.heading


def _plain(name: str) -> str:
    return " ".join(name.lower().replace("_", " ").split())
