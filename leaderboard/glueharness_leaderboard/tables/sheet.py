"""A table as columns of text, whatever it is written as."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of a table.

    Attributes:
        name: What it shows, in full, for messages.
        heading: What stands above it.
        cells: One text a row.
        right: Whether it is aligned to the right.
        spare: When it is left out for want of space: 0 never, then the highest first.
        flexible: Whether its cells may be wrapped.
        wide: Fuller cells, for where there is room; empty for the same.
        narrow: Shorter cells, for where there is not; empty for the same.
        running: Whether its cells are running text, which takes the whole width of a terminal.
        keys: What the rows are sorted by, a number or a text each, None where there is nothing;
            empty for the cells.
        also: What else it may be asked for by; empty for nothing.
    """

    name: str
    heading: str
    cells: Sequence[str]
    right: bool = False
    spare: int = 0
    flexible: bool = False
    wide: Sequence[str] = ()
    narrow: Sequence[str] = ()
    running: bool = False
    keys: Sequence[float | str | None] = ()
    also: str = ""

    @property
    def width(self) -> int:
        """Characters of the widest line."""
        lines = [line for text in (self.heading, *self.cells) for line in text.split("\n")]
        return max(len(line) for line in lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A table with what stands around it.

    Attributes:
        title: One line above it.
        notes: What sets it apart, below the title.
        columns: The table.
        best: Positions of the rows to stand out.
        answers: What the table comes to, a sentence each.
        footnotes: Lines below it.
    """

    title: str
    columns: Sequence[Column]
    notes: Sequence[str] = ()
    best: frozenset[int] = frozenset()
    answers: Sequence[str] = ()
    footnotes: Sequence[str] = ()

    def with_rows(self, places: Sequence[int]) -> Sheet:
        """Some of the rows, in the order of their positions."""
        columns = [
            replace(
                column,
                cells=[column.cells[place] for place in places],
                wide=[column.wide[place] for place in places] if column.wide else (),
                narrow=[column.narrow[place] for place in places] if column.narrow else (),
                keys=[column.keys[place] for place in places] if column.keys else (),
            )
            for column in self.columns
        ]
        best = frozenset(now for now, place in enumerate(places) if place in self.best)
        return replace(self, columns=columns, best=best)
