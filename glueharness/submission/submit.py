"""Writes a submission from completed runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from glueharness.data.table import fingerprint, row_numbers
from glueharness.errors import (
    ConfigError,
    PluginError,
    RunFolderError,
    SourceUnavailable,
    SubmissionError,
)
from glueharness.record.store import RunStore
from glueharness.run.predictions import write_predictions
from glueharness.run.recorded_task import knowing_named
from glueharness.run.trained_model import load_trained, predict
from glueharness.scoring.scorer import decide
from glueharness.specs import Prediction
from glueharness.submission.choose_run import learner
from glueharness.submission.plan import SubmitOptions, make_plan
from glueharness.submission.test_data import data_of, load_test_splits
from glueharness.system.user_files import check_writable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from glueharness.plugin.guarded import GuardedWriter
    from glueharness.plugin.registry import Registry
    from glueharness.record.best import Choice
    from glueharness.record.record import RunRecord
    from glueharness.specs import Split, SubmissionFile, TaskSpec
    from glueharness.submission.plan import Job, Plan

_MANIFEST_SCHEMA = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmittedFile:
    """One file of a submission.

    Attributes:
        prediction: What stands in it.
        choice: The run that the predictions come from; None for a filler.
        reason: Why it is a filler.
    """

    prediction: Prediction
    choice: Choice | None = None
    reason: str = ""

    def as_json(self) -> dict[str, Any]:
        """What the manifest says of the file."""
        facts: dict[str, Any] = {
            "file": self.prediction.file.name,
            "task": self.prediction.task.name,
            "rows": len(self.prediction.values),
            "filler": self.choice is None,
        }
        if self.choice is None:
            return {**facts, "reason": self.reason}
        record = self.choice.record
        return {
            **facts,
            "run": record.id,
            "why": self.choice.why,
            "model": record.model,
            "seed": record.seed,
            "dev": record.metrics,
            "marks": list(record.marks),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """A written submission.

    Attributes:
        files: What it holds.
        paths: What was written; an archive comes first.
        answer: What the server would answer, as the writer's checker says; empty if the writer
            has none.
        notes: What the user has still to know or do, as the checker says.
    """

    files: Sequence[SubmittedFile]
    paths: Sequence[Path]
    answer: str
    notes: Sequence[str] = ()

    @property
    def main_paths(self) -> Sequence[Path]:
        """What is to be uploaded: the archive if there is one, else the files."""
        return self.paths if len(self.paths) == len(self.files) else self.paths[:1]

    @property
    def fillers(self) -> list[SubmittedFile]:
        """The files that only take a place."""
        return [file for file in self.files if file.choice is None]

    def as_json(self) -> dict[str, Any]:
        """The submission as a JSON-able value."""
        return {
            **manifest(self.files),
            "written": [str(path) for path in self.paths],
            "answer": self.answer,
            "notes": list(self.notes),
        }


def manifest(files: Sequence[SubmittedFile]) -> dict[str, Any]:
    """What the files of a submission are, and which of them are fillers."""
    return {
        "schema": _MANIFEST_SCHEMA,
        "files": [file.as_json() for file in files],
        "fillers": [file.prediction.file.name for file in files if file.choice is None],
    }


def submit(options: SubmitOptions, registry: Registry, tell: Callable[[str], None]) -> Submission:
    """Predict test splits with the best runs, write the submission, and check what was written.

    Args:
        options: What to submit, and where to.
        registry: Where tasks, models and writers are looked up.
        tell: Hears in one line what is being done.

    Raises:
        SubmissionError: There is nothing to submit, the test data are the sample's or not
            complete, or the result would not be accepted.
        RunFolderError: The output folder cannot be written, or a run has no model.
    """
    store = RunStore(options.runs_dir)
    registry = knowing_named(options.targets, store, registry, options.data_dir, options.run)
    plan = make_plan(options, registry)
    writer = registry.writer(plan.writer)
    if plan.archive and not writer.bundles:
        raise ConfigError(f"writer {plan.writer!r} makes no archives")
    if plan.why:
        tell(plan.why)
    check_writable(options.output, what="the submission", option="--output")
    # All data are read before the first prediction: what is wrong with them shows at once.
    splits = _load_all(plan, options, registry, tell)
    files = _predict_all(plan, splits, registry, tell)
    if plan.archive:
        places = [file.name for task in plan.tasks for file in task.submission]
        files = sorted(
            [*files, *_fillers(plan)], key=lambda file: places.index(file.prediction.file.name)
        )
    predictions = [file.prediction for file in files]
    if plan.archive:
        paths = writer.bundle(predictions, options.output, manifest(files))
    else:
        paths = writer.write(predictions, options.output)
    tell("checking what was written")
    answer, notes = _check_own(writer, paths[:1] if plan.archive else paths, plan.tasks)
    return Submission(files=files, paths=paths, answer=answer, notes=notes)


def _load_all(
    plan: Plan, options: SubmitOptions, registry: Registry, tell: Callable[[str], None]
) -> dict[str, dict[str, Split]]:
    """The test splits by task and file; a task not asked for by name may have none."""
    splits, missing = {}, []
    for job in plan.jobs:
        tell(f"reading the test data of {job.task.name}")
        try:
            data = data_of(job.choice.record, options)
            splits[job.task.name] = load_test_splits(job.task, data, registry)
            _warn_of_altered(job.task, splits[job.task.name], tell)
        except SourceUnavailable as error:
            if job.required:
                raise
            missing.append(job.task.name)
            plan.fillers[job.task.name] = f"no test data: {error.what}"
            tell(f"warning: {job.task.name} is left out: {error.what}")
    plan.jobs = [job for job in plan.jobs if job.task.name not in missing]
    if not plan.jobs:
        raise SubmissionError(
            "there are no test data for any task that has a run",
            remedy="\n".join(f"  {name}: {plan.fillers[name]}" for name in missing),
        )
    return splits


def _warn_of_altered(task: TaskSpec, splits: dict[str, Split], tell: Callable[[str], None]) -> None:
    """Say so if rows to be predicted are not the official ones: the server scores those."""
    for file in task.submission:
        known = task.split(file.split).fingerprint
        if known and fingerprint(splits[file.name], task) != known:
            tell(f"warning: the rows of {file.split} are not the official ones of {task.name}")


def _predict_all(
    plan: Plan,
    splits: dict[str, dict[str, Split]],
    registry: Registry,
    tell: Callable[[str], None],
) -> list[SubmittedFile]:
    """Load each run's model once, one at a time, and keep the files in the plan's order."""
    files = {}
    for run in dict.fromkeys(job.choice.record.id for job in plan.jobs):
        its_jobs = [job for job in plan.jobs if job.choice.record.id == run]
        record, folder = its_jobs[0].choice.record, its_jobs[0].choice.folder
        model = load_trained(
            plan.store, record, registry, consents=plan.consents, offline=plan.offline
        )
        tell(_standing_of(record))
        for job, file in _pairs(its_jobs):
            split = splits[job.task.name][file.name]
            tell(f"predicting {file.name}: {len(split):,} rows with run {run}")
            scores = predict(model, learner(job.task, registry), job.task, split, tell)
            try:
                plan.store.refuse_links(record)
                write_predictions(folder, file.split, job.task, split, scores)
            except (OSError, RunFolderError) as error:
                reason = error.what if isinstance(error, RunFolderError) else error.strerror
                tell(f"warning: predictions are not kept in {folder}: {reason or error}")
            prediction = Prediction(
                task=job.task,
                file=file,
                index=row_numbers(split),
                values=decide(scores, job.task),
                run=run,
                folder=folder,
                keys={key: [str(value) for value in split[key]] for key in file.keys},
            )
            files[file.name] = SubmittedFile(prediction=prediction, choice=job.choice)
    names = [file.name for task in plan.tasks for file in task.submission]
    return [files[name] for name in names if name in files]


def _standing_of(record: RunRecord) -> str:
    """One line on the data that a run was trained on, and a warning if they are not official."""
    standing = record.data.standing
    known = {split.standing for split in record.data.splits.values()}
    if record.computation is None:
        return f"run {record.id}: its record does not say whether its data were the official ones"
    if known & {"altered", "partial"} or record.marks:
        marks = ", ".join(record.marks) or standing
        return f"warning: run {record.id} is marked {marks}"
    return f"run {record.id}: data {standing}"


def _pairs(jobs: Sequence[Job]) -> list[tuple[Job, SubmissionFile]]:
    return [(job, file) for job in jobs for file in job.task.submission]


def _fillers(plan: Plan) -> list[SubmittedFile]:
    return [
        SubmittedFile(prediction=filler(task, file), reason=plan.fillers[task.name])
        for task in plan.tasks
        if task.name in plan.fillers
        for file in task.submission
    ]


def filler(task: TaskSpec, file: SubmissionFile) -> Prediction:
    """Predictions that only take their place: the first label, or the middle score, in every row.

    Raises:
        PluginError: The task does not say how many rows there must be.
    """
    rows = task.split(file.split).rows
    if rows is None:
        raise PluginError(f"task {task.name} does not say how many rows {file.name} must have")
    values: Sequence[str] | Sequence[float]
    if task.regression:
        low, high = task.score_range or (0.0, 0.0)
        values = [(low + high) / 2] * rows
    else:
        values = [task.labels[0]] * rows
    return Prediction(task=task, file=file, index=range(rows), values=values)


def _check_own(
    writer: GuardedWriter, paths: Sequence[Path], tasks: Sequence[TaskSpec]
) -> tuple[str, list[str]]:
    """Check what was written with the writer's own checker, if it has one; its notes, too."""
    if not writer.checks:
        return "", []
    notes: dict[str, None] = {}
    for path in paths:
        report = writer.check(path, tasks)
        notes |= dict.fromkeys(report.notes)
        for finding in report.all_findings:
            raise SubmissionError(
                f"what was written is not as it must be: {finding.where}: {finding.what}",
                where=str(path),
                remedy="This is a mistake of the program; please report it.",
            )
    return "accepted", list(notes)
