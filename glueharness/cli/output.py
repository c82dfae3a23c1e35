"""Results to stdout, everything else to stderr."""

from __future__ import annotations

import codecs
import io
import json
import sys
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import Console
    from rich.table import Table

_STAND_IN = "glueharness-stand-in"
_PLAIN = {
    "–": "-",
    "−": "-",
    "…": "...",
    "·": "-",
    "×": "x",
    "≈": "~",
    "±": "+-",
    "•": "*",
    "█": "#",
}


def stdout() -> Console:
    """The console for results."""
    from rich.console import Console

    return Console()


def stderr() -> Console:
    """The console for progress, warnings and errors."""
    from rich.console import Console

    return Console(stderr=True)


def accept_any_text() -> None:
    """Let a terminal or pipe that knows few letters show others in their place, and not fail.

    Tables have dashes and signs that a Windows code page or plain ASCII lack.
    """
    codecs.register_error(_STAND_IN, _stand_in)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and not _is_unicode(stream):
            stream.reconfigure(errors=_STAND_IN)


def _is_unicode(stream: TextIO) -> bool:
    return (stream.encoding or "utf-8").lower().replace("-", "").startswith("utf")


def _stand_in(error: UnicodeError) -> tuple[str, int]:
    """What is written in the place of letters that an encoding lacks."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end]
    shown = (_PLAIN.get(sign) or sign.encode("ascii", "backslashreplace").decode() for sign in text)
    return "".join(shown), error.end


def print_json(value: Any) -> None:
    """Print a JSON-able value to stdout; readable, keys in their order."""
    json.dump(value, sys.stdout, indent=2, ensure_ascii=not _is_unicode(sys.stdout), default=str)
    sys.stdout.write("\n")


def make_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    """A plain table; every text is shown as it is, never read as markup."""
    from rich import box
    from rich.table import Table as RichTable
    from rich.text import Text

    table = RichTable(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    return table


def print_facts(title: str, facts: Mapping[str, str]) -> None:
    """Print names and values in two columns, leaving out what is empty."""
    from rich.table import Table as RichTable
    from rich.text import Text

    table = RichTable(
        title=title, title_justify="left", box=None, show_header=False, pad_edge=False
    )
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in facts.items():
        if value:
            table.add_row(Text(name), Text(value))
    stdout().print(table)


def percent(value: float | None) -> str:
    """A metric value as points: 0.8123 becomes ``81.23``."""
    return "–" if value is None else f"{100 * value:.2f}"
