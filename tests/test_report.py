"""``glueharness report``: what is in the page, and what can never get out of it."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from click.testing import CliRunner

from glueharness.cli import cli
from glueharness.plugin.registry import Registry
from glueharness.record.record import SettingRecord
from glueharness_leaderboard.evidence.predictions import SplitValues
from glueharness_leaderboard.report import answers, page
from glueharness_leaderboard.report.packing import Packing
from glueharness_leaderboard.report.repeat import repeat_command, shell_word
from glueharness_leaderboard.statistics.intervals import wilson
from tests.leaderboard_runs import Making, make_run
from tests.report_pages import HOSTILE, data_of, make_board, write_report

if TYPE_CHECKING:
    from typing import Any

PAGE = Path(page.__file__).parent / "page"
MODELS = [("bert-small", 0.9), ("bert-mini", 0.89), ("bert-tiny", 0.7)]


def run_cli(*words: str) -> str:
    result = CliRunner().invoke(cli, list(words))
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    runs = tmp_path_factory.mktemp("report") / "runs"
    make_board(runs, [*MODELS, (HOSTILE, 0.5)])
    make_board(runs, MODELS, task="stsb")
    make_run(runs, Making(sample=True, number=900))
    make_run(runs, Making(status="failed", number=901))
    (runs / "qnli-broken").mkdir()
    (runs / "qnli-broken" / "run.json").write_text("{", encoding="utf-8")
    return runs


@pytest.fixture(scope="module")
def written(store: Path) -> str:
    return write_report(store)


def test_only_its_own_script_and_style_may_run(written: str) -> None:
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', written)
    assert policy
    assert policy[1].startswith("default-src 'none'; ")
    assert "unsafe" not in policy[1]
    for tag in ("script", "style"):
        (content,) = re.findall(rf"<{tag}>(.*?)</{tag}>", written, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy[1]


def test_the_page_asks_nobody_for_anything() -> None:
    parts = [path.read_text(encoding="utf-8") for path in PAGE.rglob("*") if path.is_file()]
    assert len(parts) == len(page.STYLES) + len(page.SCRIPTS) + 1
    whole = "\n".join(parts).replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"https?:|//\w+\.|@import|url\(", whole)
    forbidden = r"innerHTML|outerHTML|insertAdjacent|document\.write|\beval\b|new Function|fetch\("
    assert not re.search(forbidden, whole)
    assert "style=" not in whole  # the policy would refuse it


def test_no_name_of_a_file_is_markup(written: str) -> None:
    assert written.count("<script") == 2
    assert written.count("</script") == 2
    assert "\x1b" not in written
    assert "\u202e" not in written
    names = {row["model"] for board in data_of(written)["boards"] for row in board["rows"]}
    assert HOSTILE in names, "the data hold the name itself, escaped"


def test_json_in_a_page_is_ascii_without_markup() -> None:
    values = {"a": "</script>&<!--", "b": "\u2028\u2029\x1b\x7f\ud800é"}
    text = page.json_in_html(values)
    assert json.loads(text) == values
    assert text.isascii()
    assert text.isprintable()
    assert not set("<>&") & {*text}


def test_it_says_what_leaderboard_and_compare_say(store: Path, written: str) -> None:
    (board,) = [each for each in data_of(written)["boards"] if each["id"] == "qnli"]
    assert board["answer"]
    printed = " ".join(run_cli("leaderboard", "qnli", "--runs-dir", str(store)).split())
    assert board["answer"] in printed
    assert all(reason in printed for reason in board["reasons"])
    models = [row["model"] for row in board["rows"]]
    names = [row["name"] for row in board["rows"]]
    answer = json.loads(
        run_cli("compare", *models, "--task", "qnli", "--json", "--runs-dir", str(store))
    )
    said = {}
    for first, second, _, _, _, _, form, points, interval, p in board["pairs"]["list"]:
        sentence = board["pairs"]["forms"][form].format(
            first=names[first], second=names[second], points=points, interval=interval, p=p
        )
        said[first, second] = sentence
    letters = "ABCD"
    expected = {
        (letters.index(pair["first"]), letters.index(pair["second"])): pair["sentence"]
        for pair in answer["comparisons"]
    }
    from glueharness.system.printable import printable

    assert {pair: printable(sentence) for pair, sentence in said.items()} == expected


def test_the_command_prints_what_the_page_says(store: Path, tmp_path: Path) -> None:
    printed = run_cli("report", "--runs-dir", str(store), "-o", str(tmp_path / "x.html"))
    data = data_of((tmp_path / "x.html").read_text(encoding="utf-8"))
    assert len(printed.splitlines()) == len(data["boards"]) + len(data["groups"])
    assert all(board["answer"] in printed for board in data["boards"])
    (tmp_path / "none").mkdir()
    words = ["--runs-dir", str(tmp_path / "none"), "-o", str(tmp_path / "y.html")]
    assert run_cli("report", *words) == "There are no completed runs yet.\n"
    assert "there is nothing to choose from yet" in page_of_one(tmp_path)


def page_of_one(folder: Path) -> str:
    """What is printed of one run, marked, and of a task without any."""
    runs = folder / "one"
    make_run(runs, Making(train=(500, 500, 1000)))
    make_run(runs, Making(task="rte", status="failed", number=1))
    words = ["--runs-dir", str(runs), "-o", str(folder / "z.html")]
    assert run_cli("report", "rte", *words) == (
        "There are no completed runs of rte yet; 1 did not complete.\n"
    )
    result = CliRunner().invoke(cli, ["report", *words])
    assert "1 run, 1 board," in result.stderr
    data = data_of((folder / "z.html").read_text(encoding="utf-8"))
    assert result.stdout == f"QNLI v2 · dev · n = 400, partial: {data['boards'][0]['plain']}\n"
    return result.stdout


def test_other_data_never_share_a_board(written: str) -> None:
    boards = data_of(written)["boards"]
    assert [(board["id"], board["marks"]) for board in boards if board["task"] == "qnli"] == [
        ("qnli", []), ("qnli.2", ["sample"]),
    ]  # fmt: skip
    assert "cannot choose" in boards[-1]["answer"] or "cannot choose" in str(boards)


def test_what_is_left_out_is_told(written: str) -> None:
    data = data_of(written)
    assert [run["state"] for run in data["unfinished"]] == ["failed"]
    assert len(data["problems"]) == 1
    assert data["problems"][0].startswith("qnli-broken")
    assert "damaged" in data["problems"][0]


@pytest.mark.parametrize("count", [0, 1, 40])
def test_any_number_of_models(tmp_path: Path, count: int) -> None:
    models = [(f"model-{place:02d}", 0.5 + 0.01 * place) for place in range(count)]
    (tmp_path / "runs").mkdir()
    make_board(tmp_path / "runs", models, seeds=1, rows=60)
    found = data_of(write_report(tmp_path / "runs"))
    assert sum(len(board["rows"]) for board in found["boards"]) == count
    pairs = [pair for board in found["boards"] for pair in board["pairs"]["list"]]
    assert len(pairs) == count * (count - 1) / 2


def test_a_run_without_predictions_keeps_its_row(tmp_path: Path) -> None:
    first, *_ = make_board(tmp_path / "runs", MODELS, seeds=1)
    shutil.rmtree(tmp_path / "runs" / first.id / "predictions")
    data = data_of(write_report(tmp_path / "runs"))
    (board,) = data["boards"]
    (row,) = [row for row in board["rows"] if row["model"] == first.model]
    assert row["rank"] is None
    assert "predictions" not in data["runs"][row["runs"][0]]
    assert len(board["pairs"]["list"]) == 1


def test_texts_stay_out_unless_the_task_lets_them_be_passed_on(
    tmp_path: Path, glue_data: Path
) -> None:
    runs = tmp_path / "runs"
    for task in ("rte", "qnli"):
        words = ["run", task, "--model", "majority", "--data-dir", str(glue_data)]
        run_cli(*words, "--runs-dir", str(runs))

    def quoted(*words: str) -> dict[str, int]:
        boards = data_of(write_report(runs, *words))["boards"]
        return {board["task"]: len(board["texts"]["rows"]) for board in boards}

    assert quoted() == {"rte": 0, "qnli": 12}, "one model: its mistakes, and nothing is disputed"
    assert quoted("--texts", "none") == {"rte": 0, "qnli": 0}
    assert quoted("--texts", "10") == {"rte": 0, "qnli": 10}
    assert quoted("--texts", "all") == {"rte": 277, "qnli": 5463}
    assert quoted("rte", "--texts", "all") == {"rte": 277}


def test_what_cannot_be_asked_is_refused(tmp_path: Path) -> None:
    for words, said in ((["--texts", "-1"], "--texts"), (["qnly"], "qnli")):
        result = CliRunner().invoke(cli, ["report", *words])
        assert result.exit_code == 1
        assert said in str(result.exception)
    result = CliRunner().invoke(cli, ["report", "-o", str(tmp_path / "none" / "x.html")])
    assert "cannot be written" in str(result.exception)
    for name in ("x.md", "x.unknown", "x"):
        result = CliRunner().invoke(cli, ["report", "-o", str(tmp_path / name)])
        assert "a report is a page of HTML" in str(result.exception)
        assert not (tmp_path / name).exists()


def test_only_a_file_that_was_named_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["report", "--runs-dir", str(tmp_path / "none")]
    run_cli(*words)
    run_cli(*words)  # the report of before
    Path("report.html").write_text("of another tool", encoding="utf-8")
    result = CliRunner().invoke(cli, words)
    assert result.exit_code == 1
    assert "no report of glueharness" in str(result.exception)
    assert Path("report.html").read_text(encoding="utf-8") == "of another tool"
    run_cli(*words, "-o", "report.html")
    assert "of another tool" not in Path("report.html").read_text(encoding="utf-8")


def test_nothing_heavy_is_imported(store: Path, tmp_path: Path) -> None:
    code = (
        "import sys\nfrom glueharness.cli import main\n"
        f"try: main(['report', '--runs-dir', {str(store)!r}, '-o', 'x.html'])\n"
        "except SystemExit as end: assert not end.code, end.code\n"
        "print(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    heavy = {"torch", "transformers", "datasets", "evaluate", "sklearn", "pandas"}
    assert heavy & {*done.stdout.split()} == set()


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
@pytest.mark.parametrize(
    "word",
    ["plain", "", "a b", "it's", "$(touch x)", "`x`", "-x", "\x1b[31m", "\u202egnp'\\", "é\n\tü",
     "\U000e0041", "a\x00"[:1]],
)  # fmt: skip
def test_a_quoted_word_survives_a_shell(word: str) -> None:
    quoted = shell_word(word)
    assert quoted.isprintable()
    script = f"printf %s {quoted}"
    done = subprocess.run(
        ["bash", "-c", script], capture_output=True, check=True,
        env={"LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    assert done.stdout.decode() == word


def test_the_command_is_made_of_settings_and_never_of_what_a_file_says(tmp_path: Path) -> None:
    record = make_run(tmp_path, Making(model="hf:./x; rm -rf ~", number=1))
    record.command = ["rm", "-rf", "~"]
    record.settings |= {
        "epochs": SettingRecord(value=5, origin="command line"),
        "trust_remote_code": SettingRecord(value=True, origin="command line"),
        "keep_best": SettingRecord(value=False, origin="a.toml"),
        "data_dir": SettingRecord(value="my data", origin="command line"),
        "x=$(y)": SettingRecord(value=1, origin="command line"),
        "unknown": SettingRecord(value=1, origin="command line"),
    }
    found = repeat_command(record, Registry())
    assert found == (
        "glueharness run qnli '--model=hf:./x; rm -rf ~' --seed=42 --epochs=5 --no-keep-best "
        "'--data-dir=my data' --rerun"
    )


def side(labels: int, truth: list[int], said: list[int]) -> SplitValues:
    return SplitValues(
        name="dev", index=np.arange(len(truth)), truth=np.array(truth),
        predictions=np.array([said]), labels=tuple("abcd"[:labels]), units={},
    )  # fmt: skip


def test_predictions_are_packed_by_bits() -> None:
    two, four = side(2, [0, 1, 1], [1, 0, 1]), side(4, [0, 3, 2], [1, 0, 1])
    assert base64.b64decode(Packing.of([two]).pack(two.truth)) == bytes([0b01100000])
    assert Packing.of([four]).bits == 2
    assert base64.b64decode(Packing.of([four]).pack(four.truth)) == bytes([0b00111000])


def test_calibration_counts_rows_by_sureness() -> None:
    split = side(2, [0, 0, 0, 0], [0, 0, 0, 1])
    scores = np.array([[0.96, 0.04], [0.97, 0.03], [0.55, 0.45], [0.02, 0.98]])
    found = answers.calibration(answers.Answers(probabilities=(scores,), mistakes=()), (split,), 0)
    assert found is not None
    assert [bin_[0] for bin_ in found["bins"]] == [1, 3]
    share = wilson(2 / 3, 3)
    assert found["bins"][1][1:] == pytest.approx([0.97, 2 / 3, share.low, share.high], abs=1e-3)
    assert found["error"] == pytest.approx(0.25 * 0.45 + 0.75 * (0.97 - 2 / 3), abs=1e-3)
    assert found["over"]


def test_margins_are_no_probabilities(tmp_path: Path) -> None:
    make_board(tmp_path / "runs", MODELS, seeds=1)
    runs: list[dict[str, Any]] = data_of(write_report(tmp_path / "runs"))["runs"]
    assert all("calibration" not in run for run in runs)
    assert all(run["mistakes"] for run in runs)


def test_a_task_that_no_plugin_knows_has_its_board(store: Path, tmp_path: Path) -> None:
    output = tmp_path / "x.html"
    words = ["--no-plugin", "glue", "report", "qnli", "--runs-dir", str(store), "-o", str(output)]
    result = CliRunner().invoke(cli, words)
    assert result.exit_code == 0, result.output
    boards = data_of(output.read_text(encoding="utf-8"))["boards"]
    assert [board["title"] for board in boards] == ["qnli", "qnli"]
    assert any("no installed plugin knows the task" in note for note in boards[0]["notes"])


def test_a_title_is_text(store: Path) -> None:
    title = "</title><script>x</script>\x1b"
    page_ = write_report(store, "--title", title)
    assert data_of(page_)["title"] == title
    assert "</title><script>" not in page_
    assert "\x1b" not in page_


@pytest.mark.slow
def test_500_runs_are_quick_and_small(tmp_path: Path) -> None:
    models = [(f"hf:org/encoder-{place:02d}", 0.6 + 0.005 * place) for place in range(56)]
    for task in ("qnli", "rte", "cola"):
        make_board(tmp_path / "runs", models, task=task, rows=5463)
    began = time.process_time()
    page_ = write_report(tmp_path / "runs")
    assert time.process_time() - began < 20
    assert len(data_of(page_)["runs"]) == 504
    assert len(page_.encode()) < 3_000_000


def test_what_users_say_of_a_run_is_told_and_archived_runs_are_left_out(tmp_path: Path) -> None:
    first, second, third = make_board(tmp_path / "runs", MODELS, seeds=1)
    words = ["--runs-dir", str(tmp_path / "runs")]
    run_cli("runs", "tag", first.id, "paper", *words)
    run_cli("runs", "archive", second.id, *words)
    run_cli("runs", "export", third.id, "--output", str(tmp_path / "runs.tar"), *words)
    shutil.rmtree(tmp_path / "runs" / third.id)
    run_cli("runs", "import", str(tmp_path / "runs.tar"), *words)
    data = data_of(write_report(tmp_path / "runs"))
    runs = {run["id"]: run for run in data["runs"]}
    assert [*runs] == [first.id, third.id]
    assert runs[first.id]["tags"] == ["paper"]
    assert runs[third.id]["imported"]
    assert [row["marks"][:1] for row in data["boards"][0]["rows"]][1] == ["imported"]
    assert data["archived"] == 1
