"""Reads the predictions of very many runs with the help of other processes.

Decoding ten thousand files keeps one processor busy for more than a second, and threads hinder each
other in Python. Helpers take runs from the end of the list while this process reads what it needs,
and, where the records are not known from the index, they begin while this process reads those. So
it does not matter when a helper is ready, how quick it is, or whether it fails: what it did not
read, or could not, is read here.
"""

from __future__ import annotations

import contextlib
import pickle
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from glueharness.errors import RunFolderError
from glueharness.run.environment import core_count

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from glueharness.record.record import RunRecord
    from glueharness.record.store import RunStore
    from glueharness_leaderboard.evidence.stored_predictions import Reads, Sharing, Wanted

READY = b"glueharness reads\n"
"""What a helper writes first."""
FEWEST_RUNS = 2_000
"""Runs from which on a helper saves more time than its start takes."""
_MOST_HELPERS = 3
_RUNS_AT_ONCE = 100
_MOST_BYTES_AHEAD = 512 * 1024**2
"""What helpers may have read that nobody asked for yet."""
_LONGEST_WAIT = 10.0
"""Seconds after which runs that a helper has taken are read here."""


@dataclass(slots=True)
class _Chunk:
    """Some runs that are next to each other.

    Attributes:
        runs: By folder of the run: the files to read; without those that are read here already.
        state: Whether nobody reads it yet, this process does, a helper does, or a helper did.
        found: What a helper found, by folder.
    """

    runs: dict[str, list[Wanted]] = field(default_factory=dict)
    state: Literal["free", "here", "away", "read"] = "free"
    found: dict[str, Reads | None] = field(default_factory=dict)


@contextlib.contextmanager
def reading_ahead(store: RunStore, wants: Callable[[RunRecord], bool]) -> Iterator[Reader]:
    """A region in which helpers read predictions as soon as the store has read a run's record.

    Args:
        store: The store, whose runs are read within the region.
        wants: Whether the predictions of a run will be needed, as far as that is known.
    """
    reader = Reader(store)

    def told(run: RunRecord, folder: str) -> None:
        if wants(run):
            reader.offer(run, folder)

    try:
        if _helpers() and sum(map(_entries, store.folders)) >= FEWEST_RUNS:
            store.listener = told
        yield reader
    finally:
        store.listener = None
        reader.end()


def _helpers() -> int:
    """How many processes can help."""
    return min(core_count() - 1, _MOST_HELPERS) if sys.executable else 0


def _entries(folder: Path) -> int:
    try:
        return sum(1 for _ in folder.iterdir())
    except OSError:
        return 0


@contextlib.contextmanager
def reading_together(
    store: RunStore, runs: Sequence[RunRecord], ahead: Reader | None = None
) -> Iterator[Reader]:
    """A reader of predictions that has helpers if there are very many; they end with the region.

    Args:
        store: The store.
        runs: The runs that will be read, in this order.
        ahead: The reader whose helpers may have begun.
    """
    reader = ahead or Reader(store)
    try:
        reader.expect(runs)
        yield reader
    finally:
        reader.end()


