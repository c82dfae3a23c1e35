"""What ``run`` says below the table of a sweep: the best of several settings is a lucky one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glueharness.cli.output import percent
from glueharness.record.store import RunStore
from glueharness_leaderboard.evidence.measuring import Contest
from glueharness_leaderboard.evidence.selection import out_of_bag
from glueharness_leaderboard.ranking.rows import Row
from glueharness_leaderboard.ranking.standings import measured_rows

if TYPE_CHECKING:
    from glueharness.errors import GlueharnessError
    from glueharness.plugin.events import SweepFinished


def remark_on(event: SweepFinished) -> str:
    """How far the best setting's score is too high for having been chosen, in one sentence.

    The correction is that of :func:`glueharness_leaderboard.evidence.selection.out_of_bag`.
    """
    count = len(event.candidates) + event.stopped
    best = Row(runs=tuple(event.candidates[0])).value
    begin = f"Of {count} settings the best on dev was kept, which flatters it"
    corrected = _corrected(event)
    if corrected is None or best is None:
        return f"{begin}; how far cannot be told from what was stored."
    fair = min(corrected, best)
    early = "; of those that ran to their end" if event.stopped else ""
    return (
        f"{begin}: scored on rows that did not choose it, the best setting has {percent(fair)} "
        f"points instead of {percent(best)} (bootstrap{early})."
    )


def _corrected(event: SweepFinished) -> float | None:
    """The score of "take the best setting" on rows that did not choose it."""
    task = event.task
    contest = Contest(task=task, counted=(task.primary.name,), store=RunStore(event.folder))
    problems: list[GlueharnessError] = []
    rows = [Row(runs=tuple(runs)) for runs in event.candidates]
    measured = measured_rows(rows, contest, problems.append)
    known = [each for each in measured if each is not None]
    return out_of_bag(known, contest) if len(known) == len(measured) else None
