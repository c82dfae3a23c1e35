"""What the commands share: the registry (made once, when it is first needed) and a few options."""

from __future__ import annotations

import gc
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from glueharness.settings.fields import Layer, settings_of
from glueharness.settings.run_options import RunOptions
from glueharness.settings.values import convert
from glueharness.system.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from glueharness.plugin.registry import Registry
    from glueharness.plugin.status import PluginStatus, Problem
    from glueharness.record.store import RunStore

_VERY_MANY = 1_000
"""Records from which on a process does not free them at its end."""
COMPLETE_VARIABLE = "_GLUEHARNESS_COMPLETE"

ENVIRONMENT = {"data_dir": "GLUE_DATA_DIR", "runs_dir": "GLUEHARNESS_RUNS"}
"""Setting name to the environment variable that gives it."""


class App:
    """The state of one invocation; ``ctx.obj`` of every command.

    Args:
        registry: What the plugins offer; None loads those that are installed.
        own_commands: Names of commands that no plugin may take.

    Attributes:
        debug: Whether errors keep their traceback.
        without: Plugins or distributions to leave out.
        files: Files, or folders of files, to load as plugins.
        prefer: Plugins or distributions whose parts win over others of the same name.
        ends_process: Whether the process ends with this invocation.
        held: The runs that the command reads.
        plugin_command: The command at work if a plugin brings it; empty for one of ours.
    """

    def __init__(self, registry: Registry | None = None, own_commands: Iterable[str] = ()) -> None:
        self.own_commands = frozenset(own_commands)
        self.debug = False
        self.without: tuple[str, ...] = ()
        self.files: tuple[Path, ...] = ()
        self.prefer: tuple[str, ...] = ()
        self.plugin_command = ""
        self.ends_process = False
        self.held: RunStore | None = None
        self._registry = registry

    def hold(self, store: RunStore) -> None:
        """Note the runs that the command reads, which takes nothing but reading and printing.

        Where the process ends with it, no cyclic garbage is looked for from here on: the collector
        goes over everything that lives, and ten thousand records live until the end.
        """
        self.held = store
        if self.ends_process:
            gc.disable()

    @property
    def holds_very_much(self) -> bool:
        """Whether to free what was read would take a while."""
        return self.held is not None and self.held.read_already > _VERY_MANY

    @staticmethod
    def of(ctx: click.Context) -> App:
        """The app of a click context."""
        return ctx.ensure_object(App)

    @property
    def registry(self) -> Registry:
        """What the plugins offer. Problems of a plugin are reported once, on stderr."""
        if self._registry is None:
            from glueharness.plugin.choice import user_choice
            from glueharness.plugin.loading import load_plugins
            from glueharness.plugin.registry import Registry

            plugins = load_plugins(choice=user_choice(self.without, self.files))
            self._registry = Registry(plugins, self.prefer)
            for name in self.own_commands & set(self._registry.commands.items):
                self._registry.commands.refuse(name, "glueharness has a command of that name")
            for status, problem in plugins.reports:
                warn_of_plugin(status, problem)
            plugins.listener = warn_of_plugin
        return self._registry


def warn_of_plugin(status: PluginStatus, problem: Problem) -> None:
    """Print one line about a plugin on stderr; `plugins show` has the details."""
    if COMPLETE_VARIABLE in os.environ:  # the shell would show it in the middle of the line
        return
    consequence = "" if status.in_use else " is not in use"
    line = f"warning: {status.owner}{consequence}: {problem.what}"
    click.echo(printable(line), err=True)


def warn_of_index(store: RunStore) -> None:
    """Say on stderr why the database that was named for the index is not used, if it is not."""
    if store.notice:
        click.echo(f"warning: {printable(store.notice)}", err=True)


def environment_layer() -> Layer:
    """The settings given by environment variables."""
    values = {name: os.environ.get(variable) for name, variable in ENVIRONMENT.items()}
    return Layer(
        origin="environment", values={name: value for name, value in values.items() if value}
    )


def data_folder() -> Path | None:
    """The data folder that the environment names, if it does."""
    named = environment_layer().values.get("data_dir")
    return Path(str(named)) if named else None


def runs_dir(given: Path | None) -> Path:
    """The folder of runs: the one given, or ``GLUEHARNESS_RUNS``, or the default."""
    if given is not None:
        return given
    item = next(item for item in settings_of(RunOptions) if item.name == "runs_dir")
    value = environment_layer().values.get(item.name, item.default)
    return cast("Path", convert(item, value, ENVIRONMENT["runs_dir"]))


def runs_store(given: Sequence[Path], ctx: click.Context | None = None) -> RunStore:
    """The runs of the folders that were given, or of :func:`runs_dir`.

    Args:
        given: The folders; none for the usual one.
        ctx: The command that reads them, if it is one: its process ends when it has printed.
    """
    from glueharness.record.joined_store import store_of

    store = store_of(given or [runs_dir(None)])
    if ctx is not None:
        App.of(ctx).hold(store)
    return store


def only_one(ctx: click.Context, _: click.Parameter, given: Sequence[Any]) -> Any:
    """The value of an option that may be given once; the last of several would win unnoticed."""
    if len(given) > 1:
        raise click.BadOptionUsage(
            "--runs-dir",
            "--runs-dir is given twice, and this command works in one folder. Several are read by "
            "leaderboard, compare, report, and runs (list, show, verify).",
            ctx,
        )
    return given[0] if given else None


_FOLDER = click.Path(file_okay=False, path_type=Path)
runs_dir_option = click.option(
    "--runs-dir", type=_FOLDER, multiple=True, callback=only_one,
    help="Folder of the runs [env: GLUEHARNESS_RUNS; default: runs].",
)  # fmt: skip
runs_dirs_option = click.option(
    "--runs-dir", type=_FOLDER, multiple=True,
    help="Folder of the runs; several times: the runs of all "
    "[env: GLUEHARNESS_RUNS; default: runs].",
)  # fmt: skip
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