class Reader:
    """Reads predictions; the same run is best read once.

    Args:
        store: The store.
    """

    def __init__(self, store: RunStore) -> None:
        self._store = store
        self._processes: list[subprocess.Popen[bytes]] = []
        self._threads: list[threading.Thread] = []
        self._changed = threading.Condition()
        self._free: list[_Chunk] = []
        self._chunks: dict[str, _Chunk] = {}
        self._filling = _Chunk()
        self._complete = False  # nothing is added to the list any more
        self._bytes_ahead = 0
        self._sharing: Sharing | None = None

    def offer(self, run: RunRecord, folder: str) -> None:
        """Let helpers read a run's predictions, which may be needed soon.

        Args:
            run: The run.
            folder: Its folder.
        """
        from glueharness_leaderboard.evidence.stored_predictions import wanted_in

        with contextlib.suppress(RunFolderError):  # as reading it here will tell
            self._filling.runs[folder] = wanted_in(folder, run)
            self._chunks[folder] = self._filling
        if len(self._filling.runs) >= _RUNS_AT_ONCE:
            self._hand_over()
            if not self._threads:
                self._start()

    def expect(self, runs: Sequence[RunRecord]) -> None:
        """Say which runs will be read, in their order, and no others."""
        if len(runs) >= FEWEST_RUNS and not self._threads:
            self._start()
        if not self._threads:
            return
        expected = {self._store.place(run): run for run in runs}
        for folder, run in expected.items():  # while helpers import what they need
            if folder not in self._chunks:
                self.offer(run, folder)
        self._hand_over()
        with self._changed:
            for chunk in self._free:
                for folder in chunk.runs.keys() - expected.keys():
                    del chunk.runs[folder]
            self._complete = True
            self._changed.notify_all()

    def _hand_over(self) -> None:
        with self._changed:
            self._free.append(self._filling)
            self._filling = _Chunk()
            self._changed.notify()

    def _start(self) -> None:
        command = [sys.executable, "-P", "-m", "glueharness_leaderboard.evidence.reading_process"]
        for _ in range(_helpers()):
            with contextlib.suppress(OSError):  # no more processes can be had
                process = subprocess.Popen(
                    command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                )
                self._processes.append(process)
        for process in self._processes:
            thread = threading.Thread(target=self._employ, args=(process,), daemon=True)
            with contextlib.suppress(RuntimeError):  # no more threads can be had
                thread.start()
                self._threads.append(thread)

    def end(self) -> None:
        """End the helpers."""
        with self._changed:
            self._complete = True
            self._free.clear()
            self._changed.notify_all()
        for process in self._processes:
            process.kill()
        for thread in self._threads:
            thread.join()
        for process in self._processes:
            for stream in (process.stdin, process.stdout):
                with contextlib.suppress(OSError):
                    stream and stream.close()
            process.wait()

    def read(self, run: RunRecord) -> Reads:
        """What a run predicted.

        Raises:
            RunFolderError: As :func:`read_run`.
        """
        from glueharness_leaderboard.evidence.stored_predictions import (
            Sharing,
            read_files,
            wanted_in,
        )

        self._sharing = self._sharing or Sharing()
        folder = self._store.place(run)
        found = self._found(folder)
        return self._sharing.of(read_files(wanted_in(folder, run)) if found is None else found)

    def _found(self, folder: str) -> Reads | None:
        """What a helper found; None where the run is to be read here."""
        chunk = self._chunks.get(folder)
        if chunk is None or chunk.state == "here":
            return None
        with self._changed:
            if chunk.state == "free":
                chunk.runs.pop(folder, None)
                return None
            until = time.monotonic() + _LONGEST_WAIT
            while chunk.state == "away":
                left = until - time.monotonic()
                if left > 0:
                    self._changed.wait(left)
                else:
                    chunk.state = "here"  # the helper was stopped, or waits for something
            found = chunk.found.pop(folder, None)
            self._bytes_ahead -= _bytes_of(found)
            self._changed.notify_all()
        return found

    def _employ(self, process: subprocess.Popen[bytes]) -> None:
        """Give a helper runs from the end of the list as long as there are any."""
        chunk = None
        try:
            questions, answers = process.stdin, process.stdout
            assert questions is not None and answers is not None  # noqa: S101, PT018 - pipes
            if answers.read(len(READY)) != READY:
                return  # somebody else writes there, for instance a sitecustomize that prints
            while (chunk := self._next()) is not None:
                pickle.dump([*chunk.runs.values()], questions, pickle.HIGHEST_PROTOCOL)
                questions.flush()
                found = pickle.load(answers)  # noqa: S301 - of the child
                with self._changed:
                    if chunk.state != "away":
                        return  # it took too long
                    chunk.found = dict(zip(chunk.runs, found, strict=True))
                    chunk.state = "read"
                    self._bytes_ahead += sum(map(_bytes_of, found))
                    self._changed.notify_all()
        except Exception:  # noqa: BLE001, S110 - it has ended, or what it writes is no answer
            pass  # the rest is read here
        finally:
            with self._changed:
                if chunk is not None and chunk.state == "away":
                    chunk.state = "here"
                self._changed.notify_all()

    def _next(self) -> _Chunk | None:
        with self._changed:
            while True:
                while self._free and self._bytes_ahead < _MOST_BYTES_AHEAD:
                    chunk = self._free.pop()
                    if chunk.runs:
                        chunk.state = "away"
                        return chunk
                if self._complete and not self._free:
                    return None
                self._changed.wait()


def _bytes_of(found: Reads | None) -> int:
    """Memory for what a run predicted, without what is the same for all of them."""
    if found is None:
        return 0
    return sum(split.predictions.values.nbytes for split in found.values())
