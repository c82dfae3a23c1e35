"""The loaded plugins: each is asked and told inside a guard of its own.

pluggy keeps the hooks and calls them.
"""

from __future__ import annotations

import difflib
import inspect
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pluggy

from glueharness.errors import did_you_mean
from glueharness.plugin import hookspecs
from glueharness.plugin.api_version import ATTRIBUTE, api_problem
from glueharness.plugin.described import HOOK, digest_of, kinds_among, read_described
from glueharness.plugin.status import PluginStatus, Problem, describe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_PREFIX = "glueharness_"
HOOKS = tuple(name for name in vars(hookspecs) if name.startswith(_PREFIX))
"""Names of all hooks, in the order of ``hookspecs.py``."""


class HookManager(pluggy.PluginManager):
    """pluggy's manager, told that our hooks begin alike: it need not look at all other names."""

    def parse_hookimpl_opts(self, plugin: object, name: str) -> pluggy.HookimplOpts | None:
        """What a plugin says of its hook ``name``; None if it is no hook."""
        return super().parse_hookimpl_opts(plugin, name) if name.startswith(_PREFIX) else None


@dataclass(slots=True)
class Plugins:
    """The plugins of this process.

    Attributes:
        manager: pluggy's manager with every plugin that is in use.
        statuses: The status of each plugin by name, in use or not.
        listener: Called for a problem that is found only after loading.
        packages: Packages without a hook, whose files may describe a plugin.
        texts: Content of the files that no disk has (see :meth:`describe`), by their names.
    """

    manager: pluggy.PluginManager
    statuses: dict[str, PluginStatus] = field(default_factory=dict)
    listener: Callable[[PluginStatus, Problem], None] | None = None
    packages: list[tuple[PluginStatus, object]] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)

    @property
    def reports(self) -> list[tuple[PluginStatus, Problem]]:
        """All problems that the user should know of."""
        return [
            (status, problem) for status in self.statuses.values() for problem in status.reports
        ]

    def ask(self, hook: str) -> list[tuple[PluginStatus, list[Any]]]:
        """Call a registry hook on each plugin; problems are noted in the plugin's status.

        Returns:
            For each plugin that answered with a list: its status and the list.
        """
        answers = []
        for status, call in self._callers(hook):
            try:
                with status.watched():
                    items = _as_list(call())
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # noqa: BLE001 - a stranger's code: note it, go on
                status.impair(f"{hook} raised {describe(error)}")
                continue
            if isinstance(items, str):
                status.impair(f"{hook} returned {items}, not a list")
            else:
                answers.append((status, items))
        return answers

    def notify(self, hook: str, event: object) -> None:
        """Call the listeners of an event; a hook that raises is not called again."""
        for status, call in self._callers(hook):
            if hook in status.muted:
                continue
            try:
                call(event=event)
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # noqa: BLE001 - a listener never harms the run
                status.muted.add(hook)
                status.impair(f"{hook} raised {describe(error)}")
                if self.listener is not None:
                    self.listener(status, status.problems[-1])

    def _callers(self, hook: str) -> Iterator[tuple[PluginStatus, Callable[..., list[Any]]]]:
        """For each plugin with that hook, a function that calls it on this plugin only."""
        plugins = dict(self.manager.list_name_plugin())
        for name, plugin in plugins.items():
            if plugin is None or hook not in self.statuses[name].hooks:
                continue
            others = [other for other in plugins.values() if other is not plugin]
            caller = self.manager.subset_hook_caller(hook, remove_plugins=others)
            yield self.statuses[name], caller

    def register(self, plugin: object, name: str) -> PluginStatus:
        """Add a plugin that has no entry point, for instance a progress display."""
        status = PluginStatus(name=name, target=repr(plugin), known_as=("this process", ""))
        self.statuses[name] = status
        self.add(plugin, status)
        return status

    def describe(self, path: Path, content: bytes) -> PluginStatus:
        """Add the plugin that a file describes; see its status for what is wrong with it."""
        status = file_status(path, content)
        if status.name in self.statuses:
            status.fail(f"a plugin called {status.name!r} is loaded already", "Rename the file.")
            return status
        self.statuses[status.name] = status
        self.texts[str(path)] = content.decode("utf-8", "surrogateescape")
        self.add_described(status, {path: content})
        return status

    def add_described(self, status: PluginStatus, contents: dict[Path, bytes]) -> None:
        """Add the plugin that files describe; what is wrong with them is noted in its status."""
        if status.point is None and len(contents) == 1:
            status.definition = next(iter(contents.items()))
        plugin = read_described(status, contents, kinds_among(self.ask(HOOK)))
        if plugin is not None:
            self.add(plugin, status)

    def unregister(self, name: str) -> None:
        """Remove a plugin that :meth:`register` added."""
        if self.manager.has_plugin(name):
            self.manager.unregister(name=name)
        self.statuses.pop(name, None)

    def add(self, plugin: object, status: PluginStatus) -> None:
        """Add a plugin under its status, where is noted why it cannot be used."""
        try:
            status.hooks = hooks_of(self.manager, plugin)
            problem, remedy = _refusal(self.manager, plugin, status)
            if not problem:
                self.manager.register(plugin, name=status.name)
        except Exception as error:  # noqa: BLE001 - a stranger's object: note it, go on
            text = " ".join(str(error).split()) or type(error).__name__
            status.fail(f"it cannot be registered: {text}")
            # pluggy keeps a plugin whose hooks it refused.
            if self.manager.has_plugin(status.name):
                self.manager.unregister(name=status.name)
            return
        if problem:
            status.fail(problem, remedy)


