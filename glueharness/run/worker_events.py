"""A worker's ear for the events of its run: they become notes, and lines of its log."""

from __future__ import annotations

import os
import sys
import time
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from glueharness.plugin.hookspecs import hookimpl
from glueharness.run.work_folder import LOG

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path
    from types import TracebackType

    from glueharness.plugin.events import (
        RunEvaluated,
        RunFailed,
        RunFinished,
        RunProgress,
        RunStarted,
        RunWarned,
    )
    from glueharness.specs import NoteKind

_SECONDS_BETWEEN_NOTES = 0.5


class WorkerEvents:
    """Sends notes; while a run has a folder, what the process prints goes to a log in it.

    Args:
        send: Takes a note.
        shared: Whether the driver sees the run folders.
    """

    def __init__(
        self, send: Callable[[NoteKind, Mapping[str, Any]], None], *, shared: bool
    ) -> None:
        self._send, self._shared = send, shared
        self._last, self._phase = 0.0, ""
        self._streams: list[tuple[int, int]] = []

    def __enter__(self) -> Self:
        """Begin to listen."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give the process its own streams back."""
        sys.stdout.flush()
        sys.stderr.flush()
        while self._streams:
            number, kept = self._streams.pop()
            os.dup2(kept, number)
            os.close(kept)

    @hookimpl
    def glueharness_run_started(self, event: RunStarted) -> None:
        """Say which run it is, and print into its folder from now on."""
        log = event.folder / LOG
        where = str(log.absolute()) if self._shared else ""
        self._print_into(log)
        self._say(f"run {event.record.id} begins, resumed {event.record.resumed} times")
        self._send(
            "started", {"run": event.record.id, "log": where, "marks": list(event.record.marks)}
        )

    @hookimpl
    def glueharness_run_progress(self, event: RunProgress) -> None:
        """Pass on how far it is, twice a second at most."""
        progress, now = event.progress, time.monotonic()
        if progress.phase == self._phase and now - self._last < _SECONDS_BETWEEN_NOTES:
            return
        if progress.phase != self._phase:
            self._say(f"{progress.phase}, {progress.total} units")
        self._last, self._phase = now, progress.phase
        facts = {"phase": progress.phase, "done": progress.done, "total": progress.total}
        self._send("progress", facts)

    @hookimpl
    def glueharness_run_evaluated(self, event: RunEvaluated) -> None:
        """Pass on the scores of an epoch."""
        primary = event.evaluation.primary
        self._say(f"epoch {event.epoch}: {event.evaluation.metrics}")
        self._send("evaluated", {"epoch": event.epoch, "primary": primary})

    @hookimpl
    def glueharness_run_warned(self, event: RunWarned) -> None:
        """Pass on a warning."""
        self._say(f"warning: {event.message}")
        self._send("warned", {"message": event.message})

    @hookimpl
    def glueharness_run_finished(self, event: RunFinished) -> None:
        """Leave a line."""
        self._say(f"run {event.record.id} is complete")

    @hookimpl
    def glueharness_run_failed(self, event: RunFailed) -> None:
        """Leave a line."""
        self._say(f"run {event.record.id} is {event.record.status}: {event.record.error}")

    def _print_into(self, log: Path) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        handle = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
        for number in (1, 2):
            self._streams.append((number, os.dup(number)))
            os.dup2(handle, number)
        os.close(handle)

    def _say(self, line: str) -> None:
        now = datetime.now().astimezone().isoformat(timespec="seconds")
        os.write(2, f"{now} {line}\n".encode("utf-8", "backslashreplace"))
