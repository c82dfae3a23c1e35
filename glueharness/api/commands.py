"""Commands of plugins as Python functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glueharness.api.session import registry
from glueharness.errors import PluginError
from glueharness.plugin.blame import blamed

if TYPE_CHECKING:
    from collections.abc import Callable


def leaderboard(*names: str, **options: Any) -> Any:
    """Rank the runs of a task or group, or of all, best first: the command ``leaderboard``.

    Args:
        names: The task or group; none for every task that has runs.
        options: The command's options by name, for instance ``by="run"`` or
            ``runs_dir="runs"``.

    Returns:
        The tables, shown as such by ``print`` and in a notebook. ``rows`` has them as a list of
        dictionaries, for instance for ``pandas.DataFrame``; ``document()`` has everything.

    Raises:
        GlueharnessError: There is no such task or option, or the runs cannot be read.
    """
    return function_of("leaderboard")(*names, **options)


def function_of(name: str) -> Callable[..., Any]:
    """A command of a plugin as a function (see ``function`` of :class:`glueharness.CommandSpec`).

    Raises:
        UnknownNameError: No plugin has a command of that name.
        PluginError: The command cannot be called from Python.
    """
    commands = registry().commands
    spec, owner = commands.get(name), commands.owner(name)
    if spec.function is None:
        raise PluginError(
            f"the command {name!r} of {owner.owner} cannot be called from Python",
            remedy=f"Use the command line: glueharness {name}",
        )
    make = spec.function

    def call(*arguments: Any, **options: Any) -> Any:
        with blamed(f"the command {name!r}", owner, "failed"):
            return make()(registry(), *arguments, **options)

    return call
