"""The statistics behind board and compare, against closed forms, scipy, and cases at the edge."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics as sk

from benchmarks.statistics_pairs import Plan
from glueharness_leaderboard.statistics import influence
from glueharness_leaderboard.statistics.detectable import detectable_difference
from glueharness_leaderboard.statistics.difference import (
    Difference,
    all_pairs,
    difference,
    half_width,
    p_of,
)
from glueharness_leaderboard.statistics.influence import Influence
from glueharness_leaderboard.statistics.measurement import Measurement
from glueharness_leaderboard.statistics.paired_tests import mcnemar
from glueharness_leaderboard.statistics.ranks import holm_corrected, rank
from glueharness_leaderboard.statistics.score_interval import score_interval
from glueharness_leaderboard.statistics.selection import (
    expected_maximum,
    out_of_bag_score,
    selection_factor,
)
from glueharness_leaderboard.statistics.student_t import degrees_of_freedom, two_sided_p
from glueharness_leaderboard.statistics.variance import (
    Components,
    ScoreTable,
    rows_variance,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glueharness_leaderboard.statistics.influence import Floats, Values

ROWS_ONLY = {"seeds": 0.0, "seed_degrees": 0.0}


def predictions_of(name: str, runs: int, rows: int = 160) -> tuple[Values, Values]:
    generator = np.random.default_rng(7)
    if name in {"pearson", "spearman"}:
        truth = np.round(generator.uniform(0, 5, rows), 1)  # with ties
        return truth, np.round(truth + generator.normal(0, 1, (runs, rows)), 1)
    labels = generator.integers(0, 2, rows)
    return labels, np.where(generator.random((runs, rows)) < 0.3, 1 - labels, labels)


EXPECTED = {
    "accuracy": sk.accuracy_score,
    "f1": sk.f1_score,
    "matthews_correlation": sk.matthews_corrcoef,
    "pearson": lambda truth, values: stats.pearsonr(truth, values).statistic,
    "spearman": lambda truth, values: stats.spearmanr(truth, values).statistic,
}


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_an_influence_is_what_leaving_the_row_out_does(name: str) -> None:
    truth, predictions = predictions_of(name, 3)
    found = influence.ANALYTIC[name](truth, predictions)
    for run, row in enumerate(predictions):
        assert found.scores[run] == pytest.approx(EXPECTED[name](truth, row), abs=1e-12)
        without = np.array([
            EXPECTED[name](np.delete(truth, place), np.delete(row, place))
            for place in range(len(truth))
        ])  # fmt: skip
        left_out = (len(truth) - 1) * (without.mean() - without)
        assert np.corrcoef(left_out, found.values[run])[0, 1] > 0.999
        assert found.values[run].std() == pytest.approx(left_out.std(), rel=0.03)
        assert found.values[run].mean() == pytest.approx(0, abs=1e-12)


def test_the_jackknife_of_one_group_asks_for_no_score_without_rows() -> None:
    def score(rows: Values) -> list[float]:
        assert len(rows)
        return [0.75]

    found = influence.jackknife(score, [0.75], np.zeros(4, np.int64))
    assert found.scores == [0.75]
    assert found.values.tolist() == [[0.0]]


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_the_jackknife_agrees_with_the_closed_form(name: str) -> None:
    truth, predictions = predictions_of(name, 2, rows=1500)
    closed = influence.ANALYTIC[name](truth, predictions)

    def score(rows: Values) -> Sequence[float]:
        return [EXPECTED[name](truth[rows], each[rows]) for each in predictions]

    groups = influence.random_groups(1500)
    assert sorted(set(np.bincount(groups))) == [7, 8]
    jackknifed = influence.jackknife(score, score(np.arange(1500)), groups)
    assert jackknifed.values.shape == (2, 200)
    for run in range(2):
        expected = rows_variance(closed.values[run])[0]
        assert rows_variance(jackknifed.values[run])[0] == pytest.approx(expected, rel=0.3)
    # Summed over the same groups, the closed form is the jackknife but for terms of second order.
    summed = influence.summed(closed, groups)
    assert np.corrcoef(summed.values[0], jackknifed.values[0])[0, 1] > 0.995


def test_a_metric_that_is_undefined_without_some_rows_is_undefined() -> None:
    def score(rows: Values) -> Sequence[float]:
        return [0.5, math.nan if 3 not in rows else 0.5]

    found = influence.jackknife(score, [0.5, 0.5], np.arange(10))
    assert found.scores[0] == 0.5
    assert np.isnan(found.scores[1])
    assert np.isfinite(found.values).all()


def test_constant_predictions_are_zero_and_no_row_moves_them() -> None:
    truth = np.array([0, 1, 1, 0, 1])
    same = np.ones((1, 5))
    for name in ("matthews_correlation", "pearson", "spearman"):
        found = influence.ANALYTIC[name](truth, same)
        assert found.scores[0] == 0
        assert not found.values.any()
    assert influence.is_constant(np.array([[1, 1, 1], [1, 0, 1]])).tolist() == [True, False]


def test_a_metric_for_two_labels_is_not_used_for_three() -> None:
    truth, predictions = np.array([0, 1, 2]), np.array([[0, 1, 1]])
    assert influence.analytic("matthews_correlation", truth, predictions) is None
    assert influence.analytic("f1", truth, predictions) is None
    assert influence.analytic("accuracy", truth, predictions) is not None
    assert influence.analytic("bleu", truth, predictions) is None


def test_rows_that_belong_together_count_as_one() -> None:
    truth, predictions = predictions_of("accuracy", 1, rows=300)
    twice = influence.accuracy(np.repeat(truth, 2), np.repeat(predictions, 2, axis=1))
    alone = rows_variance(influence.accuracy(truth, predictions).values[0])
    grouped = influence.summed(twice, np.repeat(np.arange(300), 2))
    assert rows_variance(grouped.values[0]) == pytest.approx(alone)
    assert rows_variance(twice.values[0])[0] < 0.6 * alone[0]


def test_random_groups_never_part_a_unit() -> None:
    units = np.repeat(np.arange(450), 3)
    groups = influence.random_groups(len(units), units)
    assert groups.max() == 199
    assert all(len(set(groups[units == unit])) == 1 for unit in range(450))


def table(*contestants: Floats) -> ScoreTable:
    """Contestants from their right rows, ``[m, n]`` each."""
    return ScoreTable([
        Measurement.of([influence.accuracy(np.ones(each.shape[1]), each)])
        for each in contestants
    ])  # fmt: skip


def dice(*shapes: tuple[int, float], rows: int = 300, seed: int = 5) -> list[Floats]:
    """Right rows of contestants: how many runs and how accurate each is."""
    generator = np.random.default_rng(seed)
    hard = generator.normal(0, 1, rows)
    found = []
    for runs, accuracy in shapes:
        own = hard + generator.normal(0, 0.5, rows) + generator.normal(0, 0.5, (runs, rows))
        found.append((own < stats.norm.ppf(accuracy) * 1.22).astype(float))
    return found


def test_the_accuracy_of_one_run_has_wilsons_interval() -> None:
    (right,) = dice((1, 0.8))
    each = table(right)
    share = float(each.scores[0])
    exact = Components(rows=share * (1 - share) / 300, **ROWS_ONLY)
    expected = stats.binomtest(int(right.sum()), 300).proportion_ci(method="wilson")
    assert score_interval(share, exact, (0, 1), 300) == pytest.approx((expected.low, expected.high))
    nothing = Components(rows=0.0, **ROWS_ONLY)
    ends = stats.binomtest(300, 300).proportion_ci(method="wilson")
    assert score_interval(1.0, nothing, (0, 1), 300) == pytest.approx((ends.low, 1.0))


def test_one_run_against_one_is_nearly_mcnemars_mid_p() -> None:
    for first, second in ((30, 14), (59, 86), (12, 3), (8, 8)):
        gaps = np.repeat([1.0, -1.0, 0.0], [first, second, 500 - first - second])
        variance, deciding = rows_variance(gaps - gaps.mean())
        assert deciding == pytest.approx(first + second, rel=0.05)
        p = p_of(gaps.mean(), Components(rows=variance, **ROWS_ONLY))
        total, fewer = first + second, min(first, second)
        exact = stats.binomtest(fewer, total).pvalue
        mid = exact - stats.binom.pmf(fewer, total, 0.5) if first != second else 1.0
        assert p == pytest.approx(mid, abs=0.02)


def test_the_rows_and_seeds_test_counts_the_interaction_once() -> None:
    ours, theirs = dice((3, 0.8), (3, 0.75))
    both = table(ours, theirs)
    found = both.pair(0, 1)
    scores = [ours.mean(axis=1), theirs.mean(axis=1)]
    seeds = sum(each.var(ddof=1) for each in scores) / 2 * (2 / 3)
    assert found.seeds == pytest.approx(seeds)
    assert found.seed_degrees == pytest.approx(4)
    gap = ours.mean(axis=0) - theirs.mean(axis=0)
    variance, _ = rows_variance(gap - gap.mean())
    interaction = sum(
        ((each - each.mean(axis=0) - each.mean(axis=1, keepdims=True) + each.mean()) ** 2).sum()
        for each in (ours, theirs)
    ) / (2 * 2 * 300 * 299)
    assert found.rows == pytest.approx(max(0, variance - interaction * 2 / 3))
    assert found.rows < variance


def test_the_interval_leaves_out_zero_exactly_where_p_is_below_five_per_cent() -> None:
    generator = np.random.default_rng(2)
    seen = set()
    for _ in range(300):
        value = generator.normal(0, 0.03)
        components = Components(
            rows=generator.uniform(0, 2e-4),
            seeds=generator.choice([0.0, generator.uniform(0, 2e-4)]) + 1e-9,
            seed_degrees=float(generator.integers(1, 20)),
        )
        found = Difference(
            value=value,
            components=components,
            p=p_of(value, components),
            comparisons=generator.choice([1, 3, 36]),
        )
        low, high = found.interval
        assert (found.p_corrected < 0.05) == (low > 0 or high < 0)
        assert found.verdict in {"real", "not distinguishable"}
        seen.add(found.verdict)
    assert len(seen) == 2


def test_degrees_of_freedom_are_those_of_the_seeds_where_rows_do_not_count() -> None:
    assert degrees_of_freedom(0.0, 1.0, 4) == pytest.approx(4)
    assert degrees_of_freedom(5.0, 1.0, 1) == pytest.approx(1)
    assert degrees_of_freedom(1.0, 1.0, 4) == pytest.approx(4 / (5 / 8) ** 2)
    assert math.isinf(degrees_of_freedom(1.0, 0.0, 0))
    for nu in (1, 3.5, 60):
        assert two_sided_p(2.1, nu) == pytest.approx(2 * stats.t.sf(2.1, nu))
    assert two_sided_p(40.0, np.inf) < 1e-300
    assert half_width(Components(rows=1.0, **ROWS_ONLY)) == pytest.approx(1.959964)


def test_seed_variance_is_pooled_lent_and_kept() -> None:
    calm = [dice((3, 0.8), seed=seed)[0] for seed in range(4)]
    single, wild = dice((1, 0.8), (3, 0.8), seed=9)
    wild = wild.copy()
    wild[0, :150] = 0  # one seed that collapsed
    fixed = np.repeat(dice((1, 0.7), seed=11)[0], 3, axis=0)
    found = table(*calm, single, wild, fixed).spread
    squares = [each.mean(axis=1).var(ddof=1) for each in [*calm, wild]]
    assert found.pool_degrees == 10
    assert found.pooled == pytest.approx(np.mean(squares))
    assert found.own.tolist() == [False] * 5 + [True, False]
    assert found.borrowed.tolist() == [False] * 4 + [True, False, False]
    assert found.variances[4] == pytest.approx(found.pooled)
    assert found.variances[5] == pytest.approx(squares[-1])
    assert found.degrees[5] == 2
    assert found.variances[6] == found.interactions[6] == 0
    assert found.ratio > 2


def test_seeds_that_score_alike_by_luck_are_seeds_all_the_same() -> None:
    # Two seeds that err as often, on other rows, against one run.
    several = np.ones((2, 300))
    several[0, :50] = several[1, 50:100] = 0
    alone = np.ones((1, 300))
    alone[0, 20:120] = 0
    both = table(several, alone)
    found = both.pair(0, 1)
    assert found.seeds > 0
    assert found.seed_degrees == 1
    mean = rows_variance(both.influences[0][0] - both.influences[0][1])[0]
    assert found.variance >= mean


def test_a_model_that_ignores_its_seed_is_tested_by_its_rows_alone() -> None:
    first, second = (np.repeat(each, 2, axis=0) for each in dice((1, 0.8), (1, 0.7)))
    found = table(first, second).pair(0, 1)
    assert found.seeds == 0
    assert found.rows == table(first[:1], second[:1]).pair(0, 1).rows


def test_all_pairs_are_what_pair_by_pair_gives() -> None:
    drawn = dice((3, 0.8), (1, 0.75), (2, 0.7), (5, 0.8))
    twin = drawn[1].copy()
    other = [each[:, ::-1] for each in [*drawn, twin]]
    both = ScoreTable([
        Measurement.of([influence.accuracy(np.ones(300), one),
                        influence.accuracy(np.ones(300), two)])
        for one, two in zip([*drawn, twin], other, strict=True)
    ])  # fmt: skip
    together = all_pairs(both)
    for first in range(5):
        for second in range(5):
            if first == second:
                assert together.p[first, second] == 1
                continue
            alone = difference(both, first, second)
            assert together.p[first, second] == pytest.approx(alone.p)
            assert together.differences[first, second] == pytest.approx(alone.value)
            found = together.components(first, second)
            assert found.variance == pytest.approx(alone.components.variance)
            assert found.degrees == pytest.approx(alone.components.degrees)
    assert difference(both, 1, 4).verdict == "identical"
    assert together.p[1, 4] == 1


def test_one_side_right_everywhere_and_the_other_nowhere_is_real() -> None:
    found = difference(table(np.ones((1, 40)), np.zeros((1, 40))), 0, 1)
    assert found.components.effective_rows == pytest.approx(40)
    assert found.verdict == "real"
    assert found.p < 1e-8


@pytest.mark.parametrize("rows", [2, 4])
def test_a_few_rows_show_nothing_however_one_sided(rows: int) -> None:
    # By the sign test p is 0.5 and 0.125.
    found = difference(table(np.ones((1, rows)), np.zeros((1, rows))), 0, 1)
    assert found.verdict == "too few rows differ"
    ranges = rank(all_pairs(table(np.ones((1, rows)), np.zeros((1, rows))))).ranges
    assert [(each.low, each.high) for each in ranges if each] == [(1, 2), (1, 2)]


@pytest.mark.parametrize(("ahead", "rows"), [(6, 7), (17, 20), (19, 20), (273, 277)])
def test_nearly_every_row_won_is_real_and_nearly_mcnemars_mid_p(ahead: int, rows: int) -> None:
    first, second = np.ones((1, rows)), np.ones((1, rows))
    second[0, :ahead] = 0
    for one, other in ((first, second), (second, first)):
        found = difference(table(one, other), 0, 1)
        assert found.components.effective_rows == pytest.approx(ahead)
        assert found.verdict == "real"
        expected = mcnemar(ahead, 0).mid
        assert math.log10(found.p) == pytest.approx(math.log10(expected), rel=0.35)
        together = all_pairs(table(one, other))
        assert together.p[0, 1] == together.p[1, 0] == pytest.approx(found.p)
        assert together.effective_rows[1, 0] == pytest.approx(ahead)


def test_a_handful_of_rows_carries_no_verdict() -> None:
    first = np.ones((1, 4000))
    second = first.copy()
    second[0, :4] = 0
    found = difference(table(first, second), 0, 1)
    assert found.verdict == "too few rows differ"
    second[0, :40] = 0
    assert difference(table(first, second), 0, 1).verdict == "real"


def test_an_undefined_score_has_no_rank_and_no_test() -> None:
    drawn = dice((2, 0.9), (2, 0.6), (2, 0.6))
    scored = [influence.accuracy(np.ones(300), each) for each in drawn]
    lost = Influence(scores=np.array([0.5, np.nan]), values=scored[2].values)
    found = ScoreTable([Measurement.of([each]) for each in (*scored[:2], lost)])
    assert difference(found, 0, 2).verdict == "undefined"
    ranking = rank(all_pairs(found))
    assert ranking.ranges[2] is None
    ranges = [(each.low, each.high) for each in ranking.ranges[:2] if each is not None]
    assert ranges == [(1, 1), (2, 2)]


def test_holm_of_a_known_example() -> None:
    # By hand: 0.005 × 4, 0.01 × 3, 0.03 × 2, and 0.04 × 1, which may not fall below the one before.
    found = holm_corrected(np.array([[0.01, 0.04, 0.03, 0.005], [0.9, np.nan, 0.02, np.nan]]))
    assert found[0] == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert found[1][[0, 2]] == pytest.approx([0.9, 0.04])
    assert np.isnan(found[1][[1, 3]]).all()


def test_of_two_contestants_the_ranks_say_what_the_test_says() -> None:
    for accuracy in (0.8, 0.6):
        both = table(*dice((3, 0.8), (3, accuracy)))
        real = difference(both, 0, 1).verdict == "real"
        for simultaneous in (False, True):
            ranges = rank(all_pairs(both), simultaneous=simultaneous).ranges
            assert [each.high - each.low for each in ranges if each] == [0 if real else 1] * 2


def test_one_contestant_has_the_first_rank() -> None:
    (only,) = rank(all_pairs(table(*dice((2, 0.8))))).ranges
    assert only is not None
    assert (only.low, only.high) == (1, 1)


def flipped(labels: Values, chance: float, generator: np.random.Generator) -> Values:
    flips = generator.random(len(labels)) < chance
    return np.where(flips, 1 - labels, labels)


def test_eighty_points_are_real_among_seventeen_runs() -> None:
    # A table of 136 pairs: a p that ends at 1/2,500 could show nothing on it.
    generator = np.random.default_rng(17)
    labels = (generator.random(1043) < 0.69).astype(int)
    runs = np.stack([flipped(labels, 0.08 if run == 0 else 0.48, generator) for run in range(17)])
    found = ScoreTable([
        Measurement.of([influence.matthews(labels, run[None])]) for run in runs
    ])  # fmt: skip
    ranking = rank(all_pairs(found), simultaneous=True)
    assert found.scores[0] - found.scores[1:].max() > 0.7
    assert (ranking.p[0, 1:] < 1e-10).all()
    together = [each for each in ranking.ranges if each is not None]
    assert [each.may_be_best for each in together] == [True] + [False] * 16
    assert together[0].high == 1


def test_a_constant_contestant_is_told_from_the_others_by_their_rows() -> None:
    generator = np.random.default_rng(3)
    truth = np.round(generator.uniform(0, 5, 1500), 1)
    values = [np.full(1500, 2.5)] + [truth + generator.normal(0, 0.9, 1500) for _ in range(3)]
    found = ScoreTable([
        Measurement.of([influence.pearson(truth, each[None])]) for each in values
    ])  # fmt: skip
    ranking = rank(all_pairs(found), simultaneous=True)
    assert (ranking.p[0, 1:] < 1e-10).all()
    # What the variance of the other's correlation alone says.
    alone = rows_variance(found.influences[0][1])[0]
    expected = float(two_sided_p(found.scores[1] / alone**0.5, np.inf))
    assert difference(found, 1, 0).p == pytest.approx(expected, abs=1e-300)


def test_a_nearly_constant_matthews_correlation_has_an_interval_that_holds_it() -> None:
    truth = np.array([0] * 30 + [1] * 70)
    for same in (np.ones((1, 100)), np.zeros((1, 100))):
        padded = influence.with_pseudo_rows(truth, same)
        found = ScoreTable([Measurement.of([influence.matthews(*padded)])])
        interval = score_interval(float(found.scores[0]), found.single(0), (-1, 1), 104)
        assert interval is not None
        assert interval[0] < 0 < interval[1]
        assert interval[1] - interval[0] < 0.7


def test_a_correlation_is_given_its_interval_on_fishers_scale() -> None:
    generator = np.random.default_rng(1)
    truth = generator.normal(size=800)
    values = 0.9 * truth + 0.4359 * generator.normal(size=800)
    found = ScoreTable([Measurement.of([influence.pearson(truth, values[None])])])
    interval = score_interval(float(found.scores[0]), found.single(0), (-1, 1), 800)
    expected = stats.pearsonr(truth, values).confidence_interval(0.95)
    assert interval == pytest.approx((expected.low, expected.high), abs=0.003)
    assert score_interval(1.0, Components(rows=1e-4, **ROWS_ONLY), (-1, 1), 10) is None
    wide = score_interval(12.0, Components(rows=100.0, **ROWS_ONLY), (0, 20), 10)
    assert wide == (0, 20)


def test_tasks_add_up() -> None:
    first = Components(rows=4.0, seeds=2.0, seed_degrees=4)
    second = Components(rows=1.0, seeds=1.0, seed_degrees=2)
    both = first.times(0.5).plus(second.times(0.5))
    assert both.rows == pytest.approx(1.25)
    assert both.seeds == pytest.approx(0.75)
    assert both.seed_degrees == pytest.approx(0.75**2 / (0.25 / 4 + 0.0625 / 2))


def test_the_best_of_equal_candidates_looks_better_by_as_much_as_is_known() -> None:
    found = [expected_maximum(k) for k in (1, 2, 3, 5, 10)]
    assert found == pytest.approx([0, 0.564, 0.846, 1.163, 1.539], abs=1e-3)
    # Of two runs, half the share of the rows on which they differ, by the number of rows: what
    # is multiplied by the expected maximum.
    (pair,) = dice((2, 0.62), rows=277)
    (each,) = table(pair).measurements
    differing = float((pair[0] != pair[1]).mean())
    # The part of it that moves the mean is no interaction.
    moved = (pair[0].mean() - pair[1].mean()) ** 2
    expected = (differing - moved) / (2 * 276)
    assert each.seeds.interaction == pytest.approx(expected)


def test_a_score_out_of_the_bag_takes_the_luck_away() -> None:
    generator = np.random.default_rng(8)
    shown, fair = [], []
    for _ in range(60):
        right = (generator.random((8, 250)) < 0.62).astype(float)
        shown.append(right.mean(axis=1).max())
        fair.append(out_of_bag_score(right))
    assert np.mean(shown) > 0.65
    assert np.mean(fair) == pytest.approx(0.62, abs=0.01)

    units = np.repeat(np.arange(125), 2)
    assert out_of_bag_score(right, units) != out_of_bag_score(right)


def test_selection_is_paid_for_by_the_side_that_selected_more() -> None:
    assert selection_factor(5, 1, first_is_better=True) == 5
    assert selection_factor(5, 1, first_is_better=False) == 1
    assert selection_factor(3, 3, first_is_better=True) == 1


def test_what_rows_and_seeds_could_show() -> None:
    assert detectable_difference(1e-4, 0.0, 0) == pytest.approx(0.0280, abs=1e-4)
    plan = Plan(rows=277, between=0.17, within=(0.17, 0.17), seed_deviation=0.0)
    assert plan.detectable(1, 1, 0) == pytest.approx(0.0694, abs=2e-4)
    spread = Plan(rows=277, between=0.17, within=(0.13, 0.13), seed_deviation=0.02)
    few, many = spread.detectable(3, 3, 4), spread.detectable(10, 10, 18)
    assert many < few < spread.detectable(2, 2, 2)


def odd_measurement(generator: np.random.Generator, name: str, truth: Values) -> Measurement:
    """Few rows, runs that agree, constant and perfect ones."""
    shape = (int(generator.integers(1, 4)), len(truth))
    if name in {"pearson", "spearman"}:
        predictions: Values = np.round(generator.uniform(0, 5, shape))
    else:
        predictions = generator.integers(0, 2, shape)
    kind = generator.integers(0, 6)
    if kind == 0:
        predictions[:] = predictions[0]
    elif kind == 1:
        predictions[:] = predictions[0, 0]
    elif kind == 2:
        predictions[:] = truth
    return Measurement.of([influence.ANALYTIC[name](truth, predictions)])


@pytest.mark.parametrize("name", sorted(EXPECTED))
@pytest.mark.filterwarnings("error")
def test_odd_tables_hold_no_contradiction(name: str) -> None:
    generator = np.random.default_rng(13)
    bounds = (0.0, 1.0) if name in {"accuracy", "f1"} else (-1.0, 1.0)
    for _ in range(150):
        rows, count = int(generator.integers(2, 30)), int(generator.integers(1, 6))
        truth, _ = predictions_of(name, 1, rows)
        truth = np.round(truth) if generator.random() < 0.9 else np.full_like(truth, truth[0])
        found = ScoreTable([odd_measurement(generator, name, truth) for _ in range(count)])
        together = all_pairs(found)
        for ranges in (rank(together).ranges, rank(together, simultaneous=True).ranges):
            assert all(each and 1 <= each.low <= each.high <= count for each in ranges)
        for first in range(count):
            score = float(found.scores[first])
            interval = score_interval(score, found.single(first), bounds, rows)
            if interval is not None:
                assert bounds[0] - 1e-9 <= interval[0] <= score + 1e-9
                assert score - 1e-9 <= interval[1] <= bounds[1] + 1e-9
            for second in set(range(count)) - {first}:
                alone = difference(found, first, second)
                assert 0 <= alone.p <= 1
                assert together.p[first, second] == pytest.approx(alone.p, rel=1e-5, abs=1e-12)
                low, high = alone.interval
                assert (alone.p < 0.05) == (low > 0 or high < 0)
