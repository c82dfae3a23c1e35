"""The leaderboard of a large store as it was made last, where nothing has changed since.

Reading ten thousand records anew and putting them in order takes seconds, though a store changes
more seldom than it is looked at. What is kept is known by all that the tables are made from: each
run's record and predictions, the code of the tasks and of the tables, and what was asked for.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from glueharness.errors import RunFolderError
from glueharness_leaderboard.evidence import cache
from glueharness_leaderboard.tables.leaderboard import Answer
from glueharness_leaderboard.tables.sheet import Column, Sheet

if TYPE_CHECKING:
    from collections.abc import Callable

    from glueharness.errors import GlueharnessError
    from glueharness.plugin.registry import Registry
    from glueharness.record.store import RunStore

FEWEST_RUNS = 1_000
"""Runs from which on finding what was kept is quicker than making it."""
_COMMAND = "leaderboard"


def kept_or_made(
    asked: object,
    store: RunStore,
    registry: Registry,
    make: Callable[[Callable[[GlueharnessError], None]], Answer],
) -> tuple[Answer, list[GlueharnessError]]:
    """The answer for readers, and what is to be said of the runs' predictions.

    Args:
        asked: What was asked, as JSON takes it.
        store: The store.
        registry: What the plugins offer.
        make: Makes the answer, and is given what to tell problems to.
    """
    problems: list[GlueharnessError] = []
    records = store.all()
    if len(records) < FEWEST_RUNS:
        return make(problems.append), problems
    key = cache.key_of(["board", asked, _code(registry)], records, store)
    known = _of_document(cache.load(key), make)
    if known is not None:
        return known
    answer = make(problems.append)
    # What is wrong with a file stays so until it changes; a plugin may be mended at any time.
    if all(isinstance(each, RunFolderError) for each in problems):
        cache.keep(
            key,
            {
                "sheets": [_sheet_document(sheet) for sheet in answer.sheets],
                "legends": list(answer.legends),
                "runs": answer.runs,
                "problems": [[each.what, each.where, each.remedy] for each in problems],
            },
        )
    return answer, problems


def _code(registry: Registry) -> list[str]:
    """The code that the tables depend on: of tasks, groups, published scores and of ourselves."""
    # Readers of files as well: they make the tasks that only records keep.
    shelves = (registry.tasks, registry.groups, registry.published, registry.file_kinds)
    owners = {shelf.owner(name).code for shelf in shelves for name in shelf.items}
    commands = registry.commands
    ours = [commands.owner(_COMMAND).code] if _COMMAND in commands.items else []
    return [*ours, *sorted(owners)]


def _sheet_document(sheet: Sheet) -> dict[str, Any]:
    return {**dataclasses.asdict(sheet), "best": sorted(sheet.best)}


def _of_document(
    values: Any, make: Callable[[Callable[[GlueharnessError], None]], Answer]
) -> tuple[Answer, list[GlueharnessError]] | None:
    try:
        sheets = [
            Sheet(
                **{
                    **sheet,
                    "columns": [Column(**column) for column in sheet["columns"]],
                    "best": frozenset(sheet["best"]),
                }
            )
            for sheet in values["sheets"]
        ]
        told = [RunFolderError(what, where=where, remedy=remedy)
                for what, where, remedy in values["problems"]]  # fmt: skip
        answer = Answer(
            sheets=sheets,
            legends=values["legends"],
            runs=values["runs"],
            flat=lambda: make(_ignore).flat(),
            document=lambda: make(_ignore).document(),
        )
    except (TypeError, KeyError, ValueError):
        return None
    return answer, [*told]


def _ignore(_: GlueharnessError) -> None:
    """Of what was told already."""
