"""Scores are what the predictions give, whatever a record says of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from glueharness import MetricSpec, hookimpl
from glueharness.cli import main
from glueharness.cli.app import App
from glueharness.plugin.loading import load_plugins
from glueharness.plugin.registry import Registry
from glueharness.record.run_file import RUN_FILE, read_record
from glueharness.record.seals import broken_seals, seal
from glueharness.record.store import RunStore
from glueharness.run.rescore import Rescorer
from tests.small_task import SmallPlugin, parity, small_plugins
from tests.test_reproduce import Changed, OtherRows, change, registry_of, train

if TYPE_CHECKING:
    from pathlib import Path

    from glueharness import TaskSpec

FILE = "predictions/dev.parquet"


class Strict:
    """Accuracy as somebody else defines it: a single error costs everything."""

    def compute(self, *, predictions: Any, references: Any) -> dict[str, float]:
        """1 or 0."""
        return {"accuracy": float(list(predictions) == list(references))}


STRICT = MetricSpec(name="accuracy", title="Accuracy", factory=lambda _: Strict())


class Corrected(SmallPlugin):
    """The small plugin with another metric of the name, and another code."""

    @hookimpl
    def glueharness_tasks(self) -> list[TaskSpec]:
        """One task."""
        return [parity(metrics=(STRICT,), version="v2")]


def command(
    words: list[str], runs: Path, registry: Registry, capsys: pytest.CaptureFixture[str]
) -> tuple[int, str]:
    with pytest.raises(SystemExit) as end:
        main([*words, "--runs-dir", str(runs)], app=App(registry))
    out, err = capsys.readouterr()
    assert "internal error" not in err
    return int(end.value.code or 0), out


def rewrite(folder: Path, **columns: Any) -> None:
    """Change predictions and seal them again, as who forges a run would."""
    table = pq.read_table(folder / FILE)
    for name, values in columns.items():
        place = table.column_names.index(name)
        table = table.set_column(place, name, pa.array(values, table.schema.field(name).type))
    pq.write_table(table, folder / FILE)
    change(folder, seals=seal(folder))


def test_sound_runs_have_the_scores_that_they_say(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    registry = registry_of()
    run = train(tmp_path, registry, error_every="5", limit_dev="7")
    found = Rescorer(RunStore(tmp_path), registry).check(run)
    assert found.metrics == run.metrics
    assert found.problems == found.unchecked == []
    code, text = command(["rescore", "latest"], tmp_path, registry, capsys)
    assert (code, text) == (0, f"{run.id}: as recorded: dev accuracy 71.43\n")
    code, text = command(["runs", "verify", "latest"], tmp_path, registry, capsys)
    assert (code, text) == (0, f"{run.id}: sealed, unchanged\n")


def test_scores_that_are_forged_consistently_are_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    registry = registry_of()
    run = train(tmp_path, registry, error_every="5")
    forged = [
        dict(epoch, primary=1.0)
        for epoch in json.loads((tmp_path / run.id / RUN_FILE).read_text(encoding="utf-8"))[
            "history"
        ]
    ]
    for epoch in forged:
        epoch["metrics"] = {"dev": {"accuracy": 1.0}}
    change(tmp_path / run.id, metrics={"dev": {"accuracy": 1.0}}, primary=1.0, history=forged)
    assert broken_seals(tmp_path / run.id, read_record(tmp_path / run.id)) == []
    said = "dev accuracy is 100.00 in the record, and its predictions give 80.00"
    for words in (["runs", "verify", "latest"], ["runs", "verify", "--all"], ["rescore", "--all"]):
        code, text = command(words, tmp_path, registry, capsys)
        assert (code, text) == (1, f"{run.id}: {said}\n")
    code, text = command(["runs", "verify", "--all", "--json"], tmp_path, registry, capsys)
    assert code == 1
    assert json.loads(text) == {run.id: {"sealed": True, "problems": [said], "not_checked": []}}
    assert [record.id for record in RunStore(tmp_path).all()] == [run.id]


def test_predictions_that_are_forged_with_them_are_found(tmp_path: Path) -> None:
    registry = registry_of()
    run = train(tmp_path, registry, error_every="5")
    truth = ["even", "odd"] * 5
    rewrite(tmp_path / run.id, prediction=truth)
    change(tmp_path / run.id, metrics={"dev": {"accuracy": 1.0}}, primary=1.0)
    record = read_record(tmp_path / run.id)
    found = Rescorer(RunStore(tmp_path), registry).check(record)
    assert found.problems == ["2 predictions of dev are not the labels of the highest score"]
    wrong = list(pq.read_table(tmp_path / run.id / FILE)["prediction"].to_pylist())
    assert wrong == truth


@pytest.mark.parametrize("how", ["changed", "gone"])
def test_what_cannot_be_scored_is_no_success(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], how: str
) -> None:
    registry = registry_of()
    run = train(tmp_path, registry)
    path = tmp_path / run.id / FILE
    if how == "gone":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes() + b" ")
    for words in (["rescore", run.id], ["rescore", "--all"], ["rescore", run.id, "--json"]):
        code, text = command(words, tmp_path, registry, capsys)
        assert code == 1
        assert "not_checked" in text or "not checked: the scores of dev" in text


def test_labels_that_are_forged_with_them_are_found(tmp_path: Path) -> None:
    registry = registry_of()
    run = train(tmp_path, registry, error_every="5")
    said = pq.read_table(tmp_path / run.id / FILE)["prediction"].to_pylist()
    rewrite(tmp_path / run.id, label=said)
    change(tmp_path / run.id, metrics={"dev": {"accuracy": 1.0}}, primary=1.0)
    found = Rescorer(RunStore(tmp_path), registry).check(read_record(tmp_path / run.id))
    assert found.problems == [
        "2 labels of dev are not those of the data",
        "dev accuracy is 100.00 in the record, and its predictions give 80.00",
    ]
    # Without the data only the folder's own labels are there, and that is said.
    registry = registry_of(Changed(parity(sources=())))
    found = Rescorer(RunStore(tmp_path), registry).check(read_record(tmp_path / run.id))
    assert found.unchecked[0].startswith("the labels of dev are those of the run folder: ")


def test_losses_are_computed_anew(tmp_path: Path) -> None:
    registry = Registry(load_plugins())
    run = train(tmp_path, registry, "rte", data="sample", model="majority")
    found = Rescorer(RunStore(tmp_path), registry).check(run)
    assert found.losses["dev"] == pytest.approx(run.losses["dev"], rel=1e-6)
    assert found.problems == []
    change(tmp_path / run.id, losses={"dev": 0.01})
    found = Rescorer(RunStore(tmp_path), registry).check(read_record(tmp_path / run.id))
    assert len(found.problems) == 1
    assert found.problems[0].startswith("the loss of dev is 0.01 in the record, and its pred")


@pytest.mark.parametrize("task", ["mrpc", "stsb", "mnli"])
def test_every_metric_and_split_is_computed_anew(tmp_path: Path, task: str) -> None:
    registry = Registry(load_plugins())
    run = train(tmp_path, registry, task, data="sample", model="tfidf")
    found = Rescorer(RunStore(tmp_path), registry).check(run)
    assert found.metrics == run.metrics
    assert found.problems == found.unchecked == []


def test_what_cannot_be_checked_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = train(tmp_path, registry_of())
    code, text = command(["runs", "verify", "latest"], tmp_path, Registry(load_plugins()), capsys)
    assert code == 0
    assert text.splitlines() == [
        f"{run.id}: sealed, unchanged",
        f"{run.id}: not checked: its scores: no plugin here has the task 'parity'",
    ]
    changed = (
        (parity(labels=("odd", "even")), "its scores: the task has changed since, its labels"),
        (
            parity(
                sources=(
                    parity()
                    .sources[0]
                    .__class__(name="memory", description="", factory=OtherRows, order=1),
                )
            ),
            "the labels of dev are those of the run folder: the rows at memory: made in a test are",
        ),
    )
    for task, said in changed:
        code, text = command(
            ["runs", "verify", "latest"], tmp_path, registry_of(Changed(task)), capsys
        )
        assert code == 0
        assert f"not checked: {said}" in text


def test_a_corrected_metric_makes_a_run_of_its_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = train(tmp_path, registry_of(), error_every="5")
    before = {
        path: path.read_bytes() for path in (tmp_path / first.id).rglob("*") if path.is_file()
    }
    registry = Registry(small_plugins(Corrected()))
    code, text = command(["rescore", first.id], tmp_path, registry, capsys)
    assert code == 0
    assert "dev accuracy is 80.00 in the record, and its predictions give 0.00 by the task" in text
    new = RunStore(tmp_path).find("latest")
    assert text.endswith(f"{first.id}: the new scores are in run {new.id}\n")
    assert new.kind == "evaluation"
    assert new.metrics == {"dev": {"accuracy": 0.0}}
    assert new.parent is not None
    assert new.parent.id == first.id
    assert new.computation is not None
    assert first.computation is not None
    assert new.computation.task.version == "v2"
    assert new.computation.model == first.computation.model
    assert new.computation.system == first.computation.system
    assert new.identity != first.identity
    tables = [pq.read_table(tmp_path / run.id / FILE) for run in (first, new)]
    assert tables[0].equals(tables[1])
    assert before == {path: path.read_bytes() for path in before}
    assert broken_seals(tmp_path / new.id, new) == []
    assert Rescorer(RunStore(tmp_path), registry).check(new).problems == []
    # Once is enough.
    code, text = command(["rescore", first.id], tmp_path, registry, capsys)
    assert code == 0
    assert text.endswith(f"the new scores are in run {new.id}\n")
    assert len(RunStore(tmp_path).all()) == 2
    # By the task as it was, the first one's scores still are what they were.
    assert Rescorer(RunStore(tmp_path), registry_of()).check(first).problems == []


def test_forged_predictions_are_not_scored_anew_and_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = train(tmp_path, registry_of(), error_every="5")
    rewrite(tmp_path / first.id, prediction=["even", "odd"] * 5)
    registry = Registry(small_plugins(Corrected()))
    code, text = command(["rescore", first.id], tmp_path, registry, capsys)
    assert code == 1
    assert "are not the labels of the highest score" in text
    assert len(RunStore(tmp_path).all()) == 1
