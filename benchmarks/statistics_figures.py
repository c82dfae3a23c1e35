"""What the trial of the statistics measures, and what it builds on."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from glueharness_leaderboard.statistics import influence
from glueharness_leaderboard.statistics.difference import difference, p_of
from glueharness_leaderboard.statistics.measurement import Measurement
from glueharness_leaderboard.statistics.variance import ScoreTable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.simulated_models import Floats, World
    from glueharness_leaderboard.statistics.influence import Influence

SIZE = (3.0, 6.5)
"""Allowed per cent of equal pairs that are called different."""
COVERAGE = (94.0, 97.0)
POWER_LOSS = 3.0
"""Points of power that may be lost against the figures below."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One line of the result.

    Attributes:
        what: What was measured.
        value: Per cent.
        low: Least that is allowed, per cent.
        high: Most that is allowed.
        repetitions: How often it was tried.
    """

    what: str
    value: float
    low: float
    high: float
    repetitions: int

    @property
    def error(self) -> float:
        """Standard error of the value, in points."""
        share = min(max(self.value / 100, 0.5 / self.repetitions), 1 - 0.5 / self.repetitions)
        return 100 * math.sqrt(share * (1 - share) / self.repetitions)

    @property
    def holds(self) -> bool:
        """Whether the value is within what is allowed, but for twice its standard error."""
        return self.low - 2 * self.error <= self.value <= self.high + 2 * self.error

    def __str__(self) -> str:
        """The line."""
        within = self.low <= self.value <= self.high
        mark = "" if within else "  (within two standard errors)" if self.holds else "  OUT"
        allowed = f"{self.low:g} – {self.high:g}"
        return f"{self.what:66} {self.value:6.1f} ± {self.error:3.1f}   {allowed:>11}{mark}"


class Trial:
    """The dice, and how often they are cast.

    Args:
        seed: Seed of the dice.
        repetitions: How often an event is tried.
    """

    def __init__(self, seed: int, repetitions: int) -> None:
        self.generator = np.random.default_rng(seed)
        self.repetitions = repetitions

    def count(self, share: float = 1.0) -> int:
        """How often to repeat, as a share of the usual number."""
        return max(20, round(self.repetitions * share))


def measurement(found: Influence) -> Measurement:
    """A contestant on one split."""
    return Measurement.of([found])


def right_or_wrong(credit: Floats) -> Measurement:
    """A contestant from its right rows: ``[m, n]``."""
    return measurement(influence.accuracy(np.ones(credit.shape[1]), credit))


def p_between(table: ScoreTable, shift: float = 0.0) -> float:
    """Two-sided p of "the first less the second is ``shift``"."""
    found = difference(table, 0, 1)
    return p_of(found.value - shift, found.components)


def table_of(trial: Trial, world: World, runs: Sequence[int], gap: float) -> ScoreTable:
    """Models on one dev split: the second less accurate by ``gap``, those after it by a point."""
    shifts = [0.0, -gap] + [-0.01] * (len(runs) - 2)
    return ScoreTable(
        [right_or_wrong(credit) for credit in world.draw(trial.generator, runs, shifts)]
    )
