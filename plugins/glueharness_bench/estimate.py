"""How long a run would take on this machine: a short part is measured, the rest is arithmetic."""

from __future__ import annotations

import math
import os
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glueharness.data.table import Table
from glueharness.errors import Interrupted
from glueharness.run.environment import core_count
from glueharness.run.prepare import prepare
from glueharness.scoring.scorer import Scorer
from glueharness.system.user_folders import CACHE_VARIABLE
from glueharness_bench.stopwatch import Stopwatch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from glueharness.plugin.guarded import GuardedModel
    from glueharness.plugin.registry import Registry
    from glueharness.run.config import RunConfig
    from glueharness.specs import DataOrigin, Progress, Split, TaskSpec

_TRAIN_ROWS, _DEV_ROWS, _FIRST_ROWS = 10_000, 2_000, 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """What was measured.

    Attributes:
        train_rows: Rows that the model was given for training.
        dev_rows: Rows that it predicted.
        seconds: Seconds that it trained.
        start_seconds: Seconds from the command to the first step, without reading texts.
        read: Rows per second while texts are read (tokenized, for instance); None if the model
            did not report it.
        train: Rows per second while training.
        evaluate: Rows per second while predicting; None if the model cannot predict before its
            training ends.
        epochs: Epochs of the whole recipe.
        counted_rows: Rows of the whole training, where the recipe counts its steps and not its
            epochs; else None.
        finished: Whether the model completed its training within the time.
        words: Mean number of words per row, all text columns together.
    """

    train_rows: int
    dev_rows: int
    seconds: float
    start_seconds: float
    read: float | None
    train: float
    evaluate: float | None
    epochs: int
    counted_rows: int | None
    finished: bool
    words: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of a whole run, and how long it would take.

    Attributes:
        what: The part, in words.
        rows: Rows that it processes; 0 if its time does not depend on rows.
        rate: Rows per second; None if its time does not depend on rows.
        seconds: Seconds that it takes once.
        times: How often it is done.
    """

    what: str
    rows: int
    rate: float | None
    seconds: float
    times: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """How long a whole run would take.

    Attributes:
        task: Task name.
        model: Model name.
        origin: Where the measured rows came from.
        pace: What was measured.
        parts: The parts of a whole run, for the task's complete splits.
        notes: Facts that the model noted, for instance its device.
        warnings: The model's warnings.
        cores: Processor cores of this machine.
        load: Load average of the minute before; None where the system does not tell.
    """

    task: str
    model: str
    origin: DataOrigin
    pace: Pace
    parts: tuple[Part, ...]
    notes: Mapping[str, Any]
    warnings: tuple[str, ...]
    cores: int
    load: float | None

    @property
    def seconds(self) -> float:
        """Seconds of the whole run and the prediction of the test splits."""
        return sum(part.seconds * part.times for part in self.parts)


def estimate(
    config: RunConfig,
    registry: Registry,
    seconds: float,
    listen: Callable[[Progress], None] = lambda _: None,
) -> Estimate:
    """Train a model for a short while and estimate how long the whole run would take.

    Nothing is left behind: checkpoints and caches go to a temporary folder.

    Args:
        config: The run in question.
        registry: Where names are looked up.
        seconds: How long to train, counted from the first step.
        listen: Called with each progress report.

    Raises:
        ConfigError: The task has no training data.
        Interrupted: The user stopped it.
    """
    began, load = time.perf_counter(), _load()
    with _temporary_folder() as folder:
        prepared = _prepare(config, registry)
        train, dev = prepared.train, prepared.dev
        context = Stopwatch(folder, Scorer(prepared.task, dev), seconds, listen)
        finished = _fit(prepared, context)
        evaluate = _evaluate(prepared, finished=finished)
    epochs = context.adjusted.get("epochs", getattr(config.settings, "epochs", 1))
    counted = _counted_rows(config.settings)
    pace = Pace(
        train_rows=len(train),
        dev_rows=sum(len(split) for split in dev.values()),
        seconds=context.seconds_of_training(),
        start_seconds=max(context.before_training() + context.began - began, 0.0),
        read=context.reading_rate(),
        train=context.training_rate(counted or len(train) * epochs),
        evaluate=evaluate,
        epochs=epochs,
        counted_rows=counted,
        finished=finished,
        words=_mean_words(train, prepared.task),
    )
    return Estimate(
        task=prepared.task.name,
        model=config.options.model,
        origin=prepared.origin,
        pace=pace,
        parts=tuple(_parts(pace, _sizes(prepared))),
        notes=context.notes,
        warnings=tuple(context.warnings),
        cores=core_count(),
        load=load,
    )


def _counted_rows(settings: Any) -> int | None:
    """Rows of the whole training, for settings with a number of steps instead of epochs."""
    steps = getattr(settings, "max_steps", None)
    return None if steps is None else steps * int(settings.rows_a_step)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Prepared:
    """What the measurement works with.

    Attributes:
        task: The task.
        model: The untrained model.
        origin: Where the rows come from.
        train: Some rows of the training split.
        dev: Some rows of each dev split.
        rows: Rows of each split as the source has it.
    """

    task: TaskSpec
    model: GuardedModel
    origin: DataOrigin
    train: Split
    dev: Mapping[str, Split]
    rows: Mapping[str, int]


def _prepare(config: RunConfig, registry: Registry) -> _Prepared:
    """Make the model and load the rows, as a run does.

    Raises:
        ConfigError: The task has no training data.
    """
    found = prepare(config, registry)
    return _Prepared(
        task=found.task,
        model=found.model,
        origin=found.data.data.origin,
        train=_some(found.train_rows, _TRAIN_ROWS),
        dev={name: _some(split, _DEV_ROWS) for name, split in found.dev_rows.items()},
        rows={name: len(split.whole) for name, split in found.splits.items()},
    )


def _fit(prepared: _Prepared, context: Stopwatch) -> bool:
    """Train for a while; returns whether the model completed its training.

    Raises:
        Interrupted: The user stopped it.
    """
    context.began = time.perf_counter()
    try:
        prepared.model.fit(prepared.train, prepared.dev, context)
    except Interrupted:
        if context.stopped:
            raise Interrupted("the measurement was stopped") from None
        return False
    finally:
        context.ended = time.perf_counter()
    return True


def _evaluate(prepared: _Prepared, *, finished: bool) -> float | None:
    """Rows predicted per second; None if the model cannot predict before its training ends."""
    model, dev = prepared.model, prepared.dev
    try:
        for split in dev.values():
            model.predict(_some(split, _FIRST_ROWS))
        began = time.perf_counter()
        for split in dev.values():
            model.predict(split)
        seconds = time.perf_counter() - began
    except Exception:
        if finished:
            raise
        return None
    return sum(len(split) for split in dev.values()) / max(seconds, 1e-9)


def _parts(pace: Pace, sizes: Mapping[str, int]) -> Iterator[Part]:
    """A whole run, part by part, for these numbers of rows by role."""
    train, dev, test = (sizes.get(role, 0) for role in ("train", "dev", "test"))
    yield Part(what="start-up", rows=0, rate=None, seconds=pace.start_seconds)
    if pace.read:
        rows = train + dev + test
        yield Part(what="reading texts", rows=rows, rate=pace.read, seconds=rows / pace.read)
    epochs = pace.epochs if pace.counted_rows is None else math.ceil(pace.counted_rows / train)
    trained = train if pace.counted_rows is None else pace.counted_rows
    yield Part(
        what="training, one epoch" if pace.counted_rows is None else "training, all steps",
        rows=trained,
        rate=pace.train,
        seconds=trained / pace.train,
        times=epochs if pace.counted_rows is None else 1,
    )
    if pace.evaluate:
        # The dev splits are predicted after each epoch, and once more when training is over.
        for what, rows, times in (
            ("evaluation on dev", dev, epochs + 1),
            ("prediction of test", test, 1),
        ):
            if rows:
                yield Part(
                    what=what,
                    rows=rows,
                    rate=pace.evaluate,
                    seconds=rows / pace.evaluate,
                    times=times,
                )


def _sizes(prepared: _Prepared) -> dict[str, int]:
    """Rows by role: of the complete splits if the task says, else of those that were loaded."""
    sizes: dict[str, int] = {}
    for spec in prepared.task.splits:
        rows = spec.rows if spec.rows is not None else prepared.rows.get(spec.name, 0)
        sizes[spec.role] = sizes.get(spec.role, 0) + rows
    return sizes


def _some(split: Split, rows: int) -> Split:
    """At most ``rows`` rows, spread evenly over the split, so that their lengths are typical."""
    if len(split) <= rows:
        return split
    chosen = [number * len(split) // rows for number in range(rows)]
    columns = {name: list(split[name]) for name in split.column_names}
    return Table({name: [values[row] for row in chosen] for name, values in columns.items()})


def _load() -> float | None:
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None


def _mean_words(split: Split, task: TaskSpec) -> float:
    words = sum(len(text.split()) for column in task.columns for text in split[column])
    return words / len(split)


@contextmanager
def _temporary_folder() -> Iterator[Path]:
    """A folder for checkpoints, and an empty cache, so that tokenizing is measured too."""
    before = os.environ.get(CACHE_VARIABLE)
    with tempfile.TemporaryDirectory(prefix="glueharness-bench-") as name:
        os.environ[CACHE_VARIABLE] = str(Path(name) / "cache")
        (Path(name) / "checkpoint").mkdir()
        try:
            yield Path(name) / "checkpoint"
        finally:
            del os.environ[CACHE_VARIABLE]
            if before is not None:
                os.environ[CACHE_VARIABLE] = before
