"""Closed forms and weighted metrics against scipy, scikit-learn and the tasks' own metrics."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics as sk

from glueharness_leaderboard.statistics import intervals
from glueharness_leaderboard.statistics import weighted_metrics as weighted
from glueharness_leaderboard.statistics.intervals import Interval
from glueharness_leaderboard.statistics.paired_tests import mcnemar
from tests.leaderboard_runs import TASK


@pytest.mark.parametrize(("right", "rows"), [(0, 71), (71, 71), (44, 71), (4253, 5463)])
def test_wilson_is_scipys(right: int, rows: int) -> None:
    expected = stats.binomtest(right, rows).proportion_ci(method="wilson")
    assert intervals.wilson(right / rows, rows) == pytest.approx((expected.low, expected.high))


def test_wilson_gives_the_half_widths_that_make_small_dev_sets_hard() -> None:
    # The textbook figures for QNLI at 84 %, MRPC at 71 %, RTE at 60 %, WNLI at 56 %.
    for share, rows, half in [(0.84, 5463, 0.010), (0.71, 408, 0.044), (0.6, 277, 0.058),
                              (0.563, 71, 0.115)]:  # fmt: skip
        low, high = intervals.wilson(share, rows)
        assert (high - low) / 2 == pytest.approx(half, abs=0.003)


def test_a_share_of_rows_is_told_from_another_number() -> None:
    assert intervals.is_share(4253 / 5463, 5463)
    assert not intervals.is_share(0.7785, 71)
    assert not intervals.is_share(1.2, 10)


def test_of_one_score_the_mean_has_that_scores_interval() -> None:
    own = intervals.wilson(0.8, 100)
    assert intervals.of_mean([0.8], [own]) == pytest.approx(own)


def test_the_mean_of_two_independent_scores_is_surer_than_either() -> None:
    own = intervals.wilson(0.8, 1000)
    both = intervals.of_mean([0.8, 0.8], [own, own])
    assert both.high - both.low == pytest.approx((own.high - own.low) / 2**0.5)


def test_seeds_widen_an_interval_by_students_t() -> None:
    scores = [0.80, 0.82, 0.84]
    low, high = intervals.widened_by_seeds(0.82, Interval(0.82, 0.82), scores)
    expected = stats.t.interval(0.95, 2, loc=0.82, scale=0.02 / 3**0.5)
    assert (low, high) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("first", "second"), [(1, 0), (10, 3), (3, 10), (396, 253), (5, 5), (59, 86)]
)
def test_mcnemar_is_the_binomial_test(first: int, second: int) -> None:
    found, total, fewer = mcnemar(first, second), first + second, min(first, second)
    assert found.exact == pytest.approx(stats.binomtest(fewer, total).pvalue)
    point = stats.binom.pmf(fewer, total, 0.5)
    if first != second:
        assert found.mid == pytest.approx(found.exact - point)
    else:
        assert found.mid == pytest.approx(1 - point / 2)


def test_mcnemar_of_a_published_example() -> None:
    # Fagerland, Lydersen and Laake 2013, table 1 (airway hyper-responsiveness before and after
    # stem cell transplantation): 1 and 7 discordant pairs; their exact p .070, mid-p .039.
    found = mcnemar(1, 7)
    assert found.exact == pytest.approx(0.0703, abs=5e-5)
    assert found.mid == pytest.approx(0.0391, abs=5e-5)


def test_mcnemar_without_a_difference_says_nothing() -> None:
    assert mcnemar(0, 0).mid == mcnemar(0, 0).exact == 1.0


def _dice(regression: bool) -> tuple[weighted.Values, weighted.Values, weighted.Floats]:
    generator = np.random.default_rng(3)
    rows = 60
    weights = generator.multinomial(rows, np.full(rows, 1 / rows), size=40).astype(float)
    if regression:
        truth = np.round(generator.uniform(0, 5, rows), 1)  # with ties
        return truth, np.round(truth + generator.normal(0, 1, (3, rows)), 1), weights
    labels = generator.integers(0, 2, rows)
    wrong = generator.random((3, rows)) < 0.3
    return labels, np.where(wrong, 1 - labels, labels), weights


EXPECTED = {
    "accuracy": sk.accuracy_score,
    "f1": sk.f1_score,
    "matthews_correlation": sk.matthews_corrcoef,
    "pearson": lambda truth, values: stats.pearsonr(truth, values).statistic,
    "spearman": lambda truth, values: stats.spearmanr(truth, values).statistic,
}


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_weighted_metric_is_the_metric_of_the_repeated_rows(name: str) -> None:
    truth, predictions, weights = _dice(regression=name in {"pearson", "spearman"})
    found = weighted.FAST[name](truth, predictions, weights)
    assert found.shape == (3, 40)
    for model, row in enumerate(predictions):
        for place, counts in enumerate(weights.astype(int)):
            expected = EXPECTED[name](np.repeat(truth, counts), np.repeat(row, counts))
            assert found[model, place] == pytest.approx(expected, abs=1e-12)


def test_matthews_of_three_labels_is_scikit_learns() -> None:
    generator = np.random.default_rng(5)
    truth, values = generator.integers(0, 3, 90), generator.integers(0, 3, (1, 90))
    found = weighted.matthews_correlation(truth, values, np.ones((1, 90)))[0, 0]
    assert found == pytest.approx(sk.matthews_corrcoef(truth, values[0]), abs=1e-12)


def test_a_model_that_always_says_the_same_gets_what_scikit_learn_gives_it() -> None:
    truth, same, once = np.array([0, 1, 1, 0]), np.zeros((1, 4), dtype=int), np.ones((1, 4))
    assert weighted.matthews_correlation(truth, same, once)[0, 0] == 0.0
    assert weighted.f1(truth, same, once)[0, 0] == 0.0
    constant = np.full((1, 4), 2.5)
    assert np.isnan(weighted.pearson(truth.astype(float), constant, once)[0, 0])
    assert np.isnan(weighted.spearman(truth.astype(float), constant, once)[0, 0])


@pytest.mark.parametrize("task", ["qnli", "mrpc", "cola", "stsb"])
def test_the_fast_metrics_are_the_tasks_own(task: str) -> None:
    spec = TASK[task]
    truth, predictions, _ = _dice(regression=spec.regression)
    once = np.ones((1, len(truth)))
    for metric in spec.metrics:
        own = metric.factory(spec)
        for row in predictions:
            if spec.regression:
                values, references = row.tolist(), truth.tolist()
            else:
                values = [spec.labels[place] for place in row]
                references = [spec.labels[place] for place in truth]
            expected = own.compute(predictions=values, references=references)[metric.name]
            found = weighted.FAST[metric.name](truth, row[None], once)[0, 0]
            assert found == pytest.approx(expected, abs=1e-12)
