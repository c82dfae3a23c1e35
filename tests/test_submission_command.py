"""``glueharness submit``: the best run, the whole group, fillers, and what is refused."""

from __future__ import annotations

import dataclasses
import json
import zipfile
from typing import TYPE_CHECKING

import pytest

from glueharness.cli import main
from glueharness.cli.app import App
from glueharness.plugin.registry import Registry
from glueharness.record.run_file import read_record, write_record
from glueharness.record.store import RunStore
from glueharness.run.predictions import read_predictions
from glueharness.submission.choose_run import choose_run
from glueharness.submission.plan import SubmitOptions
from glueharness.submission.submit import submit
from tests.toy_group import GroupSource, toy_registry

if TYPE_CHECKING:
    from pathlib import Path

    from glueharness.record.record import RunRecord

PARITY = b"index\tprediction\n0\t0\n1\t1\n2\t0\n3\t1\n4\t0\n5\t1\n"
MIRROR = PARITY.replace(b"\t0", b"\teven").replace(b"\t1", b"\todd")


class Terminal:
    """Runs commands with the toy group installed."""

    def __init__(self, capsys: pytest.CaptureFixture[str], folder: Path) -> None:
        self.capsys = capsys
        self.runs = folder / "runs"
        self.out = folder / "out"
        self.source = GroupSource()

    def __call__(self, *words: str, code: int = 0) -> tuple[str, str]:
        with pytest.raises(SystemExit) as end:
            main(words, App(toy_registry(self.source)))
        out, err = self.capsys.readouterr()
        assert (end.value.code or 0) == code, err
        return out, err

    def run(self, task: str, *words: str, model: str = "oracle") -> RunRecord:
        """Make a run."""
        self("run", task, "--model", model, "--data", "toys", *words)
        return RunStore(self.runs).all()[-1]

    def submit(self, *words: str, code: int = 0) -> tuple[str, str]:
        """Submit into the folder of the test."""
        return self("submit", *words, "--output", str(self.out), code=code)


