"""One line of a ranking."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from glueharness_leaderboard.evidence.quantity import Quantity, score_of
from glueharness_leaderboard.ranking.epochs import epochs_tried, last_epoch
from glueharness_leaderboard.ranking.record_interval import interval_from_record
from glueharness_leaderboard.ranking.settings import mixed_environments
from glueharness_leaderboard.statistics import intervals

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glueharness.record.record import RunRecord
    from glueharness_leaderboard.ranking.standing import Standing
    from glueharness_leaderboard.statistics.intervals import Interval


@dataclass(frozen=True, kw_only=True)  # not with slots: some of what follows is worked out once
class Row:
    """One line of a ranking: a run, or the runs of one configuration with different seeds.

    Attributes:
        runs: The runs; one, or one a seed.
        counted: Metrics whose mean ranks; empty for the primary one.
        rank: Place by the score alone, 1 for the best; equal scores share a place. 0 if there is
            no score to rank by.
        measured: 95 % interval of the score, from the predictions; None if that is not known.
        standing: What the statistics say of it; None if there are no predictions to ask.
        siblings: Runs of the same configuration in the table, with this one, where each run has
            a row of its own and this is the best of them; 1 otherwise.
        settings_tried: Settings of the same model in the table, with these, where this row is the
            best of them; 1 otherwise.
        refused: Whether its predictions do not give its score, or cannot be read.
    """

    runs: tuple[RunRecord, ...]
    counted: tuple[str, ...] = ()
    rank: int = 0
    measured: Interval | None = None
    standing: Standing | None = None
    siblings: int = 1
    settings_tried: int = 1
    refused: bool = False

    @property
    def model(self) -> str:
        """The model's name."""
        return self.runs[0].model

    @property
    def seeds(self) -> tuple[int, ...]:
        """The runs' seeds."""
        return tuple(run.seed for run in self.runs)

    @property
    def interval(self) -> Interval | None:
        """95 % interval of the score, a fraction: measured, or from the record; None if unknown."""
        if self.refused:
            return None  # of a score that may be anybody's
        if self.measured is not None or self.standing is not None or len(self.counted) > 1:
            return self.measured
        return interval_from_record(self.runs)

    @cached_property
    def value(self) -> float | None:
        """What ranks, the mean over the seeds, a fraction; None if a seed has none."""
        return mean_score(self.values)

    @property
    def values(self) -> list[float | None]:
        """What ranks, by seed."""
        if len(self.counted) < 2:
            return [run.primary for run in self.runs]
        everything = Quantity("", "")
        return [score_of(run, everything, self.counted) for run in self.runs]

    @property
    def undefined(self) -> int:
        """How many seeds have no score."""
        return sum(value is None or not math.isfinite(value) for value in self.values)

    @property
    def primary(self) -> float | None:
        """Mean of the primary metric over the seeds, a fraction; None if there is none."""
        return mean_score([run.primary for run in self.runs])

    @property
    def seconds(self) -> float:
        """Mean time of a run."""
        return math.fsum(sum(run.timings.values()) for run in self.runs) / len(self.runs)

    @property
    def rows_per_second(self) -> float | None:
        """Dev rows that are scored in a second, the mean over the runs; None if not told."""
        found = [rows_per_second(run) for run in self.runs]
        known = [value for value in found if value]
        return math.fsum(known) / len(known) if len(known) == len(found) else None

    @cached_property
    def epochs_tried(self) -> int:
        """Of how many epochs the dev split picked the one that is scored; 1 for none."""
        return max(map(epochs_tried, self.runs))

    @property
    def last_epoch(self) -> float | None:
        """Primary score of the last epoch, where the best one was picked; None elsewhere."""
        return last_epoch(self.runs)

    @cached_property
    def mixed(self) -> list[str]:
        """What of the environment differs between its runs."""
        return mixed_environments(self.runs) if len(self.runs) > 1 else []

    def score(self, split: str, metric: str) -> float | None:
        """Mean score over the seeds, a fraction; None if there is none."""
        return mean_score([run.metrics.get(split, {}).get(metric) for run in self.runs])

    def deviation(self, split: str = "", metric: str = "") -> float | None:
        """Standard deviation over the seeds, of what ranks if none is named.

        Returns:
            A fraction; None for fewer than two seeds.
        """
        found = (
            [run.metrics.get(split, {}).get(metric) for run in self.runs] if split else self.values
        )
        scores = [score for score in found if score is not None and math.isfinite(score)]
        if len(scores) < 2 or len(scores) < len(self.runs):
            return None
        return intervals.standard_deviation(scores)


def rows_per_second(run: RunRecord) -> float | None:
    """Dev rows that a run predicted in a second, from texts to scores; None if it did not tell.

    Runs of earlier versions measured something else (``dev_rows_per_second``): they have none.
    """
    return run.measured.predict_rows_per_second if run.measured is not None else None


def mean_score(values: Sequence[float | None]) -> float | None:
    """The mean; None if a value is missing or no number."""
    numbers = [value for value in values if value is not None and math.isfinite(value)]
    if not numbers or len(numbers) < len(values):
        return None
    return math.fsum(numbers) / len(numbers)
