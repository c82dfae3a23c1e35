"""A task made from data files: `run --train-file ...` and `tasks new`."""

from __future__ import annotations

import json
import tomllib
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from glueharness.cli import main
from glueharness.record.store import RunStore
from tests.task_files import write_lines

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Call = Callable[..., tuple[int, str, str]]

WORDS = ("cold", "warm", "hot")
FILES = ("--train-file", "train.jsonl", "--dev-file", "dev.jsonl")
PAIR = (*FILES, "--text", "premise", "--text", "hypothesis")


@pytest.fixture
def call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Call:
    """Call glueharness in a folder called snow that has data files."""
    folder = tmp_path / "snow"
    for split, start, count in (("train", 0, 30), ("dev", 30, 12), ("test", 60, 6)):
        write_lines(
            folder / f"{split}.jsonl", [_row(number) for number in range(start, start + count)]
        )
    monkeypatch.chdir(folder)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("GLUEHARNESS_CONFIG_DIR", str(tmp_path / "config"))

    def run(*words: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as end:
            main(words)
        out, err = capsys.readouterr()
        return int(end.value.code or 0), out, err

    return run


def _row(number: int) -> dict[str, Any]:
    word = WORDS[number % 3]
    return {"premise": f"It is {word} {number}.", "hypothesis": f"{word} {number}", "label": word}


def test_run_makes_the_task_and_shows_its_labels(call: Call, tmp_path: Path) -> None:
    code, _, err = call("run", *PAIR, "--model", "tfidf")
    assert code == 0, err
    assert "task    snow\n" in err
    assert "labels  cold (10), hot (10), warm (10)\n" in err
    code, _, err = call("run", *PAIR, "--model", "tfidf")
    assert (code, "was there already" in err) == (0, True)
    (record,) = RunStore(tmp_path / "snow" / "runs").all()
    assert (record.task, record.primary) == ("snow", 1.0)


def test_what_run_says_to_keep_is_the_same_task_and_predicts(call: Call) -> None:
    _, _, err = call("run", *PAIR, "--model", "tfidf")
    (words,) = [line for line in err.splitlines() if line.startswith("keep")]
    code, _, err = call(*words.split("glueharness ")[1].split("   (")[0].split())
    assert code == 0, err
    plugin = ("--plugin", "snow.toml")
    code, _, err = call(*plugin, "run", "snow", "--model", "tfidf")
    assert (code, "was there already" in err) == (0, True), err
    code, out, err = call(*plugin, "predict", "snow", "--premise", "hot 7", "--hypothesis", "hot")
    assert code == 0, err
    assert out.splitlines()[1].split("\t")[1] == "hot"


def test_tasks_new_writes_a_file_that_passes_every_check(call: Call) -> None:
    code, out, err = call("tasks", "new", "weather", *PAIR, "--test-file", "test.jsonl")
    assert code == 0, err
    assert "cold (10), hot (10), warm (10)" in out
    code, out, _ = call("plugins", "check", "weather.toml")
    assert (code, "0 failed" in out) == (0, True), out
    code, _, err = call("tasks", "new", "weather", *PAIR)
    assert (code, "there is a file of that name" in err) == (1, True)


def test_the_file_may_lie_elsewhere_and_fields_may_be_called_anything(
    call: Call, tmp_path: Path
) -> None:
    rows = [{"Text 1": f"say {n} {WORDS[n % 2]}", "index": str(n), 'a "score"': 1.5 * (n % 2)}
            for n in range(30)]  # fmt: skip
    for name in ("a_train", "a_dev"):
        pq.write_table(pa.Table.from_pylist(rows), tmp_path / "snow" / f"{name}.parquet")
    (tmp_path / "snow" / "sub").mkdir()
    code, out, err = call(
        "tasks", "new", "--train-file", "a_train.parquet", "--dev-file", "a_dev.parquet",
        "--text", "Text 1", "--text", "index", "--label", 'a "score"', "-o", "sub/a.toml",
    )  # fmt: skip
    assert code == 0, err
    assert "numbers from 0 to 1.5: a regression" in out
    values = tomllib.loads((tmp_path / "snow" / "sub" / "a.toml").read_text())
    assert values["name"] == "a"
    assert values["splits"] == {"train": "../a_train.parquet", "dev": "../a_dev.parquet"}
    assert values["source"]["columns"] == {
        "text_1": "Text 1", "text2": "index", "label": 'a "score"'
    }  # fmt: skip
    code, out, err = call("plugins", "check", "sub/a.toml")
    assert (code, "0 failed" in out) == (0, True), out + err


def test_numbers_and_truth_values_become_labels_in_their_order(call: Call, tmp_path: Path) -> None:
    for name, labels in (("numbers", (10, 9, 2)), ("truth", (True, False))):
        for split in ("train", "dev"):
            rows = [{"t": f"{split} {n}", "label": labels[n % len(labels)]} for n in range(12)]
            write_lines(tmp_path / "snow" / f"{name}_{split}.jsonl", rows)
        files = ("--train-file", f"{name}_train.jsonl", "--dev-file", f"{name}_dev.jsonl")
        code, _, err = call("run", *files, "--text", "t", "--model", "majority")
        assert code == 0, err
        expected = "2 (4), 9 (4), 10 (4)" if name == "numbers" else "false (6), true (6)"
        assert f"labels  {expected}\n" in err


CHOICES = ("--text", "t", "--choice", "a", "--choice", "b")


@pytest.mark.parametrize("labels", [(0, 1), (1, 2), ("a", "b")])
def test_a_task_of_multiple_choice_is_made_of_data_files(
    labels: tuple[Any, Any], call: Call, tmp_path: Path
) -> None:
    for split, count in (("train", 24), ("dev", 8)):
        rows = [
            {"t": f"go {n}", "a": f"{('up', 'down')[n % 2]} {n}", "b": f"{('down', 'up')[n % 2]} 1",
             "label": labels[n % 2]}
            for n in range(count)
        ]  # fmt: skip
        write_lines(tmp_path / "snow" / f"way_{split}.jsonl", rows)
    files = ("--train-file", "way_train.jsonl", "--dev-file", "way_dev.jsonl")
    code, _, err = call("run", *files, *CHOICES, "--model", "tfidf", "--json")
    assert code == 0, err
    assert f"choices a, b\nlabel   label\nlabels  {labels[0]} (12), {labels[1]} (12)\n" in err
    (words,) = [line for line in err.splitlines() if line.startswith("keep")]
    code, _, err = call(*words.split("glueharness ")[1].split("   (")[0].split())
    assert code == 0, err
    (record,) = RunStore(tmp_path / "snow" / "runs").all()
    assert record.primary == 1.0
    code, out, err = call("--plugin", "way.toml", "predict", "way", "--t", "go", "--a", "down",
                          "--b", "up")  # fmt: skip
    assert code == 0, err
    assert out.splitlines()[1].split("\t")[1] == str(labels[1])


def test_labels_that_name_no_choice_are_refused(call: Call, tmp_path: Path) -> None:
    for split in ("train", "dev"):
        rows = [{"t": "t", "a": "a", "b": "b", "label": ("first", "second")[n % 2]} for n in (1, 2)]
        write_lines(tmp_path / "snow" / f"odd_{split}.jsonl", rows)
    files = ("--train-file", "odd_train.jsonl", "--dev-file", "odd_dev.jsonl")
    code, _, err = call("run", *files, *CHOICES)
    assert (code, "the labels are first, second, which do not say which of the 2" in err) == (
        1,
        True,
    )


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ((*FILES, "--text", "premise", "--choice", "hypothesis"), 2, "twice or more"),
        (FILES, 1, "twice for a pair. The file has premise, hypothesis, label."),
        ((*FILES, "--text", "premis"), 1, "no field called 'premis', did you mean 'premise'?"),
        ((*FILES, "--text", "premise", "--label", "lable"), 1, "did you mean 'label'?"),
        ((*FILES, "--text", "premise", "--label", "hypothesis"), 1, "is another one in each row"),
        (FILES[:2], 2, "needs a --dev-file"),
        (FILES[2:], 2, "need a --train-file"),
        ((*PAIR, "--text", "label"), 1, "a model sees one or two texts"),
        (("qnli", *PAIR), 1, "there is a task called 'qnli' already"),
        (("glue", *PAIR), 1, "there is a task called 'glue' already"),
        (("Bad:Name", *PAIR), 1, "a task cannot be called 'Bad:Name'"),
        (("a", "b", *PAIR), 2, "one TASK at most"),
        (("--train-file", "none.jsonl", *FILES[2:], "--text", "a"), 1,
         "none.jsonl: cannot be read"),
        (("--train-file", "train.txt", *FILES[2:], "--text", "a"), 1, "the suffix '.txt' does not"),
        (("--train-file", "train.csv", *FILES[2:], "--text", "a"), 1,
         "the training file is csv, and this one is jsonl"),
        (("--train-file", "bad.jsonl", *FILES[2:], "--text", "a"), 1,
         "bad.jsonl:2: not valid JSON"),
        (("--train-file", "void.jsonl", *FILES[2:], "--text", "a"), 1, "there is no row in it"),
        (("--train-file", "null.jsonl", *FILES[2:], "--text", "a"), 1,
         "null.jsonl:2: the label (label) is missing (null)"),
    ],
)  # fmt: skip
def test_what_does_not_go_is_said(
    words: tuple[str, ...], code: int, said: str, call: Call, tmp_path: Path
) -> None:
    good = json.dumps({"a": "x", "label": "y"})
    (tmp_path / "snow" / "bad.jsonl").write_text(f"{good}\n{{\n")
    (tmp_path / "snow" / "null.jsonl").write_text(f'{good}\n{{"a": "x"}}\n')
    (tmp_path / "snow" / "void.jsonl").write_text("\n")
    answer = call("run", *words, "--model", "majority")
    assert answer[0] == code, answer
    assert said in " ".join(answer[2].split())
    assert not (tmp_path / "snow" / "runs").exists()


