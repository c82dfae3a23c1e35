"""The GLUE score against published rows, written out here a second time."""

from __future__ import annotations

import math
from typing import Any

import pytest

from glueharness.plugin.registry import Registry
from glueharness_glue.mnli import MNLI
from glueharness_glue.published import DEV_ROWS, PUBLISHED, TEST_ROWS
from glueharness_glue.qnli import QNLI
from glueharness_glue.score import GLUE, glue_score
from glueharness_glue.tasks import TASKS

ROWS = """
BERT-Tiny      | 64.2 | 0.0  83.2 81.1/71.1 74.3/73.6 62.2/83.4 70.2/70.3 81.5 57.2 62.3 21.0
BERT-Mini      | 65.8 | 0.0  85.9 81.1/71.8 75.4/73.3 66.4/86.2 74.8/74.3 84.1 57.9 62.3 26.1
BERT-Small     | 71.2 | 27.8 89.7 83.4/76.2 78.8/77.0 68.1/87.0 77.6/77.0 86.4 61.8 62.3 28.6
BERT-Medium    | 73.5 | 38.0 89.6 86.6/81.6 80.4/78.4 69.6/87.9 80.0/79.1 87.7 62.2 62.3 30.5
BERT-Large     | 80.5 | 60.5 94.9 89.3/85.4 87.6/86.5 72.1/89.3 86.7/85.9 92.7 70.1 65.1 39.6
Human baseline | 87.1 | 66.4 97.8 86.3/80.8 92.7/92.6 59.5/80.4 92.0/92.8 91.2 93.6 95.9 –
CBoW           | 58.9 | 0.0  80.0 81.5/73.4 61.2/58.7 51.4/79.1 56.0/56.4 72.1 54.1 65.1 9
BiLSTM+ELMo+Attn (multi-task) | 70.0 | 33.6 90.4 84.4/78.0 74.2/72.3 63.1/84.3 74.1/74.5 79.8 58.9 65.1 22
""".strip().splitlines()  # noqa: E501 - a table
"""In points: the score, then the tasks and AX in the leaderboard's order."""
NOT_REPRODUCIBLE: set[str] = set()
"""Rows whose printed score is not the mean of their printed cells; none of these eight."""


def scores_of(cells: str) -> dict[str, Any]:
    """A line of the table in the form that a group's score takes."""
    found: dict[str, Any] = {}
    for task, cell in zip(TASKS, cells.split(), strict=True):
        if cell == "–":
            continue
        values = [float(part) / 100 for part in cell.split("/")]
        if task is MNLI:
            names = ["test_matched", "test_mismatched"]
            found[task.name] = {
                name: {"accuracy": value} for name, value in zip(names, values, strict=True)
            }
        else:
            metrics = [metric.name for metric in task.metrics]
            found[task.name] = {"test": dict(zip(metrics, values, strict=True))}
    return found


@pytest.mark.parametrize("line", ROWS, ids=[line.split("|")[0].strip() for line in ROWS])
def test_published_rows(line: str) -> None:
    name, printed, cells = (part.strip() for part in line.split("|"))
    row = next(row for row in TEST_ROWS if row.name == name)
    assert _close(row.scores, scores_of(cells))
    assert row.group_score == pytest.approx(float(printed) / 100)
    score = glue_score(row.scores)
    assert score is not None
    assert (abs(100 * score - float(printed)) <= 0.06) is (name not in NOT_REPRODUCIBLE)


def _close(found: Any, expected: Any) -> bool:
    if isinstance(expected, dict):
        return found.keys() == expected.keys() and all(
            _close(found[key], expected[key]) for key in expected
        )
    return math.isclose(found, expected, abs_tol=1e-9)


def test_rows_of_the_first_qnli_are_marked() -> None:
    first = {row.name for row in PUBLISHED if row.versions.get("qnli") == "v1"}
    assert first == {"CBoW", "BiLSTM+ELMo+Attn (multi-task)"}
    assert QNLI.version == "v2"


def test_every_row_has_a_source_and_known_tasks_splits_and_metrics() -> None:
    registry = Registry()
    assert [row.name for row in registry.published] == [row.name for row in PUBLISHED]
    assert len({row.name for row in PUBLISHED}) == len(PUBLISHED) == len(ROWS) + len(DEV_ROWS)
    for row in PUBLISHED:
        assert row.source
        for name, splits in row.scores.items():
            task = registry.task(name)
            for split, metrics in splits.items():
                assert task.split(split).role == ("dev" if row in DEV_ROWS else "test")
                assert set(metrics) == {metric.name for metric in task.metrics}


def test_the_score_needs_all_nine_tasks_with_all_metrics_and_both_sets_of_mnli() -> None:
    whole = scores_of(ROWS[0].split("|")[2])
    assert glue_score(whole) is not None
    assert glue_score({name: whole[name] for name in whole if name != "ax"}) is not None
    for name in GLUE.tasks:
        assert glue_score({other: whole[other] for other in whole if other != name}) is None
    assert glue_score({**whole, "mnli": {"test_matched": {"accuracy": 0.7}}}) is None
    assert glue_score({**whole, "mrpc": {"test": {"accuracy": 0.7}}}) is None
    assert glue_score({**whole, "cola": {"test": {"matthews_correlation": math.nan}}}) is None
    assert glue_score({}) is None


def test_dev_and_test_scores_are_not_mixed() -> None:
    whole = scores_of(ROWS[0].split("|")[2])
    assert glue_score({**whole, "rte": {"dev": {"accuracy": 0.7}}}) is None


def test_ax_does_not_count() -> None:
    whole = scores_of(ROWS[0].split("|")[2])
    other = {**whole, "ax": {"test": {"matthews_correlation": 1.0}}}
    assert glue_score(whole) == glue_score(other)
    assert "ax" not in GLUE.tasks
    assert len(GLUE.tasks) == 9
    assert Registry().groups.get("glue") is GLUE
