"""Worker processes on this machine. A worker does one run after another."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from glueharness import ENDS, GlueharnessError, Note, RunFolderError
from glueharness.run.environment import core_count
from glueharness.run.work_folder import WorkFolder, last_words
from glueharness.run.worker import CANNOT_TELL, cannot_tell

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glueharness import ExecutorContext, Work

_SECONDS_BETWEEN_LOOKS = 0.02
_SECONDS_TO_END = 5.0
_GPUS = Path("/proc/driver/nvidia/gpus")


@dataclass(slots=True)
class _Worker:
    """A worker process, and the work that it has; one that was stopped ends and gets no other."""

    process: subprocess.Popen[bytes]
    slot: int
    log: Path
    work: Work | None = None
    folder: WorkFolder | None = None
    ending: bool = False


class LocalExecutor:
    """Starts up to as many worker processes as there are jobs.

    Each is told through its standard input which work is next, is in a session of its own, so that
    Ctrl-C in the terminal reaches the driver alone, and is stopped by the kernel when the driver
    is gone.

    Args:
        context: What it is made with.
    """

    def __init__(self, context: ExecutorContext) -> None:
        self._folder = context.folder
        self._jobs = context.jobs or 1
        self._queue: deque[Work] = deque()
        self._workers: list[_Worker] = []
        self._notes: list[Note] = []

    def submit(self, works: Sequence[Work]) -> list[str]:
        """Put works into the queue; they end with this process."""
        self._queue.extend(works)
        return [""] * len(works)

    def attach(self, work: Work, handle: str) -> bool:  # noqa: ARG002 - as every executor
        """Nothing outlives the process that submitted it."""
        return False

    def poll(self, seconds: float) -> list[Note]:
        """What happened since the last call."""
        end = time.monotonic() + seconds
        while True:
            self._look()
            self._hand_out()
            if self._notes or time.monotonic() >= end:
                notes, self._notes = self._notes, []
                return notes
            time.sleep(_SECONDS_BETWEEN_LOOKS)

    def stop(self, key: str, *, now: bool = False) -> None:
        """Let a work's process save a checkpoint, or kill it."""
        for work in [work for work in self._queue if work.key == key]:
            self._queue.remove(work)
            self._notes.append(Note(key=key, kind="stopped"))
        for worker in self._workers:
            if worker.work is not None and worker.work.key == key:
                _signal(worker.process, signal.SIGKILL if now else signal.SIGTERM)

    def close(self) -> None:
        """End the workers; one that is at work is killed."""
        for worker in self._workers:
            if worker.work is not None:
                _signal(worker.process, signal.SIGKILL)
            if worker.process.stdin is not None:
                with contextlib.suppress(OSError):
                    worker.process.stdin.close()
        for worker in self._workers:
            try:
                worker.process.wait(_SECONDS_TO_END)
            except subprocess.TimeoutExpired:
                _signal(worker.process, signal.SIGKILL)
                worker.process.wait()
            worker.log.unlink(missing_ok=True)
            if worker.folder is not None:
                worker.folder.remove()
        self._workers.clear()

    def _look(self) -> None:
        """Read the workers' notes, and see which of them are gone."""
        for worker in list(self._workers):
            gone = worker.process.poll() is not None  # before reading: no note comes after it
            if worker.work is not None and worker.folder is not None:
                self._read(worker, gone=gone)
            if gone:
                self._workers.remove(worker)
                worker.log.unlink(missing_ok=True)
                if worker.process.stdin is not None:
                    with contextlib.suppress(OSError):
                        worker.process.stdin.close()

    def _read(self, worker: _Worker, *, gone: bool) -> None:
        assert worker.work is not None  # noqa: S101 - the caller looked
        assert worker.folder is not None  # noqa: S101
        key = worker.work.key
        notes = worker.folder.read(key)
        if gone and not any(note.kind in ENDS for note in notes):
            notes.append(_last_note(key, worker, self._folder))
        self._notes += notes
        if any(note.kind in ENDS for note in notes):
            worker.ending = any(note.kind == "stopped" for note in notes)
            worker.folder.remove()
            worker.work = worker.folder = None

    def _hand_out(self) -> None:
        while self._queue:
            idle = (each for each in self._workers if each.work is None and not each.ending)
            worker = next(idle, None)
            if worker is None and len(self._workers) < self._jobs:
                worker = self._start()
            if worker is None:
                return
            self._give(worker, self._queue.popleft())

    def _give(self, worker: _Worker, work: Work) -> None:
        try:
            folder = WorkFolder.make(work, self._folder)
        except OSError as error:
            raise RunFolderError(
                f"a worker cannot be told what to do: {error.strerror or error}",
                where=str(self._folder),
                remedy="Free some space, or choose another folder of runs: --runs-dir",
            ) from error
        worker.work, worker.folder = work, folder
        assert worker.process.stdin is not None  # noqa: S101 - it was started with one
        with contextlib.suppress(OSError):  # it is gone, as the next look shows
            # As JSON: a folder may have a line feed in its name.
            worker.process.stdin.write(json.dumps(str(folder.path)).encode("ascii") + b"\n")
            worker.process.stdin.flush()

    def _start(self) -> _Worker:
        taken = {worker.slot for worker in self._workers}
        slot = next(slot for slot in range(self._jobs) if slot not in taken)
        log = self._folder / f"worker-{os.getpid()}-{slot}.log"
        try:
            with log.open("wb") as stream:
                process = subprocess.Popen(
                    [sys.executable, "-m", "glueharness.run.worker"],
                    stdin=subprocess.PIPE,
                    stdout=stream,
                    stderr=subprocess.STDOUT,
                    env={**os.environ, **share_of(slot, self._jobs)},
                    start_new_session=True,
                )
        except OSError as error:
            raise GlueharnessError(
                f"a worker process cannot be started: {error.strerror or error}",
                remedy="Use fewer: --jobs",
            ) from error
        worker = _Worker(process=process, slot=slot, log=log)
        self._workers.append(worker)
        return worker


def share_of(slot: int, jobs: int) -> dict[str, str]:
    """A worker's part of the processors, and its graphics processor if there are any.

    Args:
        slot: Which worker it is, from 0.
        jobs: How many there are.
    """
    share = {"OMP_NUM_THREADS": str(max(1, core_count() // jobs))}
    gpus = _gpus()
    if gpus:
        share["CUDA_VISIBLE_DEVICES"] = gpus[slot % len(gpus)]
    return share


def _gpus() -> list[str]:
    """The graphics processors that this process may use, by the names that CUDA gives them."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if named is not None:
        return [name for name in named.split(",") if name]
    try:
        return [str(number) for number, _ in enumerate(_GPUS.iterdir())]
    except OSError:
        return []


def _signal(process: subprocess.Popen[bytes], number: int) -> None:
    """Send a signal to a worker; a kill reaches what it has started, too."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if number == signal.SIGKILL:
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)


def _last_note(key: str, worker: _Worker, folder: Path) -> Note:
    """What to say of a work whose worker said nothing when it ended."""
    code = worker.process.returncode
    if code == CANNOT_TELL:
        return Note(key=key, kind="failed", value=cannot_tell(folder))
    return Note(key=key, kind="lost", value={"why": _why(code, last_words(worker.log))})


def _why(code: int, words: str) -> str:
    if code < 0:
        name = signal.Signals(-code).name if -code in set(signal.Signals) else str(-code)
        how = f"killed by {name}"
    else:
        how = f"ended with code {code}"
    return f"{how}; its last line was: {words}" if words else how
