"""Typed look-ups of what the plugins offer; an unknown name is answered with the nearest one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from glueharness.errors import PluginError, UnknownNameError
from glueharness.plugins import PluginStatus, load_plugins, owners
from glueharness.specs import (
    CommandSpec,
    DiagnosticSpec,
    ModelSpec,
    SourceSpec,
    TaskSpec,
    WriterSpec,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from glueharness.plugins import Plugins

Spec = TypeVar("Spec", TaskSpec, ModelSpec, SourceSpec, WriterSpec, CommandSpec, DiagnosticSpec)


@dataclass(slots=True)
class Shelf(Generic[Spec]):
    """The specs of one kind, by name.

    Attributes:
        kind: What they are, for messages.
        items: Name to the specs of that name with their owners; more than one is a clash.
    """

    kind: str
    items: dict[str, list[tuple[Spec, PluginStatus]]] = field(default_factory=dict)

    def add(self, spec: Spec, owner: PluginStatus) -> None:
        """Put a spec on the shelf."""
        self.items.setdefault(spec.name, []).append((spec, owner))

    def get(self, name: str) -> Spec:
        """The spec of that name.

        Raises:
            UnknownNameError: There is none; the message lists the known names.
            PluginError: Two plugins claim the name; the message names both.
        """
        found = self.items.get(name)
        if not found:
            raise UnknownNameError.among(self.kind, name, self.items)
        if len(found) > 1:
            claimants = [owner for _, owner in found]
            raise PluginError(
                f"{owners(claimants)} both offer a {self.kind} called {name!r}",
                remedy=f"Remove one: pip uninstall {claimants[-1].distribution}",
            )
        return found[0][0]

    def owner(self, name: str) -> PluginStatus:
        """Who offers the spec of that name."""
        self.get(name)
        return self.items[name][0][1]

    def __iter__(self) -> Iterator[Spec]:
        """The specs whose name is not in dispute, in the plugins' order."""
        return (found[0][0] for found in self.items.values() if len(found) == 1)


class Registry:
    """Everything that the plugins offer.

    Args:
        plugins: Loaded plugins; None loads those that are installed.
    """

    def __init__(self, plugins: Plugins | None = None) -> None:
        self.plugins = load_plugins() if plugins is None else plugins
        self.tasks: Shelf[TaskSpec] = Shelf("task")
        self.models: Shelf[ModelSpec] = Shelf("model")
        self.sources: Shelf[SourceSpec] = Shelf("data source")
        self.writers: Shelf[WriterSpec] = Shelf("submission writer")
        self.commands: Shelf[CommandSpec] = Shelf("command")
        self.diagnostics: Shelf[DiagnosticSpec] = Shelf("diagnostic")
        self._collect(self.tasks, "glueharness_tasks", TaskSpec)
        self._collect(self.models, "glueharness_models", ModelSpec)
        self._collect(self.sources, "glueharness_sources", SourceSpec)
        self._collect(self.writers, "glueharness_writers", WriterSpec)
        self._collect(self.commands, "glueharness_commands", CommandSpec)

        self._collect(self.diagnostics, "glueharness_diagnostics", DiagnosticSpec)

    def _collect(self, shelf: Shelf[Any], hook: str, kind: type[Any]) -> None:
        for owner, items in self.plugins.ask(hook):
            for item in items:
                if isinstance(item, kind):
                    shelf.add(item, owner)
                else:
                    owner.fail(
                        f"{hook} returned a {type(item).__name__}, not a {kind.__name__}",
                        "Report it to the plugin's author.",
                    )

    def offers(self, owner: PluginStatus) -> dict[str, list[str]]:
        """What a plugin offers: kind in the plural to names, empty kinds left out."""
        shelves: tuple[Shelf[Any], ...] = (
            self.tasks,
            self.models,
            self.sources,
            self.writers,
            self.commands,
            self.diagnostics,
        )
        offered = {}
        for shelf in shelves:
            names = [
                name
                for name, found in shelf.items.items()
                if any(claimant is owner for _, claimant in found)
            ]
            if names:
                offered[f"{shelf.kind}s"] = names
        return offered

    def task(self, name: str) -> TaskSpec:
        """The task of that name.

        Raises:
            UnknownNameError: There is none.
            PluginError: Two plugins claim the name.
        """
        return self.tasks.get(name)

    def model(self, name: str) -> tuple[ModelSpec, str]:
        """The model of that name and its argument: ``"hf:roberta-base"`` gives the family.

        Raises:
            UnknownNameError: There is none.
            PluginError: Two plugins claim the name, or a family lacks its argument.
        """
        family, colon, argument = name.partition(":")
        if colon and family in self.models.items:
            spec = self.models.get(family)
            if not spec.family or not argument:
                known = [other.name for other in self.models]
                raise UnknownNameError.among("model", name, known)
            return spec, argument
        spec = self.models.get(name)
        if spec.family:
            raise UnknownNameError(
                f"{name!r} is a family of models and needs a name or folder",
                remedy=f"Write {name}:NAME, for instance {name}:roberta-base or {name}:./folder.",
            )
        return spec, ""
