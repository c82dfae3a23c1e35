"""A group's score is the same at the end of `run` and on the leaderboard."""

from __future__ import annotations

import json
from statistics import fmean, stdev
from typing import TYPE_CHECKING

import pytest

from glueharness.cli import main
from glueharness.cli.results import _group_line
from glueharness.run.outcomes import TaskOutcome
from glueharness.scoring.group_score import group_score
from glueharness_glue.score import GLUE, glue_score
from tests.leaderboard_runs import TASK, Making, make_runs

if TYPE_CHECKING:
    from pathlib import Path

    from glueharness.record.record import RunRecord


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def runs(folder: Path) -> dict[str, list[RunRecord]]:
    """Three seeds a task; RTE has lost one of them, and WNLI has one more."""
    seeds = {"rte": (1, 2), "wnli": (1, 2, 3, 4)}
    made = make_runs(
        folder,
        [
            Making(task=task, seed=seed, accuracy=0.6 + seed / 20, rows=60)
            for task in GLUE.tasks
            for seed in seeds.get(task, (1, 2, 3))
        ],
    )
    by_task: dict[str, list[RunRecord]] = {}
    for record in made:
        by_task.setdefault(record.task, []).append(record)
    return by_task


def by_hand(runs: dict[str, list[RunRecord]]) -> float:
    """The mean over tasks of the mean over seeds of the mean of the metrics and dev sets."""
    tasks = []
    for records in runs.values():
        single = [
            fmean(value for values in record.metrics.values() for value in values.values())
            for record in records
        ]
        tasks.append(fmean(single))
    return fmean(tasks)


def test_means_over_seeds_come_first(runs: dict[str, list[RunRecord]]) -> None:
    found = group_score(GLUE, runs)
    assert found.score == pytest.approx(by_hand(runs))
    shared = [
        glue_score({
            task: next(record.metrics for record in records if record.seed == seed)
            for task, records in runs.items()
        })
        for seed in (1, 2)
    ]  # fmt: skip
    assert found.deviation == pytest.approx(stdev([score for score in shared if score is not None]))
    assert found.score != pytest.approx(fmean([score for score in shared if score is not None]))


def test_a_group_lacks_its_score_where_a_task_or_metric_is_missing(
    runs: dict[str, list[RunRecord]],
) -> None:
    assert group_score(GLUE, {**runs, "rte": []}).score is None
    assert group_score(GLUE, {}).score is None
    spoilt = [*runs["rte"]]
    values = dict(spoilt[0].metrics)
    spoilt[0].metrics = {"dev": {"accuracy": float("nan")}}
    try:
        assert group_score(GLUE, {**runs, "rte": spoilt}).score is None
    finally:
        spoilt[0].metrics = values


def test_run_and_leaderboard_say_the_same(
    folder: Path, runs: dict[str, list[RunRecord]], capsys: pytest.CaptureFixture[str]
) -> None:
    tasks = [TaskOutcome(task, records=records) for task, records in runs.items()]
    said = _group_line(GLUE, tasks)
    with pytest.raises(SystemExit):
        main(["leaderboard", "glue", "--json", "--runs-dir", str(folder)])
    (table,) = json.loads(capsys.readouterr().out)["groups"]
    (row,) = table["rows"]
    assert set(TASK) > set(GLUE.tasks)
    assert row["score"] == pytest.approx(by_hand(runs))
    assert f"score   {100 * row['score']:.2f} ± {100 * row['standard_deviation']:.2f} (dev)" in said
