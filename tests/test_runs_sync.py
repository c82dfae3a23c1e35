"""Runs that are copied between stores: checked, whole or not at all, whatever cuts the copying."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from glueharness.cli import main
from glueharness.record.managing import annotate
from glueharness.record.place_urls import open_place, without_password
from glueharness.record.run_file import read_record, write_record
from glueharness.record.seals import broken_seals, seal
from glueharness.record.store import RunStore
from glueharness.record.sync import Listener, Synced, sync_runs
from glueharness.system.at_once import NoAnswerError, read_at_once
from tests.executor_tools import wait_until
from tests.leaderboard_runs import Making, make_runs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAMES = ("bert-tiny", "bert-mini", "tfidf")


def make_store(folder: Path, size: int = 7000) -> list[str]:
    """Three sealed runs with models of so many bytes."""
    made = []
    for record in make_runs(folder, [Making(model=name, rows=30) for name in NAMES]):
        model = folder / record.id / "model"
        model.mkdir()
        (model / "weights").write_bytes(os.urandom(size))
        write_record(folder / record.id, replace(record, seals=seal(folder / record.id)))
        made.append(record.id)
    return made


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    make_store(tmp_path / "runs")
    return tmp_path / "runs"


class Sync:
    """Calls the command."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self.capsys = capsys
        self.out = self.err = ""

    def __call__(self, *words: object, code: int = 0) -> str:
        with pytest.raises(SystemExit) as end:
            main(["runs", "sync", *map(str, words)])
        self.out, self.err = self.capsys.readouterr()
        assert end.value.code == code, self.out + self.err
        assert "Traceback" not in self.err
        return self.out


@pytest.fixture
def sync(capsys: pytest.CaptureFixture[str]) -> Sync:
    return Sync(capsys)


def ids(folder: Path) -> list[str]:
    return [record.id for record in RunStore(folder).all()]


