"""Reads the predictions of very many runs with the help of other processes.

Decoding ten thousand files keeps one processor busy for more than a second, and threads hinder each
other in Python. A helper takes the runs from the end of the list while this process reads from its
beginning, so it does not matter when the helper is ready, how quick it is, or whether it fails:
what it did not read is read here.
"""

from __future__ import annotations

import contextlib
import pickle
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from glueharness.errors import RunFolderError
from glueharness.run.environment import core_count

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from glueharness.record.record import RunRecord
    from glueharness.record.store import RunStore
    from glueharness_leaderboard.evidence.stored_predictions import Reads, Sharing, Wanted

FEWEST_RUNS = 2_000
"""Runs from which on a helper saves more time than its start takes."""
_MOST_HELPERS = 3
_RUNS_AT_ONCE = 100


@dataclass(slots=True)
class _Chunk:
    """Some runs that are next to each other.

    Attributes:
        runs: By id of the run: the files to read.
        state: Whether nobody reads it yet, this process does, a helper does, or a helper did.
        found: What a helper found, by id.
    """

    runs: dict[str, list[Wanted]]
    state: Literal["free", "here", "away", "read"] = "free"
    found: dict[str, Reads | RunFolderError] = field(default_factory=dict)


@contextlib.contextmanager
def reading_together(store: RunStore, runs: Sequence[RunRecord]) -> Iterator[Reader]:
    """A reader of predictions that has helpers if there are very many; they end with the region.

    Args:
        store: The store.
        runs: The runs that will be read, in this order.
    """
    reader = Reader(store)
    try:
        if len(runs) >= FEWEST_RUNS:
            reader.start(runs)
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
        self._sharing: Sharing | None = None

    def start(self, runs: Sequence[RunRecord]) -> None:
        """Start helpers, and tell them what to read."""
        command = [sys.executable, "-P", "-m", "glueharness_leaderboard.evidence.reading_process"]
        for _ in range(min(core_count() - 1, _MOST_HELPERS) if sys.executable else 0):
            with contextlib.suppress(OSError):  # no more processes can be had
                process = subprocess.Popen(
                    command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                )
                self._processes.append(process)
        if self._processes:
            self._share(runs)  # while they import what they need
        for process in self._processes:
            thread = threading.Thread(target=self._employ, args=(process,), daemon=True)
            thread.start()
            self._threads.append(thread)

    def _share(self, runs: Sequence[RunRecord]) -> None:
        from glueharness_leaderboard.evidence.stored_predictions import wanted_of

        for start in range(0, len(runs), _RUNS_AT_ONCE):
            chunk = _Chunk({})
            for run in runs[start : start + _RUNS_AT_ONCE]:
                with contextlib.suppress(RunFolderError):  # as reading it here will tell
                    chunk.runs[run.id] = wanted_of(run, self._store)
            self._free.append(chunk)
            self._chunks |= dict.fromkeys(chunk.runs, chunk)

    def end(self) -> None:
        """End the helpers."""
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
            wanted_of,
        )

        self._sharing = self._sharing or Sharing()
        chunk = self._chunks.get(run.id)
        if chunk is None:
            return self._sharing.of(read_files(wanted_of(run, self._store)))
        found = self._found(chunk, run.id)
        if isinstance(found, RunFolderError):
            raise found
        return self._sharing.of(read_files(chunk.runs[run.id]) if found is None else found)

    def _found(self, chunk: _Chunk, name: str) -> Reads | RunFolderError | None:
        """What a helper found; None where the run is to be read here."""
        if chunk.state == "here":
            return None
        with self._changed:
            if chunk.state == "free":
                chunk.state = "here"
            while chunk.state == "away":
                self._changed.wait()
        return chunk.found.pop(name, None)

    def _employ(self, process: subprocess.Popen[bytes]) -> None:
        """Give a helper runs from the end of the list as long as there are any."""
        chunk = None
        try:
            questions, answers = process.stdin, process.stdout
            assert questions is not None and answers is not None  # noqa: S101, PT018 - pipes
            pickle.load(answers)  # noqa: S301 - of the child: that it is ready
            while (chunk := self._next()) is not None:
                pickle.dump([*chunk.runs.values()], questions, pickle.HIGHEST_PROTOCOL)
                questions.flush()
                found = pickle.load(answers)  # noqa: S301 - of the child
                with self._changed:
                    chunk.found = dict(zip(chunk.runs, found, strict=True))
                    chunk.state = "read"
                    self._changed.notify_all()
        except (OSError, EOFError, ValueError, MemoryError, pickle.PickleError):
            pass  # it has ended, or the answer does not fit in here: the rest is read here
        finally:
            with self._changed:
                if chunk is not None and chunk.state == "away":
                    chunk.state = "here"
                self._changed.notify_all()

    def _next(self) -> _Chunk | None:
        with self._changed:
            while self._free:
                chunk = self._free.pop()
                if chunk.state == "free":
                    chunk.state = "away"
                    return chunk
        return None
