"""What progress displays share: bars on stderr, and the lines and panels that remain."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, Self

from rich.panel import Panel
from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn
from rich.text import Text

from glueharness.cli.output import stderr
from glueharness.system.printable import printable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

VALUES = "values"
"""The field of a bar whose text stands behind it."""


def make_bars(
    *counts: ProgressColumn, before: Sequence[ProgressColumn] = (), values: bool = True
) -> Progress:
    """Bars on stderr that disappear when they are stopped.

    Args:
        counts: What stands behind each bar: how much is done, how long the rest takes.
        before: What stands before the description.
        values: Whether each bar has a text of its own at the end, its field ``values``.
    """
    console = stderr()
    return Progress(
        *before,
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        *counts,
        *([TextColumn(f"{{task.fields[{VALUES}]}}", style="dim", markup=False)] * values),
        console=console,
        transient=True,
        # A notebook shows bars in a widget; without that library, only the lines.
        disable=console.is_jupyter and importlib.util.find_spec("ipywidgets") is None,
    )


class BarDisplay:
    """Bars while a region lasts, lines that remain, and each warning once.

    Args:
        bars: The bars.
    """

    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._console = bars.console
        self._told: set[str] = set()

    def __enter__(self) -> Self:
        """Start drawing."""
        self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop drawing; the bars disappear, the lines remain."""
        self._bars.stop()

    def tell(self, text: str, style: str = "") -> None:
        """Leave a line, or several."""
        self._console.print(Text(printable(text, lines=True), style=style), soft_wrap=True)

    def warn(self, message: str, title: str = "warning") -> None:
        """Show a panel, unless another run said the same already."""
        if message in self._told:
            return
        self._told.add(message)
        text = Text(printable(message, lines=True))
        self._console.print(
            Panel(text, title=Text(title), title_align="left", border_style="yellow")
        )