@pytest.fixture
def terminal(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Terminal:
    terminal = Terminal(capsys, tmp_path)
    monkeypatch.setenv("GLUEHARNESS_RUNS", str(terminal.runs))
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.chdir(tmp_path)
    return terminal


def test_the_best_run_is_taken_and_named(terminal: Terminal) -> None:
    terminal.run("evenness", "--error-every", "2")
    best = terminal.run("evenness")
    terminal.run("evenness", "--error-every", "3")
    out, err = terminal.submit("evenness")
    assert (terminal.out / "Parity.tsv").read_bytes() == PARITY
    assert best.id in out
    assert "best of 3 runs by Accuracy on dev" in out
    assert "100.00" in out
    assert f"written {terminal.out / 'Parity.tsv'}" in out
    assert "checked accepted" in out
    assert "predicting Parity.tsv: 6 rows" in err
    assert "predicting" not in out


def test_a_score_on_other_dev_rows_is_no_comparison(terminal: Terminal) -> None:
    former = terminal.run("evenness")  # of another state of the task: the perfect score is no merit
    former.data.splits["dev"].fingerprint = "of other rows"
    assert former.computation is not None
    former.computation.data["dev"] = "of other rows"
    write_record(terminal.runs / former.id, former)
    terminal.run("evenness", "--error-every", "2")
    best = terminal.run("evenness", "--error-every", "3")
    out, _ = terminal.submit("evenness")
    assert f"{best.id}: best of 2 runs" in " ".join(out.split())
    assert "left out: 1 on other dev rows" in " ".join(out.split())


def test_of_equals_the_one_that_the_leaderboard_lists_first(terminal: Terminal) -> None:
    terminal.run("evenness")
    later = terminal.run("evenness", "--seed", "2")
    later.model = "abacus"  # the leaderboard lists equals by model
    assert later.computation is not None
    model = dataclasses.replace(later.computation.model, name="abacus")
    later.computation = dataclasses.replace(later.computation, model=model)
    write_record(terminal.runs / later.id, later)
    task = toy_registry(terminal.source).task("evenness")
    assert choose_run(RunStore(terminal.runs), task).record.id == later.id
    out, _ = terminal("leaderboard", "evenness", "--format", "csv")
    assert out.index("abacus") < out.index("oracle")


def test_rows_that_come_unsorted_are_predicted_in_place(terminal: Terminal) -> None:
    record = terminal.run("evenness")
    terminal.submit("evenness")
    kept = read_predictions(terminal.runs / record.id, record, "test")
    assert list(kept.index) == [5, 0, 3, 1, 4, 2]
    assert list(kept.values) == ["odd", "even", "odd", "odd", "even", "even"]
    assert kept.references is None


def test_a_task_with_no_training_data_is_predicted_by_label_name(terminal: Terminal) -> None:
    record = terminal.run("evenness")
    terminal.submit("evenness")
    # Its labels are numbered the other way round and its column has another name.
    assert (terminal.out / "Mirror.tsv").read_bytes() == MIRROR
    kept = read_predictions(terminal.runs / record.id, record, "mirror.test")
    assert kept.values[0] == "odd"
    (terminal.out / "Mirror.tsv").unlink()
    terminal.submit("mirror")
    assert (terminal.out / "Mirror.tsv").read_bytes() == MIRROR


def test_a_long_split_is_predicted_in_pieces(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("glueharness.run.trained_model.PIECE", 4)
    terminal.run("evenness")
    _, err = terminal.submit("evenness")
    assert "4 of 6 rows" in err
    assert "6 of 6 rows" in err
    assert (terminal.out / "Parity.tsv").read_bytes() == PARITY
    assert (terminal.out / "Mirror.tsv").read_bytes() == MIRROR


def test_runs_with_a_dev_split_cut_short_come_last(terminal: Terminal) -> None:
    terminal.run("evenness", "--limit-dev", "2")
    whole = terminal.run("evenness", "--error-every", "3")
    out, _ = terminal.submit("evenness")
    assert whole.id in out
    assert "1 with a dev split cut short" in out


def test_unfinished_runs_and_runs_without_a_model_are_left_out(terminal: Terminal) -> None:
    weak = terminal.run("evenness", "--error-every", "2")
    gone = terminal.run("evenness")
    (terminal.runs / gone.id / "model").rename(terminal.runs / gone.id / "moved")
    broken = terminal.run("evenness")
    broken.status = "interrupted"
    write_record(terminal.runs / broken.id, broken)
    out, _ = terminal.submit("evenness")
    assert weak.id in out
    assert "1 not completed" in out
    assert "1 without a model" in out
    for run, said in ((gone, "its model is gone"), (broken, "its status is interrupted")):
        _, err = terminal.submit("evenness", "--run", run.id, code=1)
        assert said in err


def test_a_named_run_is_taken(terminal: Terminal) -> None:
    terminal.run("evenness")
    weak = terminal.run("evenness", "--error-every", "1")
    out, _ = terminal.submit("evenness", "--run", weak.id, "--json")
    facts = json.loads(out)["files"][0]
    assert facts["run"] == weak.id
    assert facts["dev"] == {"dev": {"accuracy": 0.0}}
    assert facts["why"] == "the one that was asked for"
    assert (terminal.out / "Parity.tsv").read_bytes() != PARITY
    _, err = terminal.submit("height", "--run", weak.id, code=1)
    assert "it is a run of evenness, not of height" in err


def test_a_group_is_packed_with_fillers_that_are_named(terminal: Terminal) -> None:
    terminal.run("evenness")
    out, err = terminal.submit("toys")
    assert "fillers, not predictions: Height.tsv" in err
    assert "filler  Height.tsv: there is no run of height to submit (none was made)" in out
    with zipfile.ZipFile(terminal.out / "submission.zip") as archive:
        assert archive.namelist() == ["Height.tsv", "Mirror.tsv", "Parity.tsv"]
        assert archive.read("Parity.tsv") == PARITY
        height = archive.read("Height.tsv")
    assert height.splitlines()[1:] == [b"%d\t2.000" % row for row in range(6)]
    manifest = json.loads((terminal.out / "submission.manifest.json").read_text("utf-8"))
    assert manifest["fillers"] == ["Height.tsv"]
    assert [(file["file"], "run" in file) for file in manifest["files"]] == [
        ("Parity.tsv", True),
        ("Height.tsv", False),
        ("Mirror.tsv", True),
    ]
    assert set(manifest["sha256"]) == {"submission.zip", "Height.tsv", "Mirror.tsv", "Parity.tsv"}
    checked, _ = terminal("submit", "toys", "--check", str(terminal.out / "submission.zip"))
    assert "accepted" in checked


def test_zip_of_one_task_fills_all_others(terminal: Terminal) -> None:
    terminal.run("evenness")
    terminal.run("height", model="majority")
    out, _ = terminal.submit("height", "--zip", "--json")
    report = json.loads(out)
    assert report["fillers"] == ["Parity.tsv", "Mirror.tsv"]
    assert report["written"][0].endswith("submission.zip")
    assert report["answer"] == "accepted"
    reasons = {file["file"]: file.get("reason") for file in report["files"]}
    assert reasons == {
        "Parity.tsv": "it was not asked for",
        "Mirror.tsv": "it was not asked for",
        "Height.tsv": None,
    }


def test_a_whole_group_has_no_fillers(terminal: Terminal) -> None:
    terminal.run("evenness")
    terminal.run("height", model="majority")
    _, err = terminal.submit("toys", "--mix")
    assert "filler" not in err
    assert b"\t2.000\n" in (terminal.out / "Height.tsv").read_bytes()


def test_missing_test_data_make_a_filler_in_a_group_and_an_error_alone(terminal: Terminal) -> None:
    terminal.run("evenness")
    terminal.run("height", model="majority")
    terminal.source = GroupSource(without=("height",))
    out, err = terminal.submit("toys", "--mix")
    assert "height is left out: Height.tsv is made from the split test" in err
    assert "filler  Height.tsv: no test data" in out
    _, err = terminal.submit("height", code=1)
    assert "Height.tsv is made from the split test, which is not there" in err
    terminal.source = GroupSource(without=("height", "evenness", "mirror"))
    _, err = terminal.submit("toys", "--mix", code=1)
    assert "there are no test data for any task that has a run" in err


def test_incomplete_test_data_are_refused(terminal: Terminal) -> None:
    terminal.run("evenness")
    terminal.source = GroupSource(short=True)
    _, err = terminal.submit("evenness", code=1)
    assert "Parity.tsv needs 6 predictions; the test split here has 5 rows" in err
    assert not list(terminal.out.iterdir())


@pytest.mark.parametrize("target", ["evenness", "toys"])
def test_the_sample_is_refused(terminal: Terminal, target: str) -> None:
    record = terminal.run("evenness")
    _, err = terminal.submit(target, "--data", "toy-sample", code=1)
    assert "cannot be made from the bundled sample" in err
    record.data.sample = True
    write_record(terminal.runs / record.id, record)
    _, err = terminal.submit(target, code=1)
    assert "1 on the bundled sample" in err
    _, err = terminal.submit("evenness", "--run", record.id, code=1)
    assert "it was trained on the bundled sample" in err
    assert not list(terminal.out.iterdir()) if terminal.out.exists() else True


def test_a_folder_that_is_not_there_is_named_where_the_sample_would_step_in(
    terminal: Terminal, tmp_path: Path
) -> None:
    terminal.run("evenness")
    _, err = terminal.submit("evenness", "--data-dir", str(tmp_path / "nowhere"), code=1)
    assert f"toys: there is no folder {tmp_path / 'nowhere'}" in err


def test_what_cannot_be_done_is_said(terminal: Terminal, tmp_path: Path) -> None:
    _, err = terminal.submit("evennes", code=1)
    assert "did you mean 'evenness'?" in err
    _, err = terminal.submit("evenness", code=1)
    assert "there is no run of evenness to submit (none was made)" in err
    _, err = terminal.submit("toys", "--run", "x", code=1)
    assert "--run goes with a single task" in err
    _, err = terminal.submit("evenness", "--writer", "gluee", code=1)
    assert "no run" in err
    _, err = terminal.submit(code=2)
    assert "Name a task or a score group" in err
    terminal.run("evenness")
    _, err = terminal.submit("evenness", "--writer", "gluee", code=1)
    assert "did you mean 'glue'?" in err
    (tmp_path / "file").write_text("in the way")
    _, err = terminal("submit", "evenness", "--output", str(tmp_path / "file"), code=2)
    _, err = terminal("submit", "evenness", "--output", str(tmp_path / "file" / "x"), code=1)
    assert "the submission cannot be written here" in err
    assert "--output" in err


def test_a_folder_that_cannot_be_written_shows_before_any_prediction(terminal: Terminal) -> None:
    terminal.run("evenness")
    terminal.out.write_text("in the way")
    options = SubmitOptions(
        targets=("evenness",), output=terminal.out / "x", runs_dir=terminal.runs
    )
    heard: list[str] = []
    with pytest.raises(Exception, match="cannot be written here"):
        submit(options, toy_registry(), heard.append)
    assert heard == []


def test_check_tells_and_exits_with_one(terminal: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "Parity.tsv"
    file.write_bytes(PARITY.replace(b"3\t1", b"3\teven"))
    out, _ = terminal("submit", "evenness", "--check", str(file), code=1)
    assert "Parity.tsv:5: 'even' is the label's name" in out
    assert "It takes 0 for even, 1 for odd." in out
    assert f"{file}: rejected" in out
    report = json.loads(terminal("submit", "evenness", "--check", str(file), "--json", code=1)[0])
    assert report["answer"] == "rejected"
    assert report["files"][0]["findings"][0]["line"] == 5
    file.write_bytes(PARITY)
    out, _ = terminal("submit", "evenness", "--check", str(file))
    assert f"{file}: accepted" in out
    assert "0 3 · 1 3" in out
    _, err = terminal("submit", "--check", str(tmp_path / "nothing"), code=1)
    assert "there is no such file or folder" in err


def test_check_finds_the_group_by_itself(terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / "Height.tsv").write_bytes(b"index\tprediction\n" + b"0\t1.0\n" * 6)
    out, _ = terminal("submit", "--check", str(tmp_path / "Height.tsv"), code=1)
    assert "Height.tsv:3: index 0 was on line 2 already (5 lines: 3, 4, 5, 6, 7)" in out


@pytest.mark.parametrize("width", ["80", "160"])
def test_markup_in_a_strangers_file_is_shown_as_it_is(
    terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, width: str
) -> None:
    monkeypatch.setenv("COLUMNS", width)
    (tmp_path / "Parity.tsv").write_bytes(PARITY.replace(b"3\t1", b"3\t[bold]x[/]"))
    out, _ = terminal("submit", "evenness", "--check", str(tmp_path / "Parity.tsv"), code=1)
    assert "'[bold]x[/]' is not a label" in out


def test_the_manifest_survives_a_read_only_run(terminal: Terminal) -> None:
    record = terminal.run("evenness")
    folder = terminal.runs / record.id / "predictions"
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()
    folder.write_text("in the way")
    _, err = terminal.submit("evenness")
    assert "predictions are not kept" in err
    assert (terminal.out / "Parity.tsv").read_bytes() == PARITY
    assert read_record(terminal.runs / record.id) == record


def test_the_small_task_stands_alone(terminal: Terminal) -> None:
    terminal("run", "parity", "--model", "oracle")
    terminal.submit("parity")
    assert (terminal.out / "Parity.tsv").read_bytes() == PARITY
    assert "parity" in {task.name for task in Registry(toy_registry().plugins).tasks}


@pytest.mark.parametrize("named", [True, False])
def test_a_data_folder_without_the_diagnostic_set_gives_a_filler(
    named: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def write(file: str, heading: str, rows: list[str]) -> None:
        path = tmp_path / "data" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join([heading, *rows]) + "\n", encoding="utf-8")

    def glueharness(*words: str) -> str:
        with pytest.raises(SystemExit) as end:
            main(words)
        out, err = capsys.readouterr()
        assert not end.value.code, err
        return out

    pair = "index\tsentence1\tsentence2"
    for split in ("train", "dev"):
        write(
            f"RTE/{split}.tsv",
            f"{pair}\tlabel",
            [f"0\t{split}\tb\tentailment", "1\tc\td\tnot_entailment"],
        )
    write("RTE/test.tsv", pair, [f"{row}\ta\tb" for row in range(3000)])
    for split in ("train", "dev_matched", "dev_mismatched"):
        write(
            f"MNLI/{split}.tsv",
            f"{pair}\tgold_label",
            [f"0\t{split}\tb\tneutral", "1\tc\td\tentailment"],
        )
    monkeypatch.chdir(tmp_path)
    for name in ("rte", "mnli"):
        glueharness("run", name, "--model", "majority", "--data-dir", "data")
    out = glueharness("submit", "glue", *(("--data-dir", "data") if named else ()), "--json")
    files = {file["file"]: file for file in json.loads(out)["files"]}
    assert "no AX/AX.tsv" in files["AX.tsv"]["reason"]
    assert "AX.tsv" in json.loads(out)["fillers"]
    assert "RTE.tsv" not in json.loads(out)["fillers"]
