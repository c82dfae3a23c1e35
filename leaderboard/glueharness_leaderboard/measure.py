"""The interval of a row, by formula where there is one and from the predictions elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glueharness_leaderboard.evidence import draw, interval_of, load_evidence
from glueharness_leaderboard.store import interval_from_record, with_intervals

if TYPE_CHECKING:
    from pathlib import Path

    from glueharness.specs import TaskSpec
    from glueharness_leaderboard.evidence import Evidence
    from glueharness_leaderboard.intervals import Interval
    from glueharness_leaderboard.store import Row, Section


def measured(evidence: Evidence) -> Interval | None:
    """95 % interval of the runs' mean primary score."""
    by_formula = interval_from_record(evidence.records)
    if by_formula is not None:
        return by_formula
    samples = draw(evidence, primary_only=True).scores.get(evidence.primary)
    return None if samples is None else interval_of(samples, evidence.recorded(*evidence.primary))


def measured_row(row: Row, runs_dir: Path, task: TaskSpec | None) -> Interval | None:
    """95 % interval of a row's primary score; None if it has none.

    Raises:
        RunFolderError: Its predictions are missing or damaged.
    """
    if row.primary is None or row.interval is not None:
        return row.interval
    return measured(load_evidence(row.runs, runs_dir, task))


def measured_section(section: Section, runs_dir: Path) -> Section:
    """A section with the intervals that its runs' records do not give, ranked again.

    Raises:
        RunFolderError: Predictions are missing or damaged.
    """
    return with_intervals(section, lambda row: measured_row(row, runs_dir, section.task))
