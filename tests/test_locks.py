"""Locks: one process works, the others are told who, and a holder that is gone holds nothing."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import subprocess
import sys
import time
from pathlib import Path

import pytest

from glueharness.errors import RunFolderError
from glueharness.record.store import RunStore
from glueharness.system.locks import Holder, holder_of, locked
from tests.executor_tools import Command, wait_until

HOLD = (
    "import sys; from pathlib import Path; from glueharness.system.locks import locked\n"
    "with locked(Path(sys.argv[1]), 'it'): print('held', flush=True); sys.stdin.read()"
)


def hold(path: Path) -> subprocess.Popen[str]:
    """Another process that holds a lock until its input ends."""
    other = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert other.stdout is not None
    assert other.stdout.readline() == "held\n"
    return other


def write_holder(path: Path, **values: object) -> Path:
    file = path.with_name(f"{path.name}.holder")
    file.write_text(json.dumps({"process": 1, "host": "another.example", **values}))
    return file


def test_one_process_at_a_time_and_the_others_are_told_which(tmp_path: Path) -> None:
    path = tmp_path / ".lock"
    other = hold(path)
    with pytest.raises(RunFolderError, match=f"the run is in use by process {other.pid} on "):  # noqa: SIM117
        with locked(path, "the run"):
            pass
    holder = holder_of(path)
    assert holder is not None
    assert holder.process == other.pid
    other.kill()
    other.wait()
    assert holder_of(path) is None
    with locked(path, "the run"):
        assert (tmp_path / ".lock.holder").exists()
        mine = holder_of(path)
        assert mine is not None
        assert mine.process == os.getpid()
    assert not (tmp_path / ".lock.holder").exists()


def test_who_waits_is_told_once_whom_for_and_goes_on_when_the_lock_is_free(tmp_path: Path) -> None:
    path = tmp_path / ".lock"
    other = hold(path)
    told: list[Holder | None] = []

    def waiting(holder: Holder | None) -> None:
        told.append(holder)
        assert other.stdin is not None
        other.stdin.close()

    with locked(path, "it", waiting):
        pass
    assert [holder.process for holder in told if holder] == [other.pid]
    assert other.wait() == 0


def test_a_holder_on_another_machine_counts_until_it_is_silent(tmp_path: Path) -> None:
    path = tmp_path / ".lock"
    path.touch()
    file = write_holder(path)
    with pytest.raises(RunFolderError, match=r"process 1 on another\.example") as caught:  # noqa: SIM117
        with locked(path, "the run"):
            pass
    assert "after its last sign of life" in caught.value.remedy
    os.utime(file, (1, 1))
    with locked(path, "the run"):
        pass


def test_another_clock_than_ours_makes_no_live_lock_stale(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / ".lock"
    path.touch()
    write_holder(path)
    now = time.time
    for skew in (-3600, 3600):
        monkeypatch.setattr(time, "time", lambda skew=skew: now() + skew)
        holder = holder_of(path)
        assert holder is not None
        assert holder.silent < 5


@pytest.mark.parametrize(
    "content",
    ["", "[", "[" * 10_000, "3", '{"process": "x", "host": "h"}', '{"host": 1}', "\0" * 9000],
)
def test_a_damaged_holder_holds_nothing(tmp_path: Path, content: str) -> None:
    path = tmp_path / ".lock"
    path.touch()
    write_holder(path).write_text(content)
    assert holder_of(path) is None
    with locked(path, "the run"):
        pass


@pytest.mark.skipif(not Path("/sys/kernel").is_dir(), reason="needs a folder nobody may write in")
def test_a_folder_of_others_is_told_as_such() -> None:
    with (
        pytest.raises(RunFolderError, match="the run cannot be changed: ") as found,
        locked(Path("/sys/kernel/.lock"), "the run"),
    ):
        pass
    assert "may write in that folder" in found.value.remedy
    assert "delete" not in found.value.remedy


def test_a_lock_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    path = tmp_path / ".lock"
    path.symlink_to(victim)
    with pytest.raises(RunFolderError, match="cannot be locked"):  # noqa: SIM117
        with locked(path, "the run"):
            pass
    holder = tmp_path / "other.holder"
    holder.symlink_to(victim)
    with locked(tmp_path / "other", "the run"):
        pass
    assert victim.read_text() == "precious"


LOOK = (
    "import sys, time; from pathlib import Path; from glueharness.system.locks import holder_of\n"
    "print('looking', flush=True); end = time.monotonic() + 3\n"
    "while time.monotonic() < end: holder_of(Path(sys.argv[1]))"
)


@pytest.mark.parametrize("stale", [False, True], ids=["free", "left behind"])
def test_who_only_looks_keeps_nobody_from_the_lock(tmp_path: Path, *, stale: bool) -> None:
    path = tmp_path / ".lock"
    path.touch()
    other = subprocess.Popen(
        [sys.executable, "-c", LOOK, str(path)], stdout=subprocess.PIPE, text=True
    )
    assert other.stdout is not None
    other.stdout.readline()
    end, times = time.monotonic() + 2, 0
    while time.monotonic() < end:
        if stale:  # of a process of this machine that was killed
            write_holder(path, host=platform.node())
        with locked(path, "the run"):
            times += 1
    assert times > 2
    other.kill()
    other.wait()


def test_the_name_of_who_took_over_stays(tmp_path: Path) -> None:
    path = tmp_path / ".lock"
    with locked(path, "the run"):
        write_holder(path)
    assert path.with_name(".lock.holder").exists()


@pytest.mark.parametrize("skew", [-3600, 0, 3600])
def test_a_claim_of_a_lost_machine_outlasts_the_lock_within(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, skew: int
) -> None:
    """The last signs of the two are up to one period apart; clocks of machines are not compared."""
    store, inner = RunStore(tmp_path), tmp_path / ".lock"
    with store.claim("abc", lambda _: None):
        pass
    inner.touch()
    claim = tmp_path / ".claims" / "abc.lock"
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() + skew)
    for silent, free in ((64.9, False), (70.5, True)):
        os.utime(write_holder(claim), (now() - silent,) * 2)
        os.utime(write_holder(inner), (now() - silent + 5,) * 2)
        told: list[Holder | None] = []

        def waiting(holder: Holder | None, told: list[Holder | None] = told) -> None:
            told.append(holder)
            raise TimeoutError  # it would wait

        with contextlib.suppress(TimeoutError), store.claim("abc", waiting):
            assert holder_of(inner) is None
        assert (told == []) is free


@pytest.mark.slow
def test_a_lost_machine_s_run_is_resumed_and_not_begun_again(tmp_path: Path) -> None:
    """The claim was to be had five seconds before the lock: the run began in a second folder."""
    command = Command(tmp_path)
    words = ("run", "numbers", "--model", "slow", "--steps", "30", "--nap", "0.1")
    first = command.start(*words)
    wait_until(lambda: any(tmp_path.glob("runs/*/steps.txt")))
    first.kill()
    first.communicate()
    (run,) = tmp_path.glob("runs/*/run.json")
    (claim,) = tmp_path.glob("runs/.claims/*.lock")
    now = time.time()
    os.utime(write_holder(claim), (now - 62,) * 2)
    os.utime(write_holder(run.parent / ".lock"), (now - 57,) * 2)
    done = command.run(*words)
    assert done.returncode == 0, done.stderr
    (record,) = command.records()
    assert (record["status"], record["resumed"]) == ("completed", 1)
