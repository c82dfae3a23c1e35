"""A run folder comes from anybody: nothing in one crashes a command or leads out of the folder."""

from __future__ import annotations

import json
import os
import random
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from glueharness.cli import main
from glueharness.cli.app import App
from glueharness.errors import RunFolderError
from glueharness.plugin.registry import Registry
from glueharness.record.run_file import RUN_FILE, read_record
from glueharness.record.seals import broken_seals, check_model_seal
from glueharness.record.store import RunStore
from glueharness.run.config import COMMAND_LINE, build_config
from glueharness.run.one_run import run
from glueharness.run.predictions import read_predictions
from glueharness.settings.fields import Layer
from tests.small_task import small_plugins

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

COMMANDS = (
    ("leaderboard", "parity"),
    ("leaderboard", "--json"),
    ("runs",),
    ("runs", "--json"),
    ("runs", "show", "RUN"),
    ("runs", "show", "RUN", "--json"),
    ("runs", "verify", "RUN"),
    ("compare", "RUN", "SOUND"),
    ("submit", "parity", "--run", "RUN", "--output", "out"),
    ("submit", "parity", "--output", "out"),
    ("predict", "parity", "--run", "RUN", "--text", "number 3"),
    ("run", "parity", "--model", "oracle", "--resume", "RUN"),
)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of two sound runs."""
    runs = tmp_path_factory.mktemp("store") / "runs"
    registry = Registry(small_plugins())
    for seed in ("1", "2"):
        values = {"model": "oracle", "runs_dir": str(runs), "seed": seed, "error_every": seed}
        run(build_config("parity", [Layer(origin=COMMAND_LINE, values=values)], registry), registry)
    return runs


class Place:
    """A store and things beside it that no command may touch.

    Args:
        folder: An empty folder.
        sound: Two sound runs.
        capsys: What the commands print.
    """

    def __init__(self, folder: Path, sound: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self.capsys = folder, capsys
        self.runs = folder / "runs"
        shutil.copytree(sound, self.runs)
        (folder / "victim").mkdir()
        (folder / "victim" / RUN_FILE).write_text("precious")
        (folder / "victim" / "checkpoint").mkdir()
        (folder / "victim" / "checkpoint" / "kept").write_text("precious")
        first, second = sorted(self.runs.iterdir())[-2:]
        self.changed, self.sound = first, second.name
        self.registry = Registry(small_plugins())

    def snapshot(self) -> dict[str, bytes]:
        """All that must stay as it is."""
        kept = {}
        for path in (*self.folder.joinpath("victim").rglob("*"), *self.runs.rglob("*")):
            inside = path.is_relative_to(self.changed) or path.name.startswith(".")
            ours = inside or ".claims" in path.parts or not path.is_file() or path.is_symlink()
            if not ours and self.sound in path.parts and "predictions" in path.parts:
                continue  # `submit` keeps what it predicts beside the run
            if not ours and "parity-oracle" not in path.parts[-2]:
                kept[str(path)] = path.read_bytes()
        return kept

    def tidy(self) -> None:
        """Remove the runs that the commands made."""
        kept = {self.changed.name, self.sound}
        for folder in self.runs.iterdir():
            if folder.name not in kept and not folder.name.startswith("."):
                shutil.rmtree(folder)

    def check(self, commands: tuple[tuple[str, ...], ...] = COMMANDS) -> None:
        """Give every command; none may crash, nor touch what is not the run's own."""
        before = self.snapshot()
        for words in commands:
            given = [
                word.replace("RUN", self.changed.name).replace("SOUND", self.sound)
                for word in words
            ]
            with pytest.raises(SystemExit) as end:
                main(given, App(self.registry))
            out, err = self.capsys.readouterr()
            said = f"{words}\n{out}{err}"
            assert end.value.code in {None, 0, 1, 2}, said
            assert "internal error" not in said.lower(), said
            assert "Traceback" not in said, said
            assert "author" not in err, said
        assert self.snapshot() == before


