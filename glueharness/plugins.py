"""Load plugins, each entry point alone: one that fails is reported and stops no other."""

from __future__ import annotations

import importlib.metadata
import inspect
import os
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pluggy

from glueharness import hookspecs
from glueharness.errors import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

GROUP = "glueharness"
_PREFIX = "glueharness_"


@dataclass(slots=True, kw_only=True)
class PluginStatus:
    """What became of one entry point.

    Attributes:
        name: Entry-point name.
        target: What it points to, for instance ``"glueharness_glue"``.
        distribution: Name of the distribution that declares it.
        version: That distribution's version.
        error: Why it is not in use; empty if it is.
        remedy: What its user can do about it.
        seconds: Time that importing it took.
        hooks: Names of the hooks it implements.
        muted: Event hooks that raised and are not called again.
    """

    name: str
    target: str
    distribution: str
    version: str
    error: str = ""
    remedy: str = ""
    seconds: float = 0.0
    hooks: tuple[str, ...] = ()
    muted: set[str] = field(default_factory=set)

    @property
    def owner(self) -> str:
        """Plugin and distribution in words, for messages."""
        return f"plugin {self.name!r} ({self.distribution} {self.version})"

    def fail(self, error: str, remedy: str = "") -> None:
        """Mark the plugin as failed; the first cause stays."""
        if not self.error:
            self.error, self.remedy = error, remedy


@dataclass(slots=True)
class Plugins:
    """The plugins of this process.

    Attributes:
        manager: pluggy's manager with every plugin that loaded.
        statuses: One a plugin, by name, loaded or not.
    """

    manager: pluggy.PluginManager
    statuses: dict[str, PluginStatus] = field(default_factory=dict)

    @property
    def failed(self) -> list[PluginStatus]:
        """The plugins that are not in use."""
        return [status for status in self.statuses.values() if status.error]

    def ask(self, hook: str) -> list[tuple[PluginStatus, list[Any]]]:
        """Call a registry hook on each plugin alone; one that raises is marked as failed.

        Returns:
            For each plugin that answered: its status and the list that it returned.
        """
        answers = []
        plugins = dict(self.manager.list_name_plugin())
        for name, plugin in plugins.items():
            status = self.statuses[name]
            if plugin is None or hook not in status.hooks:
                continue
            others = [other for other in plugins.values() if other is not plugin]
            caller = self.manager.subset_hook_caller(hook, remove_plugins=others)
            try:
                items = [item for answer in caller() for item in answer]
            except Exception as error:  # noqa: BLE001 - a stranger's code: report it, go on
                status.fail(f"{hook} raised {describe(error)}", "Report it to the plugin's author.")
            else:
                answers.append((status, items))
        return answers

    def notify(self, hook: str, event: object) -> None:
        """Tell every listener of an event; one that raises is told no more and reported."""
        plugins = dict(self.manager.list_name_plugin())
        for name, plugin in plugins.items():
            status = self.statuses[name]
            if plugin is None or hook not in status.hooks or hook in status.muted:
                continue
            others = [other for other in plugins.values() if other is not plugin]
            try:
                self.manager.subset_hook_caller(hook, remove_plugins=others)(event=event)
            except Exception as error:  # noqa: BLE001 - a listener never harms the run
                status.muted.add(hook)
                status.fail(f"{hook} raised {describe(error)}", "Report it to the plugin's author.")

    def register(self, plugin: object, name: str) -> None:
        """Add a plugin that has no entry point, for instance a progress display."""
        self.statuses[name] = status = PluginStatus(
            name=name, target=repr(plugin), distribution="this process", version=""
        )
        self._register(plugin, status)

    def _register(self, plugin: object, status: PluginStatus) -> None:
        status.hooks = hooks_of(self.manager, plugin)
        problem = _misspelt(self.manager, plugin)
        if problem:
            status.fail(problem, "Report it to the plugin's author.")
            return
        try:
            self.manager.register(plugin, name=status.name)
        except (ValueError, pluggy.PluginValidationError) as error:
            status.fail(str(error), "Report it to the plugin's author.")


