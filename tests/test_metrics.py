"""GLUE's metrics against scikit-learn and SciPy, and where those are undefined."""

from __future__ import annotations

import subprocess
import sys
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn import metrics as sk

from glueharness import SpecError
from glueharness_glue.metrics import ACCURACY, F1, MATTHEWS, PEARSON, SPEARMAN
from glueharness_glue.mnli import MNLI
from glueharness_glue.mrpc import MRPC
from glueharness_glue.stsb import STSB
from glueharness_glue.tasks import TASKS

if TYPE_CHECKING:
    from pathlib import Path

    from glueharness import MetricSpec, TaskSpec

THREE = MNLI.labels
NO, YES = MRPC.labels


def score(spec: MetricSpec, task: TaskSpec, predictions: Any, references: Any) -> float:
    """The metric's value, with every warning an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        answer = spec.factory(task).compute(predictions=predictions, references=references)
    assert list(answer) == [spec.name]
    value = answer[spec.name]
    assert isinstance(value, float)
    return value


pairs = st.integers(1, 40).flatmap(
    lambda n: st.tuples(
        st.lists(st.sampled_from(THREE), min_size=n, max_size=n),
        st.lists(st.sampled_from(THREE), min_size=n, max_size=n),
    )
)


@settings(max_examples=25, deadline=None)
@given(pairs)
def test_labels_as_scikit_learn(both: tuple[list[str], list[str]]) -> None:
    predictions, references = both
    assert score(ACCURACY, MNLI, predictions, references) == pytest.approx(
        sk.accuracy_score(references, predictions)
    )
    with warnings.catch_warnings(action="ignore"):  # scikit-learn's, of constant labels
        expected = sk.matthews_corrcoef(references, predictions)
    assert score(MATTHEWS, MNLI, predictions, references) == pytest.approx(expected)
    two = [[YES if label == THREE[0] else NO for label in labels] for labels in both]
    assert score(F1, MRPC, *two) == pytest.approx(
        sk.f1_score(two[1], two[0], pos_label=YES, zero_division=0.0)
    )


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(-9, 9), st.integers(0, 5)), min_size=3, max_size=40))
def test_correlations_as_scipy(rows: list[tuple[int, int]]) -> None:
    """Whole numbers, so that there are ties."""
    predictions = [left / 4 for left, _ in rows]
    references = [float(right) for _, right in rows]
    if len(set(predictions)) == 1 or len(set(references)) == 1:
        assert score(PEARSON, STSB, predictions, references) == 0.0
        assert score(SPEARMAN, STSB, predictions, references) == 0.0
        return
    assert score(PEARSON, STSB, predictions, references) == pytest.approx(
        stats.pearsonr(predictions, references).statistic, abs=1e-12
    )
    assert score(SPEARMAN, STSB, predictions, references) == pytest.approx(
        stats.spearmanr(predictions, references).statistic, abs=1e-12
    )


@pytest.mark.parametrize(
    "values", [[0.1] * 7, [1e300] * 7, [0.0] * 7], ids=["tenth", "large", "zero"]
)
@pytest.mark.parametrize("spec", [PEARSON, SPEARMAN], ids=lambda spec: spec.name)
def test_constant_scores_have_no_correlation(spec: MetricSpec, values: list[float]) -> None:
    references = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 2.5]
    assert score(spec, STSB, values, references) == 0.0
    assert score(spec, STSB, references, values) == 0.0


def test_large_and_tiny_scores_do_not_overflow() -> None:
    references = [0.0, 1.0, 2.0, 4.0]
    for factor in (1e300, 1e-300):
        scaled = [factor * value for value in references]
        assert score(PEARSON, STSB, scaled, references) == pytest.approx(1.0)


def test_one_row() -> None:
    assert score(ACCURACY, MRPC, [YES], [YES]) == 1.0
    assert score(MATTHEWS, MRPC, [YES], [YES]) == 0.0
    assert score(PEARSON, STSB, [1.0], [2.0]) == 0.0


def test_constant_labels() -> None:
    """The majority class on CoLA: a Matthews correlation of 0, as the papers print it."""
    assert score(MATTHEWS, MRPC, [YES] * 4, [YES, NO, YES, YES]) == 0.0
    assert score(MATTHEWS, MRPC, [YES, NO, YES, YES], [YES] * 4) == 0.0
    assert score(F1, MRPC, [NO] * 3, [NO] * 3) == 0.0
    assert score(F1, MRPC, [NO] * 3, [YES] * 3) == 0.0


def test_f1_is_that_of_the_second_label() -> None:
    predictions, references = [YES, YES, NO, NO], [YES, NO, NO, NO]
    assert score(F1, MRPC, predictions, references) == pytest.approx(2 / 3)
    swapped = {YES: NO, NO: YES}
    others = [[swapped[label] for label in labels] for labels in (predictions, references)]
    assert score(F1, MRPC, *others) == pytest.approx(0.8)


def test_f1_of_three_labels_is_refused() -> None:
    with pytest.raises(SpecError, match="mnli has 3"):
        F1.factory(MNLI)


def test_a_large_split_is_exact() -> None:
    """Products of counts are beyond 2^64 here; nothing may overflow."""
    draw = np.random.default_rng(0)
    references = draw.choice(MRPC.labels, 50_000).tolist()
    predictions = draw.choice(MRPC.labels, 50_000).tolist()
    assert score(MATTHEWS, MRPC, predictions, references) == pytest.approx(
        sk.matthews_corrcoef(references, predictions), abs=1e-12
    )


def test_unequal_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match=r"[Mm]ismatch"):
        ACCURACY.factory(MRPC).compute(predictions=[YES], references=[YES, NO])


def test_every_task_makes_its_metrics() -> None:
    for task in TASKS:
        for spec in task.metrics:
            values = [1.0, 2.0, 3.5] if task.regression else [*task.labels, task.labels[0]]
            assert score(spec, task, values, values) == pytest.approx(1.0)


PROGRAM = """
import os, sys
from glueharness_glue.metrics import ACCURACY
from glueharness_glue.qnli import QNLI

metric = ACCURACY.factory(QNLI)
both = list(QNLI.labels)
assert metric.compute(predictions=both, references=both) == {"accuracy": 1.0}
assert metric.compute(predictions=both, references=both[::-1]) == {"accuracy": 0.0}
assert isinstance(metric, sys.modules["evaluate.module"].Metric)
assert "evaluate" not in sys.modules
print(*(name for name in ("torch", "transformers") if name in sys.modules))
"""


def test_an_evaluate_module_that_needs_no_network_no_home_and_no_torch(tmp_path: Path) -> None:
    """The home is a file, so that nothing can be written there whoever runs the test."""
    home = tmp_path / "home"
    home.write_text("")
    answer = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={"HOME": str(home), "HF_HUB_OFFLINE": "1", "PATH": ""},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.strip() == ""
    assert [path.name for path in tmp_path.iterdir()] == ["home"]


@pytest.mark.slow
def test_the_whole_of_evaluate_can_be_imported_later() -> None:
    program = PROGRAM + "import evaluate; assert isinstance(metric, evaluate.Metric)\n"
    program += "from evaluate import config, load; assert evaluate.combine([metric])\n"
    subprocess.run([sys.executable, "-c", program], check=True)
