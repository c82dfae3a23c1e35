"""The consoles, which print foreign text so that it cannot control the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Console, RenderHook
from rich.control import Control
from rich.measure import Measurement
from rich.segment import Segment

from glueharness.system.printable import printable

if TYPE_CHECKING:
    from rich.console import ConsoleOptions, ConsoleRenderable, RenderResult


class HarmlessConsole(Console):
    """A console that shows every text as it is; markup, pictures and colouring are off.

    Args:
        options: Further options of ``rich.console.Console``.
    """

    def __init__(self, **options: Any) -> None:
        # Without `emoji=False` the line number in "train.tsv:100: ..." would become a picture.
        super().__init__(emoji=False, markup=False, highlight=False, **options)
        self.push_render_hook(Harmless())


class Harmless(RenderHook):
    """Wraps whatever is printed; the escape sequences of a style are added after it."""

    def process_renderables(self, renderables: list[ConsoleRenderable]) -> list[ConsoleRenderable]:
        """Each renderable as one that draws the same with its texts made harmless."""
        return [item if isinstance(item, Control) else _Drawn(item) for item in renderables]


class _Drawn:
    def __init__(self, renderable: ConsoleRenderable) -> None:
        self._renderable = renderable

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for segment in console.render(self._renderable, options):
            if segment.control:
                yield segment
            else:
                yield Segment(printable(segment.text, lines=True), segment.style)

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement.get(console, options, self._renderable)
