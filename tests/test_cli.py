"""The command line as its user meets it: results on stdout, the rest on stderr, exit codes."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import click
import pytest

from glueharness.cli import main
from glueharness.cli.app import App
from glueharness.errors import PluginError, UnknownNameError
from glueharness.plugin.registry import Registry
from glueharness.record.store import RunStore
from glueharness.settings.fields import settings_of
from glueharness.settings.run_options import RESERVED, RunOptions
from tests.small_task import small_plugins

if TYPE_CHECKING:
    from pathlib import Path


class Terminal:
    """Runs commands with the small task installed."""

    def __init__(self, capsys: pytest.CaptureFixture[str], folder: Path) -> None:
        self.capsys = capsys
        self.runs = folder / "runs"

    def __call__(self, *words: str, code: int = 0) -> tuple[str, str]:
        """Run a command, check its exit code, return stdout and stderr."""
        with pytest.raises(SystemExit) as end:
            main(words, App(Registry(small_plugins())))
        out, err = self.capsys.readouterr()
        assert (end.value.code or 0) == code, err
        assert "Traceback" not in err
        return out, err


@pytest.fixture
def terminal(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Terminal:
    terminal = Terminal(capsys, tmp_path)
    monkeypatch.setenv("GLUEHARNESS_RUNS", str(terminal.runs))
    monkeypatch.setenv("COLUMNS", "120")
    return terminal


def test_a_run_ends_in_a_table_and_the_next_step(terminal: Terminal) -> None:
    out, err = terminal("run", "parity", "--model", "oracle", "--error-every", "5")
    (record,) = RunStore(terminal.runs).all()
    assert "80.00" in out
    assert record.id in out
    assert "glueharness submit parity" in out
    assert "epoch 2" in err
    assert "80.00" not in err.splitlines()[0]


def test_what_a_recipe_changes_is_told_before_the_first_epoch(terminal: Terminal) -> None:
    _, err = terminal("run", "parity", "--model", "oracle", "--recipe")
    lines = err.splitlines()
    assert lines.index("recipe for oracles: error_every 5") < lines.index(
        "epoch 1 · loss 1.0000 · dev accuracy 80.00"
    )


def test_json_is_the_record_and_nothing_else(terminal: Terminal) -> None:
    out, _ = terminal("run", "parity", "--model", "oracle", "--json")
    (record,) = RunStore(terminal.runs).all()
    assert json.loads(out)["id"] == record.id
    assert json.loads(terminal("runs", "--json")[0])[0]["metrics"] == {"dev": {"accuracy": 1.0}}
    assert json.loads(terminal("runs", "show", "latest", "--json")[0])["id"] == record.id


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["run", "parety"], 1, "did you mean 'parity'"),
        (["run", "parity", "--model", "orcale"], 1, "did you mean 'oracle'"),
        (["run", "parity", "--model", "hf"], 1, "family"),
        (["run", "parity", "--model", "oracle", "--error-every", "x"], 1, "0 to 1000"),
        (["run", "parity", "--model", "oracle", "--epochs", "3"], 1, "no setting 'epochs'"),
        (["run", "parity", "--model", "majority", "--error-every", "3"], 1, "'error_every'"),
        (["run"], 2, "Missing argument 'TASK"),
        (["run", "parity", "--seeed", "3"], 2, "--seed"),
        (["rum"], 2, "did you mean 'run'"),
        (["runs", "show", "nothing"], 1, "no run called 'nothing'"),
        (["submit", "parity"], 1, "no run of parity to submit"),
        (["predict", "parity", "--text", "number 1"], 1, "no run of parity"),
        (["tasks", "show", "parityy"], 1, "did you mean 'parity'"),
        (["models", "show", "oracel"], 1, "did you mean 'oracle'"),
        (["plugins", "show", "smal"], 1, "did you mean 'small'"),
        (["run", "parity", "--model", "oracle", "--fail", "error"], 1, "the model broke"),
        (["run", "parity", "--model", "oracle", "--fail", "interrupt"], 130, "interrupted"),
        (["run", "parity", "--model", "oracle", "--config", "no.toml"], 1, "no.toml"),
    ],
)
def test_bad_input_gets_one_message(
    terminal: Terminal, words: list[str], code: int, said: str
) -> None:
    out, err = terminal(*words, code=code)
    assert said in err
    assert out == ""


@pytest.mark.usefixtures("terminal")
def test_debug_keeps_the_traceback() -> None:
    with pytest.raises(PluginError, match="the model broke") as caught:
        main(
            ["--debug", "run", "parity", "--model", "oracle", "--fail", "error"],
            App(Registry(small_plugins())),
        )
    assert isinstance(caught.value.__cause__, RuntimeError)


def test_a_check_says_one_mistake_at_length_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "mail.py"
    file.write_text(
        "from glueharness import *\nfrom glueharness import hookimpl\n@hookimpl\n"
        "def glueharness_tasks():\n    return [TaskSpec(name='mail', title='M', description='D.',\n"
        "        columns=('text',), labels=('a', 'b'), metrics=(ACCURACY,), licence='CC0',\n"
        "        splits=tuple(SplitSpec(name=name, role=name) for name in ('train', 'dev')),\n"
        f"        sources=(csv_source({str(tmp_path)!r}),))]\n",
        encoding="utf-8",
    )
    for name in ("train", "dev"):
        (tmp_path / f"{name}.csv").write_text("words,label\nx,a\n", encoding="utf-8")
    with pytest.raises(SystemExit) as end:
        main(["--plugin", str(file), "plugins", "check", "mail"])
    assert end.value.code == 1
    out = " ".join(capsys.readouterr().out.split())
    assert out.count("as above") >= 3
    assert "CsvForm(columns=" in out.replace(" ", "")


def test_predict_asks_the_best_run(terminal: Terminal, tmp_path: Path) -> None:
    terminal("run", "parity", "--model", "oracle", "--error-every", "2")
    terminal("run", "parity", "--model", "oracle")
    terminal("run", "parity", "--model", "oracle", "--error-every", "3")
    out, _ = terminal("predict", "parity", "--text", "number 7")
    assert out.splitlines()[1].split("\t")[:2] == ["0", "odd"]
    file = tmp_path / "texts.tsv"
    file.write_bytes(b"\xef\xbb\xbfnote\ttext\r\nx\tnumber 4\r\ny\tnumber 5\r\n")
    answers = json.loads(terminal("predict", "parity", "--file", str(file), "--json")[0])
    assert [row["prediction"] for row in answers["predictions"]] == ["even", "odd"]


def test_a_word_that_is_not_utf_8_is_refused(terminal: Terminal) -> None:
    terminal("run", "parity", "--model", "oracle")
    _, err = terminal("predict", "parity", "--text", os.fsdecode(b"number \xff"), code=1)
    assert "error: --text: the text is not UTF-8" in err


@pytest.mark.parametrize(
    ("content", "place", "said"),
    [
        (b"note\nx\n", ":1", "lacks text"),
        (b"text\tnote\nnumber 1 note\n", ":2", "1 fields where the header has 2"),
        (b"text\n\xff\n", ":2", "not UTF-8"),
        (b"text\ttext\na\tb\n", ":1", "two columns are called text"),
        (b"text\r\n", "", "the file has a header and no rows"),
        (None, "", "cannot be read"),
    ],
)
def test_a_bad_file_is_refused_with_its_line(
    terminal: Terminal, tmp_path: Path, content: bytes | None, place: str, said: str
) -> None:
    terminal("run", "parity", "--model", "oracle")
    file = tmp_path / "texts.tsv"
    if content is not None:
        file.write_bytes(content)
    _, err = terminal("predict", "parity", "--file", str(file), code=1)
    assert f"{file}{place}: " in err
    assert said in err


def test_lists_and_facts_are_shown(terminal: Terminal) -> None:
    assert "Is the number even or odd?" in terminal("tasks")[0]
    assert "train 20, dev 10, test 6" in terminal("tasks", "show", "parity")[0]
    assert "oracle" in terminal("models")[0]
    assert "0 to 1000" in terminal("models", "show", "oracle")[0]
    assert "tasks: parity; models: oracle" in terminal("plugins")[0]
    assert "parity" in terminal("plugins", "show", "small")[0]
    assert "No runs in" in terminal("runs")[0]
    assert "what --data auto takes" in terminal("doctor", "parity", "--offline")[0]


@pytest.mark.parametrize("command", ["tasks", "models", "plugins", "runs"])
def test_every_list_is_available_as_json(terminal: Terminal, command: str) -> None:
    assert isinstance(json.loads(terminal(command, "--json")[0]), list)


def test_help_shows_the_settings_of_every_model(terminal: Terminal) -> None:
    out, _ = terminal("run", "--help-all")
    assert "Settings of oracle:" in out
    assert "--error-every INT" in out
    assert "--learning-rate" in out
    assert "--plain-math" in out


def test_short_help_fits_on_a_screen(monkeypatch: pytest.MonkeyPatch, terminal: Terminal) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    out, _ = terminal("run", "--help")
    assert len(out.splitlines()) <= 60
    for usual in ("--epochs", "--batch-size", "--learning-rate", "--seed", "--device"):
        assert usual in out


def test_settings_of_earlier_versions_are_refused_with_the_new_name(
    terminal: Terminal, tmp_path: Path
) -> None:
    for old in ("--no-fused-layers", "--fast-dropout"):
        _, err = terminal("run", "parity", old, code=2)
        assert f"No such option any more: {old}. See --plain-math." in err
    config = tmp_path / "old.toml"
    config.write_text('model = "bert-tiny"\nlazy_embedding = false\n', encoding="utf-8")
    _, err = terminal("run", "parity", "--config", str(config), code=1)
    assert "no longer has the setting 'lazy_embedding': 'plain_math' took its place" in " ".join(
        err.split()
    )


def test_short_help_tells_what_the_chosen_model_will_do(terminal: Terminal) -> None:
    out, _ = terminal("run", "--help")
    assert "Passes over the training data. [default: 4]" in out  # bert-tiny's recipe, not 3
    assert "[default: 0.0003]" in " ".join(out.split())
    assert "--plain-math" not in out
    assert "Settings of oracle:" not in out
    out, _ = terminal("run", "--model", "oracle", "--help")
    assert "Settings of oracle:" in out
    assert "--learning-rate" not in out
    out, _ = terminal("run", "--model=bert-small", "--help")
    assert "[default: 0.0001]" in " ".join(out.split())


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_name_the_command(terminal: Terminal, shell: str) -> None:
    assert "glueharness" in terminal("completion", shell)[0]


def test_the_shell_completes_models(tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "COMP_WORDS": "glueharness run --model maj",
        "COMP_CWORD": "3",
        "_GLUEHARNESS_COMPLETE": "bash_complete",
    }
    done = subprocess.run(
        [sys.executable, "-m", "glueharness"],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.split() == ["plain,majority"]


def test_names_of_settings_that_run_itself_needs_are_reserved() -> None:
    from glueharness.cli import evaluate, run

    params = [*run.command.params, *evaluate.command.params]
    options = [param for param in params if isinstance(param, click.Option)]
    flags = {flag.lstrip("-").replace("-", "_") for param in options for flag in param.opts}
    shared = {item.name for item in settings_of(RunOptions)}
    assert ({param.name for param in params} | flags | {"help"}) - shared == RESERVED


@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
def test_a_terminal_that_knows_few_letters_is_no_reason_to_fail(
    encoding: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GLUEHARNESS_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("COLUMNS", "100")

    def words(*given: str) -> str:
        streams = [io.TextIOWrapper(io.BytesIO(), encoding=encoding) for _ in range(2)]
        monkeypatch.setattr(sys, "stdout", streams[0])
        monkeypatch.setattr(sys, "stderr", streams[1])
        with pytest.raises(SystemExit) as end:
            main(given, App(Registry(small_plugins())))
        assert not end.value.code
        written = []
        for stream in streams:
            stream.flush()
            assert isinstance(stream.buffer, io.BytesIO)
            written.append(stream.buffer.getvalue().decode(encoding))
        return written[0]

    for seed in ("1", "2"):
        given = ("--model", "oracle", "--seed", seed, "--error-every", str(3 + int(seed)))
        assert "Parity" in words("run", "parity", *given)
    table = words("leaderboard", "parity")
    assert "\u2013" in table if encoding == "cp1252" else " - " in table
    assert "\\u" not in table
    assert "+-" in words("leaderboard", "parity", "--by", "model") or encoding == "cp1252"
    # JSON is read back as it was, whatever the terminal can show.
    words("run", "parity", "--model", "oracle", "--seed", "3", "--data-dir", "\u6570")
    record = json.loads(words("runs", "show", "latest", "--json"))
    assert record["settings"]["data_dir"]["value"] == "\u6570"


def test_a_pipe_that_knows_few_letters_is_no_reason_to_fail(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "glueharness", "leaderboard", "qnli", "--published"],
        cwd=tmp_path, capture_output=True, check=False,
        env={**os.environ, "PYTHONIOENCODING": "ascii", "COLUMNS": "100"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert b"QNLI" in done.stdout
    assert done.stdout.isascii()


def test_of_many_names_only_the_nearest_are_listed() -> None:
    runs = [f"qnli-bert-tiny-20261122-{number:06d}" for number in range(200)]
    error = UnknownNameError.among("run", "qnli-bert-tiny-20261122-000007x", runs)
    assert error.remedy.startswith("The nearest of 200 runs: qnli-bert-tiny-20261122-000007")
    assert error.remedy.count("qnli") == 5
    few = UnknownNameError.among("task", "qnil", ["rte", "qnli"])
    assert few.remedy == "Known tasks: qnli, rte."
