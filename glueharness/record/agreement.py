"""What a record says in two places must agree, or neither is believed."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from glueharness.record.computation import Computation
    from glueharness.record.record import RunRecord

_CLOSE = 1e-6
_LEADS_ELSEWHERE = frozenset("/\\\0")


def check_agreement(record: RunRecord) -> None:
    """Refuse a record that contradicts itself.

    Raises:
        ValueError: It says in what.
    """
    for name in record.data.splits:
        # Predictions of a split are a file of that name.
        if _LEADS_ELSEWHERE & {*name} or name.startswith("."):
            raise ValueError(f"a split cannot be called {name!r}")
    dev = {name for name, split in record.data.splits.items() if split.role == "dev"}
    if unknown := {*record.metrics, *record.losses} - dev:
        raise ValueError(f"it has scores of {min(unknown)!r}, which is no dev split of the run")
    if record.status == "completed" and not dev:
        raise ValueError("it says that it is completed and has no dev split")
    _check_primary(record)
    if record.computation is not None:
        _check_computation(record, record.computation)
    _check_planned(record)


def _check_planned(record: RunRecord) -> None:
    """Only how it was computed may have turned out otherwise than planned, not what."""
    planned, computed = record.planned, record.computation
    if planned is None:
        return
    if computed is None or planned != _planned_otherwise(computed, planned):
        raise ValueError("it was planned to compute something else than what it computed")


def _planned_otherwise(computed: Computation, planned: Computation) -> Computation:
    model = dataclasses.replace(computed.model, code=planned.model.code)
    return dataclasses.replace(computed, model=model, system=planned.system)


def _check_primary(record: RunRecord) -> None:
    """The score that ranks follows from the others."""
    scores = [values.get(record.primary_metric) for values in record.metrics.values()]
    known = [score for score in scores if score is not None]
    if record.primary is None or not known or len(known) < len(scores):
        return
    mean = sum(known) / len(known)
    if abs(record.primary - mean) > _CLOSE * max(1.0, abs(mean)):
        raise ValueError(
            f"its primary score is {record.primary:g}, and the mean of its {record.primary_metric} "
            f"is {mean:g}"
        )


def _check_computation(record: RunRecord, computed: Computation) -> None:
    """What is shown of a run is what was computed."""
    task, model = computed.task, computed.model
    family = record.model.partition(":")[0]
    pairs: dict[str, tuple[object, object]] = {
        "task": (record.task, task.name),
        "version of the task's data": (record.task_version, task.version),
        "seed": (record.seed, model.seed),
        "primary metric": (record.primary_metric, (*task.metrics, "")[0]),
        # The computation of a family may leave the argument out: the weights say more.
        "model": (record.model if ":" in model.name else family, model.name),
    }
    splits = {name: split.fingerprint for name, split in record.data.splits.items()}
    for name in sorted({*splits, *computed.data}):
        rows = f"fingerprint of the rows of {name}"
        pairs[rows] = (splits.get(name, "none"), computed.data.get(name, "none"))
    for what, (shown, was) in pairs.items():
        if shown != was:
            raise ValueError(f"its {what} is {shown or 'none'} here and {was or 'none'} there")
