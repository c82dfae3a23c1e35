"""The event log: ``events.jsonl``, one line per event, appended when it happens."""

from __future__ import annotations

import dataclasses
import json
import math
from datetime import datetime
from typing import TYPE_CHECKING, Any

from glueharness import hookimpl

if TYPE_CHECKING:
    from pathlib import Path

    from glueharness.plugin.events import (
        RunAdjusted,
        RunEvaluated,
        RunFailed,
        RunFinished,
        RunProgress,
        RunStarted,
        RunWarned,
    )

FILE = "events.jsonl"


class EventLog:
    """Writes each event at once, so that a reader of the file can follow the run live.

    Each line has ``event``, ``time`` (ISO 8601 with time zone), ``run`` and the event's own facts.
    A run that is resumed continues the same file.
    """

    def __init__(self) -> None:
        self._path: Path | None = None

    @hookimpl
    def glueharness_run_started(self, event: RunStarted) -> None:
        """Write the record as it is at the beginning."""
        self._path = event.folder / FILE
        record = dataclasses.asdict(event.record)
        self._write("started", event.record.id, record=record)

    @hookimpl
    def glueharness_run_adjusted(self, event: RunAdjusted) -> None:
        """Write a setting that differs from the first line."""
        self._write(
            "adjusted", event.run, setting=event.setting, value=event.value, reason=event.reason
        )

    @hookimpl
    def glueharness_run_progress(self, event: RunProgress) -> None:
        """Write progress, a few lines per second at most."""
        self._write("progress", event.run, **dataclasses.asdict(event.progress))

    @hookimpl
    def glueharness_run_evaluated(self, event: RunEvaluated) -> None:
        """Write one line per epoch."""
        self._write(
            "evaluated",
            event.run,
            epoch=event.epoch,
            metrics=event.evaluation.metrics,
            primary=event.evaluation.primary,
            losses=event.evaluation.losses,
            values=event.values,
        )

    @hookimpl
    def glueharness_run_warned(self, event: RunWarned) -> None:
        """Write a warning."""
        self._write("warned", event.run, message=event.message)

    @hookimpl
    def glueharness_run_finished(self, event: RunFinished) -> None:
        """Write the end, with the final scores."""
        record = event.record
        measured = dataclasses.asdict(record.measured) if record.measured is not None else None
        self._write(
            "finished", record.id, metrics=record.metrics, losses=record.losses,
            timings=record.timings, measured=measured,
        )  # fmt: skip

    @hookimpl
    def glueharness_run_failed(self, event: RunFailed) -> None:
        """Write how the run failed."""
        self._write("failed", event.record.id, status=event.record.status, error=event.record.error)

    def _write(self, event: str, run: str, **facts: Any) -> None:
        if self._path is None:
            return
        now = datetime.now().astimezone().isoformat(timespec="milliseconds")
        line = {"event": event, "time": now, "run": run, **facts}
        with self._path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(_plain(line), ensure_ascii=False, default=str) + "\n")


def _plain(value: Any) -> Any:
    """JSON has no NaN."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if hasattr(value, "items"):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