def state_of(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {
        str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file()
    }


def check_whole(folder: Path) -> list[str]:
    """That whatever is a run there is a whole one; their ids."""
    store = RunStore(folder)
    for record in store.all():
        assert record.status == "completed"
        assert not broken_seals(store.path(record), record)
        assert (store.path(record) / "model" / "weights").is_file()
    assert not store.problems
    return [record.id for record in store.all()]


def test_runs_arrive_as_they_are_and_the_second_time_changes_nothing(
    sync: Sync, runs: Path, tmp_path: Path
) -> None:
    first, second, third = ids(runs)
    store = RunStore(runs)
    annotate(store, store.find(first), lambda said: said.with_tags(["good"]))
    (runs / first / "checkpoint").mkdir()
    (runs / first / "checkpoint" / "state").write_text("not passed on")
    before, other = state_of(runs), tmp_path / "deep" / "other"
    assert "3 copied" in sync(runs, other)
    assert state_of(runs) == before
    assert check_whole(other) == [first, second, third]
    for name, (content, _) in before.items():
        if "annotations" not in name and "checkpoint" not in name:
            assert (other / name).read_bytes() == content
    assert not (other / first / "checkpoint").exists()
    said = RunStore(other).annotations(RunStore(other).find(first))
    assert said.tags == ("good",)
    assert said.imported.endswith(f" from {runs}")
    assert RunStore(other).completed(read_record(other / first).identity) is None
    arrived = state_of(other)
    assert sync(runs, other) == "0 copied, 3 there already\n"
    assert sync(other, runs) == "0 copied, 3 there already\n"
    assert sync(runs.as_uri(), other) == "0 copied, 3 there already\n"
    assert (state_of(other), state_of(runs)) == (arrived, before)
    assert sorted(path.name for path in other.iterdir()) == sorted([first, second, third])


def test_a_run_with_another_name_is_known(sync: Sync, runs: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    sync(runs, other)
    (other / ids(runs)[0]).rename(other / "mine")
    shutil.copytree(runs / ids(runs)[1], runs / "a-copy")
    found = json.loads(sync(runs, other, "--json"))
    assert found["known"][ids(runs)[0]] == "mine"
    assert found["copied"] == {}
    assert len(ids(other)) == 3


def test_an_altered_run_is_refused_by_name_and_the_others_go_on(
    sync: Sync, runs: Path, tmp_path: Path
) -> None:
    first, second, third = ids(runs)
    weights = runs / first / "model" / "weights"
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    (runs / second / "model" / "added").write_text("by somebody")
    other = tmp_path / "other"
    found = json.loads(sync(runs, other, "--json", code=1))
    assert list(found["copied"]) == [third]
    assert "seal is broken: model/weights has changed" in found["refused"][first]
    assert "model/added was not there" in found["refused"][second]
    assert f"not copied: {first}: the seal is broken" in sync.err
    assert sorted(path.name for path in other.iterdir()) == [third]
    values = json.loads((runs / third / "run.json").read_text())
    values["metrics"]["dev"]["accuracy"] = 0.99
    (runs / third / "run.json").write_text(json.dumps(values))
    arrived = state_of(other)
    sync(runs, other, code=1)
    assert f"not copied: {third}: " in sync.err
    assert state_of(other) == arrived


def test_what_is_not_complete_or_in_use_is_left_out_and_said(
    sync: Sync, runs: Path, tmp_path: Path
) -> None:
    first, second, third = ids(runs)
    write_record(runs / first, replace(read_record(runs / first), status="running"))
    write_record(runs / second, replace(read_record(runs / second), status="failed"))
    store = RunStore(runs)
    with store.working_on(store.find(third)):
        out = sync(runs, tmp_path / "other")
    assert f"{first}: left out, it is stopped" in out
    assert f"{second}: left out, it is failed" in out
    assert f"{third}: left out, it is in use by process {os.getpid()}" in out
    assert "0 copied, 0 there already, 3 left out" in out


def test_something_else_of_the_same_name_stays(sync: Sync, runs: Path, tmp_path: Path) -> None:
    first, second, third = ids(runs)
    other = tmp_path / "other"
    shutil.copytree(runs, other)
    write_record(other / first, replace(read_record(other / first), seed=99))
    shutil.rmtree(other / second)
    (other / second).mkdir()
    shutil.rmtree(other / third)
    (other / third).write_text("a file")
    before = state_of(other)
    sync(runs, other, code=1)
    for name in (first, second, third):
        assert f"not copied: {name}: there is something else of this name" in sync.err
    assert state_of(other) == before
    assert list((other / second).iterdir()) == []


def test_links_in_the_source_lead_nowhere(sync: Sync, runs: Path, tmp_path: Path) -> None:
    first, second, third = ids(runs)
    (tmp_path / "secret").write_text("mine")
    (runs / first / "model" / "weights").unlink()
    (runs / first / "model" / "weights").symlink_to(tmp_path / "secret")
    shutil.move(runs / second, tmp_path / second)
    (runs / second).symlink_to(tmp_path / second)
    (runs / third / "predictions" / "more").symlink_to("/etc")
    sync(runs, tmp_path / "other", code=1)
    assert sync.err.count("link") >= 3
    assert ids(tmp_path / "other") == []


def start(*words: object, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "glueharness", "runs", "sync", *map(str, words)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, **environment},
    )  # fmt: skip


def test_a_killed_sync_leaves_whole_runs_and_goes_on(tmp_path: Path) -> None:
    made = make_store(tmp_path / "runs", size=60_000_000)
    other = tmp_path / "other"
    killed = start(tmp_path / "runs", other)
    wait_until(lambda: len(list(other.glob("*/run.json"))) == 1)
    wait_until(lambda: list(other.glob(".sync.*/aside/*/model/weights")) or killed.poll() == 0)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    there = check_whole(other)
    assert 1 <= len(there) < 3
    (left,) = other.glob(".sync.*")
    before = {name: state_of(other / name) for name in there}
    again = start(tmp_path / "runs", other)
    out, err = again.communicate(timeout=60)
    assert again.returncode == 0, err
    assert f"{3 - len(there)} copied" in out
    assert f"{len(there)} there already" in out
    assert {name: state_of(other / name) for name in there} == before
    assert check_whole(other) == made
    # What the killed one left is nobody's; it goes a day later.
    assert left.exists()
    os.utime(left, (time.time() - 90_000,) * 2)
    shutil.rmtree(other / made[0])
    assert start(tmp_path / "runs", other).wait(60) == 0
    assert sorted(path.name for path in other.iterdir()) == sorted(made)


def test_two_syncs_at_once_do_no_harm(tmp_path: Path) -> None:
    made = make_store(tmp_path / "runs", size=20_000_000)
    other = tmp_path / "other"
    both = [start(tmp_path / "runs", other, "--json") for _ in range(2)]
    told = [each.communicate(timeout=60) for each in both]
    assert [each.returncode for each in both] == [0, 0], told
    found = [json.loads(out) for out, _ in told]
    for each in found:
        assert sorted({**each["copied"], **each["known"]}) == sorted(made)
    assert sum(len(each["copied"]) for each in found) == 3
    assert check_whole(other) == made
    assert sorted(path.name for path in other.iterdir()) == sorted(made)


def test_a_full_disk_is_one_sentence_and_the_command_goes_on(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root")
    make_store(tmp_path / "runs", size=3_000_000)
    small = tmp_path / "small"
    small.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=5m", "tmpfs", str(small)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("a small disk cannot be mounted here")
    try:
        cut = start(tmp_path / "runs", small)
        out, err = cut.communicate(timeout=60)
        assert cut.returncode == 1
        assert "1 copied" in out
        assert "No space left on device" in err
        assert "the same command goes on" in err
        assert "Traceback" not in err
        assert len(check_whole(small)) == 1
        assert not list(small.glob(".sync.*"))
        subprocess.run(["mount", "-o", "remount,size=50m", str(small)], check=True)
        again = start(tmp_path / "runs", small)
        out, err = again.communicate(timeout=60)
        assert "2 copied" in out
        assert len(check_whole(small)) == 3
    finally:
        subprocess.run(["umount", "-l", str(small)], check=True)


@pytest.fixture
def memory() -> Iterator[Any]:
    """An object store in this process."""
    import fsspec

    fsspec.register_implementation("kept", "tests.sync_servers.InProcess", clobber=True)
    files = fsspec.filesystem("kept")
    files.store.clear()
    files.pseudo_dirs[:] = [""]
    yield files
    files.store.clear()
    files.pseudo_dirs[:] = [""]


def test_an_object_store_at_either_end(sync: Sync, runs: Path, tmp_path: Path, memory: Any) -> None:
    assert "3 copied" in sync(runs, "kept://team/runs")
    assert sync(runs, "kept://team/runs") == "0 copied, 3 there already\n"
    assert "3 copied" in sync("kept://team/runs", "kept://mirror")
    assert "3 copied" in sync("kept://mirror", tmp_path / "back")
    assert check_whole(tmp_path / "back") == ids(runs)
    # A folder without its record is what a sync that was cut has left.
    first = ids(runs)[0]
    memory.rm_file(f"/mirror/{first}/run.json")
    assert "1 copied" in sync("kept://team/runs", "kept://mirror")
    weights = f"/mirror/{first}/model/weights"
    memory.pipe_file(weights, memory.cat_file(weights)[:-1] + b"x")
    shutil.rmtree(tmp_path / "back" / first)
    sync("kept://mirror", tmp_path / "back", code=1)
    assert f"not copied: {first}: the seal is broken: model/weights" in sync.err


@pytest.mark.parametrize(
    "name",
    [
        "../victim", "../../victim", "..", ".", "a\x1b[31m", "a\nb", "C:", "a\\b", "ends.",
        "x" * 300, "\u202ename",
    ],
)  # fmt: skip
def test_a_run_of_a_hostile_name_touches_nothing(
    sync: Sync, runs: Path, tmp_path: Path, memory: Any, name: str
) -> None:
    sync(runs, "kept://team")
    first = ids(runs)[0]
    for key in [key for key in memory.store if key.startswith(f"/team/{first}/")]:
        memory.store[key.replace(first, name, 1)] = memory.store[key]
    deep = tmp_path / "deep" / "deep"
    sync("kept://team", deep / "other", code=0 if name in {".", ".."} or "/" in name else 1)
    assert "\x1b" not in sync.out + sync.err
    assert ids(deep / "other") == ids(runs)
    assert sorted(path.name for path in (deep / "other").iterdir()) == sorted(ids(runs))
    assert [path.name for path in deep.iterdir()] == ["other"]
    assert not list(tmp_path.rglob("victim"))


@pytest.mark.parametrize(
    "name",
    [
        "model/../../victim", "predictions/../../../victim", "model/a\x1b[31m", "model/C:x",
        "model/" + "a/" * 20 + "x", "model/a\\..\\b", "MODEL/../victim", "model//etc/victim",
    ],
)  # fmt: skip
def test_a_file_of_a_hostile_name_touches_nothing(
    sync: Sync, runs: Path, tmp_path: Path, memory: Any, name: str
) -> None:
    sync(runs, "kept://team")
    first, second, third = ids(runs)
    some = memory.store[f"/team/{first}/run.json"]
    memory.store[f"/team/{first}/{name}"] = some
    deep = tmp_path / "deep" / "deep"
    sync("kept://team", deep / "other", code=0 if name.startswith("MODEL") else 1)
    assert "\x1b" not in sync.out + sync.err
    assert {second, third} <= {*ids(deep / "other")}
    assert [path.name for path in deep.iterdir()] == ["other"]
    assert not list(tmp_path.rglob("victim"))


def test_a_file_that_grows_or_shrinks_is_not_taken(
    runs: Path, tmp_path: Path, memory: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, *_ = ids(runs)
    target = open_place("kept://team")
    sync_runs(open_place(str(runs)), target, Listener(), Synced())
    weights, real = f"/team/{first}/model/weights", memory.find

    for content in (b"short", os.urandom(50_000)):

        def find(path: str, *, content: bytes = content, **more: Any) -> Any:
            """The store's listing; then somebody else writes."""
            listing = real(path, **more)
            if path.endswith(first):
                memory.pipe_file(weights, content)
            return listing

        memory.pipe_file(weights, b"x" * 7000)
        monkeypatch.setattr(memory, "find", find)
        synced = Synced()
        sync_runs(open_place("kept://team"), open_place(str(tmp_path / "o")), Listener(), synced)
        assert "model/weights changed while it was copied" in synced.refused[first]
        monkeypatch.undo()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("nowhere", "other"), "there is no such folder of runs"),
        (("kept://nowhere", "other"), "there is no such folder of runs"),
        (("foo://x/y", "other"), "'foo' is no protocol for a folder of runs"),
        (("kept://team", ""), "an end of the sync has no name"),
        (("kept:///", "other"), "this URL names no host or bucket"),
        (("memory://team/runs", "other"), "'memory' is no protocol for a folder of runs: nothing"),
        (("zip://runs.zip", "other"), "'zip' is no protocol for a folder of runs"),
        (("s3:team/runs", "other"), "'s3:team/runs' is half a URL\nWrite s3://team/runs;"),
        (("ssh:/host/runs", "other"), "Write ssh://host/runs; or ./ssh:/host/runs"),
        (("a\0b", "other"), "no folder has such a name"),
        (("ssh://host/a\nb", "other"), "this URL has signs that no URL can have"),
        (("ssh://host/a\udcff", "other"), "this URL has signs that no URL can have"),
        (("ssh://host:port/runs", "other"), "this URL does not say host and port"),
        (("ssh://host:99999/runs", "other"), "this URL does not say host and port"),
        (("ssh://[::1/runs", "other"), "this URL does not say host and port"),
        (("ssh://host", "other"), "this URL names no folder"),
        (("ssh://host/~", "other"), "this URL names no folder"),
        (("ssh://host/~/", "other"), "this URL names no folder"),
        (("ssh://host/a/../..", "other"), "this URL names no folder"),
        (("\x1b[31m://x", "other"), "is no protocol"),
    ],
)
@pytest.mark.usefixtures("memory")
def test_what_cannot_be_is_one_sentence(
    sync: Sync, tmp_path: Path, words: tuple[str, ...], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if words[0].startswith("ssh://"):
        pytest.importorskip("sshfs", reason="needs glueharness[ssh]")
    monkeypatch.chdir(tmp_path)
    sync(*words, code=1)
    assert told in sync.err
    assert "\x1b" not in sync.err
    assert sync.out == ""
    assert not (tmp_path / "other").exists()


@pytest.mark.usefixtures("memory")
def test_a_run_is_no_folder_of_runs(sync: Sync, runs: Path, tmp_path: Path) -> None:
    first = ids(runs)[0]
    sync(runs, "kept://team")
    for words in (
        (runs / first, tmp_path / "other"), (runs, runs / first),
        (f"kept://team/{first}", tmp_path / "other"), (runs, f"kept://team/{first}"),
    ):  # fmt: skip
        sync(*words, code=1)
        assert "this is a run, and no folder of runs" in sync.err
        assert "Name the folder that it lies in." in sync.err
    assert not (tmp_path / "other").exists()


def test_a_server_that_never_answers_is_not_waited_for() -> None:
    silent = threading.Event()

    def ask(number: int) -> int:
        if number == 2:
            silent.wait(30)
        if number == 1:
            raise ValueError("told")
        return number

    first, second, last = read_at_once(ask, range(3), 0.2)
    silent.set()
    assert first == 0
    assert isinstance(second, ValueError)
    assert isinstance(last, NoAnswerError)


def test_a_missing_extra_is_named_with_its_pip_line(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import importlib.util as u\n"
        "find = u.find_spec\n"
        "gone = ('sshfs', 's3fs', 'gcsfs')\n"
        "u.find_spec = lambda name, *rest: None if name in gone else find(name, *rest)\n"
    )
    packages = {"ssh": "'glueharness[ssh]'", "s3": "'glueharness[s3]'", "gs": "gcsfs"}
    for protocol, package in packages.items():
        done = start(f"{protocol}://b/x", tmp_path / "other", PYTHONPATH=str(tmp_path))
        _, err = done.communicate(timeout=60)
        assert done.returncode == 1
        assert f"pip install {package}" in err


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("ssh://me:secret@host:22/runs", "ssh://me:…@host:22/runs"),
        ("ssh://me@host/runs", "ssh://me@host/runs"),
        ("s3://bucket/a?key=secret", "s3://bucket/a?…"),
        ("ssh://host/a?b#c", "ssh://host/a?b#c"),
        ("ssh://h/\x1b[31m", "ssh://h/\\x1b[31m"),
    ],
)
def test_messages_have_no_password(url: str, shown: str) -> None:
    assert without_password(url) == shown
