"""From a completed run to a submission."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from glueharness.config import RunConfig, RunOptions
from glueharness.data import open_data
from glueharness.errors import RunFolderError, SubmissionError
from glueharness.predictions import write_predictions
from glueharness.protocols import DataOptions, Prediction
from glueharness.run import MODEL_FOLDER, make_model
from glueharness.runs import check_writable, list_runs
from glueharness.scoring import check_scores, decide
from glueharness.settings import Layer, resolve, settings_of
from glueharness.table import check, row_numbers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glueharness.protocols import Model, Split, TaskData
    from glueharness.record import RunRecord
    from glueharness.registry import Registry
    from glueharness.specs import SubmissionFile, TaskSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """A written submission.

    Attributes:
        run: The run that the predictions come from.
        files: The files written.
    """

    run: RunRecord
    files: Sequence[Path]


def best_run(runs_dir: Path, task: TaskSpec) -> RunRecord:
    """The completed run of a task with the best primary dev score, sample runs left out.

    Raises:
        SubmissionError: There is none; it says what there is instead.
    """
    records = [record for record in list_runs(runs_dir)[0] if record.task == task.name]
    completed = [record for record in records if record.status == "completed"]
    real = [record for record in completed if not record.data.sample]
    if not real:
        found = (
            f"{len(completed)} completed on the bundled sample"
            if completed
            else f"{len(records)} runs, none completed"
        )
        raise SubmissionError(
            f"there is no run of {task.name} to submit ({found})",
            where=str(runs_dir),
            remedy=f"Train one on real data first: glueharness run {task.name} --data-dir FOLDER",
        )
    # A dev split cut short flatters by luck: complete ones first.
    return max(real, key=lambda record: (not _dev_incomplete(record), record.primary or 0.0))


def _dev_incomplete(record: RunRecord) -> bool:
    splits = record.data.splits.values()
    return any((split.partial or split.limited) for split in splits if split.role == "dev")


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
    model.load(model_folder)
    return model


def data_of(record: RunRecord, folder: Path | None = None) -> DataOptions:
    """The options that find a run's data again, or those in another ``folder``."""
    recorded = record.settings.get("data_dir")
    remembered = recorded.value if recorded else None
    if folder is None and isinstance(remembered, str):
        folder = Path(remembered)
    return DataOptions(source=record.data.source, folder=folder)


def submit(
    record: RunRecord, folder: Path, output: Path, data: DataOptions, registry: Registry
) -> Submission:
    """Predict the test splits with a run's model and write the submission.

    Args:
        record: The run.
        folder: Its folder; the test predictions are kept there too.
        output: Folder for the submission.
        data: Where the test data come from (see :func:`data_of`).
        registry: Where task, model and writer are looked up.

    Raises:
        SubmissionError: Sample or partial test data, or a task with no submission.
        RunFolderError: The output cannot be written, or the run has no model.
    """
    task = registry.task(record.task)
    if not task.submission:
        raise SubmissionError(f"task {task.name} has no submission")
    writer = registry.writers.get(task.writer).factory()
    check_writable(output)
    opened = open_data(task, data, list(registry.sources)).data
    splits = {file.name: load_test_split(task, file, opened) for file in task.submission}
    model = load_model(record, folder, registry)
    predictions = []
    for file in task.submission:
        split = splits[file.name]
        scores = model.predict(split)
        check_scores(scores, task, len(split))
        write_predictions(folder, file.split, task, split, scores)
        predictions.append(
            Prediction(
                task=task,
                file=file,
                index=row_numbers(split),
                values=decide(scores, task),
                run=record.id,
            )
        )
    return Submission(run=record, files=list(writer.write(predictions, output)))


def load_test_split(task: TaskSpec, file: SubmissionFile, data: TaskData) -> Split:
    """The split that a submission file is made from, complete.

    Raises:
        SubmissionError: It is the sample's, or does not have all of the task's rows.
    """
    origin = data.origin
    where = f"{origin.source}: {origin.location}"
    remedy = "Give the complete official data: --data-dir FOLDER"
    if origin.sample:
        raise SubmissionError(
            f"{file.name} cannot be made from the bundled sample", where=where, remedy=remedy
        )
    split = data.load(file.split)
    check(split, task, name=file.split, where=where)
    expected = task.split(file.split).rows
    if expected is not None and len(split) != expected:
        raise SubmissionError(
            f"{file.name} needs {expected} predictions; the {file.split} split here has "
            f"{len(split)} rows",
            where=where,
            remedy=remedy,
        )
    return split
