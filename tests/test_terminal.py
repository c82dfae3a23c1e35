"""Streams that fail and terminals that go away: the work is done, and what can be told is told."""

from __future__ import annotations

import contextlib
import io
import json
import os
import pty
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from glueharness.errors import GlueharnessError
from glueharness.record.store import RunStore
from glueharness.system import interrupts
from glueharness.system.terminal import (
    MutingStream,
    PrintableStream,
    ReaderGoneError,
    ResultStream,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.skipif(os.name != "posix", reason="POSIX streams and signals")

ROOT = Path(__file__).parents[1]
SLOW_EPOCHS = """
import signal, sys, time
from dataclasses import dataclass
from tests import small_task
from tests.small_task import small_plugins
from glueharness.cli import main
from glueharness.cli.app import App
from glueharness.plugin.registry import Registry

fit = small_task.Oracle.fit

def slow_fit(self, train, dev, context):
    with context.interruptible() as asked:
        for step in range(40):
            context.warn(f"step {step}")
            time.sleep({pause})
            if asked():
                raise KeyboardInterrupt
    fit(self, train, dev, context)

small_task.Oracle.fit = slow_fit
main(["run", "parity", "--model", "oracle"], App(Registry(small_plugins())))
"""


BARS = [
    sys.executable,
    "-c",
    SLOW_EPOCHS.replace("{pause}", "0.02")
    .replace(
        'context.warn(f"step {step}")',
        'context.report(Progress(phase="steps", done=step, total=40))',
    )
    .replace(
        "import signal, sys, time",
        "import signal, sys, time\nfrom glueharness import Progress",
    ),
]


def training(pause: float) -> list[str]:
    """A run that tells something now and then, for two seconds or so."""
    return [sys.executable, "-c", SLOW_EPOCHS.replace("{pause}", str(pause))]


def surroundings(folder: Path) -> dict[str, Any]:
    return {"cwd": ROOT, "env": {**os.environ, "GLUEHARNESS_RUNS": str(folder / "runs")}}


def status(folder: Path) -> str:
    store = RunStore(folder / "runs")
    (record,) = store.all()
    assert not store.problems
    return record.status


def glueharness(*words: str, **options: Any) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "glueharness", *words], check=False, timeout=60, **options
    )


class Failing(io.TextIOWrapper):
    """A stream whose writes fail with one error."""

    def __init__(self, error: type[OSError]) -> None:
        super().__init__(io.BytesIO(), encoding="utf-8")
        self._error = error

    def write(self, _: str) -> int:
        raise self._error(28, "No space left on device")


@pytest.mark.parametrize("error", [OSError, BrokenPipeError])
def test_a_display_that_fails_is_silent_from_then_on(error: type[OSError]) -> None:
    stream = MutingStream(Failing(error))
    assert stream.write("progress") == 8
    stream.flush()
    assert stream.over
    assert not stream.isatty()


def test_a_result_that_is_lost_is_told_once() -> None:
    stream = ResultStream(Failing(OSError))
    with pytest.raises(GlueharnessError, match="cannot be written: No space"):
        stream.write("result")
    assert stream.write("more") == 4
    with pytest.raises(ReaderGoneError):
        ResultStream(Failing(BrokenPipeError)).write("result")


def test_what_libraries_write_to_stderr_steers_no_terminal() -> None:
    under = io.StringIO()
    stream = PrintableStream(under)
    stream.write("tensor \x1b[2Jx\u202e of the checkpoint\n")
    stream.write("\r 40 % \r 50 %\n")
    stream.write("\x1b[A\r")
    assert under.getvalue() == (
        "tensor \\x1b[2Jx\\u202e of the checkpoint\n\r 40 % \r 50 %\n\x1b[A\r"
    )


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_result_that_fits_in_part_is_told_to_be_lost(tmp_path: Path, unbuffered: str) -> None:
    """As on a full disk: without a buffer Python passes over the part that did not fit."""
    limited = (
        "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1024, 1024));"
        "from glueharness.cli import main; main(['tasks', '--json'])"
    )
    with (tmp_path / "result.json").open("wb") as output:
        ended = subprocess.run(
            [sys.executable, "-c", limited], stdout=output, stderr=subprocess.PIPE, check=False,
            cwd=ROOT, env={**os.environ, "PYTHONUNBUFFERED": unbuffered}, timeout=60,
        )  # fmt: skip
    assert (tmp_path / "result.json").stat().st_size == 1024
    assert ended.returncode == 1
    assert b"the result cannot be written: File too large" in ended.stderr


