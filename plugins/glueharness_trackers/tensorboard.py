"""TensorBoard: ``tensorboard --logdir runs`` shows all runs side by side."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from glueharness import hookimpl
from glueharness_trackers.common import flat, of_epoch, require

if TYPE_CHECKING:
    from glueharness.plugin.events import (
        RunEvaluated,
        RunFailed,
        RunFinished,
        RunProgress,
        RunStarted,
    )

FOLDER = "tensorboard"


class TensorBoard:
    """Writes scores per epoch, values per step, and settings with final scores (HParams)."""

    def __init__(self) -> None:
        require("tensorboard", "tensorboard")
        self._writer: Any = None

    @hookimpl
    def glueharness_run_started(self, event: RunStarted) -> None:
        """Open the event file, in the run folder."""
        from torch.utils.tensorboard import SummaryWriter

        self._writer = SummaryWriter(str(event.folder / FOLDER))

    @hookimpl
    def glueharness_run_progress(self, event: RunProgress) -> None:
        """The values that the model reports, at its own count of steps."""
        progress = event.progress
        for name, value in progress.values.items():
            if self._writer is not None and math.isfinite(value):
                self._writer.add_scalar(f"{progress.phase}/{name}", value, progress.done)

    @hookimpl
    def glueharness_run_evaluated(self, event: RunEvaluated) -> None:
        """The epoch's scores and values."""
        if self._writer is None:
            return
        for name, value in of_epoch(event):
            self._writer.add_scalar(name, value, event.epoch)
        self._writer.flush()

    @hookimpl
    def glueharness_run_finished(self, event: RunFinished) -> None:
        """The settings with the final scores, for the table of hyperparameters."""
        if self._writer is None:
            return
        record = event.record
        settings = {
            name: "none" if item.value is None else item.value
            for name, item in record.settings.items()
        }
        scores = {f"final/{name}": value for name, value in flat(record.metrics)}
        self._writer.add_hparams({"task": record.task, **settings}, scores, run_name=".")
        self._close()

    @hookimpl
    def glueharness_run_failed(self, event: RunFailed) -> None:
        """Close the file; what was written remains."""
        if self._writer is not None:
            self._writer.add_text("failed", event.record.error or event.record.status)
        self._close()

    def _close(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None
