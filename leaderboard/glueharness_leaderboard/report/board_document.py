"""A board as the page takes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from glueharness_leaderboard.compare.rows import least_gap
from glueharness_leaderboard.ranking.advice import advise
from glueharness_leaderboard.ranking.settings import differing, environment_of, system_of
from glueharness_leaderboard.ranking.short_paths import short_paths
from glueharness_leaderboard.report.answers import Answers, answers_of, calibration
from glueharness_leaderboard.report.packing import Packing
from glueharness_leaderboard.report.pairs import pairs_document, pairs_of
from glueharness_leaderboard.report.quotes import quotes_document, quotes_of
from glueharness_leaderboard.report.runs_document import note_of, parameters_of, rounded
from glueharness_leaderboard.tables.heading import heading, notes
from glueharness_leaderboard.tables.remarks import marks_of, remarks, shared_epochs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glueharness.plugin.registry import Registry
    from glueharness.record.record import RunRecord
    from glueharness_leaderboard.ranking.conditions import SplitFacts
    from glueharness_leaderboard.ranking.rows import Row
    from glueharness_leaderboard.ranking.sections import Section
    from glueharness_leaderboard.report.boards import Board
    from glueharness_leaderboard.report.quotes import Quotes
    from glueharness_leaderboard.report.runs_document import RunsDocument

ROOM = 1_600_000
"""Letters of predictions that a page holds; those of the best rows come first."""


class BoardsDocument:
    """Collects the boards of a page.

    Args:
        runs: Collects the runs.
        registry: Where the data sources are looked up.
        texts: How many rows of a board are quoted; ``all``: every row, and of every task.
        boards: How many boards share the page.
    """

    def __init__(
        self, runs: RunsDocument, registry: Registry, texts: int | Literal["all"], boards: int
    ) -> None:
        self.runs = runs
        self._registry = registry
        self._texts = texts
        self._room = ROOM // max(1, boards)

    def document(self, board: Board) -> dict[str, Any]:
        """One board, JSON-able; scores and intervals are fractions, pairs are points."""
        section = board.section
        conditions, advice = section.conditions, advise(section)
        rows = [self._row(board, place) for place in range(len(section.rows))]
        found: dict[str, Any] = {
            "id": board.name,
            "task": conditions.task,
            "title": section.title,
            "heading": heading(section),
            "marks": list(conditions.marks),
            "standing": _standing(section.rows),
            "notes": notes(section),
            "answer": advice.answer,
            "plain": _without_test(section),
            "reasons": [*advice.reasons, *remarks(section, "model")],
            "pick": advice.pick,
            "metric": _title(board),
            "bounds": list(board.contest.bounds(section.quantity)),
            "splits": [_split(split, "dev") for split in conditions.dev]
            + [_split(split, "train") for split in conditions.train],
            "rows": rows,
        }
        if board.reference is not None:
            answers = self._answers(board)
            first = [each for place in board.measured for each in answers.get(place, ())]
            known = [each for each in first if each is not None]
            quotes = quotes_of(board, known, self._registry, self._texts)
            found["pairs"] = pairs_document(pairs_of(board))
            found["texts"] = quotes_document(quotes, board)
            found["truth"] = self._predictions(board, rows)
            self._sureness(board, answers, rows, quotes)
        return found

    def _row(self, board: Board, place: int) -> dict[str, Any]:
        section = board.section
        row = section.rows[place]
        same = [each.runs[0] for each in section.rows if each.model == row.model]
        standing = row.standing
        runs = [self.runs.add(run) for run in row.runs]
        imported = ["imported"] if any(self.runs.runs[run]["imported"] for run in runs) else []
        return {
            "model": row.model,
            "name": short_paths([each.model for each in section.rows])[place],
            "note": note_of(row.runs[0], differing(same)) if len(same) > 1 else "",
            "runs": runs,
            "score": rounded(row.value),
            "seeds": [rounded(value) for value in row.values],
            "deviation": rounded(row.deviation()),
            "interval": [rounded(end) for end in row.interval] if row.interval else None,
            "rank": [standing.low, standing.high] if standing and standing.low else None,
            "tied": standing is not None and standing.may_be_best,
            "speed": rounded(row.rows_per_second),
            "parameters": parameters_of(row.runs[0]),
            "marks": [*imported, *marks_of(row, shared_epochs(section.rows))],
            "machine": _machine(row.runs[0]),
            "seconds": round(row.seconds, 2),
        }

    def _answers(self, board: Board) -> dict[int, list[Answers | None]]:
        return {
            place: [
                answers_of(run, measured.splits, at, board.contest.store)
                for at, run in enumerate(board.section.rows[place].runs)
            ]
            for place, measured in board.measured.items()
        }

    def _predictions(self, board: Board, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """The truth by split; each run's predictions go to the run, as far as there is room."""
        measured = board.measured
        reference = next(iter(measured.values()))
        packings = [
            Packing.of([each.splits[place] for each in measured.values()])
            for place in range(len(reference.splits))
        ]
        room = self._room
        for place, each in measured.items():
            for at, run in enumerate(rows[place]["runs"]):
                packed = [
                    packing.pack(split.predictions[at])
                    for packing, split in zip(packings, each.splits, strict=True)
                ]
                room -= sum(map(len, packed))
                if room >= 0:
                    self.runs.runs[run]["predictions"] = packed
        return {
            "labels": list(reference.splits[0].labels),
            "least": least_gap(board.section.task, reference.splits[0])
            if not reference.splits[0].labels
            else None,
            "splits": [
                {
                    "name": split.name,
                    "rows": len(split.truth),
                    "values": packing.pack(split.truth),
                    "numbers": _numbers(split.index),
                    **packing.document(),
                }
                for packing, split in zip(packings, reference.splits, strict=True)
            ],
        }

    def _sureness(
        self,
        board: Board,
        answers: dict[int, list[Answers | None]],
        rows: Sequence[dict[str, Any]],
        quotes: Quotes,
    ) -> None:
        """Calibration, mistakes and the probabilities of quoted rows go to the runs."""
        for place, measured in board.measured.items():
            found = zip(answers[place], rows[place]["runs"], strict=True)
            for at, (each, run) in enumerate(found):
                if each is None:
                    continue
                target = self.runs.runs[run]
                target["mistakes"] = [
                    [mistake.split, mistake.row, round(mistake.sure, 3)]
                    for mistake in each.mistakes
                ]
                if not each.probabilities:
                    continue
                target["calibration"] = calibration(each, measured.splits, at)
                target["sure"] = [
                    round(100 * float(each.probabilities[split][row, truth]))
                    for split, row in quotes.rows
                    for truth in [measured.splits[split].truth[row]]
                ]


def _numbers(index: Any) -> list[int] | None:
    """Row numbers; None where they count from 0."""
    return None if np.array_equal(index, np.arange(len(index))) else [int(each) for each in index]


def _split(split: SplitFacts, role: str) -> list[Any]:
    return [split.name, role, split.rows, split.available, split.expected, split.fingerprint]


def _standing(rows: Sequence[Row]) -> str:
    """What the data of a board's runs are, in a word."""
    found = {run.data.standing for row in rows for run in row.runs}
    return found.pop() if len(found) == 1 else "not known"


def _title(board: Board) -> str:
    section = board.section
    titles = {spec.name: spec.title for spec in section.task.metrics} if section.task else {}
    return " + ".join(titles.get(name, name) for name in section.counted)


def _machine(run: RunRecord) -> str:
    """Whose speeds may be compared."""
    environment, system = environment_of(run), system_of(run)
    facts = (environment.get("processor"), environment.get("GPU"), system.get("device"))
    return ", ".join(fact for fact in facts if fact)


def _without_test(section: Section) -> str:
    """What heads a board that no test can choose from."""
    count, title = len(section.rows), section.title
    if count == 1:
        return f"One model on {title}: there is nothing to choose from yet."
    return f"{count} models on {title}, without a test that could choose."
