"""``glueharness leaderboard`` as its user meets it."""

from __future__ import annotations

import csv
import io
import json
import resource
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import click
import pytest

from glueharness.cli import main
from glueharness.cli.app import App
from glueharness.plugin.registry import Registry
from glueharness.record.managing import annotate, remove_run
from glueharness.record.run_file import RUN_FILE, to_json, write_record
from glueharness.record.store import RunStore
from glueharness_leaderboard.leaderboard_command import command as leaderboard
from tests.leaderboard_runs import Making, make_run, make_runs
from tests.test_imports import HEAVY

if TYPE_CHECKING:
    from pathlib import Path

NINE = ("cola", "sst2", "mrpc", "stsb", "qqp", "mnli", "qnli", "rte", "wnli")


class Terminal:
    """Runs commands on a folder of runs."""

    def __init__(self, capsys: pytest.CaptureFixture[str], runs: Path) -> None:
        self.capsys = capsys
        self.runs = runs

    def __call__(self, *words: str, code: int = 0) -> tuple[str, str]:
        with pytest.raises(SystemExit) as end:
            main(words)
        out, err = self.capsys.readouterr()
        assert (end.value.code or 0) == code, err
        assert "Traceback" not in err
        return out, err


@pytest.fixture
def terminal(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Terminal:
    runs = tmp_path / "runs"
    monkeypatch.setenv("GLUEHARNESS_RUNS", str(runs))
    monkeypatch.setenv("COLUMNS", "100")
    return Terminal(capsys, runs)


def test_with_no_runs_it_says_how_to_make_one(terminal: Terminal) -> None:
    out, _ = terminal("leaderboard")
    assert out.splitlines()[-1] == "Make one:  glueharness run qnli"
    out, _ = terminal("leaderboard", "rte")
    assert "glueharness run rte" in out
    out, _ = terminal("leaderboard", "ax")
    assert "glueharness run mnli" in out


def test_with_runs_of_another_task_it_names_that(terminal: Terminal) -> None:
    make_run(terminal.runs, Making(task="rte", number=1))
    assert "There are runs of rte." in terminal("leaderboard", "qnli")[0]


def test_runs_that_did_not_complete_are_shown_on_demand(terminal: Terminal) -> None:
    make_runs(terminal.runs, [Making(status="failed"), Making(status="interrupted")])
    out, _ = terminal("leaderboard")
    assert "only 1 failed, 1 interrupted" in out
    out, _ = terminal("leaderboard", "--all-statuses")
    assert "failed" in out
    assert "interrupted" in out


def test_runs_that_do_not_count_are_not_called_none(terminal: Terminal, tmp_path: Path) -> None:
    makings = [Making(rows=20), Making(rows=20, seed=7), Making(rows=20, task="rte")]
    for record in make_runs(terminal.runs, makings):
        annotate(RunStore(terminal.runs), record, lambda said: replace(said, archived=True))
    name = terminal.runs
    assert f"No runs in {name} that count: 3 are archived." in terminal("leaderboard")[0]
    assert (
        f"No runs of rte in {name} that count: 1 is archived." in terminal("leaderboard", "rte")[0]
    )
    (name / "broken").mkdir()
    (name / "broken" / "run.json").write_text("{", encoding="utf-8")
    out, _ = terminal("leaderboard", "--where", "score>1")
    assert "score>1 that count: 3 are archived, 1 cannot be read." in out
    words = ["report", "--runs-dir", str(name), "-o", str(tmp_path / "x.html")]
    said, _ = terminal(*words)
    assert said == "There are no completed runs that count: 3 are archived, 1 cannot be read.\n"
    for record in RunStore(name).all():
        remove_run(RunStore(name), record)
    said, _ = terminal("runs")
    assert said == f"No runs in {name} that can be read: see the warnings.\n"


def test_an_unknown_task_is_answered_with_the_nearest(terminal: Terminal) -> None:
    _, err = terminal("leaderboard", "qnil", code=1)
    assert "did you mean 'qnli'?" in err


def test_a_damaged_record_is_a_warning_and_hides_no_other(terminal: Terminal) -> None:
    record = make_run(terminal.runs, Making(number=1))
    (terminal.runs / "broken").mkdir()
    (terminal.runs / "broken" / "run.json").write_text("{", encoding="utf-8")
    out, err = terminal("leaderboard")
    assert record.id in out or "0001" in out
    assert "broken" in err
    assert "broken" not in out


def test_json_has_every_row_in_full(terminal: Terminal) -> None:
    record = make_run(terminal.runs, Making(number=1))
    out, _ = terminal("leaderboard", "--json")
    assert terminal("leaderboard", "--format", "json")[0] == out
    (section,) = json.loads(out)["sections"]
    (row,) = section["rows"]
    assert section["dev"][0]["fingerprint"] == record.data.splits["dev"].fingerprint
    assert row["score"] == record.primary
    assert row["scores"] == {
        "dev": {"accuracy": {"mean": record.primary, "standard_deviation": None}}
    }
    assert row["settings"] == {"learning_rate": 1e-4, "epochs": 3}
    assert row["runs"] == [record.id]
    assert row["interval"][0] < row["score"] < row["interval"][1]


def test_with_no_runs_programs_still_get_their_form(terminal: Terminal) -> None:
    assert json.loads(terminal("leaderboard", "--json")[0])["sections"] == []
    assert terminal("leaderboard", "--format", "csv")[0].strip() == ""


def test_csv_is_one_table_of_all_sections(terminal: Terminal) -> None:
    records = make_runs(terminal.runs, [Making(), Making(task="stsb"), Making(sample=True)])
    rows = list(csv.DictReader(io.StringIO(terminal("leaderboard", "--format", "csv")[0])))
    assert {row["runs"] for row in rows} == {record.id for record in records}
    assert [row["marks"] for row in rows] == ["", "", "sample"]
    by_task = {row["task"]: row for row in rows if not row["marks"]}
    assert float(by_task["stsb"]["score:dev:pearson"]) == records[1].primary
    assert by_task["qnli"]["score:dev:pearson"] == ""


@pytest.mark.parametrize(
    ("suffix", "begins"), [("md", "### QNLI"), ("csv", "task,"), ("json", "{"), ("txt", "QNLI v2")]
)
def test_output_goes_to_a_file_in_the_form_of_its_suffix(
    terminal: Terminal, tmp_path: Path, suffix: str, begins: str
) -> None:
    make_run(terminal.runs, Making(number=1))
    target = tmp_path / f"board.{suffix}"
    out, err = terminal("leaderboard", "--output", str(target))
    assert target.read_text(encoding="utf-8").startswith(begins)
    assert out == ""
    assert f"wrote {target}" in err
    assert [path.name for path in tmp_path.iterdir() if path.name != "runs"] == [target.name]


def test_a_suffix_that_stands_for_no_form_is_an_error(terminal: Terminal, tmp_path: Path) -> None:
    make_run(terminal.runs, Making(number=1))
    for name, said in (("board.xlsx", "stands for no form"), ("board", "has no suffix")):
        _, err = terminal("leaderboard", "-o", str(tmp_path / name), code=1)
        assert said in err
        assert ".tex" in err
        assert not (tmp_path / name).exists()
    terminal("leaderboard", "-o", str(tmp_path / "board.xlsx"), "--format", "csv")
    assert (tmp_path / "board.xlsx").read_text(encoding="utf-8").startswith("task,")


def test_a_row_is_a_model_unless_runs_are_asked_for(terminal: Terminal) -> None:
    make_runs(terminal.runs, [Making(seed=seed) for seed in (1, 2, 3)])
    (section,) = json.loads(terminal("leaderboard", "--json")[0])["sections"]
    assert [row["seeds"] for row in section["rows"]] == [[1, 2, 3]]
    (section,) = json.loads(terminal("leaderboard", "--by", "run", "--json")[0])["sections"]
    assert len(section["rows"]) == 3
    assert max(len(row["marks"]) for row in section["rows"]) == 1


def test_the_answer_is_the_same_in_every_form(terminal: Terminal) -> None:
    makings = [
        Making(model=model, accuracy=accuracy, seed=seed, rows=1000)
        for model, accuracy in (("x", 0.95), ("y", 0.7))
        for seed in (1, 2, 3)
    ]
    make_runs(terminal.runs, makings)
    answer = "x is the best: the other one is worse at the 5 % level."
    assert answer in terminal("leaderboard")[0]
    (section,) = json.loads(terminal("leaderboard", "--json")[0])["sections"]
    assert section["answer"] == answer
    assert section["pick"] == section["rows"][0]["runs"]
    assert [row["ranks"] for row in section["rows"]] == [[1, 1], [2, 2]]
    assert section["detectable_difference"] > 0
    for form, written in (
        ("markdown", answer),
        ("latex", answer.replace("%", r"\%")),
        ("html", answer),
    ):
        assert written in terminal("leaderboard", "--format", form)[0]


def test_a_file_that_cannot_be_written_is_an_error_with_its_place(
    terminal: Terminal, tmp_path: Path
) -> None:
    make_run(terminal.runs, Making(number=1))
    _, err = terminal("leaderboard", "--output", str(tmp_path / "no" / "x.md"), code=1)
    assert "x.md" in err
    assert "--output FILE" in err


def test_intervals_of_f1_come_from_the_predictions(terminal: Terminal) -> None:
    make_run(terminal.runs, Making(task="mrpc", number=1))
    assert "95 % interval" in terminal("leaderboard", "mrpc")[0]
    out, _ = terminal("leaderboard", "mrpc", "--json")
    (section,) = json.loads(out)["sections"]
    assert section["ranked_by"] == ["f1", "accuracy"]
    (row,) = section["rows"]
    low, high = row["interval"]
    assert low < row["score"] < high
    # The spread of F1 at about 0.8 on 400 rows.
    assert 0.06 < high - low < 0.12


def test_a_run_whose_predictions_are_gone_keeps_its_row(terminal: Terminal) -> None:
    first, second = make_runs(terminal.runs, [Making(task="mrpc"), Making(task="mrpc", seed=7)])
    path = terminal.runs / first.id / "predictions" / "dev.parquet"
    path.unlink()
    out, err = terminal("leaderboard", "mrpc", "--by", "run", "--json")
    rows = {row["runs"][0]: row for row in json.loads(out)["sections"][0]["rows"]}
    intervals = {run: row["interval"] for run, row in rows.items()}
    assert intervals[first.id] is None
    assert rows[first.id]["ranks"] is None
    assert rows[second.id]["ranks"] == [1, 2]
    again, told = terminal("leaderboard", "mrpc", "--by", "run", "--json")
    assert (again, told) == (out, err)
    assert intervals[second.id] is not None
    assert str(path) in err
    path.write_bytes(b"no parquet")
    assert "cannot be read" in terminal("leaderboard", "mrpc", "--by", "run")[1]


def sorted_models(terminal: Terminal, *words: str) -> list[str]:
    out, _ = terminal("leaderboard", "qnli", "--format", "markdown", *words)
    rows = [line.strip("|").split("|") for line in out.splitlines() if line.startswith("|")]
    heads = [cell.strip() for cell in rows[0]]
    return [row[heads.index("model")].strip(" *") for row in rows[2:]]


def test_a_table_is_sorted_by_a_column_and_the_ranks_stay(terminal: Terminal) -> None:
    lr, makings = "learning_rate", []
    for model, accuracy, rate, seeds in (
        ("b", 0.9, 1e-4, 1), ("a", 0.7, 5e-4, 2), ("c", 0.5, 2e-5, 3),
    ):  # fmt: skip
        makings += [
            Making(model=model, seed=seed, accuracy=accuracy, settings={lr: rate})
            for seed in range(seeds)
        ]
    make_runs(terminal.runs, makings)
    assert sorted_models(terminal) == ["b", "a", "c"]
    assert sorted_models(terminal, "--sort", "model") == ["a", "b", "c"]
    assert sorted_models(terminal, "--sort", "-model") == ["c", "b", "a"]
    assert sorted_models(terminal, "--sort", "lr") == ["a", "b", "c"]
    assert sorted_models(terminal, "--sort", "learning_rate") == ["a", "b", "c"]  # not as texts
    assert sorted_models(terminal, "--sort", "-Accuracy") == ["c", "a", "b"]
    assert sorted_models(terminal, "--sort", "-score") == ["c", "a", "b"]
    assert sorted_models(terminal, "--sort", "-score", "--columns", "model,score") == [
        "c",
        "a",
        "b",
    ]
    assert sorted_models(terminal, "--sort", "seeds", "--top", "2") == ["c", "a"]
    assert sorted_models(terminal, "--sort", "-time", "--columns", "model,time") == ["b", "a", "c"]
    out, _ = terminal("leaderboard", "qnli", "--sort", "-accuracy")
    assert [line.split()[:2] for line in out.splitlines() if line[:1].isdecimal()] == [
        ["3", "c"], ["2", "a"], ["1", "b"]
    ]  # fmt: skip
    assert "Sorted by Accuracy, turned round; ranks are as tested." in out
    _, err = terminal("leaderboard", "--sort", "lenrning rate", code=1)
    assert "learning rate" in err


def test_a_column_that_no_table_needs_now_may_be_asked_for(terminal: Terminal) -> None:
    """A script does not fail because no row has a mark today."""
    make_runs(terminal.runs, [Making(model="a"), Making(model="b")])
    assert sorted_models(terminal, "--columns", "model,marks,last epoch", "--sort", "marks") == [
        *sorted_models(terminal)
    ]
    _, err = terminal("leaderboard", "--columns", "model,remarks", code=1)
    assert "there is no column called 'remarks'" in err


def test_one_dev_row_is_ranked_and_tells_nothing(terminal: Terminal) -> None:
    makings = [
        Making(task=task, model=model, seed=seed, rows=1, accuracy=0.5)
        for task in ("qnli", "mnli", "mrpc")
        for model in ("a", "b")
        for seed in (1, 2, 3)
    ]
    make_runs(terminal.runs, makings)
    rows = json.loads(terminal("leaderboard", "--json")[0])["sections"]
    assert {tuple(row["ranks"]) for section in rows for row in section["rows"]} == {(1, 2)}
    out, _ = terminal("compare", "a", "b", "--task", "qnli")
    assert "real at" not in out


def test_a_group_is_sorted_by_a_tasks_column_and_gaps_come_last(terminal: Terminal) -> None:
    makings = [Making(task="rte", model=model, accuracy=0.6) for model in "abc"]
    makings += [Making(task="qnli", model="c", accuracy=0.7), Making(model="a", accuracy=0.9)]
    make_runs(terminal.runs, makings)
    out, _ = terminal("leaderboard", "glue", "--sort", "QNLI")
    assert [line.split()[0] for line in out.splitlines() if line[:2] in {"a ", "b ", "c "}] == [
        "a", "c", "b"
    ]  # fmt: skip


def test_the_shell_completes_tasks_and_groups() -> None:
    registry = Registry()
    context = click.Context(leaderboard, obj=App(registry))
    (argument,) = (item for item in leaderboard.params if item.name == "task")
    found = [item.value for item in argument.shell_complete(context, "")]
    assert {"qnli", "glue", "all"} <= set(found)
    assert [item.value for item in argument.shell_complete(context, "gl")] == ["glue"]


def test_published_rows_stand_apart_with_their_source(terminal: Terminal) -> None:
    make_run(terminal.runs, Making(model="mine", number=1))
    out, _ = terminal("leaderboard", "qnli", "--published")
    own, test, dev = out.split("\n\n")[:3]
    assert "BERT" not in own
    assert "mine" not in test
    assert "mine" not in dev
    assert test.startswith("QNLI v2 · published · test")
    assert dev.startswith("QNLI v2 · published · dev")
    (cbow,) = (line for line in test.splitlines() if line.startswith("CBoW"))
    assert cbow.split()[:4] == ["CBoW", "72.1", "QNLI", "v1"]
    (tiny,) = (line for line in test.splitlines() if line.startswith("BERT-Tiny"))
    assert "v1" not in tiny
    mark = tiny.split()[-1]
    assert f"{mark} google-research/bert README; Turc et al. 2019, arXiv:1908.08962" in test
    # Rows of QNLI v1 come after all others, whatever their score.
    assert test.index("BERT-Tiny") < test.index("BiLSTM")


def test_published_rows_are_in_csv_and_json(terminal: Terminal) -> None:
    out, _ = terminal("leaderboard", "qnli", "--published", "--format", "csv")
    rows = {row["model"]: row for row in csv.DictReader(io.StringIO(out))}
    assert rows["CBoW"]["marks"] == "published test outdated"
    assert rows["BERT-Tiny"]["score:test:accuracy"] == "0.815"
    found = json.loads(terminal("leaderboard", "qnli", "--published", "--json")[0])
    assert {"BERT-Tiny", "CBoW"} <= {row["model"] for row in found["published"]}


def test_a_group_has_its_score_only_with_all_tasks(terminal: Terminal) -> None:
    makings = [
        Making(task=task, model="all", seed=seed, rows=120) for task in NINE for seed in (1, 7)
    ]
    makings += [Making(task=task, model="some", rows=120) for task in NINE[:4]]
    records = make_runs(terminal.runs, makings)
    out, _ = terminal("leaderboard", "glue")
    # The rank comes first: a model without every task has none.
    lines = {words[1]: words for line in out.splitlines() if len(words := line.split()) > 1}
    assert lines["some"][0] == "–"
    assert "4 of 9" in " ".join(lines["some"])
    assert lines["all"][0] == "1"

    def task_score(task: str) -> float:
        of_task = [record for record in records if (record.task, record.model) == (task, "all")]
        values = [
            sum(sum(scores.values()) / len(scores) for scores in record.metrics.values())
            / len(record.metrics)
            for record in of_task
        ]
        return sum(values) / len(values)

    expected = sum(map(task_score, NINE)) / 9
    assert f"{100 * expected:.1f}" in lines["all"]
    (table,) = json.loads(terminal("leaderboard", "glue", "--json")[0])["groups"]
    row = table["rows"][0]
    assert row["score"] == pytest.approx(expected)
    assert row["standard_deviation"] > 0
    assert row["tasks"]["mnli"]["seeds"] == [1, 7]


def test_a_group_says_what_sets_its_runs_apart_and_which_tasks_have_none(
    terminal: Terminal,
) -> None:
    record = make_run(terminal.runs, Making(task="rte", number=1))
    record.notes = {"checkpoint": {"fresh": True}}
    write_record(terminal.runs / record.id, record)
    out, _ = terminal("leaderboard", "glue")
    assert "FRESH · trained from fresh weights" in out
    assert "No such runs of CoLA, SST-2, MRPC, STS-B, QQP, MNLI, QNLI, WNLI." in out
    (heads,) = [line for line in out.splitlines() if line.startswith("model")]
    assert heads.split() == ["model", "RTE", "score"]


def test_a_groups_sample_runs_are_not_mixed_with_real_ones(terminal: Terminal) -> None:
    makings = [Making(task=task, rows=60, sample=task == "rte") for task in NINE]
    make_runs(terminal.runs, makings)
    out, _ = terminal("leaderboard", "glue")
    assert "8 of 9" in out
    assert "1 of 9" in out
    assert "SAMPLE" in out


def test_a_groups_published_rows_mark_old_data(terminal: Terminal) -> None:
    make_run(terminal.runs, Making(number=1))
    out, _ = terminal("leaderboard", "glue", "--published")
    (cbow,) = (line for line in out.splitlines() if line.startswith("CBoW"))
    assert "72.1*" in cbow
    assert "* QNLI v1" in out
    (tiny,) = (line for line in out.splitlines() if line.startswith("BERT-Tiny"))
    assert "64.2" in tiny
    assert "*" not in tiny


def test_two_hundred_runs_are_ranked_at_once_and_without_frameworks(tmp_path: Path) -> None:
    first = make_run(tmp_path, Making(number=1))
    for number in range(2, 201):
        record = replace(first, id=f"qnli-bert-tiny-{number:04x}", seed=number)
        (tmp_path / record.id).mkdir()
        (tmp_path / record.id / RUN_FILE).write_text(to_json(record), encoding="utf-8")
    code = (
        "import sys\n"
        "from glueharness.cli import main\n"
        f"try: main(['leaderboard', '--by', 'run', '--runs-dir', {str(tmp_path)!r}])\n"
        "except SystemExit as end: assert not end.code, end.code\n"
        "print(*{name.split('.')[0] for name in sys.modules}, file=sys.stderr)"
    )
    command = [sys.executable, "-c", code]
    first_time = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert {"torch", "transformers", "pandas"} & set(first_time.stderr.split()) == set()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.stdout == first_time.stdout
    assert done.stdout.count("bert-tiny") == 200
    # What was computed before is known: not even numpy is imported for it.
    assert set(done.stderr.split()) & (HEAVY | {"numpy", "tabulate"}) == set()
    # Processor time, which other processes stretch less than they do the clock's; 0.8 s of an
    # idle machine's clock is the aim.
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    assert seconds < 1.6
