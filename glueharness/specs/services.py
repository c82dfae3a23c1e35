"""Specs of commands, diagnostics and trackers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from glueharness.specs.model import NoSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import click


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One line of ``glueharness doctor``.

    Attributes:
        name: What it is about, for instance ``"GPU"``.
        value: What was found.
        remedy: What to do if something is wrong; empty if all is well.
    """

    name: str
    value: str
    remedy: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DiagnosticSpec:
    """What a plugin can tell ``glueharness doctor`` about this machine.

    Attributes:
        name: Name of the diagnostic, and heading of its lines.
        factory: Returns the facts within a few seconds; its argument says whether the network
            must not be used.
    """

    name: str
    factory: Callable[[bool], Sequence[Fact]]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackerSpec:
    """A listener that follows the runs which ask for it with ``run --track NAME``.

    Attributes:
        name: What ``--track`` takes.
        description: One sentence.
        factory: Makes the listener: an object whose methods implement the run-event hooks,
            marked with ``@glueharness.hookimpl``. Called before a run begins; raise a
            :class:`glueharness.ConfigError` there if a library is missing. If the tracker has
            settings, it is given an instance of them.
        settings: Frozen dataclass of the tracker's settings, its fields made with
            :func:`glueharness.setting`: ``--track "NAME KEY=VALUE"``.
    """

    name: str
    description: str
    factory: Callable[..., object]
    settings: type[Any] = NoSettings

    def make(self, settings: Any) -> object:
        """The listener, with these settings."""
        return self.factory() if self.settings is NoSettings else self.factory(settings)


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandSpec:
    """A command that a plugin adds.

    Attributes:
        name: The word after ``glueharness``.
        help: One line for ``glueharness --help``.
        factory: Imports and returns the command, when it is called.
        function: Imports and returns what the command does as a Python function, for notebooks:
            it is called with the :class:`glueharness.plugin.registry.Registry` and then with
            whatever the user gives. None if the command is for the command line only.
    """

    name: str
    help: str
    factory: Callable[[], click.Command]
    function: Callable[[], Callable[..., Any]] | None = None
