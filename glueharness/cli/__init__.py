"""The command line: one file per command, imported when it is called. Errors are printed here."""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from glueharness import __version__
from glueharness.cli.app import App
from glueharness.cli.output import accept_any_text
from glueharness.errors import GlueharnessError, PluginError
from glueharness.record.index_place import INDEX_VARIABLE
from glueharness.system.leaving import leave_at_once
from glueharness.system.printable import printable
from glueharness.system.terminal import (
    ReaderGoneError,
    forget_unusable_size,
    guarded_streams,
    open_missing_streams,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glueharness.plugin.registry import Registry

# Name to module and help line, so that `--help` imports none of them.
_COMMANDS = {
    "run": "Train a model on a task, score it, and keep the run.",
    "evaluate": "Score a model that is trained already on a task.",
    "reproduce": "Do a run again from its record, and say whether the numbers are the same.",
    "rescore": "Compute a run's scores anew from its predictions.",
    "submit": "Write the submission of a run, or check one.",
    "predict": "Predict texts of your own with a trained model.",
    "tasks": "List the tasks, or show one.",
    "models": "List the models, or show one.",
    "plugins": "List the plugins, or show one.",
    "runs": "List the runs, or show one.",
    "doctor": "Show what this machine has, and where data and weights would come from.",
    "completion": "Print the shell-completion script for bash, zsh or fish.",
}
_DEBUG_VARIABLE = "GLUEHARNESS_DEBUG"


class LazyGroup(click.Group):
    """Our commands and those of plugins, each imported when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Ours in the order in which they are used, then those of plugins by name."""
        return [*_COMMANDS, *(name for name in sorted(_plugin_commands(ctx)))]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, imported."""
        if cmd_name in _COMMANDS:
            module = importlib.import_module(f"glueharness.cli.{cmd_name}")
            command: click.Command = module.command
            return command
        if cmd_name in App.of(ctx).registry.commands.items:
            return _make_command(App.of(ctx).registry, cmd_name)
        return None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; for an unknown one, suggest the nearest."""
        if args and not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            from glueharness.errors import did_you_mean

            near = did_you_mean(args[0], self.list_commands(ctx))
            ctx.fail(f"No such command {args[0]!r}{near}")
        if args and args[0] not in _COMMANDS:
            App.of(ctx).plugin_command = args[0]
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))
        added = _plugin_commands(ctx)
        if added:
            with formatter.section("Commands of plugins"):
                formatter.write_dl(sorted(added.items()))


def _make_command(registry: Registry, name: str) -> click.Command:
    """Import a plugin's command; an error in it names the plugin.

    Raises:
        PluginError: The plugin could not make it.
    """
    from glueharness.plugin.blame import made_part

    spec, owner = registry.commands.get(name), registry.commands.owner(name)
    return made_part(spec.factory, click.Command, f"the command {name!r}", owner)


def _keep(name: str) -> Any:
    """A callback that keeps an option's value in the app, before any command is looked up."""

    def keep(ctx: click.Context, _: click.Parameter, value: Any) -> None:
        setattr(App.of(ctx), name, value)

    return keep


def _name_the_index(_: click.Context, __: click.Parameter, value: str | None) -> None:
    """Hand the database on as an environment variable would, to other processes of ours too."""
    if value:
        os.environ[INDEX_VARIABLE] = value


def _plugin_commands(ctx: click.Context) -> dict[str, str]:
    return {spec.name: spec.help for spec in App.of(ctx).registry.commands}


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="First steps: glueharness run qnli --model bert-tiny, then glueharness leaderboard.",
)
@click.version_option(__version__, prog_name="glueharness")
@click.option("--debug", is_flag=True, envvar=_DEBUG_VARIABLE, help="Show the traceback of errors.")
@click.option(
    "--plugin",
    multiple=True,
    type=click.Path(path_type=Path),
    is_eager=True,
    expose_value=False,
    callback=_keep("files"),
    help="Load a Python file, or all in a folder, as plugins; may be given several times "
    "[env: GLUEHARNESS_PLUGINS].",
)
@click.option(
    "--no-plugin",
    metavar="NAME",
    multiple=True,
    is_eager=True,
    expose_value=False,
    callback=_keep("without"),
    help="Do not load a plugin; name it or its distribution. May be given several times.",
)
@click.option(
    "--prefer",
    metavar="NAME",
    multiple=True,
    is_eager=True,
    expose_value=False,
    callback=_keep("prefer"),
    help="Let the parts of this plugin or distribution win over others of the same name.",
)
@click.option(
    "--store",
    metavar="URL",
    is_eager=True,
    expose_value=False,
    callback=_name_the_index,
    help="Database for the index of large stores, for instance postgresql://USER@HOST/DATABASE "
    "[env: GLUEHARNESS_STORE; default: a file in the user's cache].",
)
@click.pass_context
def cli(ctx: click.Context, *, debug: bool) -> None:
    """Fine-tune text encoders on GLUE, write the submission, compare the runs.

    Results go to stdout, progress and warnings to stderr.
    """
    App.of(ctx).debug = debug


def main(arguments: Sequence[str] | None = None, app: App | None = None) -> None:
    """Run the command line and exit with its code: 0, 1, 2 (usage) or 130 (interrupted).

    Args:
        arguments: The words after ``glueharness``; None uses those of the process.
        app: The state of this invocation; None makes a new one.
    """
    app = app or App(own_commands=_COMMANDS)
    app.ends_process = arguments is None
    open_missing_streams()
    forget_unusable_size()
    accept_any_text()
    with guarded_streams():
        code = _run(arguments, app)
    if app.ends_process and app.holds_very_much:
        leave_at_once(code)
    sys.exit(code)


def _run(arguments: Sequence[str] | None, app: App) -> int:
    """Run a command; what goes wrong is printed here. Returns the exit code."""
    try:
        code = cli.main(arguments, prog_name="glueharness", standalone_mode=False, obj=app)
        sys.stdout.flush()  # while a failure can still be told
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        _show(GlueharnessError("interrupted"))
        return 130
    except ReaderGoneError as end:
        return end.exit_code
    except GlueharnessError as error:
        if app.debug:
            raise
        _show(error)
        return error.exit_code
    except Exception as error:
        if app.debug:
            raise
        _show(_unforeseen(error, app))
        return 1
    return code if isinstance(code, int) else 0


def _unforeseen(error: Exception, app: App) -> GlueharnessError:
    """An error that nobody has put into words; one in a plugin's command names the plugin."""
    commands = app.registry.commands
    if app.plugin_command in commands.items:
        from glueharness.plugin.blame import blamed

        name = app.plugin_command
        try:
            with blamed(f"the command {name!r}", commands.owner(name), "failed"):
                raise error
        except PluginError as named:
            return named
    return GlueharnessError(
        f"internal error: {type(error).__name__}: {error}",
        remedy="Please report it, with the output of `glueharness --debug ...`.",
    )


def _show(error: GlueharnessError) -> None:
    from glueharness.cli.output import stderr

    console = stderr()
    console.print("error:", style="bold red", end=" ")
    # Spelt out before the console sees it, which would drop a few signs without a trace.
    console.print(printable(str(error), lines=True), soft_wrap=True)
