"""Trackers: listeners that follow a single run."""

from __future__ import annotations

import shlex
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from glueharness.errors import ConfigError, PluginError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from glueharness.plugin.registry import Registry


@dataclass(frozen=True, slots=True)
class Wish:
    """A tracker that is asked for.

    Attributes:
        name: Its name.
        given: Its settings, as texts.
    """

    name: str
    given: Mapping[str, str]


def wishes_of(track: str) -> list[Wish]:
    """The trackers in ``--track "jsonl, wandb project=mine"``, each once.

    Raises:
        ConfigError: What follows a name is no setting.
    """
    wishes: dict[str, Wish] = {}
    for part in track.split(","):
        try:
            words = shlex.split(part)
        except ValueError as error:
            raise ConfigError(f"--track {track!r}: a quote is not closed") from error
        for word in words[1:]:
            if not word.partition("=")[0] or "=" not in word:
                raise ConfigError(
                    f"--track {track!r}: {word!r} is no setting of {words[0]}",
                    remedy="Part trackers by commas and give settings as NAME=VALUE: "
                    '--track "jsonl, wandb project=mine"',
                )
        if words:
            given = (word.partition("=") for word in words[1:])
            wishes[words[0]] = Wish(words[0], {name: value for name, _, value in given})
    return list(wishes.values())


@contextmanager
def tracked(track: str, registry: Registry) -> Iterator[None]:
    """Let the trackers hear of what happens in the block.

    Args:
        track: Their names with settings, joined by commas; empty for none.
        registry: Where they are looked up; its plugins are joined by them.

    Raises:
        UnknownNameError: There is no such tracker.
        ConfigError: A tracker's library is not installed, or it has no such setting.
        PluginError: What a tracker's factory made cannot listen.
    """
    with ExitStack() as stack:
        # All are made before any is told: a missing library must not cost half a run's work.
        made = [(wish.name, registry.tracker(wish.name, wish.given)) for wish in wishes_of(track)]
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
