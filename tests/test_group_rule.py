"""What may make a group's score: one rule, whoever shows it."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import pytest

from glueharness import MetricSpec
from glueharness.scoring.group_score import group_score
from glueharness_glue.mrpc import MRPC
from glueharness_glue.score import GLUE, task_score
from tests.leaderboard_runs import Making, make_run

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from glueharness.record.record import RunRecord


@pytest.fixture
def runs(tmp_path: Path) -> dict[str, list[RunRecord]]:
    """A whole run of each task."""
    found = {}
    for place, task in enumerate(GLUE.tasks):
        found[task] = [make_run(tmp_path, Making(task=task, number=place))]
    return found


def changed(run: RunRecord, **data: Any) -> RunRecord:
    return dataclasses.replace(run, data=dataclasses.replace(run.data, **data))


def shortened(run: RunRecord, **split: Any) -> RunRecord:
    splits = {
        name: dataclasses.replace(each, **split) if each.role == "dev" else each
        for name, each in run.data.splits.items()
    }
    return changed(run, splits=splits)


def test_whole_runs_of_all_tasks_make_a_score(runs: dict[str, Sequence[RunRecord]]) -> None:
    found = group_score(GLUE, runs)
    assert found.score is not None
    assert (found.why, found.marks) == ("", ())


def test_what_is_not_whole_makes_none_and_says_why(runs: dict[str, Sequence[RunRecord]]) -> None:
    limited = {**runs, "rte": [shortened(runs["rte"][0], rows=20)]}
    found = group_score(GLUE, limited)
    assert (found.score, found.why) == (None, "the data of rte are not complete")
    partial = {**runs, "qqp": [shortened(runs["qqp"][0], available=8, rows=8, expected=9)]}
    assert group_score(GLUE, partial).why == "the data of qqp are not complete"
    assert group_score(GLUE, {**runs, "rte": []}).why == "8 of 9 tasks"
    mixed = {**runs, "wnli": [changed(runs["wnli"][0], sample=True)]}
    assert "others are not" in group_score(GLUE, mixed).why
    samples = {task: [changed(run, sample=True) for run in found] for task, found in runs.items()}
    assert group_score(GLUE, samples).marks == ("sample",)
    assert group_score(GLUE, samples).score is not None


def test_a_metric_that_a_task_gains_changes_no_score(runs: dict[str, Sequence[RunRecord]]) -> None:
    before = group_score(GLUE, runs).score
    (run,) = runs["mrpc"]
    metrics = {name: {**scores, "recall": 0.0} for name, scores in run.metrics.items()}
    more = dataclasses.replace(run, metrics=metrics)
    assert group_score(GLUE, {**runs, "mrpc": [more]}).score == before
    recall = MetricSpec(name="recall", title="Recall", factory=lambda _task: MRPC)  # type: ignore[arg-type, return-value]
    richer = dataclasses.replace(MRPC, metrics=(*MRPC.metrics, recall))
    assert task_score(richer, run.metrics, "dev") == task_score(MRPC, run.metrics, "dev")
