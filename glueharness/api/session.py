"""What the functions share within one Python process: the plugins, and the progress display."""

from __future__ import annotations

import functools
from contextlib import contextmanager
from typing import TYPE_CHECKING

from glueharness.cli.app import App

if TYPE_CHECKING:
    from collections.abc import Iterator

    from glueharness.cli.progress import ProgressDisplay
    from glueharness.plugin.registry import Registry

_DISPLAY = "progress display"


@functools.cache
def registry() -> Registry:
    """What the plugins offer, loaded at the first call; their problems are told on stderr."""
    return App().registry


@contextmanager
def shown(runs: int) -> Iterator[ProgressDisplay]:
    """Show what the runs of the block are doing: in a terminal, or below a notebook's cell.

    Args:
        runs: How many there will be.
    """
    from glueharness.cli.progress import ProgressDisplay

    plugins = registry().plugins
    with ProgressDisplay(runs=runs) as display:
        plugins.register(display, _DISPLAY)
        try:
            yield display
        finally:
            plugins.unregister(_DISPLAY)