def test_without_a_buffer_a_result_appears_at_once() -> None:
    waiting = (
        "import sys, os; from glueharness.system.terminal import guarded_streams\n"
        "with guarded_streams(): sys.stdout.write('\u2026'); os._exit(0)"
    )
    ended = subprocess.run(
        [sys.executable, "-u", "-c", waiting], capture_output=True, check=False, cwd=ROOT,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"}, timeout=60,
    )  # fmt: skip
    assert ended.stdout == "\u2026".encode()


@contextmanager
def full_disk() -> Iterator[int]:
    number = os.open("/dev/full", os.O_WRONLY)
    yield number
    os.close(number)


@contextmanager
def closed_pipe() -> Iterator[int]:
    reading, writing = os.pipe()
    os.close(reading)
    yield writing
    os.close(writing)


@contextmanager
def closed_terminal() -> Iterator[int]:
    controlling, under = pty.openpty()
    os.close(controlling)
    yield under
    os.close(under)


GONE: dict[str, Callable[[], Any]] = {
    "full disk": full_disk, "closed pipe": closed_pipe, "closed terminal": closed_terminal,
}  # fmt: skip


@pytest.mark.parametrize("gone", GONE.values(), ids=GONE)
def test_a_run_completes_when_nobody_can_be_shown_its_progress(
    gone: Callable[[], Any], tmp_path: Path
) -> None:
    with gone() as number:
        done = subprocess.run(
            training(0.0), stderr=number, stdout=subprocess.PIPE, check=False, timeout=60,
            **surroundings(tmp_path),
        )  # fmt: skip
    assert (done.returncode, status(tmp_path)) == (0, "completed")
    assert b"100.00" in done.stdout


def test_a_run_completes_when_its_reader_has_read_one_line(tmp_path: Path) -> None:
    running = subprocess.Popen(
        training(0.01), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **surroundings(tmp_path)
    )
    assert running.stdout is not None
    assert running.stdout.readline()
    running.stdout.close()
    assert running.wait(60) == 0
    assert status(tmp_path) == "completed"


def test_a_progress_bar_is_drawn_and_not_spelt_out(tmp_path: Path) -> None:
    controlling, under = pty.openpty()
    surrounding = surroundings(tmp_path)
    surrounding["env"] |= {"TERM": "xterm-256color", "COLUMNS": "100"}
    running = subprocess.Popen(
        BARS, stdin=under, stdout=subprocess.PIPE, stderr=under, **surrounding
    )
    os.close(under)
    seen = b""
    with contextlib.suppress(OSError):  # which is how a terminal tells that nobody writes any more
        while block := os.read(controlling, 4096):
            seen += block
    os.close(controlling)
    assert running.communicate(timeout=60)[0]
    assert running.returncode == 0
    assert b"steps" in seen
    assert b"\x1b[2K" in seen  # a line is drawn anew
    assert b"\\x1b" not in seen


@pytest.mark.parametrize(
    ("ignored", "code", "ends"), [(True, 1, "completed"), (False, 130, "interrupted")]
)
def test_a_closed_terminal_ends_a_run_cleanly_unless_that_is_ignored(
    tmp_path: Path, *, ignored: bool, code: int, ends: str
) -> None:
    def own_terminal() -> None:
        os.setsid()
        if ignored:
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
        os.close(os.open(os.ttyname(2), os.O_RDWR))  # makes it the controlling terminal

    controlling, under = pty.openpty()
    running = subprocess.Popen(
        training(0.05), stdin=under, stdout=under, stderr=under,
        preexec_fn=own_terminal, **surroundings(tmp_path),  # noqa: PLW1509 - no threads here
    )  # fmt: skip
    os.close(under)
    seen = b""
    while b"step 2" not in seen:
        seen += os.read(controlling, 4096)
    os.close(controlling)  # the kernel sends SIGHUP, and writing gives EIO from now on
    # With nobody to take the table, its loss is the exit code; the run itself is complete.
    assert running.wait(60) == code
    assert status(tmp_path) == ends


def test_signals_that_were_ignored_stay_so() -> None:
    names = ("SIGINT", "SIGTERM", "SIGHUP")
    numbers = [getattr(signal, name) for name in names]
    before = [signal.signal(number, signal.SIG_IGN) for number in numbers]
    try:
        with interrupts.interruptible() as asked, interrupts.terminate_as_interrupt():
            for number in numbers:
                os.kill(os.getpid(), number)
            assert not asked()
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_the_first_signal_asks_and_the_second_stops(name: str) -> None:
    number = getattr(signal, name)
    before = signal.getsignal(number)
    with interrupts.interruptible() as asked:
        os.kill(os.getpid(), number)
        assert asked()
        if number != signal.SIGINT:
            time.sleep(interrupts._SECONDS_OF_ECHO)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), number)
    assert signal.getsignal(number) is before


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_signal_that_comes_twice_at_once_is_one(name: str) -> None:
    number = getattr(signal, name)
    with interrupts.terminate_as_interrupt():
        with interrupts.interruptible() as asked:
            os.kill(os.getpid(), number)
            os.kill(os.getpid(), number)
            assert asked()
        os.kill(os.getpid(), number)  # while the record is being written
    with interrupts.interruptible() as asked:  # another run of the process is asked anew
        assert not asked()
        os.kill(os.getpid(), number)
        assert asked()


