"""Trackers, which follow a run: a log of JSON lines, TensorBoard, and MLflow."""

from __future__ import annotations

from glueharness import TrackerSpec, hookimpl


def _jsonl() -> object:
    from glueharness_trackers.jsonl import EventLog

    return EventLog()


def _tensorboard() -> object:
    from glueharness_trackers.tensorboard import TensorBoard

    return TensorBoard()


def _mlflow() -> object:
    from glueharness_trackers.mlflow import MLflow

    return MLflow()


@hookimpl
def glueharness_trackers() -> list[TrackerSpec]:
    """A log in the run folder, and two trackers whose libraries are extras."""
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
    ]
