"""Keeps the scores of a run whose task has been defined anew since, without touching the run."""

from __future__ import annotations

import dataclasses
import sys
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from glueharness.record.computation import Computation
from glueharness.record.record import ParentRecord
from glueharness.record.run_file import check_keepable, write_record
from glueharness.record.seals import model_hash, seal
from glueharness.run.environment import without_password
from glueharness.run.one_run import RunResult
from glueharness.run.predictions import write_predictions
from glueharness.run.recorded_task import definition_of, describe_task

if TYPE_CHECKING:
    from glueharness.record.store import RunStore
    from glueharness.run.rescore import Rescored


def keep_rescored(found: Rescored, store: RunStore) -> RunResult:
    """Leave a run of the kind ``evaluation``: the same predictions, scored by today's task.

    Its computation says just that: the model, system and rows of the run, and the task as it is
    defined now. The run itself stays as it is.

    Args:
        found: A run whose scores were computed anew with the data's own labels.
        store: Where it is, and the new run will be.

    Raises:
        RunFolderError: The folder cannot be written.
    """
    first = found.record
    task = found.registry.task(first.task)
    computation = _computation(found, store)
    identity = computation.identity
    done = store.completed(identity)
    if done is not None:
        return RunResult(record=done, folder=store.path(done), reused=True)
    primary = [scores[task.primary.name] for scores in found.metrics.values()]
    now = datetime.now().astimezone()
    record = dataclasses.replace(
        first,
        id="",
        identity=identity,
        computation=computation,
        kind="evaluation",
        task_version=task.version,
        definition=definition_of(task, found.registry, lambda: found.files),
        started=now.isoformat(timespec="milliseconds"),
        finished=now.isoformat(timespec="milliseconds"),
        data=dataclasses.replace(
            first.data, splits={name: first.data.splits[name] for name in found.metrics}
        ),
        metrics=found.metrics,
        losses=found.losses,
        primary=sum(primary) / len(primary),
        primary_metric=task.primary.name,
        history=[],
        measured=None,
        timings={},
        notes={**first.notes, "rescored": first.id},
        warnings=[],
        command=[without_password(word) for word in sys.argv],
        parent=ParentRecord(id=first.id, identity=first.identity, marks=first.marks),
        reproduction_of=None,
        resumed=0,
        seals={},
    )
    check_keepable(record)
    folder = store.create(record.task, record.model, now)
    record.id = folder.name
    for name, rows in found.rows.items():
        stored = found.stored[name]
        scores = stored.scores
        if scores is None:
            scores = np.array(stored.values, dtype=np.float64)
        write_predictions(folder, name, task, rows, scores)
    record.seals = seal(folder)
    write_record(folder, record)
    return RunResult(record=record, folder=folder, reused=False)


def _computation(found: Rescored, store: RunStore) -> Computation:
    first = found.record
    before = first.computation
    assert before is not None  # noqa: S101 - only such runs are scored anew and kept
    trained, learnt = before.trained, before.learnt
    if first.kind == "training":
        learnt = first.task
        trained = model_hash(store.path(first)) if store.has_model(first) else ""
    return Computation(
        task=describe_task(found.registry.task(first.task), found.registry),
        data={name: before.data[name] for name in found.metrics},
        model=before.model,
        system=before.system,
        kind="evaluation",
        learnt=learnt,
        trained=trained,
    )
