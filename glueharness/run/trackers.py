"""Trackers: listeners that follow a single run."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from glueharness.errors import PluginError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from glueharness.plugin.registry import Registry


def names_of(track: str) -> list[str]:
    """The trackers' names in ``--track``, each once."""
    return list(dict.fromkeys(name.strip() for name in track.split(",") if name.strip()))


@contextmanager
def tracked(track: str, registry: Registry) -> Iterator[None]:
    """Let the trackers hear of what happens in the block.

    Args:
        track: Their names, joined by commas; empty for none.
        registry: Where they are looked up; its plugins are joined by them.

    Raises:
        UnknownNameError: There is no such tracker.
        ConfigError: A tracker's library is not installed.
        PluginError: What a tracker's factory made cannot listen.
    """
    with ExitStack() as stack:
        # All are made before any is told: a missing library must not cost half a run's work.
        made = [(name, registry.tracker(name)) for name in names_of(track)]
        for name, listener in made:
            title = f"tracker {name}"
            status = registry.plugins.register(listener, title)
            stack.callback(registry.plugins.unregister, title)
            problem = status.error or ("" if status.hooks else "it implements no hook")
            if problem:
                raise PluginError(
                    f"the tracker {name!r} of {registry.trackers.owner(name).owner} cannot listen: "
                    f"{problem}",
                    remedy="Report it to the plugin's author.",
                )
        yield
