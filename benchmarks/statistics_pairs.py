"""Tests of a difference, tried on models whose truth is known."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.simulated_models import COLA, MRPC, World, labels, similarities
from benchmarks.statistics_figures import (
    COVERAGE,
    POWER_LOSS,
    SIZE,
    Figure,
    Trial,
    measurement,
    p_between,
    table_of,
)
from glueharness_leaderboard.statistics import influence
from glueharness_leaderboard.statistics.detectable import detectable_difference
from glueharness_leaderboard.statistics.difference import p_of
from glueharness_leaderboard.statistics.variance import Components, ScoreTable, rows_variance

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from benchmarks.simulated_models import Floats
    from glueharness_leaderboard.statistics.influence import Influence

WORLDS = {
    "QNLI steady": World(rows=5463, accuracy=0.85, interaction=0.35, seed=0.003),
    "QNLI middle": World(rows=5463, accuracy=0.85, interaction=0.35, seed=0.02),
    "RTE steady": World(rows=277, accuracy=0.62, seed=0.01),
    "RTE spread": World(rows=277, accuracy=0.62, seed=0.06),
    "RTE noisy": World(rows=277, accuracy=0.62, interaction=0.6, seed=0.01),
}
POWER = {
    "QNLI steady": {(1, 1): 59.2, (2, 2): 61.1, (3, 3): 78.2, (5, 5): 93.5, (3, 1): 63.3},
    "QNLI middle": {(2, 2): 28.3, (3, 3): 44.8, (5, 5): 64.4, (3, 1): 30.5},
    "RTE steady": {(1, 1): 51.0, (2, 2): 52.0, (3, 3): 71.2, (5, 5): 82.0, (3, 1): 55.0},
    "RTE spread": {(2, 2): 28.4, (3, 3): 41.0, (5, 5): 58.2, (3, 1): 26.8},
    "RTE noisy": {(1, 1): 40.3, (2, 2): 42.5, (3, 3): 59.3, (5, 5): 81.5, (3, 1): 41.9},
}
"""Per cent, on a table of six models; at a difference of 1 point on QNLI and 5 on RTE."""
OTHER_POWER = {
    "matthews_correlation": {(1, 1): 35.4, (2, 2): 15.2, (3, 3): 30.2, (5, 5): 49.3, (3, 1): 14.2},
    "f1": {(1, 1): 10.1, (2, 2): 7.3, (3, 3): 10.8, (5, 5): 11.1, (3, 1): 7.0},
    "pearson": {(1, 1): 75.3, (2, 2): 16.4, (3, 3): 25.9, (5, 5): 46.3, (3, 1): 16.1},
}
"""The same for a pair by itself."""


def pairs(trial: Trial) -> list[Figure]:
    """Two models on a table of six, by accuracy: false positives, coverage, power."""
    figures = []
    for name, world in WORLDS.items():
        gap = 0.01 if name.startswith("QNLI") else 0.05
        for (first, second), power in POWER[name].items():
            runs = [first, second] + [3] * 4 * (first + second > 2)
            count = trial.count()
            rejected, found, held = 0, 0, 0
            for _ in range(count):
                equal = table_of(trial, world, runs, 0.0)
                other = table_of(trial, world, runs, gap)
                rejected += p_between(equal) < 0.05
                found += p_between(other) < 0.05
                held += p_between(other, gap) >= 0.05
            what = f"{name} {first}v{second}"
            figures += [
                Figure(what=f"{what}: false positives", value=100 * rejected / count,
                       low=SIZE[0], high=SIZE[1], repetitions=count),
                Figure(what=f"{what}: coverage of the difference", value=100 * held / count,
                       low=COVERAGE[0], high=COVERAGE[1], repetitions=count),
                Figure(what=f"{what}: power at {100 * gap:g} points", value=100 * found / count,
                       low=power - POWER_LOSS, high=100, repetitions=count),
            ]  # fmt: skip
    return figures


def metrics(trial: Trial) -> list[Figure]:
    """Two models by themselves: Matthews correlation, F1, Pearson, Spearman and their mean."""
    figures = []
    for design in ((1, 1), (2, 2), (3, 3), (5, 5), (3, 1)):
        several = sum(design) > 2

        def cola(gain: float, design: Any = design, several: bool = several) -> Any:
            return labels(trial.generator, COLA, design, 0.08 * several, gain)

        def mrpc(gain: float, design: Any = design, several: bool = several) -> Any:
            return labels(trial.generator, MRPC, design, 0.08 * several, gain)

        def stsb(gain: float, design: Any = design, several: bool = several) -> Any:
            return similarities(trial.generator, design, 0.04 * several, gain)

        figures += _by_metric(trial, design, cola, 0.4, ("matthews_correlation",))
        figures += _by_metric(trial, design, mrpc, 0.7, ("f1",))
        figures += _by_metric(trial, design, stsb, 0.06, ("pearson", "spearman", "mean"))
    return figures


def _by_metric(
    trial: Trial,
    design: tuple[int, int],
    world: Callable[[float], tuple[Floats, list[Floats]]],
    gain: float,
    names: Sequence[str],
) -> list[Figure]:
    count = trial.count()
    hits = {name: [0, 0] for name in names}
    for _ in range(count):
        for place, strength in enumerate((0.0, gain)):
            truth, predictions = world(strength)
            for name in names:
                table = ScoreTable([measurement(_influence(name, truth, p)) for p in predictions])
                hits[name][place] += p_between(table) < 0.05
    figures = []
    for name, (rejected, found) in hits.items():
        what = f"{name} {design[0]}v{design[1]}"
        figures.append(Figure(what=f"{what}: false positives", value=100 * rejected / count,
                              low=SIZE[0], high=SIZE[1], repetitions=count))  # fmt: skip
        if name in OTHER_POWER:
            least = OTHER_POWER[name][design] - POWER_LOSS
            figures.append(Figure(what=f"{what}: power", value=100 * found / count,
                                  low=least, high=100, repetitions=count))  # fmt: skip
    return figures


def _influence(name: str, truth: Floats, predictions: Floats) -> Influence:
    if name == "mean":
        return influence.mean_of([
            influence.pearson(truth, predictions), influence.spearman(truth, predictions)
        ])  # fmt: skip
    return influence.ANALYTIC[name](truth, predictions)


def few_rows(trial: Trial) -> list[Figure]:
    """One run against one where few rows decide: the test must not be too quick."""
    figures = []
    for rows, share in ((71, 0.3), (277, 0.04), (5463, 0.002)):
        count, rejected = trial.count(2), 0
        for _ in range(count):
            differing = trial.generator.binomial(rows, share)
            first = trial.generator.binomial(differing, 0.5)
            gaps = np.repeat([1.0, -1.0, 0.0], [first, differing - first, rows - differing])
            variance, _ = rows_variance(gaps - gaps.mean())
            components = Components(rows=variance, seeds=0.0, seed_degrees=0.0)
            rejected += p_of(float(gaps.mean()), components) < 0.05
        figures.append(Figure(what=f"n = {rows}, {100 * share:g} % of rows decide: false positives",
                              value=100 * rejected / count, low=SIZE[0], high=SIZE[1],
                              repetitions=count))  # fmt: skip
    return figures


def macro(trial: Trial) -> list[Figure]:
    """The mean over six tasks, each with its own rows and seeds."""
    sizes = (
        (71, 0.6, 0.3, 0.05),
        (277, 0.62, 0.3, 0.06),
        (408, 0.85, 0.35, 0.03),
        (1043, 0.8, 0.35, 0.02),
        (1500, 0.85, 0.35, 0.01),
        (5463, 0.85, 0.35, 0.01),
    )
    worlds = [World(rows=n, accuracy=a, interaction=i, seed=s) for n, a, i, s in sizes]
    figures = []
    for runs in (2, 3):
        count, rejected = trial.count(0.5), 0
        for _ in range(count):
            value, total = 0.0, None
            for world in worlds:
                table = table_of(trial, world, [runs, runs], 0.0)
                part = table.pair(0, 1).times(1 / len(worlds))
                value += float(table.scores[0] - table.scores[1]) / len(worlds)
                total = part if total is None else total.plus(part)
            rejected += total is not None and p_of(value, total) < 0.05
        # With two seeds a side the sum over tasks errs on the safe side: 2.4 when it was designed.
        figures.append(Figure(what=f"mean of six tasks, {runs}v{runs}: false positives",
                              value=100 * rejected / count, low=2.0, high=SIZE[1],
                              repetitions=count))  # fmt: skip
    return figures


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is known of two models whose accuracies are to be compared.

    Attributes:
        rows: Rows of the dev split.
        between: Share of the rows on which runs of the two differ in being right.
        within: The same for two runs of one model: of the first, of the second.
        seed_deviation: Standard deviation of one run's accuracy over seeds.
    """

    rows: int
    between: float
    within: tuple[float, float]
    seed_deviation: float

    def detectable(self, first: int, second: int, seed_degrees: float) -> float:
        """The difference in accuracy that so many seeds a side show with a power of 80 %.

        Args:
            first: Seeds of the first.
            second: Seeds of the second.
            seed_degrees: Degrees of freedom of ``seed_deviation``; 0 if seeds do not count.
        """
        runs = (first, second)
        square = self.seed_deviation**2
        rows_part = (
            self.between - sum(w * (1 - 1 / m) / 2 for w, m in zip(self.within, runs, strict=True))
        ) / self.rows
        true_seeds = sum(
            max(0.0, square - w / (2 * self.rows)) / m
            for w, m in zip(self.within, runs, strict=True)
        )
        total = max(0.0, rows_part) + true_seeds
        seeds = min(total, square * (1 / first + 1 / second)) if seed_degrees > 0 else 0.0
        return detectable_difference(total - seeds, seeds, seed_degrees)


