"""``glueharness leaderboard``."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import click

from glueharness.cli.app import App, json_option, runs_dirs_option, runs_store, warn_of_index
from glueharness.cli.output import stderr, stdout
from glueharness.cli.runs_list import columns_option, where_option
from glueharness.errors import UnknownNameError
from glueharness.record.query import Fields
from glueharness.record.reproductions import without_reproductions
from glueharness_leaderboard.evidence.reading_together import reading_ahead
from glueharness_leaderboard.ranking.group_standings import known_group_standings
from glueharness_leaderboard.ranking.sections import sections_of, with_standings
from glueharness_leaderboard.ranking.standings import known_standings
from glueharness_leaderboard.tables.columns import View
from glueharness_leaderboard.tables.formats import Result, chosen_format, deliver, format_options
from glueharness_leaderboard.tables.kept import kept_or_made
from glueharness_leaderboard.tables.leaderboard import answer_group, answer_tasks
from glueharness_leaderboard.tables.no_runs import Asked, no_runs

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.shell_completion import CompletionItem

    from glueharness.errors import GlueharnessError
    from glueharness.plugin.registry import Registry
    from glueharness.record.record import RunRecord
    from glueharness.record.store import RunStore
    from glueharness_leaderboard.evidence.reading_together import Reader
    from glueharness_leaderboard.ranking.sections import By
    from glueharness_leaderboard.tables.formats import Format
    from glueharness_leaderboard.tables.leaderboard import Answer

ALL = "all"
_FOR_PROGRAMS = frozenset({"csv", "tsv", "json"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What the user asked for.

    Attributes:
        task: Task or group name, or ``"all"``.
        store: The runs.
        by: What a row is.
        format: How the result is written.
        output: File for the result; None for the screen.
        all_statuses: Whether to list runs that did not complete.
        simultaneous: Whether all rank ranges are to hold at once.
        published: Whether published scores are to follow.
        where: Conditions on the runs, of which all must hold.
        sort: Column that the tables are sorted by; empty for the ranks.
        top: Rows that a table shows; 0 for all.
        columns: Columns that a table shows, in order; empty for all.
    """

    task: str
    store: RunStore
    by: By
    format: Format
    output: Path | None
    all_statuses: bool
    simultaneous: bool
    published: bool
    where: tuple[str, ...] = ()
    sort: str = ""
    top: int = 0
    columns: tuple[str, ...] = ()


