"""Foreign text: nothing of it steers a terminal, wherever it comes from and however it is shown."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from glueharness import SpecError
from glueharness.cli import main
from glueharness.cli.app import App
from glueharness.cli.output import json_text, make_console, make_table
from glueharness.plugin.registry import Registry
from glueharness.system.printable import printable
from tests.small_task import parity, small_plugins

if TYPE_CHECKING:
    from collections.abc import Callable

ATTACKS = {
    "escape": "\x1b[2J\x1b[31m",
    "title": "\x1b]0;owned\x07",
    "C1": "\x9b31m",
    "return": "all is well\rnot",
    "backspace": "ok\x08\x08no",
    "bidi": "\u202egro\u2069",
    "invisible": "bert\u00ad\u200b\ufefftiny",
    "line": "a\u2028b\u2029c\x85d\x0be",
    "tag": "a\U000e0041b",
    "bytes": "caf\udcff",
    "del": "a\x7fb",
}
STEERING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u200b\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff"
    "\U000e0000-\U000e007f]"
)


@pytest.mark.parametrize("text", ATTACKS.values(), ids=ATTACKS)
def test_what_steers_a_terminal_is_spelt_out(text: str) -> None:
    shown = printable(text)
    assert not STEERING.search(shown)
    assert "\\" in shown


@given(st.text(st.characters()))
def test_no_text_at_all_keeps_what_steers(text: str) -> None:
    assert not STEERING.search(printable(text))
    assert not STEERING.search(printable(text, lines=True))
    assert "\n" not in printable(text)
    assert printable(printable(text)) == printable(text)


@pytest.mark.parametrize(
    "text", ["plain", "Größe – 3 × 4", "数据", "می‌خواهم", "👩‍🔬", "a\u00a0b", ":100: a:dog:b [red]"]
)
def test_letters_of_every_language_stay(text: str) -> None:
    assert printable(text) == text


def test_lines_stay_only_where_they_may() -> None:
    assert printable("a\n\tb") == r"a\n\tb"
    assert printable("a\n\tb\x1b", lines=True) == "a\n\tb\\x1b"


def test_a_path_in_a_locale_without_letters_is_shown_with_its_letters() -> None:
    assert printable("Größe".encode().decode("ascii", "surrogateescape")) == "Größe"
    assert printable("\udcff/\ud800") == r"\xff/\ud800"


@pytest.mark.parametrize("text", ATTACKS.values(), ids=ATTACKS)
@pytest.mark.parametrize("ascii_only", [True, False])
def test_json_loses_nothing_and_steers_nothing(text: str, *, ascii_only: bool) -> None:
    written = json_text({text: [text, "é"]}, ascii_only=ascii_only)
    assert not STEERING.search(written)
    assert json.loads(written) == {text: [text, "é"]}


RENDERABLES: dict[str, Callable[[str], object]] = {
    "text": str,
    "styled": lambda text: Text(text, style="red"),
    "panel": lambda text: Panel(Text(text), title=Text(text)),
    "table": lambda text: make_table(text, [text], [[text]]),
    "grid": lambda text: Table(text, title=text),
}


@pytest.mark.parametrize("form", RENDERABLES.values(), ids=RENDERABLES)
@pytest.mark.parametrize("text", ATTACKS.values(), ids=ATTACKS)
def test_a_console_draws_nothing_foreign(form: Callable[[str], object], text: str) -> None:
    stream = io.StringIO()
    make_console(file=stream, width=100, color_system="truecolor", force_terminal=True).print(
        form(text), style="bold"
    )
    drawn = re.sub(r"\x1b\[[0-9;]*m", "", stream.getvalue())
    assert not STEERING.search(drawn)
    assert "31m" not in stream.getvalue().replace(r"\x1b[31m", "").replace(r"\x9b31m", "") or (
        form is RENDERABLES["styled"]
    )


@pytest.mark.parametrize("text", ["t.tsv:100: wrong", "t.tsv:1234: x", "a:dog:b", "[red]x[/red]"])
@pytest.mark.parametrize("form", RENDERABLES.values(), ids=RENDERABLES)
def test_a_line_number_is_no_picture_and_a_bracket_no_colour(
    form: Callable[[str], object], text: str
) -> None:
    stream = io.StringIO()
    make_console(file=stream, width=100).print(form(text))
    assert text in stream.getvalue()


def test_all_consoles_are_made_in_one_place() -> None:
    root = Path(__file__).parents[1]
    makers = [
        path.relative_to(root).as_posix()
        for part in ("glueharness", "plugins", "tasks", "leaderboard")
        for path in sorted((root / part).rglob("*.py"))
        if re.search(r"\b(?:Harmless)?Console\(", path.read_text(encoding="utf-8"))
    ]
    assert makers == ["glueharness/cli/harmless.py", "glueharness/cli/output.py"]


@pytest.mark.parametrize("line", [100, 1234])
def test_an_error_tells_its_line_whatever_the_number(
    line: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "a:dog:b"
    folder.mkdir()
    file = folder / "texts.tsv"
    file.write_text("text\n" + "number 1\n" * (line - 2) + "number\t1\n", encoding="utf-8")
    monkeypatch.setenv("GLUEHARNESS_RUNS", str(tmp_path / "runs"))
    with pytest.raises(SystemExit) as end:
        main(["predict", "parity", "--file", str(file)], App(Registry(small_plugins())))
    assert end.value.code == 1
    assert f"{file}:{line}: 2 fields where the header has 1" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["\x1b[2J\x1b]0;x\x07", "\x9b31m\u202eevil", "a\rb"])
def test_a_header_reaches_the_terminal_spelt_out(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "texts.tsv"
    file.write_text(f"{text}\nx\n", encoding="utf-8", newline="")
    with pytest.raises(SystemExit):
        main(["predict", "parity", "--file", str(file)], App(Registry(small_plugins())))
    err = capsys.readouterr().err
    assert not STEERING.search(err)
    assert printable(text) in err


@pytest.mark.skipif(os.name != "posix", reason="names of files are bytes only there")
@pytest.mark.parametrize(
    ("name", "locale"), [(b"d\xff", {}), ("Größe".encode(), {"LC_ALL": "C", "PYTHONUTF8": "0"})]
)
def test_data_are_read_wherever_they_lie(
    name: bytes, locale: dict[str, str], tmp_path: Path
) -> None:
    place = tmp_path / os.fsdecode(name) / "RTE"
    place.mkdir(parents=True)
    folder = os.fsencode(place.parent)
    for split, count in (("train", 8), ("dev", 4), ("test", 2)):
        (place / f"{split}.tsv").write_text(
            "index\tsentence1\tsentence2\tlabel\n"
            + "".join(f"{n}\ta\tb\t{('', 'not_')[n % 2]}entailment\n" for n in range(count)),
            encoding="utf-8",
        )
    environment = {**os.environ, "PYTHONCOERCECLOCALE": "0", **locale}

    def glueharness(*words: bytes | str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [sys.executable, "-m", "glueharness", *words],
            check=False, capture_output=True, cwd=tmp_path, env=environment,
        )  # fmt: skip

    given = ("run", "rte", "--model", "majority")
    done = glueharness(*given, "--data-dir", folder, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["data"]["source"] == "dir"
    assert json.loads(glueharness("runs", "--json").stdout)[0]["status"] == "completed"
    # Where libraries must write, it is refused before the run, and no folder stays.
    refused = glueharness(*given, "--data-dir", folder, "--runs-dir", b"runs" + name)
    assert refused.returncode == 1
    assert b"runs_dir has bytes that are no UTF-8" in refused.stderr
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("runs")] == ["runs"]


EVIL = "evil\x1b[2J\x9b31m\u202e\x07"
SHOWN = (
    ["runs"], ["runs", "--json"], ["runs", "show", "latest"], ["runs", "show", "latest", "--json"],
    ["leaderboard"], ["leaderboard", "--format", "csv"], ["leaderboard", "--format", "json"],
    ["leaderboard", "--format", "markdown"], ["leaderboard", "parity", "--by", "model"],
    ["run", "parity", "--model", "oracle"], ["predict", "parity", "--text", "number 1"],
    ["submit", "parity"], ["submit", "--check", "."],
)  # fmt: skip


@pytest.mark.parametrize("words", SHOWN, ids=" ".join)
def test_a_record_from_anybody_steers_nothing(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)

    def glueharness(*given: str) -> str:
        with pytest.raises(SystemExit):
            main(given, App(Registry(small_plugins())))
        return "".join(capsys.readouterr())

    glueharness("run", "parity", "--model", "oracle")
    (file,) = tmp_path.glob("runs/*/run.json")
    record = json.loads(file.read_text(encoding="utf-8"))
    named = dict.fromkeys(("model", "task_version", "started", "error"), EVIL)
    changed = {**record, **named, "warnings": [EVIL]}
    file.write_text(json.dumps(changed), encoding="utf-8")
    (tmp_path / "\u202eexe.tsv").write_text("index\tprediction\n0\t\x1b[2J\n", encoding="utf-8")
    assert not STEERING.search(glueharness(*words))
    (file.parent / ".lock").write_text(json.dumps({"process": 1, "host": EVIL}))
    assert not STEERING.search(glueharness(*words))


def test_names_of_labels_steer_nothing_in_answers(capsys: pytest.CaptureFixture[str]) -> None:
    from glueharness.cli.predict import Answers

    name = "\u202eevil"
    task = parity(labels=(name, "odd"), submission=())
    Answers(task=task, values=[name], scores=[[0.9, 0.1]]).write_tsv()
    assert not STEERING.search(capsys.readouterr().out)


@pytest.mark.parametrize("name", ["a\x1b[2J", "a\x9bb", "a\nb"])
def test_a_label_that_steers_a_terminal_is_refused(name: str) -> None:
    with pytest.raises(SpecError, match="a label cannot be"):
        parity(labels=(name, "odd"), submission=())
