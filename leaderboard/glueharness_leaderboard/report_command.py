"""``glueharness report``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from glueharness.cli.app import App, runs_dirs_option, runs_store, warn_of_index
from glueharness.cli.output import stderr, stdout
from glueharness.errors import ConfigError, GlueharnessError, UnknownNameError
from glueharness.system.user_files import write_named

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from glueharness.plugin.registry import Registry
    from glueharness.record.store import RunStore


_MARK = b"glueharness report"
"""Is in the data of every report."""


def _complete(
    ctx: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Names of tasks and groups."""
    from click.shell_completion import CompletionItem

    from glueharness.cli.complete import tasks

    groups = App.of(ctx).registry.groups
    return [
        *tasks(ctx, parameter, incomplete),
        *(
            CompletionItem(group.name, help=group.title)
            for group in groups
            if group.name.startswith(incomplete)
        ),
    ]


@click.command(name="report")
@click.argument("tasks", nargs=-1, metavar="[TASK]...", shell_complete=_complete)
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), default=Path("report.html"),
    show_default=True, help="The file to write, whole or not at all.",
)  # fmt: skip
@click.option(
    "--texts", metavar="none|N|all",
    help="Quote none of the rows, or about N of each board, where the task says that its texts "
    "may be passed on; or all, whatever the licence: for a page of your own.  [default: 80]",
)  # fmt: skip
@click.option("--title", default="", help="Title of the page.")
@runs_dirs_option
@click.pass_context
def command(ctx: click.Context, /, tasks: tuple[str, ...], **given: Any) -> None:
    """Write one page about the runs of TASK, or of all tasks: which to take, and why.

    The page holds the boards with their intervals, every pair with its verdict, learning curves,
    speed, and a page for each run. It is one file that works without a network, and can be mailed.

    \b
    glueharness report                         every task that has runs, as report.html
    glueharness report qnli rte -o board.html  two tasks
    glueharness report --texts none            without a single text of the data
    """  # noqa: D301 - click's mark against re-wrapping
    from glueharness_leaderboard.report.document import Wanted, answers_of, report_of
    from glueharness_leaderboard.report.page import page_of

    registry = App.of(ctx).registry
    texts = _texts(given["texts"])
    store = runs_store(given["runs_dir"], ctx)
    tasks_wanted = _tasks(tasks, store, registry)
    warn_of_index(store)
    for problem in store.problems:
        _warn(problem)
    output: Path = given["output"]
    default = ctx.get_parameter_source("output") == click.core.ParameterSource.DEFAULT
    _refuse_other(output, default=default)
    wanted = Wanted(
        tasks=tasks_wanted,
        title=given["title"] or "Which encoder to take",
        texts=texts,
        command=" ".join(["glueharness report", *tasks]),
        asked=tasks,
    )
    report = report_of(store, wanted, registry, _warn)
    page = page_of(report)
    try:
        write_named(output, page)
    except OSError as error:
        raise GlueharnessError(
            f"the report cannot be written: {error.strerror or error}",
            where=str(output),
            remedy="Choose a file in a folder that exists and is yours to write: --output FILE",
        ) from error
    for line in answers_of(report):
        stdout().print(line, markup=False, highlight=False, soft_wrap=True)
    runs, boards = len(report.data["runs"]), len(report.data["boards"])
    stderr().print(
        f"wrote {output}: {runs} run{'' if runs == 1 else 's'}, "
        f"{boards} board{'' if boards == 1 else 's'}, {len(page.encode()) / 1e6:.1f} MB",
        markup=False, highlight=False, soft_wrap=True,
    )  # fmt: skip


def _refuse_other(output: Path, *, default: bool) -> None:
    """Make sure that a page of HTML goes where one is expected.

    Raises:
        ConfigError: The name ends otherwise; or nobody named the file, and there is one of that
            name that is no report.
    """
    if output.exists() and not output.is_file():
        return  # a pipe or a device has no suffix to go by
    if output.suffix.lower() not in {".html", ".htm"}:
        raise ConfigError(
            "a report is a page of HTML, and the name ends otherwise",
            where=str(output),
            remedy="Name it FILE.html. Tables in other forms: glueharness leaderboard -o FILE",
        )
    if default and output.exists() and _MARK not in output.read_bytes():
        raise ConfigError(
            "there is a file of that name that is no report of glueharness",
            where=str(output),
            remedy="Name another: --output board.html",
        )


def _warn(problem: GlueharnessError) -> None:
    stderr().print(
        f"warning: {problem}", markup=False, highlight=False, style="yellow", soft_wrap=True
    )


def _texts(given: str | None) -> int | Literal["all"]:
    from glueharness_leaderboard.report.quotes import ROWS

    if given is None:
        return ROWS
    if given == "all":
        return "all"
    if given == "none":
        return 0
    if given.isascii() and given.isdecimal() and len(given) < 7:
        return int(given)
    raise ConfigError(
        f"--texts must be none, a number of rows or all, not {given!r}",
        remedy="Write, for instance, --texts 80.",
    )


def _tasks(names: tuple[str, ...], store: RunStore, registry: Registry) -> list[str]:
    """Names of the tasks that were asked for, groups taken apart; all that have runs if none was.

    Raises:
        UnknownNameError: No plugin knows such a task or group, and no run is one of it.
    """
    with_runs = {record.task for record in store.listed()}
    if not names:
        return sorted(with_runs)
    known = {*registry.tasks.items, *with_runs}
    found: dict[str, None] = {}
    for name in names:
        if name in registry.groups.items:
            found |= dict.fromkeys(registry.groups.get(name).tasks)
        elif name in known:
            found[name] = None
        else:
            raise UnknownNameError.among("task", name, {*known, *registry.groups.items})
    return list(found)
