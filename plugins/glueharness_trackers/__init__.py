"""Trackers: what happens in a run, as a log of JSON lines, in TensorBoard, and in MLflow."""

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
            description="Every event as a line of JSON, in events.jsonl in the run folder.",
            factory=_jsonl,
        ),
        TrackerSpec(
            name="tensorboard",
            description="Curves in tensorboard/ in the run folder [extra: tensorboard].",
            factory=_tensorboard,
        ),
        TrackerSpec(
            name="mlflow",
            description="A run of MLflow, where MLFLOW_TRACKING_URI says [extra: mlflow].",
            factory=_mlflow,
        ),
    ]
