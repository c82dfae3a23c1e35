"""One run, from configuration to record. The path of the data reads from top to bottom."""

from __future__ import annotations

import time
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

from glueharness.data.opening import open_data
from glueharness.data.table import check, head, labelled
from glueharness.errors import (
    ConfigError,
    DataError,
    Interrupted,
    RunFolderError,
)
from glueharness.plugin.blame import blamed
from glueharness.plugin.events import RunFailed, RunFinished, RunStarted
from glueharness.record.folders import check_writable, remove_folder
from glueharness.record.record import (
    MODEL_FOLDER,
    RunRecord,
    write_record,
)
from glueharness.run.fit_context import CHECKPOINT_FOLDER, RunFitContext, require_folder
from glueharness.run.new_record import describe_split, identity, new_record
from glueharness.run.predictions import write_predictions
from glueharness.run.resume import completed_run, unfinished_run
from glueharness.run.trackers import tracked
from glueharness.scoring.scorer import Scorer
from glueharness.specs import DataOptions, ModelContext, Remarked
from glueharness.system.atomic import remove_leftovers
from glueharness.system.interrupts import terminate_as_interrupt
from glueharness.system.locks import run_lock

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    from glueharness.data.opening import OpenedData
    from glueharness.plugin.registry import Registry
    from glueharness.run.config import RunConfig
    from glueharness.settings.run_options import RunOptions
    from glueharness.specs import Model, Split, TaskSpec


def run(config: RunConfig, registry: Registry) -> RunRecord:
    """Train a model on a task, score it on the dev splits, and leave a complete run folder.

    Args:
        config: What to do, resolved (see :func:`glueharness.run.config.build_config`).
        registry: Where names are looked up; its plugins hear the run's events.

    Returns:
        The record of the completed run; an earlier one that computed the same is not repeated,
        unless ``config.rerun`` says so.

    Raises:
        Interrupted: The user stopped it; the record says so.
        GlueharnessError: It could not be done; the record, if there is one, says why.
    """
    with tracked(config.options.track, registry):
        return _run(config, registry)


def _run(config: RunConfig, registry: Registry) -> RunRecord:
    options = config.options
    task = registry.task(config.task)
    if task.trained_on:
        raise ConfigError(
            f"{task.name} has no training data",
            remedy=f"It is predicted with the {task.trained_on} model: run {task.trained_on}.",
        )
    model = make_model(task, config, registry)
    check_writable(options.runs_dir)

    sources = list(registry.sources)
    opened = open_data(task, data_options(options), sources, registry.owner_of_source)
    train, dev = load_splits(task, opened, options)
    record = new_record(task, config, opened, registry)
    record.data.splits = {
        name: describe_split(task, name, whole, used)
        for name, (whole, used) in {**train, **dev}.items()
    }
    record.identity = identity(record)

    if done := completed_run(record, config):
        # There if the process was killed between the run's end and its tidying up.
        remove_folder(options.runs_dir / done.id / CHECKPOINT_FOLDER)
        return done
    earlier = unfinished_run(record, config)
    if earlier is not None:
        _go_on_with(earlier, record)
    folder = options.runs_dir / record.id
    folder.mkdir(exist_ok=earlier is not None)
    with run_lock(folder), _outcome(record, folder, registry):
        remove_leftovers(folder)
        write_record(folder, record)
        registry.plugins.notify("glueharness_run_started", RunStarted(record=record, folder=folder))
        used = {name: split for name, (_, split) in dev.items()}
        scorer = Scorer(task, used)
        context = RunFitContext(
            record=record, run_folder=folder, scorer=scorer, plugins=registry.plugins,
            resume=earlier is not None,
        )  # fmt: skip
        for remark in opened.data.remarks if isinstance(opened.data, Remarked) else ():
            context.warn(remark)
        # A full disk is no fault of the model's: that is told otherwise.
        with terminate_as_interrupt(), model_at_work(config, registry, "failed", OSError):
            _fit(model, next(iter(train.values()))[1], used, context)
            _evaluate(model, used, scorer, record, folder)
            with _timed(record, "save"):
                _save(model, folder)
        record.status = "completed"
    # Only now: until the model is saved, the checkpoints are all there is.
    remove_folder(context.folder)
    registry.plugins.notify("glueharness_run_finished", RunFinished(record=record, folder=folder))
    return record


def _go_on_with(earlier: RunRecord, record: RunRecord) -> None:
    """Let ``record`` be the record of the unfinished run."""
    record.id, record.started = earlier.id, earlier.started
    record.resumed = earlier.resumed + 1
    record.timings = dict(earlier.timings)


