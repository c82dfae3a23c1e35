"""Ask the model of a run about a test split."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from glueharness.data.opening import AUTO, open_data
from glueharness.data.table import Table, check
from glueharness.errors import PluginError, RunFolderError, SourceUnavailable, SubmissionError
from glueharness.plugin.blame import blamed
from glueharness.record.record import MODEL_FOLDER
from glueharness.run.config import RunConfig
from glueharness.run.one_run import make_model
from glueharness.scoring.scorer import check_scores
from glueharness.settings.fields import Layer, resolve, settings_of
from glueharness.settings.run_options import RunOptions
from glueharness.specs import INDEX_COLUMN, DataOptions

if TYPE_CHECKING:
    from collections.abc import Callable

    from glueharness.data.opening import OpenedData
    from glueharness.plugin.registry import Registry
    from glueharness.record.record import RunRecord
    from glueharness.specs import FloatArray, Model, Split, SubmissionFile, TaskSpec
    from glueharness.submission.plan import SubmitOptions

PIECE = 1 << 16
"""Rows that are predicted at a time; of GLUE's test splits only QQP's is longer."""
_COMPLETE = "Give the complete official data: --data-dir FOLDER"


def load_model(record: RunRecord, folder: Path, registry: Registry) -> Model:
    """The trained model of a run.

    Raises:
        RunFolderError: The run has no model.
    """
    model_folder = folder / MODEL_FOLDER
    if not model_folder.is_dir():
        raise RunFolderError(
            f"run {record.id} has no saved model (its status is {record.status})",
            where=str(model_folder),
        )
    spec, _ = registry.model(record.model)
    known = {item.name for item in settings_of(spec.settings)}
    values = {name: item.value for name, item in record.settings.items() if name in known}
    layer = Layer(origin=f"run {record.id}", values=values)
    config = RunConfig(
        task=record.task,
        options=RunOptions(model=record.model, seed=record.seed),
        settings=resolve(spec.settings, [layer], owner=f"model {spec.name!r}").settings,
    )
    model = make_model(registry.task(record.task), config, registry)
    with blamed(
        f"the model {spec.name!r}", registry.models.owner(spec.name), "failed to load what it saved"
    ):
        model.load(model_folder)
    return model


def data_of(record: RunRecord, options: SubmitOptions) -> DataOptions:
    """The options that find a run's data again, save for what the user says otherwise."""
    if options.data_dir is not None:
        source = options.data or AUTO
        return DataOptions(source=source, folder=options.data_dir, offline=options.offline)
    recorded = record.settings.get("data_dir")
    remembered = recorded.value if recorded else None
    return DataOptions(
        source=options.data or record.data.source,
        folder=Path(remembered) if isinstance(remembered, str) else None,
        offline=options.offline,
    )


def load_test_splits(task: TaskSpec, options: DataOptions, registry: Registry) -> dict[str, Split]:
    """The splits that a task's submission is made from, by file name.

    Raises:
        SourceUnavailable: There are no test data.
        SubmissionError: They are the sample's, or not complete.
        DataError: They are damaged.
    """
    opened = open_data(task, options, list(registry.sources), registry.owner_of_source)
    origin = opened.data.origin
    if origin.sample:
        tried = "".join(f"  {name}: {reason}\n" for name, reason in opened.passed_over)
        raise SubmissionError(
            f"the submission of {task.name} cannot be made from the bundled sample",
            where=f"{origin.source}: {origin.location}",
            remedy=(f"Tried before:\n{tried}" if tried else "") + _COMPLETE,
        )
    return {file.name: load_test_split(task, file, opened) for file in task.submission}


def load_test_split(task: TaskSpec, file: SubmissionFile, opened: OpenedData) -> Split:
    """The split that a submission file is made from, complete.

    Raises:
        SourceUnavailable: The source does not have it.
        SubmissionError: It does not have all of the task's rows.
        DataError: It is damaged.
    """
    origin = opened.data.origin
    where = f"{origin.source}: {origin.location}"
    if file.split not in opened.data.available:
        raise SourceUnavailable(
            f"{file.name} is made from the split {file.split}, which is not there",
            where=where,
            remedy=_COMPLETE,
        )
    split = opened.load(file.split)
    check(split, task, name=file.split, where=where)
    expected = task.split(file.split).rows
    if expected is not None and len(split) != expected:
        hint = file.superseded.get(len(split), "")
        raise SubmissionError(
            f"{file.name} needs {expected:,} predictions; the {file.split} split here has "
            f"{len(split):,} rows" + (f": this is {hint}" if hint else ""),
            where=where,
            remedy=_COMPLETE,
        )
    return split


def predict(
    model: Model,
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
        ModelError: The model gave something else than a score a label.
        PluginError: The two tasks do not have the same labels or as many columns.
    """
    import numpy as np

    if set(learnt.labels) != set(task.labels) or len(learnt.columns) != len(task.columns):
        raise PluginError(f"{task.name} cannot be predicted with a model of {learnt.name}")
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
    if learnt is task or task.regression:
        return scores
    # Labels travel by name: the tasks may number them differently.
    return scores[:, [learnt.labels.index(label) for label in task.labels]]


def _piece(split: Split, columns: tuple[str, ...], start: int) -> Split:
    """Some of the rows, so that a long prediction can tell how far it is."""
    return Table({name: split[name][start : start + PIECE] for name in columns})


def _renamed(split: Split, names: tuple[str, ...], others: tuple[str, ...]) -> Split:
    """The text columns under other names."""
    columns = {new: split[old] for old, new in zip(names, others, strict=True)}
    if INDEX_COLUMN in split.column_names:
        columns[INDEX_COLUMN] = split[INDEX_COLUMN]
    return Table(columns)
