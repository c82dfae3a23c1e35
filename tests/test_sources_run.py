"""Sources in a run: what the record keeps of them, and what the user is told."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from glueharness import DataError
from glueharness.cli import main
from glueharness.data.table import check
from glueharness.plugin.registry import Registry
from glueharness.run.config import build_config
from glueharness.run.one_run import run
from glueharness.settings.fields import Layer
from glueharness.specs import DataOptions
from glueharness_glue.ax import AX
from glueharness_glue.qqp import QQP
from glueharness_glue.sample import generate
from glueharness_glue.sources.sample import SampleSource
from glueharness_glue.tasks import TASKS
from tests.glue_official import write_official

if TYPE_CHECKING:
    from pathlib import Path

    from glueharness import TaskSpec
    from glueharness.record.record import RunRecord

REGISTRY = Registry()


def do_run(task: TaskSpec, folder: Path, **settings: Any) -> RunRecord:
    values = {"model": "majority", "offline": True, "runs_dir": str(folder / "runs"), **settings}
    layer = Layer(origin="the test", values=values)
    return run(build_config(task.name, [layer], REGISTRY), REGISTRY).record


def write_all(folder: Path, task: TaskSpec) -> None:
    for split, rows in generate(task.name).items():
        write_official(folder, task, split, rows[:30])


def test_rows_that_are_left_out_are_told_and_recorded(tmp_path: Path) -> None:
    write_all(tmp_path, QQP)
    path = tmp_path / "QQP" / "train.tsv"
    path.write_text(path.read_text() + '99\t1\t2\tWhat is it?\t"It is\n"\t0\n')
    record = do_run(QQP, tmp_path, data_dir=str(tmp_path))
    assert record.warnings == [
        f"{path}: 2 broken rows left out, as the hub does, the first at line 32"
    ]
    assert record.data.splits["train"].available == 30
    assert record.data.source == "dir"
    assert record.data.location == str(tmp_path / "QQP")
    assert record.marks == ("partial",)


def test_a_damaged_folder_does_not_fall_back_to_the_sample(tmp_path: Path) -> None:
    write_all(tmp_path, QQP)
    path = tmp_path / "QQP" / "dev.tsv"
    path.write_text(path.read_text().replace("\t0\n", "\t2\n", 1))
    with pytest.raises(DataError, match="the label is '2'"):
        do_run(QQP, tmp_path, data_dir=str(tmp_path))
    assert not list(tmp_path.glob("runs/*/run.json"))


@pytest.mark.parametrize("by", ["option", "environment"])
@pytest.mark.parametrize("folder", ["here", "nowhere"])
def test_a_named_folder_without_the_task_is_an_error(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    by: str,
    folder: str,
) -> None:
    (tmp_path / "here").mkdir()
    command = ["run", "qqp", "--model", "majority", "--offline"]
    command += ["--runs-dir", str(tmp_path / "runs")]
    if by == "option":
        command += ["--data-dir", str(tmp_path / folder)]
    else:
        monkeypatch.setenv("GLUE_DATA_DIR", str(tmp_path / folder))
    with pytest.raises(SystemExit) as ended:
        main(command)
    assert ended.value.code == 1
    told = " ".join(capsys.readouterr().err.split())
    what = "has no QQP/train.tsv" if folder == "here" else "is not there"
    assert f"the data folder {tmp_path / folder} {what}" in told
    assert "--data sample" in told
    assert not list(tmp_path.glob("runs/*/run.json"))


def test_doctor_says_where_auto_would_end(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["doctor", "qqp", "--offline", "--json", "--data-dir", str(tmp_path)])
    sources = json.loads(capsys.readouterr().out)["data of qqp"]
    told = {source["name"]: source["value"] for source in sources}
    assert told["dir"].startswith("error: the data folder")
    assert told["dir"].endswith("<- where --data auto ends with an error")
    assert told["hub"].startswith("not here:")
    assert "auto" not in told["sample"]


def test_without_a_named_folder_the_sample_says_what_was_tried(tmp_path: Path) -> None:
    record = do_run(QQP, tmp_path)
    assert record.data.source == "sample"
    assert record.data.sample
    assert record.data.passed_over["dir"] == "no folder was given"
    assert "--offline" in record.data.passed_over["hub"]
    assert "sample" in record.marks


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_the_sample_has_the_form_of_every_task(task: TaskSpec) -> None:
    data = SampleSource().open(task, DataOptions(offline=True))
    assert data.origin.sample
    assert data.available == [split.name for split in task.splits]
    for split in task.splits:
        table = data.load(split.name)
        check(table, task, name=split.name, where="sample")
        assert list(table["index"]) == list(range(len(table)))
        assert ("label" in table.column_names) is (split.role != "test")


def test_a_split_that_the_sample_does_not_have() -> None:
    with pytest.raises(DataError, match="no train split"):
        SampleSource().open(AX, DataOptions()).load("train")
