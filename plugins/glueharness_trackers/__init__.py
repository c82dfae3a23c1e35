"""Trackers, which follow a run: a log of JSON lines, TensorBoard, MLflow, and hosted services."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from glueharness import TrackerSpec, hookimpl

if TYPE_CHECKING:
    from glueharness_trackers.services import Service, ServiceSettings


def _jsonl() -> object:
    from glueharness_trackers.jsonl import EventLog

    return EventLog()


def _tensorboard() -> object:
    from glueharness_trackers.tensorboard import TensorBoard

    return TensorBoard()


def _mlflow() -> object:
    from glueharness_trackers.mlflow import MLflow

    return MLflow()


def _service(service: Service, settings: ServiceSettings) -> object:
    from glueharness_trackers.accelerated import Accelerated

    return Accelerated(service, settings)


@hookimpl
def glueharness_trackers() -> list[TrackerSpec]:
    """A log in the run folder, and trackers whose libraries are extras."""
    from glueharness_trackers.services import SERVICES, ServiceSettings

    return [
        TrackerSpec(
            name="jsonl",
            description="Writes each event as a line of JSON to events.jsonl in the run folder.",
            factory=_jsonl,
        ),
        TrackerSpec(
            name="tensorboard",
            description="Writes curves to tensorboard/ in the run folder [extra: tensorboard].",
            factory=_tensorboard,
        ),
        TrackerSpec(
            name="mlflow",
            description="Makes an MLflow run, where MLFLOW_TRACKING_URI says [extra: mlflow].",
            factory=_mlflow,
        ),
        *(
            TrackerSpec(
                name=service.name,
                description=f"Makes a run of {service.title}, with settings and scores "
                f"[extra: {service.name}].",
                factory=functools.partial(_service, service),
                settings=ServiceSettings,
            )
            for service in SERVICES
        ),
    ]
