"""Loads plugins one by one: one that fails is reported and affects no other."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from glueharness.errors import ConfigError, UnknownNameError
from glueharness.plugin import hookspecs
from glueharness.plugin.api_version import api_problem, declared_api
from glueharness.plugin.choice import PluginChoice, user_choice
from glueharness.plugin.described import (
    HOOK,
    PYTHON,
    content_of,
    digest_of,
    files_of_package,
    kinds_among,
)
from glueharness.plugin.plugins import HookManager, Plugins, file_status, hook_like
from glueharness.plugin.status import OWN, PluginStatus, describe, owners

if TYPE_CHECKING:
    from collections.abc import Iterable

GROUP = "glueharness"


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
    found += [file_status(path, content) for path, content in contents.items()]
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
        plugins.add_described(status, {path: contents[path]})
    _read_packages(plugins)
    _doubt_idle(found, choice)
    return plugins


def _doubt_idle(found: Iterable[PluginStatus], choice: PluginChoice) -> None:
    """Note of files that were named that they add nothing; in a folder some only help others."""
    for status in found:
        idle = status.point is None and status.in_use and not status.hooks
        if idle and Path(status.target) in choice.named:
            status.impair(
                "it implements no hook, so that it adds nothing",
                "Its functions that are called like a hook, glueharness_tasks for instance, need "
                "the decorator @glueharness.hookimpl; docs/plugins.md shows a whole file.",
            )


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
        plugins.add_described(status, contents)


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
    if status.point is not None and hasattr(plugin, "__path__") and not hook_like(plugin):
        plugins.packages.append((status, plugin))
        return
    plugins.add(plugin, status)


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