def make_model(task: TaskSpec, config: RunConfig, registry: Registry) -> Model:
    """The untrained model that a config names."""
    spec, argument = registry.model(config.options.model)
    context = ModelContext(
        task=task,
        settings=config.settings,
        seed=config.options.seed,
        origins=config.origins,
        argument=argument,
        offline=config.options.offline,
        engines=tuple(registry.engines),
    )
    with model_at_work(config, registry, "cannot be made"):
        return spec.factory(context)


def model_at_work(
    config: RunConfig, registry: Registry, failure: str, *passing: type[Exception]
) -> AbstractContextManager[None]:
    """Let what the model's code raises name its plugin."""
    spec, _ = registry.model(config.options.model)
    owner = registry.models.owner(spec.name)
    return blamed(f"the model {spec.name!r}", owner, failure, passing=passing)


def data_options(options: RunOptions) -> DataOptions:
    """What of a run's options concerns its data."""
    return DataOptions(source=options.data, folder=options.data_dir, offline=options.offline)


LoadedSplits = dict[str, "tuple[Split, Split]"]
"""By split name: the whole split and the rows of it that the run uses."""


def load_splits(
    task: TaskSpec, opened: OpenedData, options: RunOptions
) -> tuple[LoadedSplits, LoadedSplits]:
    """Read and check the training split and every dev split.

    Raises:
        DataError: One is missing, unlabelled or not what the task says.
    """

    def load(role: Any, limit: int | None) -> LoadedSplits:
        loaded = {}
        for spec in task.splits_of(role):
            split = opened.load(spec.name)
            where = f"{opened.data.origin.source}: {opened.data.origin.location}"
            check(split, task, name=spec.name, where=where)
            if not labelled(split):
                raise DataError(f"the {spec.name} split of {task.name} has no labels", where=where)
            loaded[spec.name] = (split, head(split, limit))
        if not loaded:
            raise DataError(f"{task.name} has no split with the role {role!r}")
        return loaded

    return load("train", options.limit_train), load("dev", options.limit_dev)


def _fit(model: Model, train: Split, dev: Mapping[str, Split], context: RunFitContext) -> None:
    with _timed(context.record, "fit"):
        context.folder.mkdir(exist_ok=True)
        model.fit(train, dev, context)


def _evaluate(
    model: Model, dev: Mapping[str, Split], scorer: Scorer, record: RunRecord, folder: Path
) -> None:
    with _timed(record, "evaluate"):
        predictions = {name: model.predict(split) for name, split in dev.items()}
        evaluation = scorer.evaluate(predictions)
        record.metrics = {name: dict(values) for name, values in evaluation.metrics.items()}
        record.primary = evaluation.primary
        for name, scores in predictions.items():
            write_predictions(folder, name, scorer.task, dev[name], scores)


def _save(model: Model, folder: Path) -> None:
    from glueharness.system.atomic import whole_folder

    with whole_folder(folder / MODEL_FOLDER) as aside:
        model.save(aside)


@contextmanager
def _timed(record: RunRecord, phase: str) -> Iterator[None]:
    start = time.perf_counter()
    try:
        yield
    finally:
        spent = record.timings.get(phase, 0.0) + time.perf_counter() - start
        record.timings[phase] = round(spent, 3)


@contextmanager
def _outcome(record: RunRecord, folder: Path, registry: Registry) -> Iterator[None]:
    """Write how the run ended, whatever ended it."""
    try:
        yield
    except BaseException as error:
        stopped = isinstance(error, KeyboardInterrupt | Interrupted)
        record.status = "interrupted" if stopped else "failed"
        record.error = "" if stopped else (str(error) or type(error).__name__)
        try:
            _close(record, folder)
        except OSError:
            record.error += " (the record could not be written either)"
        registry.plugins.notify(
            "glueharness_run_failed", RunFailed(record=record, folder=folder, error=error)
        )
        if isinstance(error, KeyboardInterrupt):
            raise Interrupted(f"run {record.id} was interrupted", where=str(folder)) from error
        if isinstance(error, Interrupted) and not error.where:
            error.where = str(folder)
        if isinstance(error, OSError):
            require_folder(folder)
            raise RunFolderError(
                f"run {record.id} failed: {error.strerror or error}",
                where=str(error.filename or folder),
                remedy="When that is mended, the same command goes on from the last checkpoint.",
            ) from error
        raise
    else:
        _close(record, folder)


def _close(record: RunRecord, folder: Path) -> None:
    record.finished = datetime.now().astimezone().isoformat(timespec="milliseconds")
    write_record(folder, record)
