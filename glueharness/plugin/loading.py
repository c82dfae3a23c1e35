"""Loads plugins one by one: one that fails is reported and affects no other.

pluggy keeps the hooks and calls them; this module is the guard around each plugin.
"""

from __future__ import annotations

import difflib
import importlib.metadata
import importlib.util
import inspect
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pluggy

from glueharness.errors import ConfigError, UnknownNameError, did_you_mean
from glueharness.plugin import hookspecs
from glueharness.plugin.api_version import ATTRIBUTE, api_problem, declared_api
from glueharness.plugin.choice import PluginChoice, user_choice
from glueharness.plugin.described import (
    HOOK,
    PYTHON,
    content_of,
    digest_of,
    files_of_package,
    kinds_among,
    read_described,
)
from glueharness.plugin.status import OWN, PluginStatus, Problem, describe, owners

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

__all__ = ["PluginStatus", "Plugins", "Problem", "describe", "load_plugins", "owners"]

GROUP = "glueharness"
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
    """

    manager: pluggy.PluginManager
    statuses: dict[str, PluginStatus] = field(default_factory=dict)
    listener: Callable[[PluginStatus, Problem], None] | None = None
    packages: list[tuple[PluginStatus, object]] = field(default_factory=list)

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
        self._register(plugin, status)
        return status

    def describe(self, path: Path, content: bytes) -> PluginStatus:
        """Add the plugin that a file describes; see its status for what is wrong with it."""
        status = _file_status(path, content)
        if status.name in self.statuses:
            status.fail(f"a plugin called {status.name!r} is loaded already", "Rename the file.")
            return status
        self.statuses[status.name] = status
        self._describe(status, {path: content})
        return status

    def _describe(self, status: PluginStatus, contents: dict[Path, bytes]) -> None:
        plugin = read_described(status, contents, kinds_among(self.ask(HOOK)))
        if plugin is not None:
            self._register(plugin, status)

    def unregister(self, name: str) -> None:
        """Remove a plugin that :meth:`register` added."""
        if self.manager.has_plugin(name):
            self.manager.unregister(name=name)
        self.statuses.pop(name, None)

    def _register(self, plugin: object, status: PluginStatus) -> None:
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


def load_plugins(
    entry_points: Iterable[importlib.metadata.EntryPoint] | None = None,
    choice: PluginChoice | None = None,
) -> Plugins:
    """Load every entry point of the group ``glueharness``, each inside its own guard.

    Args:
        entry_points: What to load; None means all that are installed.
        choice: What to leave out, and which files to load; None asks the user's configuration.

    Returns:
        The plugins. What is wrong with them is not raised: see :attr:`Plugins.reports`.

    Raises:
        UnknownNameError: ``choice.without`` names a plugin that is not there.
        ConfigError: The user's configuration cannot be read.
    """
    manager = HookManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    plugins = Plugins(manager)
    choice = user_choice() if choice is None else choice
    if entry_points is None:
        entry_points = importlib.metadata.entry_points(group=GROUP)
    found = [PluginStatus(name=point.name, target=point.value, point=point)
             for point in entry_points]  # fmt: skip
    # The order in which a file system lists distributions must not show anywhere.
    found.sort(key=lambda status: status.name)
    contents = {path: content_of(path) for path in choice.files}
    found += [_file_status(path, content) for path, content in contents.items()]
    _disable(found, choice)
    described = []
    for status in _without_clashes(plugins, found):
        if status.point is None and not status.target.endswith(PYTHON):
            described.append(status)
        else:
            _load(plugins, status)
    # Last, since what reads such files is itself a plugin.
    for status in described:
        path = Path(status.target)
        plugins._describe(status, {path: contents[path]})  # noqa: SLF001 - the same module
    _read_packages(plugins)
    return plugins


def _file_status(path: Path, content: bytes) -> PluginStatus:
    # The hash stands where others have a version: it tells in a run's record which code it was.
    return PluginStatus(name=path.stem, target=str(path), known_as=(str(path), digest_of(content)))


def _read_packages(plugins: Plugins) -> None:
    """Read the plugins whose package has no hooks but files that describe them."""
    suffixes = set(kinds_among(plugins.ask(HOOK)))
    for status, module in plugins.packages:
        files = files_of_package(module, suffixes)
        if not files:
            status.fail("it implements no hook")
            continue
        try:
            contents = {file: content_of(file) for file in files}
        except ConfigError as error:
            status.fail(str(error))
            continue
        status.described = digest_of(b"\0".join(contents.values()))
        plugins._describe(status, contents)  # noqa: SLF001 - the same module


def _disable(found: list[PluginStatus], choice: PluginChoice) -> None:
    """Switch off what the user does not want, named by plugin or by distribution."""
    reasons = dict.fromkeys(choice.disabled, "glueharness plugins disable")
    reasons |= dict.fromkeys(choice.without, "--no-plugin")
    unused = set(reasons)
    for status in found:
        if status.name in reasons:
            status.disabled = reasons[status.name]
            unused.discard(status.name)
    # Distribution names cost reading metadata: only for names that are no plugin's.
    for status in found if unused else ():
        if status.distribution in unused:
            status.disabled = reasons[status.distribution]
    known = {status.name for status in found} | {status.distribution for status in found if unused}
    for name in choice.without:
        if name not in known:
            raise UnknownNameError.among("plugin", name, {status.name for status in found})


def _without_clashes(plugins: Plugins, found: list[PluginStatus]) -> list[PluginStatus]:
    """Register all; of two with the same name neither is loaded, as choosing would be a guess.

    Glueharness's own keeps its name.
    """
    by_name: dict[str, list[PluginStatus]] = {}
    for status in found:
        by_name.setdefault(status.name, []).append(status)
    for name, claimants in by_name.items():
        if len(claimants) > 1:
            claimants.sort(key=lambda status: (status.distribution != OWN, status.distribution))
        wanted = [status for status in claimants if not status.disabled]
        if len(wanted) > 1 and wanted[0].distribution == OWN != wanted[1].distribution:
            for status in wanted[1:]:
                status.fail(
                    f"glueharness has a plugin called {name!r}",
                    f"Give it another name, or leave ours out: --no-plugin {name}"
                    if status.point is not None
                    else "Give the file another name.",
                )
            wanted = []
        for status in wanted if len(wanted) > 1 else ():
            status.fail(
                f"{owners(wanted)} have the same name",
                f"Remove one of them, or leave one out: --no-plugin {wanted[-1].distribution}",
            )
        for status in claimants:
            key = name if name not in plugins.statuses else f"{name} ({status.distribution})"
            plugins.statuses[key] = status
    return [status for status in found if status.in_use]


def _load(plugins: Plugins, status: PluginStatus) -> None:
    try:
        with status.watched():
            plugin = _import_file(status) if status.point is None else status.point.load()
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - a stranger's code: note it, go on
        status.fail(*_import_failure(status, error))
        return
    if status.point is not None and hasattr(plugin, "__path__") and not _hook_like(plugin):
        plugins.packages.append((status, plugin))
        return
    plugins._register(plugin, status)  # noqa: SLF001 - the same module


def _import_file(status: PluginStatus) -> object:
    name = f"glueharness_file_{status.name}"
    spec = importlib.util.spec_from_file_location(name, status.target)
    if spec is None or spec.loader is None:
        raise ImportError(f"{status.target} is no Python file")
    module = importlib.util.module_from_spec(spec)
    # Dataclasses and pickling look a class's module up by name.
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _import_failure(status: PluginStatus, error: BaseException) -> tuple[str, str]:
    """Why a plugin could not be imported, and what to do about it."""
    if status.point is not None:
        required = declared_api(status.point.module)
        problem, remedy = api_problem(required, status.distribution)
        if problem:
            return problem, remedy
    what = f"it cannot be imported: {describe(error)}"
    own_name = status.point.module.partition(".")[0] if status.point is not None else ""
    missing = error.name if isinstance(error, ModuleNotFoundError) else None
    if missing and missing.partition(".")[0] != own_name:
        return what, f"Install what it needs: pip install {missing.partition('.')[0]}"
    if status.point is None:
        return what, f"Mend {status.target}"
    return what, f"Reinstall or remove it: pip uninstall {status.distribution}"


def hooks_of(manager: pluggy.PluginManager, plugin: object) -> tuple[str, ...]:
    """Names of the known hooks that a plugin implements."""
    return tuple(
        name
        for name in _hook_like(plugin)
        if name in HOOKS and manager.parse_hookimpl_opts(plugin, name) is not None
    )


def _hook_like(plugin: object) -> list[str]:
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
    for name in _hook_like(plugin):
        if name in status.hooks:
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
