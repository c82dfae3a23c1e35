"""Is the difference between contestants real? By the same engine as the leaderboard's ranks."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from glueharness_leaderboard.evidence.measuring import Intervals, Measured
from glueharness_leaderboard.statistics.difference import Difference, difference
from glueharness_leaderboard.statistics.paired_tests import Agreement, McNemar, mcnemar
from glueharness_leaderboard.statistics.ranks import holm_corrected
from glueharness_leaderboard.statistics.selection import selection_factor
from glueharness_leaderboard.statistics.variance import ScoreTable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from glueharness_leaderboard.evidence.measuring import Contest
    from glueharness_leaderboard.evidence.predictions import SplitValues
    from glueharness_leaderboard.evidence.quantity import Quantity
    from glueharness_leaderboard.statistics.difference import Verdict
    from glueharness_leaderboard.statistics.measurement import SeedSample

Tested = Literal["rows", "rows and seeds"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """Two contestants by one quantity.

    Attributes:
        quantity: What was compared.
        first: The first's mean score, a fraction.
        second: The second's.
        difference: The first less the second, with its test.
    """

    quantity: Quantity
    first: float
    second: float
    difference: Difference

    @property
    def tested(self) -> Tested:
        """What the test allows for."""
        return "rows and seeds" if self.difference.components.seeds > 0 else "rows"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two contestants compared.

    Attributes:
        first: Position of the first.
        second: Position of the second.
        differences: By quantity, what ranks first.
        agreements: By split, for one run against one with labels: who is right where.
        tests: By split, McNemar's test likewise.
        selection: By how much p was multiplied because one side picked from more epochs; 1: not.
    """

    first: int
    second: int
    differences: tuple[Compared, ...]
    agreements: Mapping[str, Agreement]
    tests: Mapping[str, McNemar]
    selection: float = 1.0

    @property
    def primary(self) -> Compared:
        """The one that decides."""
        return self.differences[0]

    @property
    def verdict(self) -> Verdict:
        """What it says at the 5 % level, the number of pairs accounted for."""
        return self.primary.difference.verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Contestants compared.

    Attributes:
        measured: The contestants.
        pairs: The pairs that were asked for.
        tables: The table of each quantity, what ranks first.
        intervals: Interval of each contestant's score.
    """

    measured: tuple[Measured, ...]
    pairs: tuple[Pair, ...]
    tables: Mapping[Quantity, ScoreTable]
    intervals: tuple[tuple[float, float] | None, ...]

    def better_than(self, place: int) -> tuple[list[int], list[int], int]:
        """Who is worse than a contestant, who is better, and how many it was compared with."""
        worse: list[int] = []
        better: list[int] = []
        count = 0
        for pair in self.pairs:
            if place not in (pair.first, pair.second):
                continue
            count += 1
            other = pair.second if place == pair.first else pair.first
            if pair.verdict == "real":
                ahead = pair.first if pair.primary.difference.value > 0 else pair.second
                (worse if ahead == place else better).append(other)
        return worse, better, count

    @property
    def borrowed(self) -> list[int]:
        """Positions of those whose spread over seeds is taken from the others."""
        table = next(iter(self.tables.values()))
        return [place for place in range(len(table)) if table.spread.borrowed[place]]


def compare(
    measured: Sequence[Measured],
    contest: Contest,
    others: Mapping[Quantity, Sequence[SeedSample]],
    *,
    tried: Sequence[int],
    against_first: bool = False,
) -> Comparison:
    """Compare contestants, each with each.

    Args:
        measured: The contestants.
        contest: What was asked of them.
        others: Seeds of further contestants on the same rows, for the pooled spread.
        tried: Of how many epochs each contestant's score was picked.
        against_first: Compare each with the first only.
    """
    quantities = [
        quantity
        for quantity in measured[0].quantities
        if all(quantity in each.quantities for each in measured)
    ]
    tables = {
        quantity: ScoreTable(
            [each.quantities[quantity] for each in measured], others.get(quantity, ())
        )
        for quantity in quantities
    }
    places = [
        (first, second)
        for first in range(1 if against_first else len(measured))
        for second in range(first + 1, len(measured))
    ]
    corrected = {
        quantity: _corrected(table, places, tried, contest.most(quantity))
        for quantity, table in tables.items()
    }
    pairs = tuple(
        _pair(measured, place, {q: (tables[q], corrected[q][number]) for q in quantities}, tried)
        for number, place in enumerate(places)
    )
    return Comparison(
        measured=tuple(measured),
        pairs=pairs,
        tables=tables,
        intervals=_intervals(measured, contest, tables, others),
    )


def _intervals(
    measured: Sequence[Measured],
    contest: Contest,
    tables: Mapping[Quantity, ScoreTable],
    others: Mapping[Quantity, Sequence[SeedSample]],
) -> tuple[tuple[float, float] | None, ...]:
    if not tables:
        return (None,) * len(measured)
    quantity, table = next(iter(tables.items()))
    padded = [each.padded for each in measured if each.padded is not None]
    found = Intervals(
        table=table,
        padded=ScoreTable(padded, others.get(quantity, ()))
        if padded and len(padded) == len(measured)
        else None,
        bounds=contest.bounds(quantity),
        proportion=quantity.metric == "accuracy",
    )
    return tuple(found.of(place) for place in range(len(measured)))


def _corrected(
    table: ScoreTable, places: Sequence[tuple[int, int]], tried: Sequence[int], most: float
) -> list[Difference]:
    """The differences of one quantity, corrected for selection and, after Holm, for each other."""
    found = [difference(table, first, second) for first, second in places]
    factors = [
        1.0 if math.isnan(each.value) else selection_factor(
            tried[first], tried[second], first_is_better=each.value > 0
        )
        for each, (first, second) in zip(found, places, strict=True)
    ]  # fmt: skip
    selected = np.array([each.p * factor for each, factor in zip(found, factors, strict=True)])
    together = holm_corrected(selected)
    count = int(np.isfinite(selected).sum())
    result = []
    for each, factor, p in zip(found, factors, together, strict=True):
        # At most Bonferroni's, so that the interval of a p cut at 1 is not wider than need be.
        worst = count * factor
        needed = p / each.p if each.p > 0 and np.isfinite(p) else worst
        multiple = float(min(max(needed, factor), worst)) if count else 1.0
        result.append(dataclasses.replace(each, comparisons=max(1.0, multiple), most=most))
    return result


def _pair(
    measured: Sequence[Measured],
    places: tuple[int, int],
    found: Mapping[Quantity, tuple[ScoreTable, Difference]],
    tried: Sequence[int],
) -> Pair:
    first, second = places
    agreements: dict[str, Agreement] = {}
    for ours, theirs in zip(measured[first].splits, measured[second].splits, strict=True):
        if ours.labels and len(ours.predictions) == len(theirs.predictions) == 1:
            agreements[ours.name] = agreement(ours, theirs)
    differences = tuple(
        Compared(
            quantity=quantity,
            first=float(table.scores[first]),
            second=float(table.scores[second]),
            difference=each,
        )
        for quantity, (table, each) in found.items()
    )
    ahead = bool(differences) and differences[0].difference.value > 0
    return Pair(
        first=first,
        second=second,
        differences=differences,
        agreements=agreements,
        tests={name: mcnemar(each.first, each.second) for name, each in agreements.items()},
        selection=selection_factor(tried[first], tried[second], first_is_better=ahead),
    )


def agreement(ours: SplitValues, theirs: SplitValues) -> Agreement:
    """Who of two runs is right on how many rows of a split with labels."""
    first, second = ours.predictions[0] == ours.truth, theirs.predictions[0] == theirs.truth
    return Agreement(
        both=int((first & second).sum()),
        first=int((first & ~second).sum()),
        second=int((~first & second).sum()),
        neither=int((~first & ~second).sum()),
    )
