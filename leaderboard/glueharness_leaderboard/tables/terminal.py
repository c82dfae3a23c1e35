"""Sections on a terminal, of whatever width: columns are left out whole, numbers never cut."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import Console, JustifyMethod

    from glueharness_leaderboard.tables.sheet import Column, Sheet

_GAP = 2
_NAME_WIDTH = 24
"""Characters that names keep on a line before other columns are left out for them."""

_NAME_LEAST = 11
"""Characters that names are folded to before lines get too long."""

_WIDE = 120
"""Characters of a line from which fuller cells are tried, so that tables below each other match."""


def print_sheets(sheets: Sequence[Sheet], legends: Sequence[str], console: Console) -> None:
    """Print tables below each other, and then what their signs mean."""
    for position, sheet in enumerate(sheets):
        if position:
            console.print()
        print_heading(sheet.title, sheet.notes, console)
        if any(column.running for column in sheet.columns):
            print_blocks(sheet.columns, console)
        else:
            print_table(sheet.columns, console, best=sheet.best)
        if sheet.answers:
            console.print()
        for answer in sheet.answers:
            console.print(answer, style="bold", markup=False, highlight=False)
        for line in sheet.footnotes:
            print_dim(line, console)
    if legends:
        console.print()
        for line in legends:
            print_dim(line, console)


def print_heading(title: str, lines: Sequence[str], console: Console) -> None:
    """Print a table's title, and below it what sets the table apart."""
    console.print(title, style="bold", markup=False, highlight=False)
    for line in lines:
        console.print(line, style="yellow", markup=False, highlight=False)


def print_dim(line: str, console: Console) -> None:
    """Print a remark."""
    console.print(line, style="dim", markup=False, highlight=False)


def print_table(
    columns: Sequence[Column],
    console: Console,
    *,
    best: frozenset[int] = frozenset(),
    instead: str = "--format csv",
) -> None:
    """Print columns as a table that fits; texts are shown as they are, never read as markup.

    Args:
        columns: The columns.
        console: Where to; its width is kept as long as every number fits.
        best: Positions of the rows to stand out.
        instead: The option that gives the columns that have no room.
    """
    from rich import box
    from rich.segment import Segments
    from rich.table import Table
    from rich.text import Text

    shown, dropped = fit(columns, console.width)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False)
    lines = max(column.heading.count("\n") for column in shown)
    widths = _widths(shown, console.width)
    for column, width in zip(shown, widths, strict=True):
        # Rich would set a heading of one line at the top of one of two lines.
        title = "\n" * (lines - column.heading.count("\n")) + column.heading
        justify: JustifyMethod = "right" if column.right else "left"
        table.add_column(Text(title), justify=justify, width=width, overflow="fold")
    for position, cells in enumerate(zip(*(column.cells for column in shown), strict=True)):
        table.add_row(*map(Text, cells), style="bold" if position in best else "")
    # Where even the numbers are too wide, let the terminal wrap the lines: cut is worse.
    options = console.options.update_width(max(console.width, _total(widths)))
    console.print(Segments(console.render(table, options)), crop=False, soft_wrap=True, end="")
    if dropped:
        names = ", ".join(column.name for column in dropped)
        print_dim(f"No room for {names}: a wider terminal or {instead} has all.", console)


def print_blocks(columns: Sequence[Column], console: Console) -> None:
    """Print row by row, a line or more for each column: running text needs the whole width."""
    from rich.table import Table
    from rich.text import Text

    first, *rest = columns
    for position, name in enumerate(first.cells):
        if position:
            console.print()
        table = Table.grid(padding=(0, 2, 0, 0))
        table.add_column(style="dim", no_wrap=True)
        table.add_column(overflow="fold")
        table.add_row(Text(first.heading, style="bold"), Text(name, style="bold"))
        for column in rest:
            if column.cells[position]:
                table.add_row(Text(column.heading.replace("\n", " ")), Text(column.cells[position]))
        console.print(table)


def fit(columns: Sequence[Column], width: int) -> tuple[list[Column], list[Column]]:
    """The columns that fit into a width, and those left out, the most spareable first.

    Fuller cells come first, then shorter names, and only then fewer columns.

    Args:
        columns: All columns.
        width: Characters of a line.
    """
    wide = [replace(column, cells=column.wide or column.cells) for column in columns]
    narrow = [replace(column, cells=column.narrow or column.cells) for column in columns]
    for choice in (wide, list(columns)) if width >= _WIDE else (list(columns),):
        if _total(column.width for column in choice) <= width:
            return choice, []
    shown, dropped = narrow, []
    while _total(map(_least, shown)) > width and any(column.spare for column in shown):
        spared = max(shown, key=lambda column: column.spare)
        shown = [column for column in shown if column is not spared]
        dropped.append(spared)
    return shown, dropped[::-1]


def _widths(columns: Sequence[Column], width: int) -> list[int]:
    """Characters for each column: what it cannot do without, and names take what is left."""
    widths = [_least(column) for column in columns]
    room = width - _total(widths)
    if room < 0:
        widths = [
            min(least, max(_NAME_LEAST, least + room)) if column.flexible else least
            for column, least in zip(columns, widths, strict=True)
        ]
        room = width - _total(widths)
    for place, column in enumerate(columns):
        extra = max(0, min(room, column.width - widths[place]))
        widths[place] += extra
        room -= extra
    return widths


def _least(column: Column) -> int:
    """Characters that a column cannot do without."""
    if not column.flexible:
        return column.width
    words = max((len(word) for cell in column.cells for word in cell.split()), default=0)
    return max(len(column.heading), min(column.width, max(words, 1), _NAME_WIDTH))


def _total(widths: Iterable[int]) -> int:
    found = list(widths)
    return sum(found) + _GAP * (len(found) - 1)