_WORKER_OF_MANY_THREADS = """
import subprocess, sys, threading, time
subprocess.Popen([sys.executable, "-c", sys.argv[1], sys.argv[2]])
for _ in range(8):
    threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
time.sleep(60)
"""
_UNTIL_ASKED = """
import pathlib, sys, time
from glueharness.system.interrupts import end_with_parent, interruptible, terminate_as_interrupt
place = pathlib.Path(sys.argv[1])
with terminate_as_interrupt():
    try:
        end_with_parent()
        with interruptible() as asked:
            place.write_text("begun")
            while not asked():
                time.sleep(0.0001)
        time.sleep(0.2)
        place.write_text("saved")
    except KeyboardInterrupt:
        place.write_text("broken off")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a thread watches the parent")
def test_a_parent_of_many_threads_that_is_killed_asks_once(tmp_path: Path) -> None:
    place = tmp_path / "state"
    for _ in range(5):
        place.write_text("")
        words = [sys.executable, "-c", _WORKER_OF_MANY_THREADS, _UNTIL_ASKED, str(place)]
        parent = subprocess.Popen(words)
        _wait_for(lambda: place.read_text() == "begun")
        time.sleep(0.1)
        parent.kill()
        parent.wait()
        _wait_for(lambda: place.read_text() not in {"", "begun"})
        assert place.read_text() == "saved"


def _wait_for(check: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not check():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_signals_are_left_alone_outside_of_the_main_thread() -> None:
    found = []

    def work() -> None:
        with interrupts.interruptible() as asked, interrupts.terminate_as_interrupt():
            found.append(asked())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [False]


@pytest.mark.parametrize(
    "words", [["tasks"], ["tasks", "--json"], ["--help"], ["leaderboard", "--format", "csv"]]
)
@pytest.mark.parametrize("buffered", ["", "1"])
def test_a_full_disk_under_the_result_is_told_in_one_message(
    words: list[str], buffered: str, tmp_path: Path
) -> None:
    environment = {**os.environ, "PYTHONUNBUFFERED": buffered}
    with full_disk() as number:
        done = glueharness(
            *words, stdout=number, stderr=subprocess.PIPE, cwd=tmp_path, env=environment
        )
    assert done.returncode == 1
    assert done.stderr.decode().splitlines() == [
        "error: standard output: the result cannot be written: No space left on device",
        "Send it elsewhere; the runs and files that were made are kept.",
    ]


@pytest.mark.parametrize("words", [["tasks"], ["tasks", "--json"], ["--help"], ["run", "--help"]])
def test_a_reader_that_has_enough_is_no_error(words: list[str], tmp_path: Path) -> None:
    with closed_pipe() as number:
        done = glueharness(*words, stdout=number, stderr=subprocess.PIPE, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("stream", [0, 1, 2])
def test_a_closed_stream_is_an_empty_one(stream: int, tmp_path: Path) -> None:
    done = glueharness(
        "predict", "qnli", "--file", "-", capture_output=True, cwd=tmp_path,
        preexec_fn=lambda: os.close(stream),
    )  # fmt: skip
    assert done.returncode == 1
    assert b"Traceback" not in done.stderr
    assert b"internal error" not in done.stderr
    if stream != 2:
        assert b"-:1: the header lacks question, sentence" in done.stderr


@pytest.mark.parametrize("name", ["COLUMNS", "LINES"])
@pytest.mark.parametrize("value", ["0", "-5", "wide", ""])
def test_a_size_that_cannot_be_is_none(name: str, value: str, tmp_path: Path) -> None:
    environment = {**os.environ, name: value}
    done = glueharness("tasks", capture_output=True, cwd=tmp_path, env=environment)
    assert b"QNLI" in done.stdout.upper()
    failed = glueharness("run", "qnly", capture_output=True, cwd=tmp_path, env=environment)
    assert b"did you mean 'qnli'" in failed.stderr


def test_json_survives_a_reader_of_few_letters(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = glueharness("tasks", "--json", capture_output=True, cwd=tmp_path, env=environment)
    assert done.stdout.isascii()
    assert json.loads(done.stdout)
