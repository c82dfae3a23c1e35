"""``glueharness plugins``."""

from __future__ import annotations

import dataclasses
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from glueharness.cli.app import App, json_option
from glueharness.cli.output import make_table, print_facts, print_json, stderr, stdout
from glueharness.cli.plugin_choices import CHOICES
from glueharness.errors import ConfigError, UnknownNameError
from glueharness.plugin.choice import PROJECT_FOLDER, config_file, plugin_files, read_stored
from glueharness.scaffold import KINDS

if TYPE_CHECKING:
    from glueharness.plugin.registry import Registry
    from glueharness.plugin.shelf import Shelf
    from glueharness.plugin.status import PluginStatus
    from glueharness.scaffold import Names
    from glueharness.testing.checking import Outcome


@click.group(name="plugins", invoke_without_command=True)
@json_option
@click.pass_context
def command(ctx: click.Context, *, as_json: bool) -> None:
    """List all plugins, in use or not, with their problems.

    `plugins COMMAND --help` explains each command.
    """
    if ctx.invoked_subcommand is not None:
        return
    registry = App.of(ctx).registry
    statuses = registry.plugins.statuses
    if as_json:
        print_json([describe(registry, name, status) for name, status in statuses.items()])
        return
    rows = [
        [
            name,
            f"{status.distribution} {status.version}".strip(),
            status.state,
            "\n".join(_account(registry, status)),
        ]
        for name, status in statuses.items()
    ]
    stdout().print(make_table("", ["plugin", "distribution", "state", "offers, or cause"], rows))
    _hint_at_folder()


@command.command()
@click.argument("name")
@json_option
@click.pass_context
def show(ctx: click.Context, name: str, *, as_json: bool) -> None:
    """Show what a plugin offers and where its code is."""
    registry = App.of(ctx).registry
    status = find(registry, name)
    facts = describe(registry, name, status)
    if as_json:
        print_json(facts)
        return
    print_facts(
        name,
        {
            "distribution": f"{status.distribution} {status.version}".strip(),
            "module": status.target,
            "lives in": facts["location"],
            "state": f"{status.state} by {status.disabled}" if status.disabled else status.state,
            "cause": "\n".join(f"{problem.what}\n{problem.remedy}" for problem in status.reports),
            "loading": "" if status.disabled else f"{1000 * status.seconds:.0f} ms",
            "hooks": ", ".join(status.hooks),
            **{kind: ", ".join(names) for kind, names in facts["offers"].items()},
            "printed": status.output.strip(),
        },
    )


@command.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@click.option("--verbose", "-v", is_flag=True, help="List the checks that passed, too.")
@json_option
@click.pass_context
def check(ctx: click.Context, names: tuple[str, ...], *, verbose: bool, as_json: bool) -> None:
    """Test a plugin.

    NAME is a plugin, a distribution or a plugin file (a task's TOML file). Its tasks, models,
    writers and data sources are run through the suites of `glueharness.testing`. Models are
    trained on a few dozen rows, and the network is not used. The exit code is 1 if anything failed.
    """
    from glueharness.testing.checking import check_plugin, plugins_of

    app = App.of(ctx)
    files = [Path(name) for name in names if Path(name).suffix and Path(name).is_file()]
    app.files = (*app.files, *(file for file in files if file not in app.files))
    names = tuple(Path(name).stem if Path(name) in files else name for name in names)
    registry = app.registry
    outcomes = [
        outcome
        for name in names
        for status in plugins_of(name, registry)
        for outcome in check_plugin(status, registry)
    ]
    failed = any(outcome.result == "failed" for outcome in outcomes)
    if as_json:
        print_json([dataclasses.asdict(outcome) for outcome in outcomes])
    else:
        _show_outcomes(outcomes, verbose=verbose)
    ctx.exit(1 if failed else 0)


@command.command()
@click.argument("kind", type=click.Choice(KINDS))
@click.argument("name")
@click.option(
    "--folder",
    default=".",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the new folder goes [default: here].",
)
@click.pass_context
def new(ctx: click.Context, kind: str, name: str, folder: Path) -> None:
    """Start a new plugin: a complete distribution that works, for you to change.

    \b
    glueharness plugins new task word-order      a task with data from CSV files
    glueharness plugins new model my-model       a model, with settings
    glueharness plugins new writer my-form       a submission format
    glueharness plugins new source my-archive    a place where data come from
    glueharness plugins new tracker my-log       a listener that follows runs
    glueharness plugins new command my-report    a command
    """  # noqa: D301 - click's mark against re-wrapping
    from glueharness.scaffold import make_names, write

    names = make_names(kind, name)
    app = App.of(ctx)
    registry = app.registry
    shelves: dict[str, Shelf[Any]] = {
        "task": registry.tasks, "model": registry.models,
        "writer": registry.writers, "source": registry.sources,
        "tracker": registry.trackers, "command": registry.commands,
    }  # fmt: skip
    others = {
        "task": {*registry.groups.items, *(task.group for task in registry.tasks)},
        "command": app.own_commands,
    }
    if name in shelves[kind].items or name in others.get(kind, ()):
        claims = shelves[kind].items.get(name)
        what = "group of tasks" if kind == "task" and claims is None else kind
        raise ConfigError(
            f"there is a {what} called {name!r} already",
            where=claims[0][1].owner if claims else "",
            remedy="Choose another name.",
        )
    _refuse_taken(names, registry)
    made = write(names, folder)
    for path in sorted(made.rglob("*")):
        if path.is_file():
            click.echo(path)
    stderr().print(
        f"next    pip install -e {made} · glueharness plugins check {names.distribution}\n"
        "Change whatever is marked 'Yours'.",
        markup=False, highlight=False, soft_wrap=True,
    )  # fmt: skip


