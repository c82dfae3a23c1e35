"""MLflow: one MLflow run per run, in an experiment per task."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any

from glueharness import hookimpl
from glueharness_trackers.common import flat, of_epoch, require

if TYPE_CHECKING:
    from collections.abc import Iterable

    from glueharness.plugin.events import (
        RunEvaluated,
        RunFailed,
        RunFinished,
        RunProgress,
        RunStarted,
    )
    from glueharness.record.record import RunRecord

_VALUE_LENGTH = 500  # MLflow refuses longer parameters


class MLflow:
    """Settings as parameters, scores and losses as metrics, the record as an artefact.

    It uses the client's interface instead of MLflow's global run, so that several runs in one
    process, or a program with an MLflow run of its own, do not disturb each other.
    """

    def __init__(self) -> None:
        require("mlflow", "mlflow")
        self._client: Any = None
        self._run = ""

    @hookimpl
    def glueharness_run_started(self, event: RunStarted) -> None:
        """Open the run, in the experiment ``glueharness/<task>``."""
        from mlflow.tracking import MlflowClient

        record = event.record
        self._client = MlflowClient()
        name = f"glueharness/{record.task}"
        known = self._client.get_experiment_by_name(name)
        experiment = known.experiment_id if known else self._client.create_experiment(name)
        tags = {
            "model": record.model,
            "data": f"{record.data.source}: {record.data.location}",
            "marks": ", ".join(record.marks),
            "identity": record.identity,
        }
        run = self._client.create_run(experiment, run_name=record.id, tags=tags)
        self._run = run.info.run_id

    @hookimpl
    def glueharness_run_progress(self, event: RunProgress) -> None:
        """The values that the model reports, at its own count of steps."""
        progress = event.progress
        values = ((f"{progress.phase}/{name}", value) for name, value in progress.values.items())
        self._log(values, progress.done)

    @hookimpl
    def glueharness_run_evaluated(self, event: RunEvaluated) -> None:
        """The epoch's scores and values."""
        self._log(of_epoch(event), event.epoch)

    @hookimpl
    def glueharness_run_finished(self, event: RunFinished) -> None:
        """The final scores and the record."""
        values = ((f"final/{name}", value) for name, value in flat(event.record.metrics))
        self._log(values, 0)
        self._end(event.record, str(event.folder / "run.json"), "FINISHED")

    @hookimpl
    def glueharness_run_failed(self, event: RunFailed) -> None:
        """Mark the MLflow run as failed, or as killed if the user stopped it."""
        stopped = event.record.status == "interrupted"
        self._end(event.record, str(event.folder / "run.json"), "KILLED" if stopped else "FAILED")

    def _log(self, values: Iterable[tuple[str, float]], step: int) -> None:
        if self._client is None:
            return
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        metrics = [Metric(name, value, now, step) for name, value in values if math.isfinite(value)]
        if metrics:
            self._client.log_batch(self._run, metrics=metrics)

    def _end(self, record: RunRecord, file: str, status: str) -> None:
        if self._client is None:
            return
        # Not before: a model may adjust its settings, and MLflow lets no parameter be changed.
        for setting, item in record.settings.items():
            self._client.log_param(self._run, setting, str(item.value)[:_VALUE_LENGTH])
        if record.error:
            self._client.set_tag(self._run, "error", record.error[:_VALUE_LENGTH])
        self._client.log_artifact(self._run, file)
        self._client.set_terminated(self._run, status=status)
        self._client = None
