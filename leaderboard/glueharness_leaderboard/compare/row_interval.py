"""The interval of a row, by formula where there is one and from the predictions elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glueharness.errors import RunFolderError
from glueharness_leaderboard.compare.predictions import draw, interval_of, load_evidence
from glueharness_leaderboard.ranking.sections import interval_from_record, with_intervals

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from glueharness.errors import GlueharnessError
    from glueharness_leaderboard.compare.predictions import Evidence
    from glueharness_leaderboard.ranking.sections import Row, Section
    from glueharness_leaderboard.statistics.intervals import Interval


def measured(evidence: Evidence) -> Interval | None:
    """95 % interval of the runs' mean primary score."""
    by_formula = interval_from_record(evidence.records)
    if by_formula is not None:
        return by_formula
    samples = draw(evidence, primary_only=True).scores.get(evidence.primary)
    return None if samples is None else interval_of(samples, evidence.recorded(*evidence.primary))


def measured_section(
    section: Section, runs_dir: Path, warn: Callable[[GlueharnessError], None]
) -> Section:
    """A section with the intervals that its runs' records do not give, ranked again.

    Args:
        section: The section.
        runs_dir: Folder of the runs, for their predictions.
        warn: Told of predictions that are missing or damaged; such a row keeps what it has.
    """

    def measure(row: Row) -> Interval | None:
        if row.primary is None or row.interval is not None:
            return row.interval
        try:
            return measured(load_evidence(row.runs, runs_dir, section.task))
        except RunFolderError as problem:
            warn(problem)
            return None

    return with_intervals(section, measure)
