"""Very many run folders that differ, with records, predictions and seals as runs leave them.

Real runs of a small model are the patterns. Of each, models with several settings and seeds are
made: other predictions, and what follows from them (scores, epochs, seals).
"""

from __future__ import annotations

import copy
import dataclasses
import hashlib
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from glueharness.data.table import Table
from glueharness.plugin.registry import Registry
from glueharness.record.record import PREDICTIONS_FOLDER
from glueharness.record.run_file import RUN_FILE, to_json
from glueharness.record.store import RunStore
from glueharness.scoring.scorer import Scorer, decide

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    from glueharness.record.record import RunRecord
    from glueharness.specs import TaskSpec

    Floats = npt.NDArray[np.float32]

TASKS = ("qnli", "rte", "cola", "mrpc")
"""Accuracy, a Matthews correlation, and the mean of two metrics."""
_RATES = (1e-4, 2e-4, 5e-4, 1e-3, 2e-3)
_MODELS = 10
_START = datetime(2026, 1, 1, tzinfo=UTC)


def make_patterns(folder: Path) -> None:
    """Train the pattern of each task: a tiny encoder, four epochs on rows of the sample."""
    for task in TASKS:
        subprocess.run(
            [
                sys.executable, "-m", "glueharness", "run", task, "--model", "bert-tiny",
                "--data", "sample", "--limit-train", "64", "--epochs", "4", "--seed", "1",
                "--offline", "--runs-dir", str(folder),
            ],
            check=True, capture_output=True,
        )  # fmt: skip


def make_runs(patterns: Path, folder: Path, count: int) -> None:
    """Make run folders, the same ones for the same count.

    Args:
        patterns: Folder of the patterns.
        folder: Where the runs go.
        count: How many.
    """
    registry, store = Registry(), RunStore(patterns)
    found = {record.task: record for record in store.all()}
    made = [_Pattern(found[name], store, registry.task(name)) for name in TASKS]
    for number in range(count):
        made[number % len(made)].make(folder, number)


class _Pattern:
    """Makes runs of a task after a real one.

    Args:
        record: The real run.
        store: Where it lies.
        task: Its task.
    """

    def __init__(self, record: RunRecord, store: RunStore, task: TaskSpec) -> None:
        self._record, self._task = record, task
        (self._split,) = record.dev_splits
        file = store.path(record) / PREDICTIONS_FOLDER / f"{self._split}.parquet"
        self._table = pq.read_table(file)
        labels = self._table["label"].to_pylist()
        self._truth = np.array([task.labels.index(label) for label in labels])
        dev = {self._split: Table({"label": labels})}
        self._scorer = Scorer(task, dev, kind=record.score_kind)
        # Some rows are hard for every model, as in real data.
        self._ease = np.random.default_rng(1).normal(0, 1, len(self._truth))

    def make(self, folder: Path, number: int) -> None:
        """Make a run."""
        place = number // len(TASKS)
        rate = _RATES[place // _MODELS % len(_RATES)]
        model, seed = f"encoder-{place % _MODELS:02d}", place // _MODELS // len(_RATES)
        started = _START + timedelta(minutes=number)
        name = f"{self._task.name}-{model}-{started:%Y%m%d-%H%M%S}-{number:04x}"
        # Models differ by a few points, settings by less, seeds by least.
        skill = 0.8 + 0.06 * (place % _MODELS) - 60 * abs(rate - 5e-4)
        chance = np.random.default_rng(number)
        lean = self._ease + skill + chance.normal(0, 0.1) + chance.normal(0, 0.8, len(self._ease))
        scores = np.zeros((len(lean), len(self._task.labels)), np.float32)
        rows = np.arange(len(lean))
        scores[rows, self._truth] = lean
        record = self._record_of(scores, chance)
        _set_model(record, model, seed, rate)
        record.id, record.started = name, started.isoformat(timespec="milliseconds")
        finished = started + timedelta(seconds=sum(record.timings.values()))
        record.finished = finished.isoformat(timespec="milliseconds")
        (folder / name / PREDICTIONS_FOLDER).mkdir(parents=True)
        inside = f"{PREDICTIONS_FOLDER}/{self._split}.parquet"
        pq.write_table(self._table_of(scores), folder / name / inside)
        seal = hashlib.sha256((folder / name / inside).read_bytes()).hexdigest()
        record.seals = {inside: seal}
        (folder / name / RUN_FILE).write_text(to_json(record), encoding="utf-8")

    def _table_of(self, scores: Floats) -> pa.Table:
        table = self._table.set_column(1, "prediction", pa.array(decide(scores, self._task)))
        for place, label in enumerate(self._task.labels):
            name = f"score:{label}"
            at = table.column_names.index(name)
            table = table.set_column(at, name, pa.array(scores[:, place]))
        return table

    def _record_of(self, scores: Floats, chance: np.random.Generator) -> RunRecord:
        """The pattern's record with the scores that follow from the predictions."""
        record = copy.deepcopy(self._record)
        evaluation = self._scorer.evaluate({self._split: scores})
        record.metrics = {name: dict(found) for name, found in evaluation.metrics.items()}
        record.losses, record.primary = dict(evaluation.losses), evaluation.primary
        best = int(chance.integers(0, len(record.history)))
        for place, epoch in enumerate(record.history):
            share = 1.0 if place == best else 1 - float(chance.uniform(0.001, 0.05))
            epoch.primary = share * record.primary
            epoch.metrics = {
                split: {name: share * value for name, value in found.items()}
                for split, found in record.metrics.items()
            }
        record.timings = {
            name: round(value * float(chance.uniform(0.9, 1.5)), 3)
            for name, value in record.timings.items()
        }
        return record


def _set_model(record: RunRecord, model: str, seed: int, rate: float) -> None:
    assert record.computation is not None  # noqa: S101 - a run of today's schema
    settings = {**record.computation.model.settings, "learning_rate": rate}
    computed = dataclasses.replace(
        record.computation.model, name=model, seed=seed, settings=settings
    )
    record.computation = dataclasses.replace(record.computation, model=computed)
    record.identity = record.computation.identity
    record.model, record.seed = model, seed
    record.settings["model"].value = model
    record.settings["seed"].value = seed
    record.settings["learning_rate"].value = rate
