"""Boards: the leaderboard's tables, with what their rows predicted at hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from glueharness_leaderboard.evidence.measuring import Contest
from glueharness_leaderboard.evidence.reading_together import reading_together
from glueharness_leaderboard.ranking.sections import with_standings
from glueharness_leaderboard.ranking.standings import (
    measured_rows,
    standings_from,
    tested_places,
    with_refused,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from glueharness.errors import GlueharnessError
    from glueharness.record.store import RunStore
    from glueharness_leaderboard.evidence.measuring import Measured
    from glueharness_leaderboard.ranking.sections import Section


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """A table of the leaderboard.

    Attributes:
        name: Its name in links: the task's, with a number where the task has several boards.
        section: The table, with its standings.
        contest: What was asked of its rows.
        measured: By position of the row; rows without predictions that can be used are not there.
    """

    name: str
    section: Section
    contest: Contest
    measured: Mapping[int, Measured]

    @property
    def reference(self) -> Measured | None:
        """A row that was measured, for what all of them share: rows, labels, truth."""
        return next(iter(self.measured.values()), None)


def boards_of(
    sections: Iterable[Section], store: RunStore, warn: Callable[[GlueharnessError], None]
) -> list[Board]:
    """Measure the rows of all sections and test them, as ``leaderboard`` does.

    Args:
        sections: The sections, a row a model.
        store: The runs.
        warn: Told of predictions that are missing or damaged.
    """
    found: list[Board] = []
    for section in sections:
        contest = Contest(task=section.task, counted=section.counted, store=store)
        tested = tested_places(section)
        rows = [section.rows[place] for place in tested]
        refused: set[int] = set()
        with reading_together(store, [run for row in rows for run in row.runs]) as reader:
            measured = measured_rows(rows, contest, warn, reader, refused)
        standings = with_refused(standings_from(section, measured, contest), section, refused)
        found.append(
            Board(
                name=_name(section, found),
                section=with_standings(section, standings),
                contest=contest,
                measured={
                    place: each
                    for place, each in zip(tested, measured, strict=True)
                    if each is not None
                },
            )
        )
    return found


def _name(section: Section, others: Sequence[Board]) -> str:
    task = section.conditions.task
    same = sum(board.section.conditions.task == task for board in others)
    return f"{task}.{same + 1}" if same else task
