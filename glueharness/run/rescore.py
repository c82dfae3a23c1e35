"""Computes a run's scores anew from its predictions, and compares them with its record.

What a record says of its scores is not sealed, and a seal is no signature: whoever can write the
folder can change both. Predictions and the data's labels tell what the scores must be.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glueharness.data.opening import open_data
from glueharness.data.table import Table, fingerprint, head
from glueharness.errors import GlueharnessError
from glueharness.run.predictions import StoredScores, read_scores
from glueharness.run.recorded_task import describe_task, knowing
from glueharness.run.trained_model import task_problem
from glueharness.scoring.losses import mean_loss
from glueharness.scoring.scorer import Scorer, decide
from glueharness.specs import LABEL_COLUMN, DataOptions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from glueharness.data.opening import OpenedData
    from glueharness.plugin.registry import Registry
    from glueharness.record.record import RunRecord
    from glueharness.record.store import RunStore
    from glueharness.specs import Split, TaskSpec

_CLOSE, _CLOSE_LOSS = 1e-9, 1e-5


@dataclass(slots=True, kw_only=True)
class Rescored:
    """What became of one run's scores.

    Attributes:
        record: The run.
        metrics: Its scores as its predictions give them, by split and metric.
        losses: Its dev losses likewise.
        wrong: What in the folder contradicts something else in it, or the data.
        other: Scores that differ where the task has been defined anew since: those of the record
            were right once.
        unchecked: What could not be checked, and why.
        stored: The predictions, by split, as far as they could be read.
        rows: The data's rows, by split, where they are those that the run was scored on.
        files: The files that these are in, if they are in files.
        registry: What the plugins offer, the run's task included.
    """

    record: RunRecord
    registry: Registry
    metrics: dict[str, dict[str, float]] = field(default_factory=dict)
    losses: dict[str, float] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    other: list[str] = field(default_factory=list)
    unchecked: list[str] = field(default_factory=list)
    stored: dict[str, StoredScores] = field(default_factory=dict)
    rows: dict[str, Split] = field(default_factory=dict)
    files: dict[str, Path] = field(default_factory=dict)

    @property
    def problems(self) -> list[str]:
        """All that is not as the record says."""
        return [*self.wrong, *self.other]

    @property
    def complete(self) -> bool:
        """Whether all dev splits were scored with the data's own labels."""
        return set(self.rows) == set(self.record.dev_rows()) == set(self.metrics)