def load_plugins(entry_points: Iterable[importlib.metadata.EntryPoint] | None = None) -> Plugins:
    """Load every entry point of the group ``glueharness``, each inside its own guard.

    Args:
        entry_points: What to load; None means all that are installed.

    Returns:
        The plugins. Nothing is raised: see :attr:`Plugins.failed`.
    """
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    plugins = Plugins(manager)
    found = importlib.metadata.entry_points(group=GROUP) if entry_points is None else entry_points
    unique = {(point.name, point.value, _distribution(point)): point for point in found}
    for point in unique.values():
        _load(plugins, point)
    return plugins


def _load(plugins: Plugins, point: importlib.metadata.EntryPoint) -> None:
    distribution, version = _distribution(point)
    status = PluginStatus(
        name=point.name, target=point.value, distribution=distribution, version=version
    )
    clash = plugins.statuses.get(point.name)
    if clash is not None:
        _refuse_both(plugins, clash, status)
        return
    plugins.statuses[point.name] = status
    start = time.perf_counter()
    try:
        plugin = point.load()
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a stranger's code: report it, go on
        status.fail(
            f"it cannot be imported: {describe(error)}",
            f"Reinstall or remove {distribution}: pip uninstall {distribution}",
        )
        return
    finally:
        status.seconds = time.perf_counter() - start
    plugins._register(plugin, status)  # noqa: SLF001 - the same module


def _refuse_both(plugins: Plugins, first: PluginStatus, second: PluginStatus) -> None:
    """Two plugins of one name: neither is used, since choosing would be a guess."""
    message = f"{first.distribution} and {second.distribution} both call a plugin {first.name!r}"
    remedy = f"Remove one: pip uninstall {second.distribution}"
    if plugins.manager.has_plugin(first.name):
        plugins.manager.unregister(name=first.name)
    first.error, first.remedy = message, remedy
    second.fail(message, remedy)
    plugins.statuses[f"{second.name} ({second.distribution})"] = second


def hooks_of(manager: pluggy.PluginManager, plugin: object) -> tuple[str, ...]:
    """Names of the known hooks that a plugin implements."""
    return tuple(
        name
        for name in sorted(dir(plugin))
        if name.startswith(_PREFIX) and manager.parse_hookimpl_opts(plugin, name) is not None
    )


def _misspelt(manager: pluggy.PluginManager, plugin: object) -> str:
    """What is wrong with the names of a plugin's hooks; empty if nothing is."""
    known = [name for name in vars(hookspecs) if name.startswith(_PREFIX)]
    for name in dir(plugin):
        if not name.startswith(_PREFIX) or not inspect.isroutine(getattr(plugin, name, None)):
            continue
        marked = manager.parse_hookimpl_opts(plugin, name) is not None
        if marked and name not in known:
            return f"there is no hook {name!r}{did_you_mean(name, known)}"
        if not marked and name in known:
            return f"{name} lacks the decorator @glueharness.hookimpl"
    return ""


def describe(error: BaseException) -> str:
    """An error in one line: its type, its text, and where in the plugin it came from."""
    frames = inspect.getinnerframes(error.__traceback__) if error.__traceback__ else []
    place = ""
    if frames:
        last = frames[-1]
        place = f" [{os.path.basename(last.filename)}:{last.lineno}]"  # noqa: PTH119 - may be <frozen>
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0] if text else 'no message'}{place}"


def _distribution(point: importlib.metadata.EntryPoint) -> tuple[str, str]:
    dist = point.dist
    return (dist.name, dist.version) if dist is not None else ("unknown distribution", "")


def owners(statuses: Sequence[PluginStatus]) -> str:
    """Several owners in words."""
    return " and ".join(status.owner for status in statuses)
