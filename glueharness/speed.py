"""How long a run would take here: a short piece of it is measured, the rest follows from counts."""

from __future__ import annotations

import os
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glueharness.data.opening import open_data
from glueharness.data.table import Table
from glueharness.errors import ConfigError, Interrupted
from glueharness.run.environment import core_count
from glueharness.run.one_run import data_options, load_splits, make_model, model_at_work
from glueharness.scoring.scorer import Scorer
from glueharness.stopwatch import Stopwatch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from glueharness.plugin.registry import Registry
    from glueharness.run.config import RunConfig
    from glueharness.specs import DataOrigin, Model, Progress, Split, TaskSpec

_TRAIN_ROWS, _DEV_ROWS, _FIRST_ROWS = 10_000, 2_000, 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """What was measured.

    Attributes:
        train_rows: Rows that the model was given to learn.
        dev_rows: Rows that it was asked about.
        seconds: Seconds that it was let learn.
        start_seconds: Seconds from the command to the first step, but for reading texts.
        read: Rows a second that texts are read with, tokenised for instance; None: not told.
        train: Rows a second while learning.
        evaluate: Rows a second when asked; None if the model cannot be asked before its end.
        epochs: Times that the whole recipe sees each row.
        finished: Whether the model came to its end within the time.
        words: Mean number of words a row, all text columns together.
    """

    train_rows: int
    dev_rows: int
    seconds: float
    start_seconds: float
    read: float | None
    train: float
    evaluate: float | None
    epochs: int
    finished: bool
    words: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of a whole run, and how long it would take.

    Attributes:
        what: The part, in words.
        rows: Rows that it works on; 0 if it does not depend on them.
        rate: Rows a second; None if it does not depend on them.
        seconds: How long it would take.
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
        origin: Where the rows came from that it was measured with.
        pace: What was measured.
        parts: What follows from it, with the rows of the task's complete splits.
        notes: Facts that the model told, for instance its device.
        warnings: What it warned of.
        cores: Processor cores of this machine.
        load: How many programs wanted one in the minute before; None where that is not known.
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
        """The whole run and the prediction of the test splits."""
        return sum(part.seconds * part.times for part in self.parts)


def estimate(
    config: RunConfig,
    registry: Registry,
    seconds: float,
    listen: Callable[[Progress], None] = lambda _: None,
) -> Estimate:
    """Let a model learn for a short while and tell how long all of it would take.

    Nothing is left behind: checkpoints and caches go to a temporary folder.

    Args:
        config: The run in question.
        registry: Where names are looked up.
        seconds: How long the model may learn, from its first step on.
        listen: Told of progress.

    Raises:
        ConfigError: The task has no training data.
        Interrupted: The user stopped it.
    """
    began, load = time.perf_counter(), _load()
    task = registry.task(config.task)
    if task.trained_on:
        raise ConfigError(
            f"{task.name} has no training data",
            remedy=f"It is predicted with the {task.trained_on} model: bench {task.trained_on}.",
        )
    with _temporary_folder() as folder:
        model = make_model(task, config, registry)
        options = data_options(config.options)
        opened = open_data(task, options, list(registry.sources), registry.owner_of_source)
        train, dev = load_splits(task, opened, config.options)
        learnt = _some(next(iter(train.values()))[1], _TRAIN_ROWS)
        asked = {name: _some(split, _DEV_ROWS) for name, (_, split) in dev.items()}
        context = Stopwatch(folder, Scorer(task, asked), seconds, listen)
        with model_at_work(config, registry, "failed", OSError):
            finished = _fit(model, learnt, asked, context)
            evaluate = _evaluate(model, asked, finished=finished)
        epochs = context.adjusted.get("epochs", getattr(config.settings, "epochs", 1))
        pace = Pace(
            train_rows=len(learnt),
            dev_rows=sum(len(split) for split in asked.values()),
            seconds=context.seconds_of_training(),
            start_seconds=max(context.before_training() + context.began - began, 0.0),
            read=context.reading_rate(),
            train=context.training_rate(len(learnt) * epochs),
            evaluate=evaluate,
            epochs=epochs,
            finished=finished,
            words=_mean_words(learnt, task),
        )
    sizes = _sizes(task, {name: len(whole) for name, (whole, _) in {**train, **dev}.items()})
    return Estimate(
        task=task.name,
        model=config.options.model,
        origin=opened.data.origin,
        pace=pace,
        parts=tuple(_parts(pace, sizes)),
        notes=context.notes,
        warnings=tuple(context.warnings),
        cores=core_count(),
        load=load,
    )


def _fit(model: Model, train: Split, dev: Mapping[str, Split], context: Stopwatch) -> bool:
    """Train for a while; returns whether the model came to its end.

    Raises:
        Interrupted: The user stopped it.
    """
    context.began = time.perf_counter()
    try:
        model.fit(train, dev, context)
    except Interrupted:
        if context.stopped:
            raise Interrupted("the measurement was stopped") from None
        return False
    finally:
        context.ended = time.perf_counter()
    return True


def _evaluate(model: Model, dev: Mapping[str, Split], *, finished: bool) -> float | None:
    """Rows a second; None if the model cannot be asked before its training is over."""
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
    """A whole run, part by part, with so many rows by role."""
    train, dev, test = (sizes.get(role, 0) for role in ("train", "dev", "test"))
    yield Part(what="start-up", rows=0, rate=None, seconds=pace.start_seconds)
    if pace.read:
        rows = train + dev + test
        yield Part(what="reading texts", rows=rows, rate=pace.read, seconds=rows / pace.read)
    yield Part(
        what="training, an epoch",
        rows=train,
        rate=pace.train,
        seconds=train / pace.train,
        times=pace.epochs,
    )
    if pace.evaluate:
        # After each epoch, and once more when the run is over.
        for what, rows, times in (
            ("evaluation on dev", dev, pace.epochs + 1),
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


def _sizes(task: TaskSpec, available: Mapping[str, int]) -> dict[str, int]:
    """Rows by role: as the task says, else as the source has them."""
    sizes: dict[str, int] = {}
    for spec in task.splits:
        rows = spec.rows if spec.rows is not None else available.get(spec.name, 0)
        sizes[spec.role] = sizes.get(spec.role, 0) + rows
    return sizes


def _some(split: Split, rows: int) -> Split:
    """So many rows, taken from the whole of it, so that their lengths are those of the whole."""
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
    """A folder for checkpoints, and for caches: what is found in one was not measured."""
    before = os.environ.get("GLUEHARNESS_CACHE")
    with tempfile.TemporaryDirectory(prefix="glueharness-bench-") as name:
        os.environ["GLUEHARNESS_CACHE"] = str(Path(name) / "cache")
        (Path(name) / "checkpoint").mkdir()
        try:
            yield Path(name) / "checkpoint"
        finally:
            del os.environ["GLUEHARNESS_CACHE"]
            if before is not None:
                os.environ["GLUEHARNESS_CACHE"] = before
