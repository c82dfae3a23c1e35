"""Models over all tasks of a group: rank ranges, intervals, and the luck of picked settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from glueharness.record.store import RunStore
from glueharness_glue.score import GLUE
from glueharness_leaderboard.evidence.measuring import Contest, measure
from glueharness_leaderboard.evidence.selection import out_of_bag
from glueharness_leaderboard.ranking.group_standings import GroupStanding, group_standings
from glueharness_leaderboard.ranking.sections import sections_of
from glueharness_leaderboard.statistics.variance import ScoreTable
from glueharness_leaderboard.tables.group import GroupTable, group_sheet, group_tables
from tests.leaderboard_runs import TASK, Making, make_runs

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from glueharness.errors import GlueharnessError
    from glueharness_leaderboard.ranking.group_standings import Models
    from glueharness_leaderboard.ranking.sections import Section

NINE = ("cola", "sst2", "mrpc", "stsb", "qqp", "mnli", "qnli", "rte", "wnli")


def makings(model: str, accuracy: float, seeds: int = 2) -> list[Making]:
    """Runs of all tasks; each task with seeds of its own, for the dice must not fall alike."""
    return [
        Making(task=task, model=model, accuracy=accuracy, rows=200, seed=100 * place + seed)
        for place, task in enumerate(NINE)
        for seed in range(seeds)
    ]


def tables(runs: Path, problems: list[GlueharnessError] | None = None) -> list[GroupTable]:
    told = [] if problems is None else problems

    def ask(models: Models, sections: Mapping[str, Section]) -> Mapping[str, GroupStanding]:
        return group_standings(models, sections, RunStore(runs), told.append)

    sections = sections_of(RunStore(runs).all(), TASK, "model", (GLUE,))
    return group_tables(sections, GLUE, ask)


def test_models_have_ranks_and_intervals_over_all_tasks(tmp_path: Path) -> None:
    make_runs(tmp_path, [*makings("a", 0.9), *makings("b", 0.9), *makings("c", 0.7)])
    make_runs(tmp_path, [Making(model="some", rows=200, number=900)])
    (table,) = tables(tmp_path)
    found = {row.model: row.standing for row in table.rows}
    assert found["some"] is None
    ranges = {model: (each.low, each.high) for model, each in found.items() if each}
    assert ranges == {"a": (1, 2), "b": (1, 2), "c": (3, 3)}
    for row in table.rows:
        if row.standing is not None and row.score is not None:
            low, high = row.standing.interval
            assert low < row.score < high
            assert high - low < 0.08
    sheet = group_sheet(table, TASK)
    assert sheet.columns[0].name == "rank"
    assert sheet.best == {0, 1}
    assert sheet.answers[0].startswith("2 of 3 models may be the best over all tasks: ")


def test_variances_of_the_tasks_add_up(tmp_path: Path) -> None:
    make_runs(tmp_path, [*makings("a", 0.9), *makings("b", 0.8)])
    (table,) = tables(tmp_path)
    sections = sections_of(RunStore(tmp_path).all(), TASK, "model", (GLUE,))
    total, doubt, seeds = 0.0, 0.0, 0.0
    for section in sections:
        contest = Contest(task=section.task, counted=section.counted, store=RunStore(tmp_path))
        order = sorted(section.rows, key=lambda row: row.model)
        measured = [measure(row.runs, contest)[0] for row in order]
        found = ScoreTable([each.quantities[section.quantity] for each in measured]).single(0)
        total += found.variance / 81
        seeds += found.seeds / 81
        doubt += (found.seeds / 81) ** 2 / found.seed_degrees if found.seeds else 0.0
    first = next(row for row in table.rows if row.model == "a")
    assert first.standing is not None
    low, high = first.standing.interval
    # Student's quantile at the degrees that these give is a little above the normal's.
    assert (high - low) / 2 > 1.96 * total**0.5
    assert (high - low) / 2 < 2.6 * total**0.5
    assert seeds**2 / doubt > 5


def test_without_predictions_there_are_scores_and_no_ranks(tmp_path: Path) -> None:
    runs = make_runs(tmp_path, [*makings("a", 0.9), *makings("b", 0.8)])
    (tmp_path / runs[0].id / "predictions" / "dev.parquet").write_bytes(b"no parquet")
    problems: list[GlueharnessError] = []
    (table,) = tables(tmp_path, problems)
    assert [row.standing for row in table.rows] == [None, None]
    assert table.rows[0].score is not None
    assert len(problems) == 1


def test_the_best_of_several_settings_is_not_believed_as_it_stands(tmp_path: Path) -> None:
    # Ten settings that are equally good, against one model that is as good.
    plans = [
        Making(task=task, model="tuned", accuracy=0.6, rows=277, seed=1000 * place + setting,
               settings={"learning_rate": setting / 1e5})
        for place, task in enumerate(NINE)
        for setting in range(1, 11)
    ]  # fmt: skip
    make_runs(tmp_path, [*plans, *makings("plain", 0.6, 1)])
    (table,) = tables(tmp_path)
    tuned = next(row for row in table.rows if row.model == "tuned")
    assert tuned.standing is not None
    assert tuned.standing.settings == 10
    assert 0.01 < tuned.standing.selection < 0.06
    assert tuned.standing.low == 1
    assert "points too high" in group_sheet(table, TASK).footnotes[0]


@pytest.mark.parametrize("task", ["rte", "mrpc", "cola"])
def test_out_of_bag_gives_what_was_won_by_choosing_back(tmp_path: Path, task: str) -> None:
    plans = [
        Making(task=task, model="m", accuracy=0.7, rows=400, seed=seed, number=seed)
        for seed in range(1, 13)
    ]
    runs = make_runs(tmp_path, plans)
    counted = tuple(metric.name for metric in TASK[task].metrics)
    contest = Contest(task=TASK[task], counted=counted, store=RunStore(tmp_path))
    candidates = [measure([run], contest)[0] for run in runs]
    scores = [next(iter(each.quantities.values())).score for each in candidates]
    fair = out_of_bag(candidates, contest)
    assert fair is not None
    assert fair < max(scores) - 0.005
    assert fair == pytest.approx(np.mean(scores), abs=0.025)
    # One that is shown to be better loses nothing.
    better = make_runs(tmp_path, [Making(task=task, model="b", accuracy=0.95, rows=400, number=99)])
    best = measure(better, contest)[0]
    sure = out_of_bag([*candidates, best], contest)
    assert sure == pytest.approx(next(iter(best.quantities.values())).score, abs=0.01)
