"""What the tests need to know of one contestant, whatever its number of runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glueharness_leaderboard.statistics.influence import Floats, Influence

_SAME = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedSample:
    """What the seeds of one contestant say of the variance over seeds.

    Attributes:
        runs: Number of runs, m.
        variance: Of their scores, with m - 1 in the denominator; 0 for one run.
        interaction: Variance of one run's score that comes from rows on which its seed acts
            otherwise; it is part of ``variance``, and of the variance over rows too.
        repeats: Whether several runs agree in every row: the model does not depend on its seed.
    """

    runs: int
    variance: float = 0.0
    interaction: float = 0.0
    repeats: bool = False

    @property
    def degrees(self) -> int:
        """Degrees of freedom that it adds to the pool."""
        return 0 if self.repeats else self.runs - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """One contestant: its runs, one a seed, on the rows of one or several dev splits.

    Attributes:
        scores: Score of each run, the mean over the splits: ``[m]``.
        influences: By split, the mean over the runs of how far each unit moves the score: ``[u]``.
        split_scores: By split, the mean score over the runs.
        seeds: What the runs say of the variance over seeds.
    """

    scores: Floats
    influences: tuple[Floats, ...]
    split_scores: tuple[float, ...]
    seeds: SeedSample

    @classmethod
    def of(cls, splits: Sequence[Influence]) -> Measurement:
        """From the runs' influences, by split; all with the same runs in the same order."""
        scores: Floats = np.mean([split.scores for split in splits], axis=0)
        runs = len(scores)
        seeds = SeedSample(runs=runs)
        if runs > 1 and np.isfinite(scores).all():
            seeds = SeedSample(
                runs=runs,
                variance=float(scores.var(ddof=1)),
                interaction=sum(map(_interaction, splits)) / len(splits) ** 2,
                repeats=all(map(_repeats, splits)),
            )
        means = tuple(split.values.mean(axis=0) for split in splits)
        own = tuple(float(split.scores.mean()) for split in splits)
        return cls(scores=scores, influences=means, split_scores=own, seeds=seeds)

    @property
    def score(self) -> float:
        """Mean over the runs; not a number if it is undefined for one of them."""
        return float(self.scores.mean())

    @property
    def runs(self) -> int:
        """Number of runs, m."""
        return self.seeds.runs

    @property
    def defined(self) -> bool:
        """Whether every run has a score."""
        return bool(np.isfinite(self.scores).all())


def _repeats(split: Influence) -> bool:
    """Whether all runs agree in every row."""
    return bool(
        np.abs(split.values - split.values[0]).max() <= _SAME
        and np.abs(split.scores - split.scores[0]).max() <= _SAME
    )


def _interaction(split: Influence) -> float:
    runs, units = split.values.shape
    if units < 2:
        return 0.0  # one row does not tell a seed's part from the row's
    rest = split.values - split.values.mean(axis=0)
    return float((rest**2).sum()) / float((runs - 1) * units * (units - 1))