@pytest.mark.parametrize("choices", [(), ("--choice", "b", "--choice", "c")])
def test_a_label_that_only_dev_has_is_told_where_it_is(
    choices: tuple[str, ...], call: Call, tmp_path: Path
) -> None:
    for split, labels in (("train", (0, 1, 0, 1)), ("dev", (0, 1, "o"))):
        rows = [{"a": f"{split} {n}", "b": f"b {n}", "c": f"c {n}", "label": label}
                for n, label in enumerate(labels)]  # fmt: skip
        write_lines(tmp_path / "snow" / f"slip_{split}.jsonl", rows)
    files = ("--train-file", "slip_train.jsonl", "--dev-file", "slip_dev.jsonl", "--text", "a")
    code, _, err = call("run", *files, *choices, "--model", "majority")
    assert code == 1
    assert "error: slip_dev.jsonl:3: the label" in err
    if not choices:
        assert "is 'o', and no training row has it" in err


@pytest.mark.parametrize(("sign", "called"), [(";", "semicolons"), ("\t", "tabs"), ("|", "bars")])
def test_another_delimiter_is_named(call: Call, tmp_path: Path, sign: str, called: str) -> None:
    for split in ("train", "dev"):
        rows = "".join(f"{split} {n}{sign}{n % 2}\n" for n in range(4))
        (tmp_path / "snow" / f"{split}.csv").write_text(f"text{sign}label\n{rows}")
    code, _, err = call("run", "--train-file", "train.csv", "--dev-file", "dev.csv", "--text", "x")
    assert code == 1
    assert f"train.csv:1: the fields are parted by {called}, which .csv does not mean" in err


