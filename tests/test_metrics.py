"""GLUE's metrics against their definitions, counted out, and where those say nothing."""

from __future__ import annotations

import subprocess
import sys
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glueharness import ACCURACY, F1, MATTHEWS, PEARSON, SPEARMAN, SpecError
from glueharness_glue.mnli import MNLI
from glueharness_glue.mrpc import MRPC
from glueharness_glue.stsb import STSB
from glueharness_glue.tasks import TASKS

if TYPE_CHECKING:
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


def by_counting(predictions: list[str], references: list[str]) -> float:
    """Matthews correlation of any number of labels, in whole numbers as far as possible."""
    rows = len(references)
    both = sum(a == b for a, b in zip(predictions, references, strict=True))
    counts = [(predictions.count(label), references.count(label)) for label in THREE]
    covariance = rows * both - sum(left * right for left, right in counts)
    left = rows**2 - sum(count**2 for count, _ in counts)
    right = rows**2 - sum(count**2 for _, count in counts)
    return covariance / (float(left) * float(right)) ** 0.5 if left and right else 0.0


def correlation(first: list[float], second: list[float]) -> float:
    """Pearson correlation of whole numbers, exact up to the last division."""
    rows = len(first)
    sums = sum(first), sum(second)
    product = rows * sum(a * b for a, b in zip(first, second, strict=True)) - sums[0] * sums[1]
    spread = [
        rows * sum(value**2 for value in values) - total**2
        for values, total in zip((first, second), sums, strict=True)
    ]
    return product / (spread[0] * spread[1]) ** 0.5 if spread[0] and spread[1] else 0.0


def doubled_ranks(values: list[float]) -> list[float]:
    """Twice the rank of each, ties at their average: whole numbers."""
    return [
        sum(other < value for other in values) + sum(other <= value for other in values) + 1
        for value in values
    ]


pairs = st.integers(1, 40).flatmap(
    lambda n: st.tuples(
        st.lists(st.sampled_from(THREE), min_size=n, max_size=n),
        st.lists(st.sampled_from(THREE), min_size=n, max_size=n),
    )
)


@settings(max_examples=100, deadline=None)
@given(pairs)
def test_labels_by_counting(both: tuple[list[str], list[str]]) -> None:
    predictions, references = both
    rows = len(references)
    equal = sum(a == b for a, b in zip(predictions, references, strict=True))
    assert score(ACCURACY, MNLI, predictions, references) == equal / rows
    assert score(MATTHEWS, MNLI, predictions, references) == pytest.approx(
        by_counting(predictions, references), abs=1e-12
    )
    two = [[YES if label == THREE[0] else NO for label in labels] for labels in both]
    hits = sum(a == b == YES for a, b in zip(*two, strict=True))
    named = two[0].count(YES) + two[1].count(YES)
    expected = 2 * hits / named if named else 0.0
    assert score(F1, MRPC, *two) == pytest.approx(expected, abs=1e-12)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(-9, 9), st.integers(0, 5)), min_size=1, max_size=40))
def test_correlations_by_counting(rows: list[tuple[int, int]]) -> None:
    """Whole numbers, so that there are ties, and often constant sides."""
    predictions, references = [list(map(float, side)) for side in zip(*rows, strict=True)]
    assert score(PEARSON, STSB, predictions, references) == pytest.approx(
        correlation(predictions, references), abs=1e-12
    )
    assert score(SPEARMAN, STSB, predictions, references) == pytest.approx(
        correlation(doubled_ranks(predictions), doubled_ranks(references)), abs=1e-12
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
        np.corrcoef(np.array([predictions, references]) == YES)[0, 1], abs=1e-12
    )


def test_unequal_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match=r"[Mm]ismatch"):
        ACCURACY.factory(MRPC).compute(predictions=[YES], references=[YES, NO])


def test_every_task_makes_its_metrics() -> None:
    for task in TASKS:
        for spec in task.metrics:
            values = [1.0, 2.0, 3.5] if task.regression else [*task.labels, task.labels[0]]
            assert score(spec, task, values, values) == pytest.approx(1.0)


def test_accuracy_needs_no_library_and_constant_predictions_neither() -> None:
    """The majority class is the first run of many."""
    program = (
        "import sys\n"
        "from glueharness_glue.tasks import TASKS\n"
        "for task in TASKS:\n"
        "    for spec in task.metrics:\n"
        "        if spec.name != 'f1':\n"
        "            values = ([1.0, 1.0], [1.0, 2.0]) if task.regression else "
        "(task.labels[:1] * 2, task.labels[:2])\n"
        "            metric = spec.factory(task)\n"
        "            assert metric.compute(predictions=values[0], references=values[1])\n"
        "print(*{name.split('.')[0] for name in sys.modules})"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    heavy = {"sklearn", "scipy", "evaluate", "datasets", "torch", "transformers"}
    assert not heavy & set(answer.stdout.split())
