"""Tables as text and as HTML. Texts from files and checkpoints are shown as they are, harmless."""

from __future__ import annotations

import html
import io
from typing import TYPE_CHECKING

from glueharness.system.printable import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

_WIDTH = 110


def text_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A plain table of at most 110 columns, without colours."""
    from glueharness.cli.output import make_console, make_table

    stream = io.StringIO()
    console = make_console(file=stream, width=_WIDTH, color_system=None)
    console.print(make_table("", columns, rows))
    return "\n".join(line.rstrip() for line in stream.getvalue().splitlines()).strip("\n")


def html_table(columns: Sequence[str], rows: Sequence[Sequence[str]], *remarks: str) -> str:
    """A table for a notebook.

    Args:
        columns: Headings.
        rows: Cells.
        remarks: Lines below the table.
    """
    head = "".join(f"<th>{_safe(column)}</th>" for column in columns)
    body = "".join(
        f"<tr>{''.join(f'<td>{_safe(cell)}</td>' for cell in row)}</tr>\n" for row in rows
    )
    below = "".join(f"<div><small>{_safe(line)}</small></div>\n" for line in remarks)
    return f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody>\n</table>\n{below}"


def _safe(text: str) -> str:
    return html.escape(printable(text, lines=True))
