"""Metrics that look at rows together: what they are told, and whether the leaderboard knows it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from glueharness import (
    ACCURACY,
    EXACT_MATCH,
    DataError,
    SpecError,
    Table,
    as_evaluate_metric,
    grouped_metric,
)
from glueharness.cli import main
from glueharness.cli.app import App
from glueharness.plugin.choice import PluginChoice
from glueharness.plugin.loading import load_plugins
from glueharness.plugin.registry import Registry
from glueharness.record.store import RunStore
from glueharness.scoring.scorer import Scorer
from tests.small_task import parity
from tests.task_files import write_task

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

PAGES = ("1", "1", "2", "2", "2", "3")
TRUTH = ["even", "odd", "even", "odd", "odd", "even"]
FOUND = ["even", "odd", "even", "even", "odd", "even"]


def largest(_: Sequence[str], __: Sequence[str], units: Sequence[str]) -> float:
    """The share of the rows that are in the largest unit."""
    return max(units.count(unit) for unit in units) / len(units)


def rows(**more: Sequence[str]) -> Table:
    return Table({"text": [str(n) for n in range(6)], "label": TRUTH, **more})


def test_the_scorer_tells_each_rows_unit() -> None:
    by_page = grouped_metric("largest", "Largest", largest, unit="page")
    task = parity(metrics=(ACCURACY, replace(EXACT_MATCH, unit="page"), by_page))
    scores = Scorer(task, {"dev": rows(page=PAGES)}).score("dev", FOUND)
    assert scores == {"accuracy": 5 / 6, "exact_match": 2 / 3, "largest": 0.5}


def test_a_split_without_the_units_is_refused_before_training() -> None:
    task = parity(metrics=(replace(EXACT_MATCH, unit="page"),))
    with pytest.raises(DataError, match="the dev split of parity has no column 'page'"):
        Scorer(task, {"dev": rows()})


def test_exact_match_needs_a_unit_and_is_no_evaluate_metric() -> None:
    with pytest.raises(SpecError, match="exact_match needs a unit"):
        Scorer(parity(metrics=(EXACT_MATCH,)), {"dev": rows(page=PAGES)})
    spec = replace(EXACT_MATCH, unit="page")
    task = parity(metrics=(spec,))
    with pytest.raises(SpecError, match="exact_match looks at rows that belong together"):
        as_evaluate_metric(spec, task)
    with pytest.raises(ValueError, match="needs to know which rows belong together"):
        spec.factory(task).compute(predictions=FOUND, references=TRUTH)


def test_leaderboard_and_comparison_compute_it_again_by_whole_units(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_task("pairs", tmp_path)
    monkeypatch.chdir(tmp_path)
    app = App(Registry(load_plugins(choice=PluginChoice(files=(path,)))))

    def call(*words: str) -> str:
        with pytest.raises(SystemExit) as end:
            main(words, app)
        out, err = capsys.readouterr()
        assert not end.value.code, err
        return out

    for model in ("tfidf", "majority"):
        call("run", "pairs", "--model", model)
    runs = {record.model: record for record in RunStore(tmp_path / "runs").all()}
    scores = {model: record.metrics["dev"]["exact_match"] for model, record in runs.items()}
    # Of each question one answer is wrong: whoever says the same of both is never wholly right.
    assert scores["majority"] == 0.0
    board = call("leaderboard", "pairs")
    assert "Exact match" in board
    told = call("compare", runs["tfidf"].id, runs["majority"].id)
    assert "Exact match" in told
