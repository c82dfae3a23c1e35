"""The hub's client, quiet but for what a user waits for."""

from __future__ import annotations

import logging
import re
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_WAITING = re.compile(r"\b(?:Waiting|in) (\d+(?:\.\d+)?)s\b.*\[Retry (\d+)/(\d+)\]")
_WORTH_TELLING = 2.0


class _Waits(logging.Handler):
    """Turns the client's own words on waiting into one line."""

    def emit(self, record: logging.LogRecord) -> None:
        """Tell of a wait that is long enough to be noticed."""
        found = _WAITING.search(record.getMessage())
        if found is None or float(found[1]) < _WORTH_TELLING:
            return
        with suppress(OSError, ValueError):  # a terminal that is gone is no reason to stop
            sys.stderr.write(
                f"waiting for the hub: next attempt in {float(found[1]):.0f} s "
                f"({found[2]} of {found[3]})\n"
            )
            sys.stderr.flush()


@contextmanager
def quiet_client() -> Iterator[None]:
    """Keep the client's log off the terminal: what went wrong is told once, by the error.

    That it waits, because the hub asked for it, is told at once.
    """
    client = logging.getLogger("huggingface_hub")
    level, others, propagate = client.level, client.handlers[:], client.propagate
    waits = _Waits()
    client.handlers[:] = [waits]
    client.propagate = False
    client.setLevel(logging.WARNING)
    try:
        yield
    finally:
        client.setLevel(level)
        client.handlers[:] = others
        client.propagate = propagate


@contextmanager
def quiet_datasets() -> Iterator[Any]:
    """The library, quiet: what went wrong is told once, by us, and a log wants no progress bar."""
    import datasets

    library = datasets.logging  # its levels are those of the standard library
    verbosity = library.get_verbosity()
    bars = datasets.are_progress_bars_disabled()
    library.set_verbosity(library.CRITICAL)
    if not sys.stderr.isatty():
        datasets.disable_progress_bars()
    try:
        with quiet_client():
            yield datasets
    finally:
        library.set_verbosity(verbosity)
        if not bars:
            datasets.enable_progress_bars()
