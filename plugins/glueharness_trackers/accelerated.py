"""Services that keep experiments, each through the tracker that ``accelerate`` has for it.

Accelerate knows how a dozen of these libraries are started, fed and closed, so that no code of
ours depends on any of them.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from glueharness import hookimpl
from glueharness_trackers.common import flat, require

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from glueharness.plugin.events import (
        RunEvaluated,
        RunFailed,
        RunFinished,
        RunProgress,
        RunStarted,
    )
    from glueharness.record.record import RunRecord
    from glueharness_trackers.services import Service, ServiceSettings

_TRAIN = "train"


class Accelerated:
    """Settings as configuration, scores and losses as metrics.

    Account and server are those of the library's own environment variables and log-in.

    Args:
        service: Which one.
        settings: Where it keeps the run.
    """

    def __init__(self, service: Service, settings: ServiceSettings) -> None:
        require(service.module, service.name)
        require("accelerate", service.name)
        self._service, self._settings = service, settings
        self._tracker: Any = None
        self._step = 0

    @hookimpl
    def glueharness_run_started(self, event: RunStarted) -> None:
        """Begin a run there, with the settings as they were asked for."""
        from accelerate import PartialState
        from accelerate.tracking import LOGGER_TYPE_TO_CLASS

        PartialState()  # by which its trackers know that this process is the main one
        record, service = event.record, self._service
        options: dict[str, Any] = {}
        if service.named_by:
            options[service.named_by] = self._settings.name or record.id
        if service.kept_in:
            options[service.kept_in] = str(_folder(event.folder, service))
        kind: Any = LOGGER_TYPE_TO_CLASS[service.known_as]
        self._tracker = kind(self._settings.project, **options)
        self._tracker.start()
        facts = {
            "task": record.task,
            "run": record.id,
            "data": f"{record.data.source}: {record.data.standing}",
            "marks": ", ".join(record.marks),
            "identity": record.identity,
        }
        self._tracker.store_init_configuration({**facts, **_settings_of(record)})

    @hookimpl
    def glueharness_run_progress(self, event: RunProgress) -> None:
        """The values that the model reports while it trains, at its own count of steps."""
        progress = event.progress
        if progress.phase == _TRAIN:
            self._step = max(self._step, progress.done)
            self._log((f"{_TRAIN}/{name}", value) for name, value in progress.values.items())

    @hookimpl
    def glueharness_run_evaluated(self, event: RunEvaluated) -> None:
        """The epoch's scores and values."""
        values = (*flat(event.evaluation.metrics), *flat({"epoch": event.values}))
        self._log([*values, ("epoch", event.epoch)])

    @hookimpl
    def glueharness_run_finished(self, event: RunFinished) -> None:
        """The final scores, and the settings with what the model adjusted."""
        self._log((f"final/{name}", value) for name, value in flat(event.record.metrics))
        self._end(event.record)

    @hookimpl
    def glueharness_run_failed(self, event: RunFailed) -> None:
        """Say how it ended; what was logged remains."""
        self._end(event.record)

    def _log(self, values: Iterable[tuple[str, float]]) -> None:
        known = {name: value for name, value in values if math.isfinite(value)}
        if self._tracker is not None and known:
            self._tracker.log(known, step=self._step)

    def _end(self, record: RunRecord) -> None:
        if self._tracker is None:
            return
        ended = {"status": record.status, "error": record.error or None}
        self._tracker.store_init_configuration({**_settings_of(record), **ended})
        self._tracker.finish()
        self._tracker = None


def _settings_of(record: RunRecord) -> Mapping[str, Any]:
    """Settings as values that every service can keep."""
    plain = (bool, int, float, str, type(None))
    return {
        name: item.value if isinstance(item.value, plain) else str(item.value)
        for name, item in record.settings.items()
    }


def _folder(run: Path, service: Service) -> Path:
    """The folder in the run folder where the library's files go."""
    folder = run / service.name
    folder.mkdir(exist_ok=True)
    return folder
