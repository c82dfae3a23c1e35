"""Several dev splits, rows that belong together, and metrics without a formula."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from benchmarks.simulated_models import MRPC, World, labels
from benchmarks.statistics_figures import SIZE, Figure, Trial, p_between
from glueharness_leaderboard.statistics import influence
from glueharness_leaderboard.statistics.measurement import Measurement
from glueharness_leaderboard.statistics.variance import ScoreTable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from benchmarks.simulated_models import Floats
    from glueharness_leaderboard.statistics.influence import Influence

_ROWS_OF_A_UNIT = 4


def unusual(trial: Trial) -> list[Figure]:
    """Two models on a table of four, in settings beside the usual one."""
    figures = []
    for runs in ((1, 1), (3, 3)):
        for name, draw in (
            ("mean of two dev splits", _two_splits),
            ("rows of a unit together", _units),
            ("macro F1 by the jackknife", _macro_f1),
        ):
            figures.append(_tried(trial, f"{name}, {runs[0]}v{runs[1]}", draw, runs))
    return figures


def _tried(
    trial: Trial,
    name: str,
    draw: Callable[[Trial, Sequence[int]], ScoreTable],
    runs: tuple[int, int],
) -> Figure:
    others = [3, 3] if sum(runs) > 2 else []
    count = trial.count(0.5)
    rejected = sum(p_between(draw(trial, [*runs, *others])) < 0.05 for _ in range(count))
    value = 100 * rejected / count
    return Figure(what=f"{name}: false positives", value=value, low=SIZE[0], high=SIZE[1],
                  repetitions=count)  # fmt: skip


def _two_splits(trial: Trial, runs: Sequence[int]) -> ScoreTable:
    """Two dev splits of unequal size, on each of which a seed acts in its own way."""
    found = []
    worlds = [World(rows=n, accuracy=0.8, seed=0.03 * (sum(runs) > 2)) for n in (300, 700)]
    drawn = [world.draw(trial.generator, runs, [0.0] * len(runs)) for world in worlds]
    for sides in zip(*drawn, strict=True):
        splits = [influence.accuracy(np.ones(each.shape[1]), each) for each in sides]
        found.append(Measurement.of(splits))
    return ScoreTable(found)


def _units(trial: Trial, runs: Sequence[int]) -> ScoreTable:
    """Four rows a unit that share most of what makes them hard, for a model too."""
    units = 150
    world = World(rows=units, accuracy=0.7, model=0.5, interaction=0.4)
    groups = np.repeat(np.arange(units), _ROWS_OF_A_UNIT)
    found = []
    for unit in world.draw(trial.generator, runs, [0.0] * len(runs)):
        rows = np.repeat(unit, _ROWS_OF_A_UNIT, axis=1)
        flips = trial.generator.random(rows.shape) < 0.1
        right = np.where(flips, 1 - rows, rows)
        by_row = influence.accuracy(np.ones(right.shape[1]), right)
        found.append(Measurement.of([influence.summed(by_row, groups)]))
    return ScoreTable(found)


def _macro_f1(trial: Trial, runs: Sequence[int]) -> ScoreTable:
    """A metric of a plugin's own."""
    truth, drawn = labels(trial.generator, MRPC, runs, 0.08 * (sum(runs) > 2), 0.0)
    groups = influence.random_groups(len(truth))
    return ScoreTable([Measurement.of([_jackknifed(truth, each, groups)]) for each in drawn])


def _jackknifed(truth: Floats, predictions: Floats, groups: influence.Values) -> Influence:
    def score(rows: influence.Values) -> Sequence[float]:
        return list(_macro(truth[rows], predictions[:, rows]))

    return influence.jackknife(score, score(np.arange(len(truth))), groups)


def _macro(truth: Floats, predictions: Floats) -> Floats:
    """Mean of the two labels' F1: ``[m]``."""
    found = []
    for label in (0, 1):
        said, true = predictions == label, truth == label
        both = said.sum(axis=1) + true.sum()
        found.append(2 * (said & true).sum(axis=1) / np.maximum(both, 1))
    mean: Floats = np.mean(found, axis=0)
    return mean
