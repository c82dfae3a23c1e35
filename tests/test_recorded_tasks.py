"""A task of data files or of a task file, made again from what the record of its run keeps."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from glueharness import evaluate, leaderboard
from glueharness.cli import main
from glueharness.plugin.registry import Registry
from glueharness.record.store import RunStore
from glueharness.run.recorded_task import knowing, task_of
from glueharness_leaderboard.report.repeat import repeat_command
from tests.task_files import write_lines

if TYPE_CHECKING:
    from collections.abc import Callable

    Call = Callable[..., tuple[int, str, str]]

MOODS = ("glad", "sad")
TRAIN = ("--train-file", "train.jsonl", "--dev-file", "dev.jsonl", "--text", "text")


def _rows(start: int, count: int) -> list[dict[str, Any]]:
    return [
        {"text": f"a {MOODS[number % 2]} day {number}", "label": MOODS[number % 2]}
        for number in range(start, start + count)
    ]


@pytest.fixture
def call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Call:
    """Call glueharness in a folder with data files; what one call makes the next does not know."""
    folder = tmp_path / "mood"
    write_lines(folder / "train.jsonl", _rows(0, 24))
    write_lines(folder / "dev.jsonl", _rows(24, 10))
    monkeypatch.chdir(folder)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.delenv("GLUE_DATA_DIR", raising=False)

    def run(*words: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as end:
            main(words)
        out, err = capsys.readouterr()
        return int(end.value.code or 0), out, err

    return run


def run(call: Call, *words: str, model: str = "tfidf") -> str:
    """Do a run, and return its id."""
    code, out, err = call("run", *words, "--model", model, "--json")
    assert code == 0, err
    return str(json.loads(out)["id"])


def change(run_id: str, **fields: Any) -> None:
    """Change what the record of a run keeps of its task."""
    path = Path("runs", run_id, "run.json")
    values = json.loads(path.read_text(encoding="utf-8"))
    values["definition"] |= fields
    path.write_text(json.dumps(values), encoding="utf-8")


def definition(run_id: str) -> dict[str, Any]:
    record = json.loads(Path("runs", run_id, "run.json").read_text(encoding="utf-8"))
    kept: dict[str, Any] = record["definition"]
    return kept


def test_the_record_keeps_what_the_task_is_and_no_data(call: Call) -> None:
    kept = definition(run(call, *TRAIN))
    assert kept["kind"] == "toml"
    assert 'labels = ["glad", "sad"]' in kept["content"]
    assert {split: Path(file["path"]) for split, file in kept["files"].items()} == {
        "train": Path.cwd() / "train.jsonl",
        "dev": Path.cwd() / "dev.jsonl",
    }
    digest = hashlib.sha256(Path("dev.jsonl").read_bytes()).hexdigest()
    assert kept["files"]["dev"]["sha256"] == digest
    assert "day" not in json.dumps(kept)


def test_a_task_of_an_installed_plugin_is_not_kept(call: Call) -> None:
    code, out, err = call("run", "rte", "--data", "sample", "--model", "majority", "--json")
    assert code == 0, err
    assert json.loads(out)["definition"] is None


def test_every_command_knows_the_task_afterwards(call: Call, tmp_path: Path) -> None:
    first, other = run(call, *TRAIN), run(call, *TRAIN, model="majority")
    code, out, err = call("reproduce", first)
    assert (code, f"identical to run {first}" in out) == (0, True), err
    code, out, _ = call("rescore", "--all")
    assert (code, out.count("as recorded"), "not checked" in out) == (0, 3, False), out
    code, out, err = call("compare", first, other, "--rows", "--json")
    assert code == 0, err
    assert json.loads(out)["rows"][0]["texts"]["text"].startswith("a ")
    code, out, _ = call("leaderboard", "mood")
    assert (code, "Accuracy" in out, "no installed plugin" in out) == (0, True, False), out
    code, out, _ = call("compare", "tfidf", "majority", "--task", "mood")
    assert (code, "Macro F1" in out, "Not compared" in out) == (0, True, False), out
    code, out, err = call("predict", "mood", "--text", "so glad")
    assert (code, out.splitlines()[1].split("\t")[1]) == (0, "glad"), err
    code, out, err = call("evaluate", "mood", "--run", first, "--json")
    assert code == 0, err
    assert json.loads(out)["definition"]["files"].keys() == {"train", "dev"}
    evaluation = json.loads(out)["id"]
    code, out, err = call("reproduce", evaluation)
    assert (code, f"identical to run {evaluation}" in out) == (0, True), err
    code, _, err = call("report", "-o", str(tmp_path / "page.html"), "--texts", "all")
    assert code == 0, err
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "no installed plugin" not in page


@pytest.mark.parametrize("kind", ["csv", "tsv", "parquet"])
def test_files_of_every_kind_are_found_again(call: Call, kind: str) -> None:
    delimiter = "\t" if kind == "tsv" else ","
    for split in ("train", "dev"):
        rows = [json.loads(line) for line in Path(f"{split}.jsonl").read_text().splitlines()]
        columns = {"The text": [row["text"] for row in rows], "m": [row["label"] for row in rows]}
        if kind == "parquet":
            pq.write_table(pa.table(columns), f"{split}.parquet")
            continue
        lines = [delimiter.join(row) for row in zip(*columns.values(), strict=True)]
        text = "\n".join([delimiter.join(columns), *lines, ""])
        Path(f"{split}.{kind}").write_text(text, encoding="utf-8")
    files = ("--train-file", f"train.{kind}", "--dev-file", f"dev.{kind}")
    first = run(call, "moods", *files, "--text", "The text", "--label", "m")
    code, out, err = call("reproduce", first)
    assert (code, f"identical to run {first}" in out) == (0, True), err


def test_run_says_how_a_task_that_only_runs_know_is_trained_on(call: Call) -> None:
    first = run(call, *TRAIN)
    code, _, err = call("run", "mood", "--model", "majority")
    assert code == 1
    assert "there is no task called 'mood' here" in err
    assert f"glueharness reproduce {first}" in err
    assert "--train-file FILE" in err
    code, _, err = call("run", "moot", "--model", "majority")
    assert (code, "there is no task called 'moot'" in err, first in err) == (1, True, False), err
    assert str(Path.cwd() / "dev.jsonl") in call("runs", "show", first)[1].replace("\n", "")


def test_a_notebook_knows_the_task_of_earlier_runs(call: Call) -> None:
    first = run(call, *TRAIN)
    scored = evaluate("mood", run=first)
    assert "Accuracy" in repr(scored)
    assert scored.record.parent is not None
    assert scored.record.parent.id == first
    assert "Macro F1" in repr(leaderboard("mood"))


def test_the_page_says_how_such_a_run_is_done_again(call: Call) -> None:
    first = run(call, *TRAIN)
    (record,) = RunStore(Path("runs")).all()
    assert repeat_command(record, Registry()) == f"glueharness reproduce {first}"


def test_numbers_of_many_digits_are_a_regression_that_has_all_its_rows(call: Call) -> None:
    # 1.5 + 13 * 0.03 is 1.8900000000000001, which is more than 1.89.
    rows = [{"text": f"day {number}", "label": 1.5 + number * 0.03} for number in range(14)]
    write_lines(Path("scores.jsonl"), rows)
    write_lines(Path("dev-scores.jsonl"), rows[3:9])
    files = ("--train-file", "scores.jsonl", "--dev-file", "dev-scores.jsonl", "--text", "text")
    first = run(call, "scores", *files)
    code, out, err = call("reproduce", first)
    assert (code, f"identical to run {first}" in out) == (0, True), err


def test_a_submission_of_a_task_file_is_written_without_it(call: Call) -> None:
    code, _, err = call("tasks", "new", "mood", *TRAIN, "--output", "mood.toml")
    assert code == 0, err
    write_lines(Path("test.jsonl"), [{"text": "so glad"}, {"text": "so sad"}])
    text = (
        Path("mood.toml").read_text(encoding="utf-8").replace("licence", 'writer = "glue"\nlicence')
    )
    text += 'test = "test.jsonl"\n[[submission]]\nname = "Mood.tsv"\nsplit = "test"\n'
    text += 'values = { glad = "1", sad = "0" }\n'
    Path("mood.toml").write_text(text, encoding="utf-8")
    code, _, err = call("--plugin", "mood.toml", "run", "mood", "--model", "tfidf")
    assert code == 0, err
    Path("mood.toml").unlink()
    code, _, err = call("submit", "mood")
    assert code == 0, err
    assert Path("out/Mood.tsv").read_text(encoding="utf-8") == "index\tprediction\n0\t1\n1\t0\n"
    Path("test.jsonl").write_text('{"text": "so bad"}\n', encoding="utf-8")
    code, _, err = call("submit", "mood")
    assert (code, "test.jsonl is another file than the run read" in err) == (1, True), err


def test_a_changed_file_is_refused_by_its_name(call: Call) -> None:
    first = run(call, *TRAIN)
    file = Path("dev.jsonl")
    file.write_text(file.read_text().replace("a glad", "a very glad", 1), encoding="utf-8")
    code, _, err = call("reproduce", first)
    assert code == 1
    assert f"{Path.cwd() / 'dev.jsonl'} is another file than the run read" in err
    code, out, _ = call("rescore", first)
    assert code == 0
    assert "dev.jsonl is another file than the run read" in out
    code, _, err = call("evaluate", "mood", "--rerun")
    assert (code, "is another file than the run read" in err) == (1, True)
    assert call("predict", "mood", "--text", "so sad")[0] == 0  # which needs no data


def test_moved_files_are_named_by_their_folder(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Two files of one name in two folders: the hash says which is which.
    for split in ("train", "dev"):
        Path(split).mkdir()
        shutil.move(f"{split}.jsonl", f"{split}/data.jsonl")
    files = ("--train-file", "train/data.jsonl", "--dev-file", "dev/data.jsonl")
    first = run(call, "mood", *files, "--text", "text")
    away = tmp_path / "away"
    away.mkdir()
    for split in ("train", "dev"):
        shutil.move(split, away)
    code, _, err = call("reproduce", first)
    assert (code, f"{Path.cwd() / 'train/data.jsonl'} is gone" in err) == (1, True), err
    assert "--data-dir" in err
    code, _, err = call("reproduce", first, "--data-dir", "nowhere")
    assert (code, "nowhere" in err, "there is no such folder" in err) == (1, True, True), err
    code, out, err = call("reproduce", first, "--data-dir", str(away))
    assert (code, f"identical to run {first}" in out) == (0, True), err
    code, out, _ = call("rescore", first)
    assert (code, "those of the run folder" in out) == (0, True)
    monkeypatch.setenv("GLUE_DATA_DIR", str(away))
    code, out, _ = call("rescore", first)
    assert (code, "those of the run folder" in out, "as recorded" in out) == (0, False, True), out
    (away / "train/data.jsonl").unlink()
    code, _, err = call("reproduce", first, "--data-dir", str(away))
    assert (code, f"is gone, and is not in {away}" in err) == (1, True), err


def test_a_task_file_that_was_named_for_one_command_is_kept(call: Call) -> None:
    code, _, err = call("tasks", "new", "mood", *TRAIN, "--output", "mood.toml")
    assert code == 0, err
    text = Path("mood.toml").read_text(encoding="utf-8").replace("mood", "Humeur", 2)
    Path("mood.toml").write_text(text.replace('name = "Humeur"', 'name = "mood"'), encoding="utf-8")
    code, out, err = call("--plugin", "mood.toml", "run", "mood", "--model", "tfidf", "--json")
    assert code == 0, err
    first = json.loads(out)["id"]
    Path("mood.toml").unlink()
    code, out, err = call("reproduce", first)
    assert (code, f"identical to run {first}" in out) == (0, True), err
    assert "Humeur · dev" in call("leaderboard")[1]


def test_two_tasks_of_one_name_are_each_their_own(call: Call) -> None:
    first = run(call, *TRAIN)
    for split in ("train", "dev"):
        text = Path(f"{split}.jsonl").read_text(encoding="utf-8")
        write_lines(
            Path(f"{split}2.jsonl"),
            [{**row, "label": row["label"].upper()} for row in map(json.loads, text.splitlines())],
        )
    files = ("--train-file", "train2.jsonl", "--dev-file", "dev2.jsonl", "--text", "text")
    second = run(call, "mood", *files)
    for run_id in (first, second):
        code, out, err = call("reproduce", run_id)
        assert (code, f"identical to run {run_id}" in out) == (0, True), err
    code, out, _ = call("rescore", "--all")
    assert (code, "not checked" in out) == (0, False), out
    code, out, err = call("predict", "mood", "--text", "so sad", "--run", first)
    assert (code, out.splitlines()[1].split("\t")[1]) == (0, "sad"), err
    code, out, err = call("predict", "mood", "--text", "so sad")
    assert (code, out.splitlines()[1].split("\t")[1]) == (0, "SAD"), err


def test_what_a_record_makes_of_the_task_is_not_believed(call: Call) -> None:
    first = run(call, *TRAIN)
    content = definition(first)["content"]
    change(first, content=content.replace('["glad", "sad"]', '["sad", "glad"]'))
    for words in (("reproduce", first), ("predict", "mood", "--text", "x"), ("evaluate", "mood")):
        code, _, err = call(*words)
        assert (code, "is not the one that the run was computed with" in err) == (1, True), err
    code, out, _ = call("rescore", first)
    assert (code, "is not the one that the run was computed with" in out) == (1, True)
    assert "no installed plugin knows the task" in call("leaderboard")[1]


def test_only_files_of_the_recorded_hash_are_read(call: Call, tmp_path: Path) -> None:
    first = run(call, *TRAIN)
    files = definition(first)["files"]
    secret = tmp_path / "secret.jsonl"
    write_lines(secret, [{"text": "a secret", "label": "glad"}])
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for place, why in ((secret, "is another file"), (pipe, "is no regular file")):
        change(first, files={**files, "dev": {**files["dev"], "path": str(place)}})
        code, _, err = call("reproduce", first)
        assert (code, f"{place}" in err, why in err) == (1, True, True), err
        assert "secret'" not in err
    script = tmp_path / "task.py"
    os.mkfifo(script)
    change(first, files=files, path=str(script))  # nor is the file of the task itself
    code, _, err = call("reproduce", first)
    assert (code, "is not the one that the run was computed with" in err) == (1, True), err
    change(first, path=str(Path.cwd() / "mood.toml"))
    # A split of which the record names no file has no data, though one of that name lies there.
    change(first, files={"train": files["train"]})
    code, _, err = call("reproduce", first)
    assert (code, "names no file for the split 'dev'" in err) == (1, True), err


def test_a_record_gives_no_consent_and_no_borrowed_name(call: Call) -> None:
    call("tasks", "new", "mood", *TRAIN, "--output", "mood.toml")
    text = Path("mood.toml").read_text(encoding="utf-8")
    text = text.replace('title = "mood"', 'title = "qnli"\ntexts_may_be_shared = true')
    Path("mood.toml").write_text(text, encoding="utf-8")
    code, _, err = call("--plugin", "mood.toml", "run", "mood", "--model", "tfidf")
    assert code == 0, err
    (record,) = RunStore(Path("runs")).all()
    task = task_of(record, Registry())
    assert task is not None
    assert (task.title, task.texts_may_be_shared) == ("mood", False)


def test_an_oversized_or_odd_definition_is_no_record(call: Call) -> None:
    first = run(call, *TRAIN)
    file = {"path": "/x", "sha256": "0" * 64}
    for fields in (
        {"content": "#" * (1 << 21)},
        {"files": {"dev": {**file, "sha256": "../x"}}},
        {"files": {f"s{number}": file for number in range(2_000)}},
        {"kind": 3},
    ):
        kept = Path("runs", first, "run.json").read_bytes()
        change(first, **fields)
        code, _, err = call("runs", "show", first)
        assert (code, "the record is damaged" in err) == (1, True), err
        Path("runs", first, "run.json").write_bytes(kept)


def test_old_runs_and_tasks_in_python_say_why_they_are_not_known(call: Call) -> None:
    first = run(call, *TRAIN)
    path = Path("runs", first, "run.json")
    values = json.loads(path.read_text(encoding="utf-8"))
    del values["definition"]
    path.write_text(json.dumps(values), encoding="utf-8")
    for words in (("reproduce", first), ("evaluate", "mood"), ("predict", "mood", "--text", "x")):
        code, _, err = call(*words)
        assert (code, "does not keep its definition" in err) == (1, True), err
        assert "glueharness tasks new mood" in err
    assert "no installed plugin knows the task" in call("leaderboard")[1]
    assert "does not keep its definition" in call("rescore", first)[1]


def test_a_kind_of_file_that_nobody_reads_is_said(call: Call) -> None:
    first = run(call, *TRAIN)
    change(first, kind="yaml")
    code, _, err = call("reproduce", first)
    assert (code, "nor reads the .yaml file" in err) == (1, True), err
    code, _, err = call("--no-plugin", "taskfile", "reproduce", first)
    assert (code, "nor reads the .yaml file" in err) == (1, True), err


def test_the_plugins_of_the_process_stay_as_they_are(call: Call) -> None:
    run(call, *TRAIN)
    registry = Registry()
    (record,) = RunStore(Path("runs")).all()
    assert knowing(record, registry).task("mood").labels == MOODS
    assert "mood" not in registry.tasks.items
    assert "mood" not in registry.plugins.statuses