def _complete(
    ctx: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Names of tasks and groups."""
    from click.shell_completion import CompletionItem

    from glueharness.cli.complete import tasks

    groups = {group.name: group.title for group in App.of(ctx).registry.groups}
    return [
        *tasks(ctx, parameter, incomplete),
        *(
            CompletionItem(name, help=title)
            for name, title in {**groups, ALL: "every task"}.items()
            if name.startswith(incomplete)
        ),
    ]


@click.command(name="leaderboard")
@click.argument("task", default=ALL, shell_complete=_complete)
@click.option(
    "--by", type=click.Choice(["model", "run"]), default="model", show_default=True,
    help="A row for each model and its settings, over the seeds, or for each run.",
)  # fmt: skip
@format_options
@click.option("--all-statuses", is_flag=True, help="List runs that did not complete, too.")
@click.option(
    "--simultaneous", is_flag=True,
    help="Make the ranges wide enough that all of them hold at once (95 %), not each.",
)  # fmt: skip
@click.option(
    "--published", is_flag=True, help="Show published scores, too, in tables of their own."
)
@where_option
@click.option(
    "--sort", default="", metavar="[-]COLUMN",
    help="Sort the tables by a column: numbers from the highest, texts from A; - turns it round. "
    "Ranks stay as tested  [default: best first].",
)  # fmt: skip
@click.option(
    "--top", type=click.IntRange(min=0), default=0, metavar="N",
    help="Rows that a table shows; ranks are those of all. CSV and JSON have every row.",
)  # fmt: skip
@columns_option
@runs_dirs_option
@json_option
@click.pass_context
def command(ctx: click.Context, /, **given: Any) -> None:
    """Rank the runs of TASK, or of all tasks, best first.

    A row is a model with its settings, over its seeds; its ranks are those that it may have, and
    below the table stands which one to take. Runs on other data (sample, partial, limited,
    altered, another version) and from fresh weights stand in tables of their own. The name of a
    group, for instance glue, gives one row a model over all of its tasks.

    \b
    glueharness leaderboard                     every task that has runs
    glueharness leaderboard qnli --by run       each run by itself
    glueharness leaderboard glue --published    GLUE rows, own and published
    glueharness leaderboard qnli -o qnli.tex    a table for a paper (.md, .csv, .html ...)
    glueharness leaderboard --where 'model=bert-*' --where epochs=3 --top 10
    glueharness leaderboard qnli --sort rows/s --columns rank,model,accuracy,rows/s
    """  # noqa: D301 - click's mark against re-wrapping
    wishes = _wishes(given, ctx)
    answer, nothing = ranked(wishes, App.of(ctx).registry)
    if nothing and wishes.format == "rich":
        stdout().print(nothing, markup=False, highlight=False, soft_wrap=True)
        if not answer.sheets:
            return
        stdout().print()
    deliver(result_of(answer, wishes), wishes.format, wishes.output)


def ranked(wishes: Wishes, registry: Registry) -> tuple[Answer, str]:
    """The leaderboard; and what to say where there is no run to rank, else nothing.

    Raises:
        UnknownNameError: No plugin knows such a task or group, and no run is one of it.
    """
    store = wishes.store
    with reading_ahead(store, _wanted(wishes, registry)) as reader:
        records = Fields(store).where(without_reproductions(store.listed()), wishes.where)
        problems = store.problems
        warn_of_index(store)
        for problem in problems:
            _warn(problem)
        tasks = _tasks(records, wishes, registry)
        answer = _answer(records, reader, tasks, wishes, registry)
    asked = Asked(wishes.store, "" if wishes.task == ALL else wishes.task, wishes.where)
    return answer, "" if answer.runs else no_runs(records, tasks, asked, registry)


def _warn(problem: GlueharnessError) -> None:
    stderr().print(
        f"warning: {problem}", markup=False, highlight=False, style="yellow", soft_wrap=True
    )


def _wishes(given: dict[str, Any], ctx: click.Context) -> Wishes:
    output: Path | None = given["output"]
    return Wishes(
        task=given["task"],
        store=runs_store(given["runs_dir"], ctx),
        by=given["by"],
        format=chosen_format(given["format"], output, as_json=given["as_json"]),
        output=output,
        all_statuses=given["all_statuses"],
        simultaneous=given["simultaneous"],
        published=given["published"],
        where=given["where"],
        sort=given["sort"],
        top=given["top"],
        columns=tuple(name.strip() for name in given["columns"].split(",") if name.strip()),
    )


def _tasks(records: list[RunRecord], wishes: Wishes, registry: Registry) -> list[str]:
    """Names of the tasks that were asked for: the group's, the one, or all that have runs.

    Raises:
        UnknownNameError: No plugin knows such a task or group, and no run is one of it.
    """
    with_runs = {record.task for record in records}
    if wishes.task == ALL:
        known = [task.name for task in registry.tasks]
        return [*(name for name in known if name in with_runs), *sorted(with_runs - {*known})]
    if wishes.task in registry.groups.items:
        return list(registry.groups.get(wishes.task).tasks)
    names = {*registry.tasks.items, *with_runs}
    if wishes.task not in names:
        raise UnknownNameError.among("task", wishes.task, {ALL, *names, *registry.groups.items})
    return [wishes.task]


def _wanted(wishes: Wishes, registry: Registry) -> Callable[[RunRecord], bool]:
    """Whether a run's predictions will be asked for, as far as its record tells."""
    group = wishes.task in registry.groups.items
    tasks = registry.groups.get(wishes.task).tasks if group else (wishes.task,)
    every = wishes.task == ALL

    def wanted(run: RunRecord) -> bool:
        return run.status == "completed" and not wishes.where and (every or run.task in tasks)

    return wanted


def _answer(
    records: list[RunRecord], reader: Reader, tasks: list[str], wishes: Wishes, registry: Registry
) -> Answer:
    """The tables; for readers from the cache, where nothing has changed since."""
    store = wishes.store
    group = registry.groups.items.get(wishes.task)
    chosen = [
        record
        for record in records
        if record.task in tasks
        and (record.status == "completed" or (wishes.all_statuses and not group))
    ]
    these = _Ranked(records=chosen, tasks=tasks, store=store, reader=reader)
    if wishes.format in _FOR_PROGRAMS:
        return _make(these, wishes, registry, _warn)
    asked = [
        tasks, wishes.task, wishes.by, wishes.all_statuses, wishes.simultaneous, wishes.published,
        [record.id for record in chosen],
    ]  # fmt: skip
    answer, problems = kept_or_made(
        asked, store, registry, lambda warn: _make(these, wishes, registry, warn)
    )
    for problem in problems:
        _warn(problem)
    imported = sum(bool(store.annotations(record).imported) for record in chosen)
    if imported:
        runs = "run was" if imported == 1 else f"of {len(chosen)} runs were"
        line = f"{imported} {runs} imported: nobody has seen the numbers computed here."
        answer = replace(answer, legends=[*answer.legends, line])
    if wishes.where:
        line = f"Only runs with {' and '.join(wishes.where)}: the others might rank higher."
        answer = replace(answer, legends=[*answer.legends, line])
    return answer


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ranked:
    records: list[RunRecord]
    tasks: list[str]
    store: RunStore
    reader: Reader


def _make(
    ranked: _Ranked,
    wishes: Wishes,
    registry: Registry,
    warn: Callable[[GlueharnessError], None],
) -> Answer:
    group = registry.groups.items.get(wishes.task)
    specs = {task.name: task for task in registry.tasks}
    from glueharness.run.recorded_task import task_of

    sections = sections_of(
        ranked.records,
        specs,
        "model" if group else wishes.by,
        registry.groups,
        lambda run: task_of(run, registry),
    )
    if group:
        return answer_group(
            sections,
            registry.groups.get(wishes.task),
            registry,
            published=wishes.published,
            standings=lambda models, tables: known_group_standings(
                models, tables, ranked.store, warn, ranked.reader
            ),
        )
    standings = known_standings(sections, ranked.store, warn, wishes.simultaneous, ranked.reader)
    sections = [with_standings(*each) for each in zip(sections, standings, strict=True)]
    view = View(by=wishes.by, names=ranked.store.short_names(), statuses=wishes.all_statuses)
    shown = (ranked.tasks or list(specs)) if wishes.published else []
    return answer_tasks(sections, view, registry, shown)


def result_of(answer: Answer, wishes: Wishes) -> Result:
    """The leaderboard in every form."""

    def document() -> dict[str, Any]:
        return {"runs_dir": wishes.store.name, "by": wishes.by, **answer.document()}

    sheets = answer.sheets
    if wishes.sort or wishes.top or wishes.columns:
        from glueharness_leaderboard.tables.arranged import arranged

        sheets = arranged(sheets, sort=wishes.sort, top=wishes.top, names=wishes.columns)
    return Result(sheets=sheets, legends=answer.legends, flat=answer.flat, document=document)
