"""Run folders for the leaderboard's tests: real records and predictions of models made of dice."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import stats
from sklearn import metrics as sk

from glueharness.data.table import Table, fingerprint
from glueharness.record.record import (
    DataRecord,
    MeasuredRecord,
    RunRecord,
    SettingRecord,
    SplitRecord,
)
from glueharness.record.run_file import write_record
from glueharness.run.predictions import write_predictions
from glueharness.scoring.scorer import decide
from glueharness_glue.tasks import TASKS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy.typing as npt

    from glueharness.record.record import Status
    from glueharness.specs import TaskSpec

TASK = {task.name: task for task in TASKS}

SCORE = {
    "accuracy": sk.accuracy_score,
    "f1": sk.f1_score,
    "matthews_correlation": sk.matthews_corrcoef,
    "pearson": lambda truth, values: stats.pearsonr(truth, values).statistic,
    "spearman": lambda truth, values: stats.spearmanr(truth, values).statistic,
}


@dataclass(kw_only=True)
class Making:
    """What a made-up run is like.

    Attributes:
        task: Task name.
        model: Model name.
        seed: Seed.
        accuracy: Chance of being right; for a regression the smaller the noisier.
        rows: Rows of each dev split.
        train: Training rows used, had and expected.
        settings: Settings beside the model and the seed.
        sample: Whether the data are the sample's.
        dev_seed: Another number gives other dev rows.
        status: The run's status.
        number: Place in time.
    """

    task: str = "qnli"
    model: str = "bert-tiny"
    seed: int = 42
    accuracy: float = 0.8
    rows: int = 400
    train: tuple[int, int, int] = (1000, 1000, 1000)
    settings: dict[str, Any] = field(default_factory=lambda: {"learning_rate": 1e-4, "epochs": 3})
    sample: bool = False
    dev_seed: int = 0
    status: Status = "completed"
    number: int = 0


def truth_of(task: TaskSpec, rows: int, seed: int) -> npt.NDArray[Any]:
    generator = np.random.default_rng(seed)
    if task.regression:
        return np.round(generator.uniform(0, 5, rows), 1)
    return generator.integers(0, len(task.labels), rows)


def scores_of(task: TaskSpec, truth: npt.NDArray[Any], making: Making) -> npt.NDArray[np.float32]:
    generator = np.random.default_rng([making.seed, *making.model.encode()])
    if task.regression:
        noise = generator.normal(0, 1.45 * (1 / making.accuracy**2 - 1) ** 0.5, len(truth))
        return (truth + noise).astype(np.float32)
    wrong = generator.random(len(truth)) >= making.accuracy
    shift = generator.integers(1, len(task.labels), len(truth))
    ids = np.where(wrong, (truth + shift) % len(task.labels), truth)
    return np.eye(len(task.labels), dtype=np.float32)[ids]


def make_run(runs: Path, making: Making) -> RunRecord:
    """Write a run folder, whole, and return its record."""
    task = TASK[making.task]
    started = datetime(2026, 11, 1, 12, tzinfo=UTC) + timedelta(minutes=17 * making.number)
    name = making.model.rpartition("/")[2].replace(":", "-")
    record = RunRecord(
        id=f"{task.name}-{name}-{started:%Y%m%d-%H%M%S}-{making.number:04x}",
        identity=f"{making.number:016x}",
        task=task.name,
        task_version=task.version,
        model=making.model,
        seed=making.seed,
        started=started.isoformat(timespec="milliseconds"),
        status=making.status,
        primary_metric=task.primary.name,
        timings={"fit": 60.0 + making.number, "evaluate": 1.5},
        settings={
            key: SettingRecord(value=value, origin="default")
            for key, value in {
                "model": making.model, "seed": making.seed, **making.settings
            }.items()
        },
        data=DataRecord(source="tsv", location="glue_data", sample=making.sample),
    )  # fmt: skip
    used, had, expected = making.train
    train = SplitRecord(
        role="train", rows=used, available=had, expected=expected, fingerprint=f"train{used}{had}"
    )
    record.data.splits["train"] = train
    folder = runs / record.id
    folder.mkdir(parents=True)
    for place, split in enumerate(task.splits_of("dev")):
        _score_split(record, folder, making, (split.name, making.dev_seed * 100 + place))
    if making.status == "completed":
        primary = [scores[task.primary.name] for scores in record.metrics.values()]
        record.primary = sum(primary) / len(primary)
    else:
        record.metrics = {}
    rows = sum(split.rows for split in record.data.splits.values() if split.role == "dev")
    record.measured = MeasuredRecord(predict_rows_per_second=rows / record.timings["evaluate"])
    write_record(folder, record)
    return record


def _score_split(record: RunRecord, folder: Path, making: Making, split: tuple[str, int]) -> None:
    task, (name, seed) = TASK[making.task], split
    truth = truth_of(task, making.rows, seed)
    scores = scores_of(task, truth, making)
    if task.regression:
        scores = scores[:]
    labels = truth.tolist() if task.regression else [task.labels[place] for place in truth]
    texts = [f"row {row} of {seed}" for row in range(making.rows)]
    table = Table({**dict.fromkeys(task.columns, texts), "label": labels})
    record.data.splits[name] = SplitRecord(
        role="dev", rows=making.rows, available=making.rows, expected=making.rows,
        fingerprint=fingerprint(table, task),
    )  # fmt: skip
    decided = decide(scores, task)
    ids = decided if task.regression else [task.labels.index(label) for label in decided]
    record.metrics[name] = {spec.name: float(SCORE[spec.name](truth, ids)) for spec in task.metrics}
    if making.status == "completed":
        write_predictions(folder, name, task, table, scores)


def make_runs(runs: Path, makings: Sequence[Making]) -> list[RunRecord]:
    """Write several run folders, numbered in order."""
    return [
        make_run(runs, _numbered(making, number)) for number, making in enumerate(makings, start=1)
    ]


def _numbered(making: Making, number: int) -> Making:
    making.number = making.number or number
    return making