def planning(trial: Trial) -> list[Figure]:
    """Power at the difference that was said to show with 80 %."""
    figures = []
    for name, world, runs in (
        ("RTE", World(rows=277, accuracy=0.62), 1),
        ("RTE", World(rows=277, accuracy=0.62, seed=0.04), 3),
        ("RTE", World(rows=277, accuracy=0.62, seed=0.04), 5),
        ("QNLI", World(rows=5463, accuracy=0.85, interaction=0.35, seed=0.01), 3),
    ):
        plan = _plan(trial, world, seeds=runs > 1)
        gap = plan.detectable(runs, runs, 2 * (runs - 1))
        count, found = trial.count(), 0
        for _ in range(count):
            table = table_of(trial, world, [runs, runs], gap)
            found += p_between(table) < 0.05
        what = f"{name} {runs}v{runs}, {100 * gap:.2f} points: power"
        figures.append(Figure(what=what, value=100 * found / count, low=77, high=83,
                              repetitions=count))  # fmt: skip
    return figures


def _plan(trial: Trial, world: World, *, seeds: bool) -> Plan:
    variances, within, between = [], [], []
    for _ in range(1500):  # else the spread over seeds is itself a guess
        first, second = world.draw(trial.generator, [5, 5], [0.0, 0.0])
        variances.append(first.mean(axis=1).var(ddof=1))
        within.append((first[0] != first[1]).mean())
        between.append((first[0] != second[0]).mean())
    same = float(np.mean(within))
    deviation = math.sqrt(float(np.mean(variances))) if seeds else 0.0
    return Plan(rows=world.rows, between=float(np.mean(between)), within=(same, same),
                seed_deviation=deviation)  # fmt: skip
