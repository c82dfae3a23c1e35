"""Loads the trained model of a run, and predicts other rows with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glueharness.data.table import Table
from glueharness.errors import ConfigError, RunFolderError
from glueharness.record.record import MODEL_FOLDER
from glueharness.record.seals import check_model_seal
from glueharness.run.recorded_task import knowing
from glueharness.scoring.scorer import check_scores
from glueharness.settings.fields import Layer, Resolved, settings_of
from glueharness.settings.values import resolve
from glueharness.specs import INDEX_COLUMN, ModelContext

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from glueharness.plugin.guarded import GuardedModel
    from glueharness.plugin.registry import Registry
    from glueharness.record.record import RunRecord
    from glueharness.record.store import RunStore
    from glueharness.specs import FloatArray, Split, TaskSpec

PIECE = 1 << 16
"""Rows that are predicted at a time; of GLUE's test splits only QQP's is longer."""


def load_trained(
    store: RunStore,
    record: RunRecord,
    registry: Registry,
    *,
    consents: Mapping[str, Any] | None = None,
    offline: bool = False,
) -> GuardedModel:
    """The trained model of a run, which may have been made by anybody.

    Args:
        store: Where the run is.
        record: The run.
        registry: Where its task and model are looked up.
        consents: What the present command allows, by setting: a record is not asked for it.
        offline: Whether the network must not be touched.

    Raises:
        RunFolderError: The run has no model, or it has changed since.
        ConfigError: The task is no longer what the run learnt.
    """
    folder = store.path(record) / MODEL_FOLDER
    if record.kind == "evaluation":
        whose = f": name run {record.parent.id}, whose model it scored" if record.parent else ""
        raise RunFolderError(
            f"run {record.id} is an evaluation and has no model of its own{whose}",
            where=str(store.path(record)),
        )
    if not folder.is_dir():
        raise RunFolderError(
            f"run {record.id} has no saved model (its status is {record.status})", where=str(folder)
        )
    task = knowing(record, registry).task(record.task)
    check_task(record, task)
    check_model_seal(store.path(record), record)
    offered = registry.model(record.model)
    context = ModelContext(
        task=task,
        settings=trained_settings(record, registry, consents or {}).settings,
        seed=record.seed,
        argument=offered.argument,
        offline=offline,
        engines=tuple(registry.engines),
    )
    model = offered.make(context)
    model.load(folder)
    return model


def trained_settings(record: RunRecord, registry: Registry, given: Mapping[str, Any]) -> Resolved:
    """The settings that a run's model was trained with, as far as the model knows them today.

    Args:
        record: The run.
        registry: Where its model is looked up.
        given: What the present command gives, by setting; consents are of no other origin.
    """
    spec = registry.model(record.model).spec
    known = {item.name: item.info for item in settings_of(spec.settings)}
    values = {
        name: item.value
        for name, item in record.settings.items()
        if name in known and not known[name].consent
    }
    layers = [
        Layer(origin="command line", values=given),
        Layer(origin=f"run {record.id}", values=values),
    ]
    return resolve(spec.settings, layers, owner=f"model {spec.name!r}")


def task_problem(record: RunRecord, task: TaskSpec) -> str:
    """In what a task is no longer what a run learnt; empty if in nothing that its model needs.

    A record of schema 1 does not say what its task was.
    """
    if record.computation is None:
        return ""
    learnt = record.computation.task
    if learnt.labels != task.labels:
        return (
            f"its labels were {', '.join(learnt.labels) or 'none'} and are now "
            f"{', '.join(task.labels) or 'none'}"
        )
    if learnt.columns != task.columns:
        return f"its columns were {', '.join(learnt.columns)} and are now {', '.join(task.columns)}"
    return ""


def check_task(record: RunRecord, task: TaskSpec) -> None:
    """Refuse a run whose task has changed since: its scores would be read as other labels'.

    Raises:
        ConfigError: Labels or columns differ; both are shown.
    """
    problem = task_problem(record, task)
    if problem:
        raise ConfigError(
            f"the task {task.name} has changed since run {record.id}: {problem}",
            remedy=f"Train again (glueharness run {task.name}), or use the plugin as it was.",
        )


def predict(
    model: GuardedModel,
    learnt: TaskSpec,
    task: TaskSpec,
    split: Split,
    tell: Callable[[str], None] = lambda _: None,
) -> FloatArray:
    """Scores of a split in the order of the task's labels.

    Args:
        model: The model.
        learnt: The task that it was trained on.
        task: The task of the split; the same, or one that is predicted with it.
        split: What to predict.
        tell: Hears how far it is, if the split is long.

    Returns:
        float32 ``[n, k]``, or ``[n]`` for a regression.

    Raises:
        ModelError: The model did not give one score per label.
        ConfigError: The two tasks do not have the same labels or as many columns.
    """
    import numpy as np

    check_alike(learnt, task)
    if learnt is not task:
        split = _renamed(split, task.columns, learnt.columns)
    rows = len(split)
    pieces = []
    for start in range(0, rows, PIECE):
        piece = _piece(split, learnt.columns, start) if rows > PIECE else split
        scores = model.predict(piece)
        check_scores(scores, learnt, len(piece))
        pieces.append(scores)
        if rows > PIECE:
            tell(f"  {min(start + PIECE, rows):,} of {rows:,} rows")
    scores = np.concatenate(pieces)
    if learnt is task or task.regression or task.choices:
        return scores  # of choices, what counts is their place, whatever their labels are called
    # Labels travel by name: the tasks may number them differently.
    return scores[:, [learnt.labels.index(label) for label in task.labels]]


def check_alike(learnt: TaskSpec, task: TaskSpec) -> None:
    """Refuse a task that a model of another task cannot predict.

    Raises:
        ConfigError: They do not have the same labels, or as many choices, or as many columns.
    """
    what = f"{task.name} cannot be predicted with a model of {learnt.name}"
    if len(learnt.choices) != len(task.choices):
        raise ConfigError(
            f"{what}: {task.name} has {len(task.choices) or 'no'} choices, {learnt.name} has "
            f"{len(learnt.choices) or 'none'}"
        )
    if not task.choices and set(learnt.labels) != set(task.labels):
        raise ConfigError(
            f"{what}: the labels of {task.name} are {', '.join(task.labels) or 'numbers'}, those "
            f"of {learnt.name} are {', '.join(learnt.labels) or 'numbers'}"
        )
    if len(learnt.columns) != len(task.columns):
        raise ConfigError(
            f"{what}: its texts are {', '.join(task.columns)}, those of {learnt.name} are "
            f"{', '.join(learnt.columns)}"
        )


def _piece(split: Split, columns: tuple[str, ...], start: int) -> Split:
    """Some of the rows, so that a long prediction can tell how far it is."""
    return Table({name: split[name][start : start + PIECE] for name in columns})


def _renamed(split: Split, names: tuple[str, ...], others: tuple[str, ...]) -> Split:
    """The text columns under other names."""
    columns = {new: split[old] for old, new in zip(names, others, strict=True)}
    if INDEX_COLUMN in split.column_names:
        columns[INDEX_COLUMN] = split[INDEX_COLUMN]
    return Table(columns)
