"""Looking up what the plugins offer; for an unknown name it suggests the nearest."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from glueharness.errors import ConfigError, UnknownNameError, did_you_mean
from glueharness.plugin.blame import blamed, made_part
from glueharness.plugin.guarded import GuardedWriter, OfferedModel, OfferedSource
from glueharness.plugin.loading import load_plugins
from glueharness.plugin.shelf import Shelf, Spec
from glueharness.plugin.usable import wrong_with
from glueharness.settings.fields import Layer
from glueharness.settings.values import resolve
from glueharness.specs import (
    CommandSpec,
    DiagnosticSpec,
    EngineSpec,
    Executor,
    ExecutorContext,
    ExecutorSpec,
    FileKindSpec,
    GroupSpec,
    ModelSpec,
    PresetSpec,
    PublishedSpec,
    Searcher,
    SearcherSpec,
    SearchSpace,
    SourceSpec,
    TaskSpec,
    TrackerSpec,
    WriterSpec,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from glueharness.plugin.plugins import Plugins
    from glueharness.plugin.status import PluginStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """What names on a command line mean.

    Attributes:
        tasks: The tasks that were named themselves.
        groups: The groups that were named: name to spec; None for a group without a score.
    """

    tasks: tuple[TaskSpec, ...]
    groups: Mapping[str, GroupSpec | None]


class Registry:
    """Everything that the plugins offer.

    Args:
        plugins: Loaded plugins; None loads those that are installed.
        prefer: Plugins or distributions whose parts win over others of the same name.
    """

    def __init__(self, plugins: Plugins | None = None, prefer: Sequence[str] = ()) -> None:
        self.plugins = load_plugins() if plugins is None else plugins
        self.prefer = tuple(prefer)
        self._shelves: list[Shelf[Any]] = []
        self.tasks = self._shelf("task", "glueharness_tasks", TaskSpec)
        self.models = self._shelf("model", "glueharness_models", ModelSpec)
        self.sources = self._shelf("data source", "glueharness_sources", SourceSpec)
        self.writers = self._shelf("submission writer", "glueharness_writers", WriterSpec)
        self.groups = self._shelf("group", "glueharness_groups", GroupSpec)
        self.presets = self._shelf("preset", "glueharness_presets", PresetSpec)
        self.published = self._shelf("published row", "glueharness_published", PublishedSpec)
        self.commands = self._shelf("command", "glueharness_commands", CommandSpec)
        self.diagnostics = self._shelf("diagnostic", "glueharness_diagnostics", DiagnosticSpec)
        self.engines = self._shelf("engine", "glueharness_engines", EngineSpec)
        self.trackers = self._shelf("tracker", "glueharness_trackers", TrackerSpec)
        self.file_kinds = self._shelf("file kind", "glueharness_file_kinds", FileKindSpec)
        self.executors = self._shelf("executor", "glueharness_executors", ExecutorSpec)
        self.searchers = self._shelf("searcher", "glueharness_searchers", SearcherSpec)
        self._check_references()
        for status in self.plugins.statuses.values():
            status.conclude()

    def _check_references(self) -> None:
        """Refuse a task that leans on what is not there, and doubt a group that only it names."""
        for task in list(self.tasks):
            owner, whose = self.tasks.owner(task.name), f"the task {task.name!r}"
            learnt = self.tasks.items.get(task.trained_on)
            if learnt and learnt[0][0].trained_on:
                # Or else `run` and `evaluate` would send the user from one to the other.
                self.tasks.refuse(
                    task.name,
                    f"it is trained on {task.trained_on!r}, which has no training data either",
                )
                continue
            for verb, other in (
                ("is trained on", task.trained_on),
                ("starts from", task.starts_from),
            ):
                if not other or other in self.tasks.items:
                    continue
                lacks = f"{verb} {other!r}, which is no task{did_you_mean(other, self.tasks.items)}"
                if other == task.trained_on:
                    self.tasks.refuse(task.name, f"it {lacks}")
                else:
                    owner.impair(f"{whose} {lacks}")
            alone = sum(other.group == task.group for other in self.tasks) == 1
            near = did_you_mean(task.group, self.groups.items)
            if task.group and alone and near and task.group not in self.groups.items:
                owner.impair(f"only {whose} names the group {task.group!r}{near}")

    def include(self, owner: PluginStatus) -> None:
        """Take in the tasks of a plugin that was loaded after the others."""
        self._collect(self.tasks, "glueharness_tasks", TaskSpec, only=owner)
        self._check_references()

    def knowing(self, task: TaskSpec, owner: PluginStatus) -> Registry:
        """What the plugins offer, and a task besides that none of them does, as one more registry.

        Args:
            task: The task, whose name is no installed one's.
            owner: The plugin that it is of, which :meth:`offers` and the events leave out.
        """
        other = copy.copy(self)
        other.tasks = Shelf("task", {**self.tasks.items, task.name: [(task, owner)]})
        return other

    def _shelf(self, kind: str, hook: str, spec: type[Spec]) -> Shelf[Spec]:
        """The shelf of one kind, filled with what the plugins' hook returns."""
        shelf: Shelf[Spec] = Shelf(kind, preferred=frozenset(self.prefer))
        self._shelves.append(shelf)
        self._collect(shelf, hook, spec)
        return shelf

    def _collect(
        self, shelf: Shelf[Any], hook: str, kind: type[Any], only: PluginStatus | None = None
    ) -> None:
        for owner, items in self.plugins.ask(hook):
            if only is not None and owner is not only:
                continue
            for item in items:
                problem = wrong_with(item, kind)
                if problem:
                    owner.impair(f"{hook} returned {problem}")
                else:
                    shelf.add(item, owner)

    def offers(self, owner: PluginStatus) -> dict[str, list[str]]:
        """What a plugin offers: kind in the plural to names, empty kinds left out."""
        offered = {}
        for shelf in self._shelves:
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

    def sources_for(self, task: TaskSpec) -> list[OfferedSource]:
        """The sources of a task in the order of ``--data auto``: its own, then the shared ones."""
        owner = next(
            (plugin for spec, plugin in self.tasks.items.get(task.name, ()) if spec is task), None
        )
        own = sorted(task.sources, key=lambda spec: spec.order)
        names = {spec.name for spec in own}
        others = sorted(
            (spec for spec in self.sources if spec.name not in names),
            key=lambda spec: (spec.order, spec.name),
        )
        return [
            *(OfferedSource(spec, owner) for spec in own),
            *(OfferedSource(spec, self.sources.owner(spec.name)) for spec in others),
        ]

    def model(self, name: str) -> OfferedModel:
        """The model of that name; of ``"hf:roberta-base"`` the family with its argument.

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
            return OfferedModel(spec, argument, self.models.owner(family))
        spec = self.models.get(name)
        if spec.family:
            raise UnknownNameError(
                f"{name!r} is a family of models and needs a name or folder",
                remedy=f"Write {name}:NAME, for instance {name}:roberta-base or {name}:./folder.",
            )
        return OfferedModel(spec, "", self.models.owner(name))

    def writer(self, name: str) -> GuardedWriter:
        """The submission writer of that name, made.

        Raises:
            UnknownNameError: There is none.
            PluginError: Two plugins claim the name, or it cannot be made.
        """
        return GuardedWriter(self.writers.get(name), self.writers.owner(name))

    def tracker(self, name: str, given: Mapping[str, Any] | None = None) -> object:
        """The listener that a tracker's factory makes.

        Args:
            name: The tracker.
            given: Its settings, by name.

        Raises:
            UnknownNameError: There is none of that name.
            ConfigError: Its library is not installed, or it has no such setting.
            PluginError: It cannot be made.
        """
        spec, owner = self.trackers.get(name), self.trackers.owner(name)
        layer = Layer(origin="--track", values=given or {})
        settings = resolve(spec.settings, [layer], owner=f"the tracker {name!r}").settings
        with blamed(f"the tracker {name!r}", owner, "cannot be made"):
            return spec.make(settings)

    def executor(self, name: str, context: ExecutorContext) -> Executor:
        """The executor of that name, made.

        Args:
            name: What ``--executor`` takes, without an argument.
            context: What it is made with.

        Raises:
            UnknownNameError: There is none of that name.
            ConfigError: Its library is not installed, or it takes no argument.
            PluginError: It cannot be made.
        """
        spec, owner = self.executors.get(name), self.executors.owner(name)
        if context.argument and not spec.argument:
            raise ConfigError(
                f"the executor {name!r} takes nothing behind a colon: {context.argument!r}",
                remedy=f"Write --executor {name}",
            )
        part = f"the executor {name!r}"
        return made_part(lambda: spec.factory(context), Executor, part, owner)

    def searcher(self, name: str, space: SearchSpace) -> Searcher:
        """The searcher of that name, made; the first one if the name is empty.

        Args:
            name: What stands before the number of ``--search``.
            space: What it searches.

        Raises:
            UnknownNameError: There is none of that name.
            ConfigError: No plugin in use has one, or its library is not installed.
            PluginError: It cannot be made.
        """
        first = next(iter(self.searchers), None)
        if not name and first is None:
            raise ConfigError("no plugin in use can search for settings")
        spec = self.searchers.get(name) if name or first is None else first
        owner = self.searchers.owner(spec.name)
        part = f"the searcher {spec.name!r}"
        return made_part(lambda: spec.factory(space), Searcher, part, owner)

    def targets(self, names: Sequence[str]) -> Targets:
        """The tasks and the groups that these names mean, each once and in order.

        Raises:
            UnknownNameError: One is neither.
        """
        tasks: dict[str, TaskSpec] = {}
        groups: dict[str, GroupSpec | None] = {}
        known = {task.group for task in self.tasks if task.group}
        for name in names:
            if name in self.tasks.items:
                tasks[name] = self.task(name)
            elif name in self.groups.items:
                groups[name] = self.groups.get(name)
            elif name in known:  # a group of tasks that no plugin gives a score
                groups[name] = None
            else:
                every = [*self.tasks.items, *self.groups.items, *known]
                raise UnknownNameError.among("task", name, dict.fromkeys(every))
        return Targets(tasks=tuple(tasks.values()), groups=groups)

    def tasks_of(self, targets: Targets) -> list[TaskSpec]:
        """The tasks that are meant, those of groups included, each once.

        A group with a score stands for the tasks that make it; any other for all that name it.
        """
        found = {task.name: task for task in targets.tasks}
        for name, group in targets.groups.items():
            members = (
                [task for task in self.tasks if task.group == name]
                if group is None
                else [self.task(member) for member in group.tasks]
            )
            found |= {task.name: task for task in members}
        return list(found.values())
