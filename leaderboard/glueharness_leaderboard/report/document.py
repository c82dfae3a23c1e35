"""The whole page as data."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from glueharness import __version__
from glueharness.cli.runs_list import left_out
from glueharness.record.reproductions import without_reproductions
from glueharness.run.recorded_task import task_of
from glueharness_leaderboard.ranking.group_standings import known_group_standings
from glueharness_leaderboard.ranking.sections import sections_of
from glueharness_leaderboard.report.board_document import BoardsDocument
from glueharness_leaderboard.report.boards import boards_of
from glueharness_leaderboard.report.runs_document import (
    RunsDocument,
    rounded,
    unfinished_document,
)
from glueharness_leaderboard.tables.columns import View, sheet_of
from glueharness_leaderboard.tables.group import group_sheet, group_tables
from glueharness_leaderboard.tables.texts import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from glueharness.errors import GlueharnessError
    from glueharness.plugin.registry import Registry
    from glueharness.record.store import RunStore
    from glueharness_leaderboard.report.boards import Board
    from glueharness_leaderboard.tables.group import GroupTable
    from glueharness_leaderboard.tables.sheet import Sheet

SCHEMA = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the page is to hold.

    Attributes:
        tasks: Names of the tasks.
        title: Title of the page.
        texts: How many rows of a board are quoted; ``all``: every row, and of every task.
        command: The command line that made it.
        asked: Tasks and groups that were named; empty for all that have runs.
    """

    tasks: Sequence[str]
    title: str
    texts: int | Literal["all"]
    command: str
    asked: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A finished report.

    Attributes:
        title: Its title.
        data: All of it, JSON-able.
        sheets: Its tables for readers without a script.
    """

    title: str
    data: dict[str, Any]
    sheets: list[Sheet]


def report_of(
    store: RunStore, wanted: Wanted, registry: Registry, warn: Callable[[GlueharnessError], None]
) -> Report:
    """Everything that the page shows, computed by the engine of ``leaderboard`` and ``compare``.

    Args:
        store: The runs.
        wanted: What the page is to hold.
        registry: What the plugins offer.
        warn: Told of what is missing or damaged.
    """
    problems = [_problem(error, store) for error in store.problems]

    def tell(problem: GlueharnessError) -> None:
        problems.append(_problem(problem, store))
        warn(problem)

    counted = without_reproductions(store.listed())
    of_tasks = [record for record in counted if record.task in wanted.tasks]
    completed = [record for record in of_tasks if record.status == "completed"]
    specs = {task.name: task for task in registry.tasks}
    sections = sections_of(
        completed, specs, "model", registry.groups, lambda run: task_of(run, registry)
    )
    boards = boards_of(sections, store, tell)
    tables = _groups(boards, store, registry, tell)
    runs = RunsDocument(registry, store)
    collected = BoardsDocument(runs, registry, wanted.texts, len(boards))
    boards_found = [collected.document(board) for board in boards]
    group_sheets = [group_sheet(table, specs) for table in tables]
    view = View(by="model", names=store.short_names())
    data = {
        "schema": SCHEMA,
        "kind": "glueharness report",
        "version": __version__,
        "made": datetime.now(UTC).isoformat(timespec="minutes"),
        "title": wanted.title,
        "command": wanted.command,
        "boards": boards_found,
        "nothing": _nothing(wanted, len(of_tasks) - len(completed), store),
        "groups": [
            _group(table, sheet, boards) for table, sheet in zip(tables, group_sheets, strict=True)
        ],
        "runs": runs.runs,
        "settings": runs.settings,
        "environments": runs.environments,
        "unfinished": unfinished_document(
            [record for record in of_tasks if record.status != "completed"], store
        ),
        "problems": problems,
        "archived": sum(
            record.task in wanted.tasks and store.annotations(record).archived
            for record in store.all()
        ),
    }
    sheets = [*group_sheets, *(sheet_of(board.section, view) for board in boards)]
    return Report(title=wanted.title, data=data, sheets=sheets)


def answers_of(report: Report) -> list[str]:
    """What the page says in its heads, a line for each board and group."""
    said = [
        (group["heading"], " ".join(group["answers"]) or group["plain"])
        for group in report.data["groups"]
    ]
    said += [
        (", ".join([board["heading"], *board["marks"]]), board["answer"] or board["plain"])
        for board in report.data["boards"]
    ]
    return [plain(f"{heading}: {answer}") for heading, answer in said] or [report.data["nothing"]]


def _nothing(wanted: Wanted, unfinished: int, store: RunStore) -> str:
    """What to say where no board can be made."""
    of = f" of {', '.join(wanted.asked)}" if wanted.asked else ""
    others = f"; {unfinished} did not complete" if unfinished else ""
    left = left_out(store, wanted.tasks if wanted.asked else None)
    return f"There are no completed runs{of}{left or ' yet'}{others}."


def _problem(error: GlueharnessError, store: RunStore) -> str:
    """What is wrong, and with which run: the folder of the runs is nobody's business."""
    where = error.where
    for folder in store.folders:
        where = where.removeprefix(str(folder)).lstrip("/\\")
    return f"{where}: {error.what}" if where else error.what


def _groups(
    boards: Sequence[Board],
    store: RunStore,
    registry: Registry,
    warn: Callable[[GlueharnessError], None],
) -> list[GroupTable]:
    """Tables over the tasks of a group, where at least two of them have runs on like data."""
    sections = [board.section for board in boards]
    tables = []
    for group in registry.groups:
        found = group_tables(
            sections,
            group,
            lambda models, by_task: known_group_standings(models, by_task, store, warn),
        )
        tables += [
            table for table in found if len({name for row in table.rows for name in row.tasks}) > 1
        ]
    return tables


def _group(table: GroupTable, sheet: Sheet, boards: Sequence[Board]) -> dict[str, Any]:
    places = {
        (row.model, tuple(run.id for run in row.runs)): (number, place)
        for number, board in enumerate(boards)
        for place, row in enumerate(board.section.rows)
    }
    shown = {name for row in table.rows for name in row.tasks}
    rows = []
    for row in table.rows:
        standing = row.standing
        cells = {
            name: places[each.model, tuple(run.id for run in each.runs)]
            for name, each in row.tasks.items()
        }
        rows.append(
            {
                "model": row.model,
                "score": rounded(row.score),
                "deviation": rounded(row.deviation),
                "rank": [standing.low, standing.high] if standing else None,
                "tied": standing is not None and standing.may_be_best,
                "interval": [rounded(end) for end in standing.interval] if standing else None,
                "why": row.why,
                "tasks": cells,
            }
        )
    return {
        "name": table.group.name,
        "title": table.group.title,
        "heading": sheet.title,
        "marks": list(table.marks),
        "notes": list(sheet.notes),
        "answers": list(sheet.answers),
        "plain": f"{len(rows)} model{'' if len(rows) == 1 else 's'} on {table.group.title}.",
        "remarks": list(sheet.footnotes),
        "total": len(table.group.tasks),
        "tasks": [name for name in table.group.tasks if name in shown],
        "rows": rows,
    }