class Rescorer:
    """Scores runs of a store anew; data that several runs share are read once, and never fetched.

    Args:
        store: Where the runs are.
        registry: Where tasks and sources are looked up.
        folder: Where the data files of tasks that only records know may lie by now.
    """

    def __init__(self, store: RunStore, registry: Registry, folder: Path | None = None) -> None:
        self._store, self._registry, self._folder = store, registry, folder
        self._opened: dict[tuple[str, ...], OpenedData | GlueharnessError] = {}
        self._loaded: dict[tuple[str, ...], Split] = {}

    def check(self, record: RunRecord) -> Rescored:
        """Compare a run's scores with what its predictions give."""
        found = Rescored(record=record, registry=self._registry)
        if record.status != "completed":
            found.unchecked.append("its scores: it was not completed")
            return found
        try:
            found.registry = knowing(record, self._registry, self._folder)
        except GlueharnessError as error:
            found.unchecked.append(f"its scores: {error.what}")
            return found
        task = found.registry.task(record.task)
        if problem := task_problem(record, task):
            found.unchecked.append(f"its scores: the task has changed since, {problem}")
            return found
        for split in record.dev_rows():
            try:
                self._check_split(found, task, split)
            except GlueharnessError as error:
                found.unchecked.append(f"the scores of {split}: {error.what}")
        return found

    def _check_split(self, found: Rescored, task: TaskSpec, split: str) -> None:
        record = found.record
        stored = read_scores(self._store.path(record), record, split)
        found.stored[split] = stored
        rows = record.data.splits[split].rows
        if len(stored.values) != rows:
            found.wrong.append(
                f"there are {len(stored.values):,} predictions of {split}, whose rows are {rows:,}"
            )
            return
        decided = None if stored.scores is None else decide(stored.scores, task)
        if decided is not None and decided != list(stored.values):
            count = sum(a != b for a, b in zip(decided, stored.values, strict=True))
            found.wrong.append(
                f"{count:,} predictions of {split} are not the labels of the highest score"
            )
        labelled = self._labelled(found, task, split)
        if labelled is None:
            return
        owner = found.registry.tasks.owner(task.name)
        scorer = Scorer(task, {split: labelled}, owner)
        found.metrics[split] = scorer.score(split, stored.values)
        self._compare(found, split)
        if stored.scores is not None:
            truth = list(labelled[LABEL_COLUMN])
            loss = mean_loss(stored.scores, truth, task, record.score_kind)
            if loss is not None:
                found.losses[split] = loss
            told = record.losses.get(split)
            if told is not None and (
                loss is None or abs(told - loss) > _CLOSE_LOSS * max(1.0, abs(loss))
            ):
                gives = "none" if loss is None else f"{loss:.6g}"
                found.wrong.append(
                    f"the loss of {split} is {told:.6g} in the record, and its predictions give "
                    f"{gives}"
                )

    def _compare(self, found: Rescored, split: str) -> None:
        """Tell which recorded scores are not what the predictions give."""
        record = found.record
        told, gives = record.metrics.get(split, {}), found.metrics[split]
        redefined = _redefined(found)
        for metric in dict.fromkeys([*told, *gives]):
            if metric in told and metric in gives and abs(told[metric] - gives[metric]) <= _CLOSE:
                continue
            line = (
                f"{split} {metric} is {_points(told.get(metric))} in the record, and its "
                f"predictions give {_points(gives.get(metric))}"
            )
            if redefined:
                found.other.append(f"{line} by the task as it is defined now")
            else:
                found.wrong.append(line)

    def _labelled(self, found: Rescored, task: TaskSpec, split: str) -> Split | None:
        """Rows with labels: the data's, or what the run folder says of them."""
        stored = found.stored[split]
        try:
            rows = self._rows(found, task, split)
        except GlueharnessError as error:
            rows = error
        if isinstance(rows, GlueharnessError):
            if stored.references is None:
                found.unchecked.append(f"the scores of {split}: {rows.what}")
                return None
            found.unchecked.append(
                f"the labels of {split} are those of the run folder: {rows.what}"
            )
            return Table({LABEL_COLUMN: list(stored.references), **stored.units})
        found.rows[split] = rows
        truth = list(rows[LABEL_COLUMN])
        if stored.references is not None and list(stored.references) != truth:
            count = sum(a != b for a, b in zip(stored.references, truth, strict=True))
            found.wrong.append(f"{count:,} labels of {split} are not those of the data")
        return rows

    def _rows(self, found: Rescored, task: TaskSpec, split: str) -> Split | GlueharnessError:
        """The rows that a run was scored on, or why they are not here."""
        record = found.record
        setting = record.settings.get("data_dir")
        folder = str(setting.value) if setting is not None and setting.value is not None else ""
        own = "" if record.task in self._registry.tasks.items else repr(record.definition)
        key = (task.name, record.data.source, folder, own)
        if key not in self._opened:
            options = DataOptions(
                source=record.data.source, folder=Path(folder) if folder else None, offline=True
            )
            try:
                sources = found.registry.sources_for(task)
                self._opened[key] = open_data(task, options, sources)
            except GlueharnessError as error:
                self._opened[key] = error
        data = self._opened[key]
        if isinstance(data, GlueharnessError):
            return data
        if (*key, split) not in self._loaded:
            self._loaded[*key, split] = data.load(split)
        used = head(self._loaded[*key, split], record.data.splits[split].rows)
        if fingerprint(used, task) != record.data.splits[split].fingerprint:
            return GlueharnessError(f"the rows at {data.where} are others now")
        found.files |= {name: file for name, file in data.files().items() if name == split}
        return used


def _redefined(found: Rescored) -> bool:
    """Whether the task's definition or code is another one than the run was scored with."""
    computation = found.record.computation
    task = found.registry.task(found.record.task)
    return computation is None or computation.task != describe_task(task, found.registry)


def _points(value: Any) -> str:
    return "not there" if value is None else f"{100 * value:.2f}"


def scores_in_words(metrics: Mapping[str, Mapping[str, float]]) -> str:
    """Scores by split and metric, in points."""
    return ", ".join(
        f"{split} {metric} {_points(value)}"
        for split, values in metrics.items()
        for metric, value in values.items()
    )
