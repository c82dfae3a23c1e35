"""Intervals, whole tables and selection, tried on models whose truth is known."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.simulated_models import COLA, MRPC, NEARLY_CONSTANT, World, labels, similarities
from benchmarks.statistics_figures import (
    COVERAGE,
    SIZE,
    Figure,
    Trial,
    measurement,
    right_or_wrong,
)
from glueharness_leaderboard.statistics import influence
from glueharness_leaderboard.statistics.difference import all_pairs, p_of
from glueharness_leaderboard.statistics.ranks import rank
from glueharness_leaderboard.statistics.score_interval import score_interval
from glueharness_leaderboard.statistics.selection import out_of_bag_score, selection_factor
from glueharness_leaderboard.statistics.variance import (
    Components,
    ScoreTable,
    rows_variance,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.simulated_models import Floats, Labels
    from glueharness_leaderboard.statistics.measurement import Measurement


def single(trial: Trial) -> list[Figure]:
    """Intervals of one score."""
    figures = []
    for runs in (1, 3, 5):
        for rows, accuracy in ((277, 0.62), (5463, 0.85)):
            figures.append(_accuracy_coverage(trial, runs, rows, accuracy))
        for name, world, seed in (("CoLA, Matthews correlation", COLA, 0.08),
                                  ("nearly constant, Matthews correlation", NEARLY_CONSTANT, 0.05),
                                  ("MRPC, F1", MRPC, 0.08)):  # fmt: skip
            figures.append(_label_coverage(trial, runs, name, (world, seed)))
        figures += [_similarity_coverage(trial, runs, name) for name in ("pearson", "spearman")]
    return figures


def _accuracy_coverage(trial: Trial, runs: int, rows: int, accuracy: float) -> Figure:
    seed = (0.06 if rows == 277 else 0.02) * (runs > 1)
    interaction = 0.3 if rows == 277 else 0.35
    world = World(rows=rows, accuracy=accuracy, interaction=interaction, seed=seed)
    count, held = trial.count(), 0
    for _ in range(count):
        (credit,) = world.draw(trial.generator, [runs], [0.0])
        held += _covers(right_or_wrong(credit), (0.0, 1.0), accuracy)
    return _coverage(f"accuracy, n = {rows}, seeds {runs}", held, count)


def _label_coverage(trial: Trial, runs: int, name: str, given: tuple[Labels, float]) -> Figure:
    world, seed = given
    matthews = "Matthews" in name
    metric = influence.matthews if matthews else influence.f1

    def draw(size: int, seeds: int) -> tuple[Floats, Floats]:
        big = type(world)(size, world.positive, world.strength, world.threshold)
        truth, (found,) = labels(trial.generator, big, [seeds], seed * (runs > 1), 0.0)
        return truth, found

    true = _truth(draw, metric, runs)
    count, held = trial.count(), 0
    for _ in range(count):
        truth, found = draw(world.rows, runs)
        if matthews:
            truth, found = influence.with_pseudo_rows(truth, found)
        bounds = (-1.0, 1.0) if matthews else (0.0, 1.0)
        held += _covers(measurement(metric(truth, found)), bounds, true)
    high = 100.0 if world is NEARLY_CONSTANT else COVERAGE[1]
    return _coverage(f"{name}, seeds {runs}", held, count, high)


def _similarity_coverage(trial: Trial, runs: int, metric: str) -> Figure:
    seed = 0.04 * (runs > 1)

    def draw(_size: int, seeds: int) -> tuple[Floats, Floats]:
        truth, (found,) = similarities(trial.generator, [seeds], seed, 0.0)
        return truth, found

    score = influence.ANALYTIC[metric]
    true = float(np.mean([score(*draw(0, 25)).scores.mean() for _ in range(200)]))
    count, held = trial.count(), 0
    for _ in range(count):
        held += _covers(measurement(score(*draw(0, runs))), (-1.0, 1.0), true)
    return _coverage(f"STS-B, {metric}, seeds {runs}", held, count)


def _truth(draw: Callable[[int, int], Any], metric: Any, runs: int) -> float:
    """The true score: of very many rows, and of many seeds where seeds differ."""
    if runs == 1:
        return float(metric(*draw(1_500_000, 1)).scores.mean())
    return float(np.mean([metric(*draw(4000, 25)).scores.mean() for _ in range(100)]))


def _covers(each: Measurement, bounds: tuple[float, float], true: float) -> bool:
    table = ScoreTable([each])
    components = table.single(0)
    rows = table.influences[0].shape[1]
    if each.runs == 1 and bounds == (0.0, 1.0) and _binary(each):
        share = each.score
        components = Components(rows=share * (1 - share) / rows, seeds=0.0, seed_degrees=0.0)
    found = score_interval(each.score, components, bounds, rows)
    return found is not None and found[0] <= true <= found[1]


def _binary(each: Measurement) -> bool:
    return len(np.unique(each.influences[0])) <= 2


def _coverage(what: str, held: int, count: int, high: float = COVERAGE[1]) -> Figure:
    return Figure(what=f"{what}: coverage", value=100 * held / count, low=COVERAGE[0], high=high,
                  repetitions=count)  # fmt: skip


def boards(trial: Trial) -> list[Figure]:
    """Whole tables: equal models, and models a step apart."""
    figures = []
    for name, world, count, runs, step in (
        ("20 equal models, RTE, 2 seeds",
         World(rows=277, accuracy=0.72, seed=0.03), 20, 2, 0.0),
        ("20 equal models, RTE, 1 seed", World(rows=277, accuracy=0.72, model=0.3), 20, 1, 0.0),
        ("RTE, 8 models, 3 seeds, 1.0 apart",
         World(rows=277, accuracy=0.68, seed=0.03), 8, 3, 0.01),
        ("QNLI, 8 models, 3 seeds, 0.3 apart",
         World(rows=5463, accuracy=0.88, interaction=0.35, seed=0.01), 8, 3, 0.003),
        ("QNLI, 20 models, 1 seed, 0.4 apart",
         World(rows=5463, accuracy=0.90, interaction=0.35), 20, 1, 0.004),
        ("RTE, 20 models, 2 seeds, 1.0 apart",
         World(rows=277, accuracy=0.72, seed=0.03), 20, 2, 0.01),
    ):  # fmt: skip
        figures += _board(trial, name, world, (count, runs, step))
    return figures


def _board(trial: Trial, name: str, world: World, design: tuple[int, int, float]) -> list[Figure]:
    models, runs, step = design
    count = trial.count(0.5)
    real = best = ranks = 0.0
    size = 0
    for _ in range(count):
        shifts = [-step * place for place in range(models)]
        found = world.draw(trial.generator, [runs] * models, shifts)
        compared = all_pairs(ScoreTable(list(map(right_or_wrong, found))))
        own, together = rank(compared), rank(compared, simultaneous=True)
        real += bool((np.nan_to_num(together.p, nan=1.0) < 0.05).any())
        ranges = [each for each in own.ranges if each is not None]
        best += ranges[0].may_be_best
        size += sum(each.may_be_best for each in ranges)
        ranks += float(np.mean([
            each.low <= place <= each.high if step else True
            for place, each in enumerate(ranges, start=1)
        ]))  # fmt: skip
    figures = [
        Figure(what=f"{name}: the best may be best", value=100 * best / count, low=95, high=100,
               repetitions=count),
    ]  # fmt: skip
    if step == 0:
        figures.append(Figure(what=f"{name}: some difference real", value=100 * real / count,
                              low=0, high=6, repetitions=count))  # fmt: skip
    else:
        share = Figure(what=f"{name}: a range holds its rank", value=100 * ranks / count,
                       low=95, high=100, repetitions=count)  # fmt: skip
        figures.append(share)
    print(f"  {name}: {size / count:.2f} of {models} may be best", file=sys.stderr)
    return figures


def selection(trial: Trial) -> list[Figure]:
    """The best of k equal candidates against one fixed run that is as good."""
    figures = []
    for name, rows, accuracy, interaction, candidates, fixed in (
        ("RTE", 277, 0.62, 0.3, 5, 1), ("RTE", 277, 0.62, 0.3, 10, 1),
        ("QNLI", 5463, 0.85, 0.35, 5, 1), ("RTE", 277, 0.62, 0.3, 5, 3),
    ):  # fmt: skip
        world = World(rows=rows, accuracy=accuracy, interaction=interaction)
        count = trial.count(0.5)
        hits = np.zeros(3)
        for _ in range(count):
            drawn = world.draw(trial.generator, [1] * (candidates + fixed),
                               [0.0] * (candidates + fixed))  # fmt: skip
            tried = np.concatenate(drawn[:candidates])
            others = np.concatenate(drawn[candidates:])
            hits += _selected(tried, others)
        what = f"{name}, best of {candidates} against best of {fixed}"
        for label, hit in zip(("uncorrected", "out of bag", "p × k"), hits, strict=True):
            most = 100 if label == "uncorrected" else SIZE[1]
            figures.append(Figure(what=f"{what}, {label}: false positives", value=100 * hit / count,
                                  low=0, high=most, repetitions=count))  # fmt: skip
    return figures


def _selected(tried: Floats, others: Floats) -> Floats:
    best, other = (each[each.mean(axis=1).argmax()] for each in (tried, others))
    gap = best - other
    variance, _ = rows_variance(gap - gap.mean())
    components = Components(rows=variance, seeds=0.0, seed_degrees=0.0)
    fair = out_of_bag_score(tried) - (
        out_of_bag_score(others) if len(others) > 1 else float(other.mean())
    )
    factor = selection_factor(len(tried), len(others), first_is_better=bool(gap.mean() > 0))
    p = p_of(float(gap.mean()), components)
    return np.array([p < 0.05, p_of(fair, components) < 0.05, p * factor < 0.05], np.float64)