def hooks_of(manager: pluggy.PluginManager, plugin: object) -> tuple[str, ...]:
    """Names of the known hooks that a plugin implements."""
    return tuple(
        name
        for name in hook_like(plugin)
        if name in HOOKS and manager.parse_hookimpl_opts(plugin, name) is not None
    )


def hook_like(plugin: object) -> list[str]:
    """What a plugin has under names that begin like hooks, without plugin packages."""
    return [
        name
        for name in dir(plugin)
        if name.startswith(_PREFIX) and inspect.isroutine(getattr(plugin, name, None))
    ]


def _refusal(
    manager: pluggy.PluginManager, plugin: object, status: PluginStatus
) -> tuple[str, str]:
    """Why a plugin cannot be used at all, and the remedy; empty if it can."""
    required = getattr(plugin, ATTRIBUTE, None)
    if api_problem(required, "")[0]:
        return api_problem(required, status.distribution)
    report = "Report it to the plugin's author."
    if inspect.isclass(plugin):
        return f"it is the class {plugin.__name__}; hooks live in a module or an instance", report
    for name in hook_like(plugin):
        if name in status.hooks:
            hook = getattr(plugin, name)
            if inspect.iscoroutinefunction(hook) or inspect.isasyncgenfunction(hook):
                return f"{name} is `async def`; hooks are plain functions, made by `def`", report
            continue
        if name in HOOKS:
            return f"{name} lacks the decorator @glueharness.hookimpl", report
        marked = manager.parse_hookimpl_opts(plugin, name) is not None
        if marked or difflib.get_close_matches(name, HOOKS, n=1, cutoff=0.85):
            return f"there is no hook {name!r}{did_you_mean(name, HOOKS)}", report
    if status.point is not None and not status.hooks:
        return "it implements no hook", report
    return "", ""


def _as_list(answers: list[Any]) -> list[Any] | str:
    """The one answer as a list, or what it is instead, in words."""
    if not answers:  # pluggy leaves out None
        return "None"
    (answer,) = answers
    if isinstance(answer, str | bytes | dict) or not hasattr(answer, "__iter__"):
        return f"a {type(answer).__name__}"
    return list(answer)


def file_status(path: Path, content: bytes) -> PluginStatus:
    """The status of a plugin that is a single file, before anything of it is loaded."""
    # The hash stands where others have a version: it tells in a run's record which code it was.
    return PluginStatus(name=path.stem, target=str(path), known_as=(str(path), digest_of(content)))
