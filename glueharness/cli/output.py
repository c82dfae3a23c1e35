"""How commands print: results to stdout, everything else to stderr."""

from __future__ import annotations

import codecs
import io
import json
import re
import sys
from typing import TYPE_CHECKING, Any, TextIO

from glueharness.system.printable import printable

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
_NAME_WIDTH = 30
"""Characters that a table's first column keeps on a line."""
_NOT_ASCII = re.compile("[^\x00-\x7e]")


def stdout() -> Console:
    """The console for results."""
    return make_console()


def stderr() -> Console:
    """The console for progress, warnings and errors."""
    # The stream below those that change what is written: ours spells escape sequences out, and
    # rich has one of its own while it shows a progress bar.
    stream: Any = sys.stderr
    while hasattr(stream, "rich_proxied_file"):
        stream = stream.rich_proxied_file
    return make_console(file=stream)


def make_console(**options: Any) -> Console:
    """A console that shows every text as it is, and harmless; all of ours are made here.

    Args:
        options: Further options of ``rich.console.Console``.
    """
    from glueharness.cli.harmless import HarmlessConsole

    if isinstance(options.get("file"), io.StringIO):
        # In a notebook rich would show what is printed below the cell, and leave the file empty.
        options.setdefault("force_jupyter", False)
    return HarmlessConsole(**options)


def accept_any_text() -> None:
    """Replace characters that the terminal's or pipe's encoding does not have, instead of failing.

    Tables contain dashes and signs that a Windows code page or plain ASCII do not have, and a path
    may contain bytes that are not text at all.
    """
    codecs.register_error(_STAND_IN, _stand_in)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_STAND_IN)


def _is_unicode(stream: TextIO) -> bool:
    return (stream.encoding or "utf-8").lower().replace("-", "").startswith("utf")


def _stand_in(error: UnicodeError) -> tuple[str, int]:
    """The replacement for characters that an encoding does not have."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end]
    shown = (_PLAIN.get(sign) or sign.encode("ascii", "backslashreplace").decode() for sign in text)
    return "".join(shown), error.end


def print_json(value: Any) -> None:
    """Print a value as indented JSON to stdout, with keys in their order."""
    sys.stdout.write(json_text(value, ascii_only=not _is_unicode(sys.stdout)))


def json_text(value: Any, *, ascii_only: bool = False) -> str:
    """A value as indented JSON with a line feed at its end.

    Characters that could control a terminal are written as JSON escapes, so that nothing is lost.

    Args:
        value: The value. Parts that JSON cannot represent are written as their text.
        ascii_only: Whether to escape every character outside of ASCII.
    """
    text = json.dumps(value, indent=2, ensure_ascii=ascii_only, default=str)
    if not text.isascii() or "\x7f" in text:
        text = _NOT_ASCII.sub(lambda match: _json_escaped(match[0]), text)
    return text + "\n"


def _json_escaped(sign: str) -> str:
    return sign if printable(sign) == sign else json.dumps(sign)[1:-1].replace("\x7f", "\\u007f")


def make_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    """A plain table. Texts are shown as they are, never interpreted as markup."""
    from rich import box
    from rich.table import Table as RichTable
    from rich.text import Text

    table = RichTable(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for place, column in enumerate(columns):
        # Names stay whole as long as there is room for them beside the rest.
        least = max((len(row[place]) for row in rows), default=0) if place == 0 else 0
        table.add_column(column, overflow="fold", min_width=min(least, _NAME_WIDTH) or None)
    for row in rows:
        # Before the widths are measured; the console would be late.
        table.add_row(*(Text(printable(cell, lines=True)) for cell in row))
    return table


def print_facts(title: str, facts: Mapping[str, str]) -> None:
    """Print names and values in two columns; empty values are left out."""
    from rich.table import Table as RichTable
    from rich.text import Text

    table = RichTable(
        title=title, title_justify="left", box=None, show_header=False, pad_edge=False
    )
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in facts.items():
        if value:
            table.add_row(Text(printable(name)), Text(printable(value, lines=True)))
    stdout().print(table)


def percent(value: float | None) -> str:
    """A metric value as points: 0.8123 becomes ``81.23``."""
    return "–" if value is None else f"{100 * value:.2f}"
