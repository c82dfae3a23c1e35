"""Which texts the page quotes: few rows, those worth reading, and only where they may be shared."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from glueharness_leaderboard.compare.texts import texts_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from glueharness.plugin.registry import Registry
    from glueharness_leaderboard.evidence.predictions import SplitValues
    from glueharness_leaderboard.report.answers import Answers
    from glueharness_leaderboard.report.boards import Board
    from glueharness_leaderboard.statistics.influence import Floats, Values

ROWS = 80
"""Rows of a board whose texts are quoted, where nobody says how many."""

Place = tuple[int, int]
"""A split's position, and a row's in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quotes:
    """Rows that are quoted.

    Attributes:
        rows: Their places, in the order of the data.
        texts: By place, a text a column.
        note: Why there are none, or whose they are.
    """

    rows: tuple[Place, ...] = ()
    texts: Mapping[Place, list[str]] = field(default_factory=dict)
    note: str = ""


def quotes_of(
    board: Board,
    answers: Sequence[Answers],
    registry: Registry,
    wanted: int | Literal["all"],
) -> Quotes:
    """The texts that a board quotes.

    Args:
        board: The board.
        answers: How sure the board's runs were, those of the best row first.
        registry: Where the data sources are looked up.
        wanted: How many rows; ``all`` quotes every row, and of every task.
    """
    section, reference = board.section, board.reference
    if wanted == 0 or reference is None:
        return Quotes(note="No texts were asked for." if wanted == 0 else "")
    task = section.task
    sample = "sample" in section.conditions.marks
    if task is not None and wanted != "all" and not (task.texts_may_be_shared or sample):
        licence = f" (licence: {task.licence})" if task.licence else ""
        return Quotes(
            note=f"Texts are left out: nothing says that those of {task.title}{licence} may be "
            "passed on. For a page of your own: --texts all."
        )
    texts, problem = texts_of(section.rows[0].runs[0], registry)
    if problem:
        return Quotes(note=f"No texts: {problem}.")
    if wanted == "all":
        rows = [
            (place, row)
            for place, split in enumerate(reference.splits)
            for row in range(len(split.truth))
        ]
    else:
        rows = _worth_reading(board, answers, wanted)
    columns = {name: list(found.values()) for name, found in texts.items()}
    names = [split.name for split in reference.splits]
    return Quotes(
        rows=tuple(rows),
        texts={
            (place, row): [column[row] for column in columns[names[place]]] for place, row in rows
        },
        note=_source(board) if not sample else "",
    )


def _source(board: Board) -> str:
    task = board.section.task
    if task is None:
        return ""
    facts = "; ".join(part for part in (task.licence, task.citation) if part)
    return f"Texts of {task.title}: {facts}." if facts else ""


def _worth_reading(board: Board, answers: Sequence[Answers], wanted: int) -> list[Place]:
    """Half of them those that rows disagree on, half what runs were surest of and wrong."""
    disputed = _disputed(board)
    surest = [
        (mistake.split, mistake.row)
        for depth in range(max((len(each.mistakes) for each in answers), default=0))
        for each in answers
        if depth < len(each.mistakes)
        for mistake in [each.mistakes[depth]]
    ]
    mistakes = list(dict.fromkeys(surest))
    ordered = dict.fromkeys([*mistakes[: wanted // 2], *disputed[:wanted], *mistakes])
    return sorted(list(ordered)[:wanted])


def _disputed(board: Board) -> list[Place]:
    """Rows by how much the board's rows disagree on them, the most first; agreed ones not."""
    found: list[tuple[float, Place]] = []
    measured = list(board.measured.values())
    for place in range(len(measured[0].splits)):
        sides = [each.splits[place] for each in measured]
        spread = _disagreement(sides)
        order = np.argsort(-spread, kind="stable")[: 10 * ROWS]
        found += [(-float(spread[row]), (place, int(row))) for row in order if spread[row] > 0]
    return [place for _, place in sorted(found, key=lambda each: each[0])]


def _disagreement(sides: Sequence[SplitValues]) -> Floats:
    """Variance over the contestants of being right, or of the error: ``[n]``."""
    rows: list[Values] = [
        (side.predictions == side.truth).mean(axis=0)
        if side.labels
        else np.abs(side.predictions - side.truth).mean(axis=0)
        for side in sides
    ]
    variance: Floats = np.stack(rows).var(axis=0)
    return variance


def quotes_document(quotes: Quotes, board: Board) -> dict[str, Any]:
    """As the page takes it."""
    task = board.section.task
    return {
        "columns": list(task.columns) if task else [],
        "rows": [[place, row, *quotes.texts[place, row]] for place, row in quotes.rows],
        "note": quotes.note,
    }