@pytest.fixture
def place(
    tmp_path: Path, sound: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Place:
    made = Place(tmp_path, sound, capsys)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GLUEHARNESS_RUNS", "runs")
    monkeypatch.setenv("COLUMNS", "100")
    return made


def edit(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    file = folder / RUN_FILE
    values = json.loads(file.read_text(encoding="utf-8"))
    change(values)
    file.write_text(json.dumps(values), encoding="utf-8")


def set_to(*path: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(values: dict[str, Any]) -> None:
        for name in path[:-1]:
            values = values[name]
        values[path[-1]] = value

    return change


ODD = {
    "primary is text": set_to("primary", value="x"),
    "a number without end": set_to("seed", value=10**400),
    "no rows": set_to("data", "splits", "dev", "rows", value=0),
    "rows below none": set_to("data", "splits", "dev", "rows", value=-5),
    "a list as a setting": set_to("settings", "seed", "value", value=[1]),
    "no time": set_to("timings", "fit", value=None),
    "a started that is no time": set_to("started", value="yesterday"),
    "an id that leads out": set_to("id", value="../victim"),
    "another task": set_to("task", value="qnli"),
    "a task that is not there": set_to("task", value="../../x"),
    "a model that is not there": set_to("model", value="hf:../victim"),
    "a metric that is not there": set_to("metrics", value={"dev": {"x": 1.0}}),
    "a score out of this world": set_to("metrics", "dev", "accuracy", value=1e14),
    "deep notes": set_to("notes", value={"a": json.loads("[" * 900 + "]" * 900)}),
    "no computation": set_to("computation", value=None),
    "an old schema": set_to("schema", value=1),
    "a negative schema": set_to("schema", value=-1),
    "escape sequences": set_to("model", value="\x1b]0;x\x07\x1b[31m"),
    "running": set_to("status", value="running"),
    "failed": set_to("status", value="failed"),
    "seals that lead out": set_to("seals", value={"../victim/run.json": "0" * 64}),
    "no splits": set_to("data", "splits", value={}),
    "no labels": set_to("computation", "task", "labels", value=[]),
}


@pytest.mark.parametrize("name", ODD)
def test_an_odd_record_is_told_and_stops_nothing(place: Place, name: str) -> None:
    edit(place.changed, ODD[name])
    place.check()


RAW = {
    "empty": b"",
    "brackets": b"[" * 100_000,
    "nulls": b"\0" * 100,
    "text": b'"x"',
    "cut": b'{"schema": 2, "id',
}


@pytest.mark.parametrize("name", RAW)
def test_a_record_that_is_none_is_told_and_stops_nothing(place: Place, name: str) -> None:
    (place.changed / RUN_FILE).write_bytes(RAW[name])
    place.check()


def link(path: Path, target: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    path.symlink_to(target)


def replace_record(place: Place, make: Callable[[Path], None]) -> None:
    (place.changed / RUN_FILE).unlink()
    make(place.changed / RUN_FILE)


FOLDERS: dict[str, Callable[[Place], None]] = {
    "the lock is a link": lambda p: link(p.changed / ".lock", p.folder / "victim" / RUN_FILE),
    "the record is a link": lambda p: link(p.changed / RUN_FILE, p.folder / "victim" / RUN_FILE),
    "the model is a link": lambda p: link(p.changed / "model", p.folder / "victim"),
    "the predictions are a link": lambda p: link(p.changed / "predictions", p.folder / "victim"),
    "the checkpoint is a link": lambda p: link(
        p.changed / "checkpoint", p.folder / "victim" / "checkpoint"
    ),
    "no model": lambda p: shutil.rmtree(p.changed / "model"),
    "no predictions": lambda p: shutil.rmtree(p.changed / "predictions"),
    "the record is a folder": lambda p: replace_record(p, Path.mkdir),
    "the record is a pipe": lambda p: replace_record(p, os.mkfifo),
    "the folder is a link": lambda p: link(p.changed, p.folder / "victim"),
}


@pytest.mark.parametrize("name", FOLDERS)
def test_a_folder_with_links_and_gaps_leads_nowhere(place: Place, name: str) -> None:
    FOLDERS[name](place)
    edit_status = (place.changed / RUN_FILE).is_file() and not (
        place.changed / RUN_FILE
    ).is_symlink()
    if edit_status and "checkpoint" in name:
        edit(place.changed, set_to("status", value="interrupted"))
    place.check()


def mutated(content: bytes, draw: random.Random) -> bytes:
    """A record with a few bytes changed, or a value of another type in some place."""
    if draw.random() < 0.5:
        changed = bytearray(content)
        for _ in range(draw.randint(1, 6)):
            place = draw.randrange(len(changed))
            kind = draw.randrange(3)
            if kind == 0:
                changed[place] = draw.randrange(256)
            elif kind == 1:
                del changed[place : place + draw.randint(1, 40)]
            else:
                changed[place:place] = bytes(draw.randrange(256) for _ in range(draw.randint(1, 5)))
        return bytes(changed)
    values = json.loads(content)
    for _ in range(draw.randint(1, 3)):
        where: Any = values
        while isinstance(where, dict | list) and where:
            key = draw.choice(list(where) if isinstance(where, dict) else range(len(where)))
            inner = where[key]
            if not isinstance(inner, dict | list) or not inner or draw.random() < 0.25:
                where[key] = draw.choice(
                    [
                        None,
                        True,
                        -1,
                        0,
                        10**400,
                        1e308,
                        "",
                        "\x1b[31m",
                        "../x",
                        [],
                        {},
                        [[]],
                        "9" * 5000,
                    ]
                )
                break
            where = inner
    return json.dumps(values).encode()


def check_mutations(place: Place, count: int, seed: int) -> None:
    draw = random.Random(seed)
    content = (place.changed / RUN_FILE).read_bytes()
    whole = place.folder / "whole"
    shutil.copytree(place.changed, whole)
    for _ in range(count):
        shutil.rmtree(place.changed, ignore_errors=True)
        shutil.copytree(whole, place.changed)
        (place.changed / RUN_FILE).write_bytes(mutated(content, draw))
        place.check()
        shutil.rmtree(place.folder / "out", ignore_errors=True)
        for folder in place.runs.iterdir():
            if folder.name not in {place.changed.name, place.sound} and not folder.name.startswith(
                "."
            ):
                shutil.rmtree(folder)


def test_mutated_records_crash_nothing(place: Place) -> None:
    check_mutations(place, 15, seed=1)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10))
def test_two_thousand_mutated_records_crash_nothing(place: Place, seed: int) -> None:
    check_mutations(place, 200, seed=100 + seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_five_hundred_mutated_folders_crash_nothing(place: Place, seed: int) -> None:
    draw = random.Random(seed)
    whole = place.folder / "whole"
    shutil.copytree(place.changed, whole)
    for _ in range(100):
        if place.changed.is_symlink():
            place.changed.unlink()
        shutil.rmtree(place.changed, ignore_errors=True)
        shutil.copytree(whole, place.changed)
        for _ in range(draw.randint(1, 3)):
            files = [path for path in place.changed.rglob("*") if not path.is_symlink()]
            if not files:
                break
            mutate_file(draw.choice(files), place, draw)
        place.check()
        shutil.rmtree(place.folder / "out", ignore_errors=True)
        for folder in place.runs.iterdir():
            if folder.name not in {place.changed.name, place.sound} and not folder.name.startswith(
                "."
            ):
                shutil.rmtree(folder)


def mutate_file(path: Path, place: Place, draw: random.Random) -> None:
    kind = draw.randrange(6)
    if kind == 0:
        link(path, place.folder / "victim" / RUN_FILE)
    elif kind == 1:
        link(path, place.folder / "victim")
    elif kind == 2 and path.is_file():
        content = bytearray(path.read_bytes() or b"x")
        content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
        path.write_bytes(content)
    elif kind == 3 and path.is_file():
        path.write_bytes(path.read_bytes()[: draw.randrange(200)])
    elif path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()


def test_a_flipped_bit_in_the_predictions_does_not_pass(sound: Path, tmp_path: Path) -> None:
    first = min(path for path in sound.iterdir() if not path.name.startswith("."))
    folder = tmp_path / first.name
    shutil.copytree(first, folder)
    record = read_record(folder)
    file = folder / "predictions" / "dev.parquet"
    content = file.read_bytes()
    assert read_predictions(folder, record, "dev").values
    for place in range(0, len(content), 97):
        changed = bytearray(content)
        changed[place] ^= 4
        file.write_bytes(changed)
        with pytest.raises(RunFolderError, match="the seal is broken"):
            read_predictions(folder, record, "dev")
    assert len(broken_seals(folder, record)) == 1


def test_a_model_that_was_changed_or_added_to_does_not_pass(sound: Path, tmp_path: Path) -> None:
    first = min(path for path in sound.iterdir() if not path.name.startswith("."))
    folder = tmp_path / first.name
    shutil.copytree(first, folder)
    record = read_record(folder)
    check_model_seal(folder, record)
    (folder / "model" / "modeling.py").write_text("print('boo')")
    with pytest.raises(RunFolderError, match="was not there when the run was completed"):
        check_model_seal(folder, record)
    (folder / "model" / "modeling.py").unlink()
    (folder / "model" / "oracle.txt").write_text("knows nothing\n")
    with pytest.raises(RunFolderError, match=r"model/oracle\.txt has changed"):
        check_model_seal(folder, record)


def test_two_runs_in_one_second_with_one_id(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from datetime import UTC, datetime

    drawn: Iterator[str] = iter(["aaaa", "aaaa", "bbbb"])
    monkeypatch.setattr("secrets.token_hex", lambda _count: next(drawn))
    store, now = RunStore(tmp_path), datetime.now(UTC)
    names = [store.create("parity", "oracle", now).name[-4:] for _ in range(2)]
    assert names == ["aaaa", "bbbb"]