def _refuse_taken(names: Names, registry: Registry) -> None:
    """Refuse the name of another plugin, or of a package that is installed, such as ours.

    Raises:
        ConfigError: The new one would hide it, or be hidden.
    """
    from importlib.util import find_spec

    taken = ""
    if names.name in registry.plugins.statuses:
        taken = f"a plugin called {names.name!r}"
    elif find_spec(names.package) is not None:
        taken = f"a package called {names.package!r}"
    if taken:
        raise ConfigError(f"there is {taken} already", remedy="Choose another name.")


def _show_outcomes(outcomes: list[Outcome], *, verbose: bool) -> None:
    rows = []
    last = ""
    for outcome in outcomes:
        if verbose or outcome.result != "passed":
            # One mistake often makes many checks fail, and its long message need not be repeated.
            same = outcome.reason and outcome.reason == last
            reason = "as above" if same else outcome.reason or "–"
            rows.append([outcome.subject, outcome.check, outcome.result, reason])
            last = outcome.reason
    if rows:
        stdout().print(make_table("", ["of", "check", "result", "reason"], rows))
    counts = Counter(outcome.result for outcome in outcomes)
    parts = [f"{counts[result]} {result}" for result in ("failed", "skipped", "passed")]
    stdout().print(", ".join(parts))
    left_out = Counter(outcome.subject for outcome in outcomes if outcome.result == "skipped")
    all_checks = Counter(outcome.subject for outcome in outcomes)
    for subject, count in left_out.items():
        # A check that cannot be done proves nothing: green must not look like tested.
        if 2 * count > all_checks[subject]:
            stdout().print(
                f"Not tested: {subject}; {count} of its {all_checks[subject]} checks were skipped.",
                style="yellow", soft_wrap=True,
            )  # fmt: skip


def find(registry: Registry, name: str) -> PluginStatus:
    """The plugin of that name.

    Raises:
        UnknownNameError: There is none.
    """
    statuses = registry.plugins.statuses
    if name not in statuses:
        raise UnknownNameError.among("plugin", name, statuses)
    return statuses[name]


def describe(registry: Registry, name: str, status: PluginStatus) -> dict[str, Any]:
    """A plugin's state, for JSON."""
    return {
        "name": name,
        "module": status.target,
        "location": _location(status),
        "distribution": status.distribution,
        "version": status.version,
        "state": status.state,
        "disabled_by": status.disabled,
        "problems": [dataclasses.asdict(problem) for problem in status.reports],
        "seconds": round(status.seconds, 4),
        "output": status.output,
        "hooks": list(status.hooks),
        "offers": registry.offers(status),
    }


def _location(status: PluginStatus) -> str:
    """The folder or file of the plugin's code; empty if it is not known."""
    if status.point is None:
        return str(Path(status.target).resolve()) if Path(status.target).is_file() else ""
    import importlib.util

    # Asking for a submodule would import its package: a plugin that is not in use stays so.
    package = status.point.module.partition(".")[0]
    try:
        spec = importlib.util.find_spec(package)
    except (ImportError, ValueError):
        return ""
    if spec is None or not spec.origin:
        return ""
    origin = Path(spec.origin)
    return str(origin.parent if origin.name == "__init__.py" else origin)


def _account(registry: Registry, status: PluginStatus) -> list[str]:
    """What a plugin offers, and its problems."""
    lines = [problem.what for problem in status.reports]
    if status.disabled:
        lines.append(f"by {status.disabled}")
    offers = []
    for kind, names in registry.offers(status).items():
        shown = ", ".join(names[:4]) + (f", … ({len(names)})" if len(names) > 4 else "")
        offers.append(f"{kind}: {shown}")
    return [*lines, "; ".join(offers)] if offers else lines


def _hint_at_folder() -> None:
    """Say that a project's own plugins are not loaded until they are trusted."""
    folder = Path(PROJECT_FOLDER)
    if not folder.is_dir() or str(folder.resolve()) in read_stored().trusted:
        return
    files = plugin_files(folder)
    if files:
        stderr().print(
            f"{PROJECT_FOLDER}/ has {len(files)} more, which are not loaded. To load them from "
            f"now on: glueharness plugins trust   (remembered in {config_file()})",
            markup=False,
            highlight=False,
        )


for choice in CHOICES:
    command.add_command(choice)
