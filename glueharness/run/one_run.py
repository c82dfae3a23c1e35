"""One run, from configuration to record. The path of the data reads from top to bottom."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from glueharness.errors import Interrupted, RunFolderError
from glueharness.plugin.events import RunFailed, RunFinished, RunStarted
from glueharness.record.record import MODEL_FOLDER, RunRecord
from glueharness.record.run_file import check_keepable, write_record
from glueharness.record.seals import seal
from glueharness.record.store import RunStore
from glueharness.run.fit_context import RunFitContext, require_folder
from glueharness.run.measuring import Meter
from glueharness.run.new_record import correct_computation, nearest_difference, new_record
from glueharness.run.predictions import write_predictions
from glueharness.run.prepare import prepare
from glueharness.run.resume import unfinished_run
from glueharness.run.trackers import tracked
from glueharness.run.trained_model import predict
from glueharness.system.atomic import remove_leftovers, whole_folder
from glueharness.system.interrupts import terminate_as_interrupt
from glueharness.system.user_files import check_writable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from glueharness.plugin.guarded import GuardedModel
    from glueharness.plugin.registry import Registry
    from glueharness.run.config import RunConfig
    from glueharness.run.prepare import Prepared
    from glueharness.system.locks import Holder


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """A completed run.

    Attributes:
        record: Its record.
        folder: Its folder.
        reused: Whether it was there already: the same computation had been completed before.
    """

    record: RunRecord
    folder: Path
    reused: bool


def run(
    config: RunConfig, registry: Registry, tell: Callable[[str], None] = lambda _: None
) -> RunResult:
    """Train a model on a task, score it on the dev splits, and leave a complete run folder.

    Of several processes that start the same computation one works; the others wait and take its
    result.

    Args:
        config: What to do, resolved (see :func:`glueharness.run.config.build_config`).
        registry: Where names are looked up; its plugins hear the run's events.
        tell: Hears in one line what is waited for.

    Returns:
        The completed run; an earlier one that computed the same is not repeated, unless
        ``config.rerun`` says so.

    Raises:
        Interrupted: The user stopped it; the record says so.
        GlueharnessError: It could not be done; the record, if there is one, says why.
    """
    with tracked(config.options.track, registry):
        return complete(prepare(config, registry), registry, tell)


def complete(
    prepared: Prepared, registry: Registry, tell: Callable[[str], None] = lambda _: None
) -> RunResult:
    """Do what is prepared, a training or an evaluation, unless it was done before.

    Args, returns and raises as :func:`run`.
    """
    config = prepared.config
    store = RunStore(config.options.runs_dir)
    check_writable(store.folder)
    record = new_record(prepared, registry)
    check_keepable(record)
    if config.rerun:
        return _compute(prepared, record, None, store, registry)

    def waiting(holder: Holder | None) -> None:
        who = holder or "another process"
        tell(f"{record.task} with {record.model} is being computed by {who}: waiting for it")

    with store.claim(record.identity, waiting):
        done = None if config.resume else store.completed(record.identity)
        if done is not None:
            # There if the process was killed between the run's end and its tidying up.
            store.remove_checkpoint(done)
            return RunResult(record=done, folder=store.path(done), reused=True)
        earlier = unfinished_run(record, config, store)
        return _compute(prepared, record, earlier, store, registry)


def compute_anew(prepared: Prepared, record: RunRecord, registry: Registry) -> RunResult:
    """Do what is prepared in a folder of its own, whatever was done before.

    Args:
        prepared: What the run works with.
        record: Its record (see :func:`glueharness.run.new_record.new_record`).
        registry: Its plugins hear the run's events.

    Returns and raises as :func:`run`.
    """
    store = RunStore(prepared.config.options.runs_dir)
    check_writable(store.folder)
    check_keepable(record)
    return _compute(prepared, record, None, store, registry)


def _compute(
    prepared: Prepared,
    record: RunRecord,
    earlier: RunRecord | None,
    store: RunStore,
    registry: Registry,
) -> RunResult:
    """Do the run, in a new folder or in that of the unfinished run that is resumed."""
    differs = nearest_difference(record, store.all())
    if earlier is None:
        record.id = store.create(record.task, record.model, datetime.now().astimezone()).name
    else:
        _resume(earlier, record)
    folder = store.path(record)
    with store.working_on(record), _outcome(record, folder, registry):
        remove_leftovers(folder)
        meter = Meter()
        write_record(folder, record)
        event = RunStarted(record=record, folder=folder, differs=differs)
        registry.plugins.notify("glueharness_run_started", event)
        context = RunFitContext(
            record=record, run_folder=folder, scorer=prepared.scorer, plugins=registry.plugins,
            resume=earlier is not None,
        )  # fmt: skip
        for remark in prepared.remarks:
            context.warn(remark)
        training = prepared.kind == "training"
        with terminate_as_interrupt():
            if training:
                with _timed(record, "fit"):
                    context.folder.mkdir(exist_ok=True)
                    prepared.model.fit(prepared.train_rows, prepared.dev_rows, context)
                correct_computation(record, prepared, registry)
            _evaluate(prepared, record, folder, meter)
            with _timed(record, "save"):
                if training:
                    _save(prepared.model, folder)
                record.seals = seal(folder)
            record.measured = meter.measured(record, prepared.offered.spec.parameters)
        record.status = "completed"
    # Only now: until the model is saved, the checkpoints are all there is.
    store.remove_checkpoint(record)
    registry.plugins.notify("glueharness_run_finished", RunFinished(record=record, folder=folder))
    return RunResult(record=record, folder=folder, reused=False)


def _resume(earlier: RunRecord, record: RunRecord) -> None:
    """Let ``record`` be the record of the unfinished run."""
    record.id, record.started = earlier.id, earlier.started
    record.resumed = earlier.resumed + 1
    record.timings = dict(earlier.timings)


def _evaluate(prepared: Prepared, record: RunRecord, folder: Path, meter: Meter) -> None:
    with _timed(record, "evaluate"):
        dev = prepared.dev_rows
        with meter.scoring(sum(map(len, dev.values()))):
            predictions = {
                name: predict(prepared.model, prepared.learnt, prepared.task, split)
                for name, split in dev.items()
            }
        evaluation = prepared.scorer.evaluate(predictions)
        record.metrics = {name: dict(values) for name, values in evaluation.metrics.items()}
        record.primary = evaluation.primary
        record.losses = dict(evaluation.losses)
        for name, scores in predictions.items():
            write_predictions(folder, name, prepared.task, dev[name], scores)


def _save(model: GuardedModel, folder: Path) -> None:
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
                remedy="When that is mended, the same command resumes from the last checkpoint.",
            ) from error
        raise
    else:
        _close(record, folder)


def _close(record: RunRecord, folder: Path) -> None:
    record.finished = datetime.now().astimezone().isoformat(timespec="milliseconds")
    write_record(folder, record)
