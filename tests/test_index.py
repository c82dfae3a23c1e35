"""The index of a large store: a cache that changes nothing of what is read and printed."""

from __future__ import annotations

import dataclasses
import json
import os
import pickle
import random
import shutil
import sqlite3
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from glueharness.cli import main
from glueharness.errors import ConfigError, RunFolderError
from glueharness.record import index as index_module
from glueharness.record.record import RunRecord
from glueharness.record.run_file import RUN_FILE, read_record, write_record
from glueharness.record.store import RunStore
from glueharness.record.summary import IndexedRecord
from glueharness.run.environment import without_password
from tests.leaderboard_runs import Making, make_runs

if TYPE_CHECKING:
    from pathlib import Path

MODELS = ("bert-tiny", "bert-mini", "tfidf")


@pytest.fixture(autouse=True)
def _always_indexed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(index_module, "_FEWEST", 0)
    monkeypatch.setattr(index_module, "_SECONDS_UNTIL_SETTLED", -3600.0)
    monkeypatch.setenv("GLUEHARNESS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("GLUEHARNESS_CONFIG_DIR", str(tmp_path / "config"))


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    folder = tmp_path / "runs"
    make_runs(
        folder, [Making(model=model, seed=seed, rows=30) for model in MODELS for seed in (1, 2)]
    )
    return folder


def index_file(tmp_path: Path) -> Path:
    (path,) = (tmp_path / "cache" / "runs").glob("*.sqlite")
    return path


def seen(folder: Path) -> tuple[object, ...]:
    """All that a store tells."""
    store = RunStore(folder)
    records = store.all()
    return (
        [dataclasses.asdict(record) for record in records],
        [record.marks for record in records],
        [record.dev_splits for record in records],
        [store.digest(record) for record in records],
        [str(problem) for problem in store.problems],
        store.copies,
        store.notice,
    )


def seen_without_index(folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[object, ...]:
    with monkeypatch.context() as without:
        without.setattr(index_module, "_FEWEST", 10**9)
        assert not any(isinstance(record, IndexedRecord) for record in RunStore(folder).all())
        return seen(folder)


def indexed(folder: Path) -> int:
    return sum(isinstance(record, IndexedRecord) for record in RunStore(folder).all())


def test_what_is_listed_is_the_same(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = seen_without_index(runs, monkeypatch)
    assert seen(runs) == expected
    assert indexed(runs) == 6
    assert seen(runs) == expected


def test_new_changed_removed_and_odd_folders_are_noticed(
    runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen(runs)
    first, second, third, fourth, *_ = sorted(path.name for path in runs.iterdir())
    changed = read_record(runs / first)
    changed.warnings.append("a word")
    write_record(runs / first, changed)
    shutil.rmtree(runs / second)
    (runs / third / RUN_FILE).write_text("{")
    (runs / fourth).rename(runs / "renamed")
    shutil.copytree(runs / "renamed", runs / "copy")
    (runs / "link").symlink_to(runs / first)
    (runs / "no-run").mkdir()
    make_runs(runs, [Making(model="new", seed=9, rows=30, number=99)])
    expected = seen_without_index(runs, monkeypatch)
    assert len(expected[4]) == 2  # type: ignore[arg-type]
    for _ in range(3):
        assert seen(runs) == expected
    # The damaged one and the link are looked at each time; nothing that is gone stays.
    assert indexed(runs) == 5
    (runs / third / RUN_FILE).unlink()
    (runs / third / RUN_FILE).symlink_to(runs / first / RUN_FILE)
    assert seen(runs) == seen_without_index(runs, monkeypatch)


def test_a_record_changed_in_place_is_read_again(runs: Path) -> None:
    seen(runs)
    path = min(runs.iterdir()) / RUN_FILE
    before, times = path.read_text(), path.stat()
    assert '"seed": 1,' in before
    path.write_text(before.replace('"seed": 1,', '"seed": 8,'))
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert path.stat().st_size == times.st_size
    assert {record.seed for record in RunStore(runs).all()} == {1, 2, 8}


def test_what_has_just_been_written_is_not_kept(
    runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index_module, "_SECONDS_UNTIL_SETTLED", 3600.0)
    seen(runs)
    assert indexed(runs) == 0


def test_details_are_those_of_the_file(runs: Path) -> None:
    seen(runs)
    record = RunStore(runs).all()[0]
    assert isinstance(record, IndexedRecord)
    plain = read_record(runs / record.id)
    assert record == plain
    assert plain == record
    copied = pickle.loads(pickle.dumps(RunStore(runs).all()[0]))  # noqa: S301 - our own bytes
    assert type(copied) is RunRecord
    assert copied == plain
    with pytest.raises(AttributeError):
        _ = record.nothing


def test_a_run_that_changes_after_it_was_listed_is_whole(runs: Path) -> None:
    seen(runs)
    record = RunStore(runs).all()[0]
    changed = read_record(runs / record.id)
    changed.status, changed.warnings = "failed", ["late"]
    write_record(runs / record.id, changed)
    listed = record.status
    assert (listed, record.warnings) == ("completed", ["late"])
    assert getattr(record, "status") == "failed"  # noqa: B009 - what was listed has changed
    gone = RunStore(runs).all()[-1]
    shutil.rmtree(runs / gone.id)
    with pytest.raises(RunFolderError, match="holds no run"):
        _ = gone.data


def test_what_is_done_with_a_run_relies_on_its_file(runs: Path) -> None:
    seen(runs)
    store = RunStore(runs)
    assert not isinstance(store.find("latest"), IndexedRecord)
    identity = store.all()[0].identity
    for record in store.all():
        (runs / record.id / "model").mkdir()
    completed = store.completed(identity)
    assert completed is not None
    assert not isinstance(completed, IndexedRecord)


@pytest.mark.parametrize("seed", range(12))
def test_a_damaged_index_is_built_again(
    runs: Path, tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = seen_without_index(runs, monkeypatch)
    seen(runs)
    path, dice = index_file(tmp_path), random.Random(seed)
    content = bytearray(path.read_bytes())
    match seed % 4:
        case 0:
            del content[dice.randrange(len(content)) :]
        case 1:
            content = bytearray(dice.randbytes(len(content)))
        case 2:
            for _ in range(200):
                content[dice.randrange(len(content))] = dice.randrange(256)
        case _:
            content[: dice.randrange(100)] = b""
    path.write_bytes(content)
    assert seen(runs) == expected
    assert seen(runs) == expected
    assert indexed(runs) == 6


def foreign(path: Path, columns: str) -> None:
    path.unlink(missing_ok=True)
    with sqlite3.connect(path) as connection:
        connection.execute(f"CREATE TABLE glueharness_runs ({columns})")


@pytest.mark.parametrize(
    "columns",
    [
        "other TEXT",
        "place, owner, name, signature, summary, seal, later NOT NULL",
        "place INT, owner INT, name INT, signature INT, summary INT, seal INT",
    ],
)
def test_a_foreign_or_newer_index_is_thrown_away_or_passed_over(
    runs: Path, tmp_path: Path, columns: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = seen_without_index(runs, monkeypatch)
    seen(runs)
    foreign(index_file(tmp_path), columns)
    assert seen(runs) == expected
    assert seen(runs) == expected


def test_nothing_is_believed_because_the_index_says_so(
    runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = seen_without_index(runs, monkeypatch)
    seen(runs)
    with sqlite3.connect(index_file(tmp_path)) as connection:
        rows = connection.execute("SELECT name, summary FROM glueharness_runs").fetchall()
        for name, summary in rows:
            other = summary.replace(b"completed", b"collected")
            assert other != summary
            connection.execute(
                "UPDATE glueharness_runs SET summary = ? WHERE name = ?", (other, name)
            )
    assert seen(runs) == expected
    # Another user's rows, in a database that both use.
    (tmp_path / "config" / "index.key").write_bytes(b"k" * 32)
    assert seen(runs) == expected


def test_rows_that_other_code_wrote_are_passed_over(
    runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen(runs)
    monkeypatch.setattr(index_module, "code_that_reads", lambda: "of tomorrow")
    assert indexed(runs) == 0
    assert indexed(runs) == 6


@pytest.mark.parametrize("place", ["cache", "config"])
def test_without_a_place_for_the_index_the_runs_are_listed(
    runs: Path, tmp_path: Path, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / place).write_text("a file in the folder's place")
    assert seen(runs) == seen_without_index(runs, monkeypatch)
    assert indexed(runs) == 0


def test_a_database_of_another_kind_is_refused(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for address in ("mysql://me:secret@host/runs", "no address", "sqlite://"):
        monkeypatch.setenv("GLUEHARNESS_STORE", address)
        with pytest.raises(ConfigError) as caught:
            RunStore(runs).all()
        assert "secret" not in str(caught.value)


def test_a_database_that_cannot_be_reached_is_told_without_its_password(
    runs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("psycopg")
    expected = seen_without_index(runs, monkeypatch)
    monkeypatch.setenv("GLUEHARNESS_STORE", "postgresql://me:secret@127.0.0.1:9/runs")
    store = RunStore(runs)
    assert [dataclasses.asdict(record) for record in store.all()] == expected[0]
    assert "is not used" in store.notice
    assert "secret" not in store.notice
    with pytest.raises(SystemExit):
        main(["runs", "--runs-dir", str(runs)])
    assert "is not used" in capsys.readouterr().err


def test_a_named_file_that_is_no_index_is_left_alone(
    runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = tmp_path / "thesis.sqlite"
    mine.write_text("not a database, and not ours")
    monkeypatch.setenv("GLUEHARNESS_STORE", f"sqlite:///{mine}")
    assert len(RunStore(runs).all()) == 6
    assert mine.read_text() == "not a database, and not ours"


@pytest.mark.parametrize("words", [["runs", "--json"], ["leaderboard"], ["leaderboard", "--json"]])
def test_commands_print_the_same_with_and_without(
    runs: Path,
    words: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from glueharness_leaderboard.tables import kept

    def printed() -> tuple[str, str]:
        with pytest.raises(SystemExit) as end:
            main([*words, "--runs-dir", str(runs)])
        assert end.value.code == 0
        captured = capsys.readouterr()
        return captured.out, captured.err

    (runs / "damaged").mkdir()
    (runs / "damaged" / RUN_FILE).write_text("{")
    next(runs.glob("*tfidf*/predictions/*.parquet")).write_bytes(b"x")
    with monkeypatch.context() as without:
        without.setattr(index_module, "_FEWEST", 10**9)
        expected = printed()
    assert "damaged" in expected[1]
    monkeypatch.setattr(kept, "FEWEST_RUNS", 1)
    for _ in range(3):
        assert printed() == expected
    shutil.rmtree(runs / "damaged")
    path = max(runs.iterdir())
    shutil.rmtree(path)
    changed = printed()
    assert changed != expected
    assert path.name not in changed[0]


def test_a_change_of_predictions_alone_is_noticed(
    runs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from glueharness_leaderboard.tables import kept

    monkeypatch.setattr(kept, "FEWEST_RUNS", 1)

    def errors() -> str:
        with pytest.raises(SystemExit):
            main(["leaderboard", "--runs-dir", str(runs)])
        return capsys.readouterr().err

    assert errors() == ""
    shutil.rmtree(next(runs.glob("*tfidf*/predictions")))
    errors()
    next(runs.glob("*mini*/predictions/*.parquet")).write_bytes(b"x")
    assert "predictions cannot be read" in errors()
    assert "predictions cannot be read" in errors()


def test_compare_says_the_same_from_what_was_kept(
    runs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from glueharness_leaderboard import compare_command

    def printed() -> str:
        with pytest.raises(SystemExit) as end:
            main(["compare", "bert-tiny", "tfidf", "--runs-dir", str(runs), "--json"])
        assert end.value.code == 0
        return capsys.readouterr().out

    expected = printed()
    monkeypatch.setattr(compare_command, "_FEWEST_RUNS", 1)
    assert [printed(), printed()] == [expected, expected]
    assert json.loads(expected)


def test_a_small_store_needs_no_database(runs: Path, tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from glueharness.record.store import RunStore; "
        f"assert len(RunStore(Path({str(runs)!r})).all()) == 6; "
        "assert 'sqlalchemy' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path)


@pytest.mark.parametrize(
    ("word", "kept"),
    [
        ("postgresql://me:se:c/r@et@host/runs", "postgresql://me:***@host/runs"),
        ("--store=postgresql://me:secret@host", "--store=postgresql://me:***@host"),
        ("postgresql://me@host/runs", "postgresql://me@host/runs"),
        ("hf:google/bert@main", "hf:google/bert@main"),
    ],
)
def test_no_password_reaches_a_record(word: str, kept: str) -> None:
    assert without_password(word) == kept


def test_the_option_names_the_database(
    runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GLUEHARNESS_STORE", "")
    monkeypatch.setattr(index_module, "_FEWEST", 10**9)
    path = tmp_path / "named.sqlite"
    with pytest.raises(SystemExit) as end:
        main(["--store", f"sqlite:///{path}", "runs", "--runs-dir", str(runs)])
    assert end.value.code == 0
    assert capsys.readouterr().err == ""
    assert path.is_file()
    assert indexed(runs) == 6


def test_a_name_that_is_no_text_leaves_the_others_in_the_index(runs: Path) -> None:
    odd = os.fsdecode(os.fsencode(str(min(runs.iterdir()))) + b"-\xff")
    min(runs.iterdir()).rename(odd)
    seen(runs)
    assert len(RunStore(runs).all()) == 6
    assert indexed(runs) == 5