@pytest.mark.parametrize(
    ("scores", "said"),
    [
        ([2.5], "the field 'label' is '2.5' in each row"),
        ([0.0], "the field 'label' is '0' in each row"),
        ([0.5, 1e300], "train.jsonl:2: the score (label) is 1e+300, beyond 1e+15"),
        ([0.25, 1234564.5], ""),  # six digits of it would leave it out of the range
        ([0.1 + 0.2, 1e-40], ""),
    ],
    ids=str,
)
def test_scores_of_data_files_make_a_range_that_holds_them(
    call: Call, tmp_path: Path, scores: list[float], said: str
) -> None:
    for split in ("train", "dev"):
        rows = [{"a": f"{split} {n}", "label": scores[n % len(scores)]} for n in range(8)]
        write_lines(tmp_path / "snow" / f"{split}.jsonl", rows)
    code, _, err = call("run", *FILES, "--text", "a", "--model", "majority")
    assert (code, said in err) == (1 if said else 0, True), err
    assert "Traceback" not in err


@pytest.mark.parametrize("field", ["a", "label"])
def test_half_a_character_is_told_where_it_is(call: Call, tmp_path: Path, field: str) -> None:
    """JSON can hold it, and no tokenizer and no file takes it."""
    for split in ("train", "dev"):
        rows = [{"a": f"x {n}", "label": "yn"[n % 2]} for n in range(8)]
        rows[3][field] = "n\ud800"
        write_lines(tmp_path / "snow" / f"{split}.jsonl", rows)
    code, _, err = call("run", *FILES, "--text", "a", "--model", "tfidf")
    assert (code, "train.jsonl:4: " in err) == (1, True), err
    assert ("half of a character" if field == "a" else "the label (label) is 'n\\ud800'") in err


def test_a_thousand_different_labels_are_no_labels(call: Call, tmp_path: Path) -> None:
    rows = [{"a": f"x {n}", "label": f"text {n // 2}"} for n in range(600)]
    write_lines(tmp_path / "snow" / "many.jsonl", rows)
    code, _, err = call("run", "--train-file", "many.jsonl", *FILES[2:], "--text", "a")
    assert (code, "more than 200 values" in err) == (1, True)


@pytest.mark.parametrize(
    ("fields", "twice"),
    [
        (("--text", "t", "--choice", "a", "--choice", "a"), "a"),
        (("--text", "a", "--choice", "a", "--choice", "b"), "a"),
        (("--text", "t", "--text", "t"), "t"),
        (("--text", "t", "--text", "label", "--label", "label"), "label"),
    ],
)
def test_a_field_has_one_part_only(
    call: Call, tmp_path: Path, fields: tuple[str, ...], twice: str
) -> None:
    for split in ("train", "dev"):
        rows = [{"t": f"t{n}", "a": "a", "b": "b", "label": n % 2} for n in range(4)]
        write_lines(tmp_path / "snow" / f"same_{split}.jsonl", rows)
    files = ("--train-file", "same_train.jsonl", "--dev-file", "same_dev.jsonl")
    code, _, err = call("run", *files, *fields, "--model", "majority")
    assert (code, f"the field {twice!r} is named twice" in err) == (1, True), err
