"""Every row of a board against every other, as ``compare`` tests them when all are named."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from glueharness_leaderboard.compare.verdict import VerdictWords
from glueharness_leaderboard.ranking.standings import selection_factors
from glueharness_leaderboard.statistics.difference import Difference, all_pairs
from glueharness_leaderboard.statistics.ranks import holm_corrected
from glueharness_leaderboard.statistics.variance import ScoreTable
from glueharness_leaderboard.tables.texts import plain

if TYPE_CHECKING:
    from glueharness_leaderboard.report.boards import Board
    from glueharness_leaderboard.statistics.influence import Floats

MOST_ROWS = 60
"""Rows that are paired, the best ones: pairs grow by the square."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TestedPair:
    """Two rows of a board.

    Attributes:
        first: Position of the first.
        second: Position of the second.
        difference: The first less the second, corrected for all pairs.
        words: What ``compare`` says of it, apart from the names.
    """

    first: int
    second: int
    difference: Difference
    words: VerdictWords


def pairs_of(board: Board) -> list[TestedPair]:
    """The pairs of the best rows that could be measured, best first."""
    places = list(board.measured)[:MOST_ROWS]
    if len(places) < 2:
        return []
    measured = list(board.measured.values())
    quantity = next(iter(measured[0].quantities))
    of_quantity = [each.quantities[quantity] for each in measured]
    rest = [each.seeds for each in of_quantity[len(places) :] if each.defined]
    table = ScoreTable(of_quantity[: len(places)], rest)
    rows = [board.section.rows[place] for place in places]
    single = [len(row.runs) == 1 for row in rows]
    title = _title(board)
    found = []
    tried = np.array([row.epochs_tried for row in rows], np.float64)
    for first, second, each in _corrected(table, tried, board.contest.most(quantity)):
        seeds_count = each.components.seeds > 0
        words = VerdictWords.of(
            each,
            title=title,
            tested="rows and seeds" if seeds_count else "rows",
            runs_only=not seeds_count and (single[first] or single[second]),
        )
        found.append(
            TestedPair(first=places[first], second=places[second], difference=each, words=words)
        )
    return found


def _corrected(table: ScoreTable, tried: Floats, most: float) -> list[tuple[int, int, Difference]]:
    """All pairs of a table, corrected for selection and, after Holm, for each other."""
    pairs = all_pairs(table)
    upper = np.triu_indices(len(pairs.differences), 1)
    factors = selection_factors(tried, pairs)[upper]
    p = pairs.p[upper]
    selected = p * factors
    together = holm_corrected(selected)
    worst = np.isfinite(selected).sum() * factors
    needed = np.divide(together, p, out=worst.copy(), where=np.isfinite(together) & (p > 0))
    # At most Bonferroni's, as `compare` has it: the interval is not wider than need be.
    multiples = np.maximum(1.0, np.minimum(np.maximum(needed, factors), worst))
    found = []
    for first, second, multiple in zip(*upper, multiples, strict=True):
        value = float(pairs.differences[first, second])
        each = Difference(
            value=value,
            components=pairs.components(int(first), int(second)),
            p=float(pairs.p[first, second]),
            most=most,
        )
        corrected = dataclasses.replace(each, comparisons=float(multiple))
        found.append((int(first), int(second), corrected))
    return found


def _title(board: Board) -> str:
    section = board.section
    titles = {spec.name: spec.title for spec in section.task.metrics} if section.task else {}
    return plain(" + ".join(titles.get(name, name) for name in section.counted))


def pairs_document(pairs: list[TestedPair]) -> dict[str, Any]:
    """As the page takes it: each form of a sentence once, and numbers in points."""
    forms: dict[str, int] = {}
    rows = []
    for pair in pairs:
        found, words = pair.difference, pair.words
        form = forms.setdefault(words.form, len(forms))
        low, high = found.interval if np.isfinite(found.value) else (np.nan, np.nan)
        numbers = [_points(value) for value in (found.value, low, high)]
        verdict = _VERDICTS.index(found.verdict)
        rows.append(
            [pair.first, pair.second, *numbers, verdict, form, words.points, words.interval,
             words.p]
        )  # fmt: skip
    return {"forms": list(forms), "list": rows, "most": MOST_ROWS}


_VERDICTS = ("real", "not distinguishable", "identical", "too few rows differ", "undefined")


def _points(fraction: float) -> float | None:
    return round(100 * fraction, 3) if np.isfinite(fraction) else None
