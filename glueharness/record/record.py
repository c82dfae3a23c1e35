"""``RunRecord``: everything that is known about a run. ``run_file.py`` reads and writes it.

The types are strict: a record from anybody is decoded by them, and what does not fit is refused.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, Literal

from msgspec import Meta

from glueharness.record.computation import (
    LARGEST_NUMBER,
    Computation,
    Fact,
    Kind,
    Name,
    Number,
)
from glueharness.record.definition import DefinitionRecord  # noqa: TC001 - the decoder reads it
from glueharness.record.score_kind import ScoreKind  # noqa: TC001 - the decoder reads it

SCHEMA = 2
MODEL_FOLDER = "model"
"""Where a run folder keeps its trained model."""
CHECKPOINT_FOLDER = "checkpoint"
"""Where a run folder keeps its checkpoints until the run is complete."""
PREDICTIONS_FOLDER = "predictions"
"""Where a run folder keeps what was predicted, one file per split."""
Status = Literal["running", "completed", "failed", "interrupted"]
Standing = Literal["official", "altered", "partial", "sample", "not known"]
"""What a split's rows are: the official ones, the same number of others, another number, made up,
or nobody says."""
Rows = Annotated[int, Meta(ge=1, le=10**12)]
Text = Annotated[str, Meta(max_length=100_000)]


@dataclass(slots=True, kw_only=True)
class SplitRecord:
    """A split as the run used it.

    Attributes:
        role: ``train``, ``dev`` or ``test``.
        rows: Rows used.
        available: Rows that the source has.
        expected: Rows of the complete split; None if the task does not say.
        fingerprint: Hash of the rows used, texts and labels.
        standing: What the source's rows are, whatever the run used of them.
    """

    role: Name
    rows: Rows
    available: Rows
    expected: Rows | None
    fingerprint: Name
    standing: Standing = "not known"

    @property
    def partial(self) -> bool:
        """Whether the source has another number of rows than the complete split."""
        return self.expected is not None and self.available != self.expected

    @property
    def limited(self) -> bool:
        """Whether the run used only some of the source's rows."""
        return self.rows < self.available


@dataclass(slots=True, kw_only=True)
class DataRecord:
    """Where the data came from.

    Attributes:
        source: Name of the source.
        location: Folder, hub id with config, or generator.
        revision: Pinned revision; empty if there is none.
        sample: Whether it is the bundled, made-up sample.
        passed_over: Sources that ``auto`` tried before, with the reason.
        splits: By split name.
    """

    source: Name
    location: Text
    revision: Text = ""
    sample: bool = False
    passed_over: dict[Name, Text] = field(default_factory=dict)
    splits: dict[Name, SplitRecord] = field(default_factory=dict)

    @property
    def standing(self) -> Standing:
        """What is to be said of all splits together: that of the split that needs it most."""
        order: tuple[Standing, ...] = ("sample", "altered", "partial", "not known", "official")
        found = {split.standing for split in self.splits.values()}
        return next((standing for standing in order if standing in found), "not known")


@dataclass(slots=True, kw_only=True)
class SettingRecord:
    """A resolved setting.

    Attributes:
        value: Its value.
        origin: Where the value came from.
        changes_result: Whether another value may lead to another result.
    """

    value: Fact
    origin: Text
    changes_result: bool = True


@dataclass(slots=True, kw_only=True)
class EpochRecord:
    """One epoch of training.

    Attributes:
        epoch: 1 for the first.
        primary: Mean of the primary metric over the dev splits.
        metrics: Dev scores by split and metric.
        losses: Mean dev loss by split, as :attr:`RunRecord.losses`.
        values: What else the model told; None: not a number. The encoders tell ``loss``, the mean
            training loss of the epoch, ``learning_rate``, the last one, and ``step``, the optimiser
            steps done since training began.
    """

    epoch: Annotated[int, Meta(ge=0, le=10**9)]
    primary: Number
    metrics: dict[Name, dict[Name, Number]]
    losses: dict[Name, Number] = field(default_factory=dict)
    values: dict[Name, Number | None] = field(default_factory=dict)


Measured = Annotated[float, Meta(ge=0, le=LARGEST_NUMBER)]
Counted = Annotated[int, Meta(ge=0, le=10**15)]


@dataclass(slots=True, kw_only=True)
class MeasuredRecord:
    """What a run took, as far as it is known. Seconds by phase are in :attr:`RunRecord.timings`.

    Attributes:
        steps: Optimiser steps in all.
        train_loss: Mean training loss over all steps.
        train_rows_per_second: Rows that training took per second, without the evaluations between
            epochs; of a model that does not tell its own, rows times epochs by the seconds of all
            that its ``fit`` does.
        train_steps_per_second: Optimiser steps per second, likewise.
        predict_rows_per_second: Dev rows predicted per second, from texts to scores, tokenizing
            included.
        dev_rows_per_second: What earlier versions measured: of some models with tokenizing, of
            others without, so that it is not compared.
        parameters: Number of parameters.
        peak_memory_bytes: The largest resident memory of the process during the run.
        peak_gpu_memory_bytes: The most that was allocated on the GPU.
    """

    steps: Counted | None = None
    train_loss: Number | None = None
    train_rows_per_second: Measured | None = None
    train_steps_per_second: Measured | None = None
    predict_rows_per_second: Measured | None = None
    dev_rows_per_second: Measured | None = None
    parameters: Counted | None = None
    peak_memory_bytes: Counted | None = None
    peak_gpu_memory_bytes: Counted | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ParentRecord:
    """The run whose encoder another run starts from, whose model it evaluates, or that it repeats.

    Attributes:
        id: Its id when it was taken.
        identity: What it computed.
        marks: What sets it apart (see :attr:`RunRecord.marks`).
    """

    id: Name
    identity: Annotated[str, Meta(max_length=64)]
    marks: tuple[Name, ...] = ()


@dataclass(slots=True, kw_only=True)
class RunRecord:
    """A run.

    Attributes:
        id: Name of the run's folder; what the file says is never believed.
        identity: Hash of ``computation``: equal for runs that would compute the same.
        task: Task name.
        model: Model name, with the argument of a family.
        seed: The seed.
        started: Start, ISO 8601 with time zone.
        data: Where the data came from.
        computation: What was computed on what, field by field; None in records of schema 1, which
            do not know their weights, their task's definition and code, nor the versions.
        planned: What was to be computed, where training showed that it could not be done in that
            way: for instance in bf16, which lacks one of the model's operations. None: as planned.
        kind: ``training``, or ``evaluation`` of a model that was there already; follows from the
            computation.
        task_version: Data version, where several are in circulation.
        definition: How the task was defined, where it is no installed plugin's: made of data files
            for this run, or of a task file. None for others, and in records of earlier versions.
        status: ``running``, ``completed``, ``failed`` or ``interrupted``.
        finished: End, ISO 8601 with time zone; empty while it runs.
        settings: Every setting by name.
        environment: Versions, hardware, git commit.
        timings: Seconds by phase.
        metrics: Final dev scores by split and metric name, as the metric gives them.
        losses: Final mean dev loss by split: cross-entropy in nats of what a softmax makes of
            logits, or of probabilities; mean squared error of a regression. Of other kinds of
            scores there is none.
        score_kind: What the model's scores are, which it says itself; ``not known`` in records of
            earlier versions.
        primary: Mean of the primary metric over the dev splits; None until scored.
        primary_metric: Name of the primary metric.
        history: One entry per epoch.
        measured: Speed, steps, memory and size; None until completed, and in records of earlier
            versions.
        notes: Facts that the model told, for instance its checkpoint.
        warnings: What the user was warned of.
        error: What ended a failed run.
        command: The command line.
        parent: The run whose encoder it starts from, or whose model it evaluates; None if there
            is none.
        reproduction_of: The run that it was to reproduce; None for a run of its own right.
        resumed: How often the run was resumed after an interruption.
        seals: SHA-256 of each file of the predictions and the model, by its path in the folder.
        schema: Version of this form.
    """

    id: Name
    identity: Annotated[str, Meta(max_length=64)]
    task: Name
    model: Name
    seed: Annotated[int, Meta(ge=0, le=2**63 - 1)]
    started: Annotated[str, Meta(max_length=64)]
    data: DataRecord
    computation: Computation | None = None
    planned: Computation | None = None
    kind: Kind = "training"
    task_version: Annotated[str, Meta(max_length=200)] = ""
    status: Status = "running"
    finished: Annotated[str, Meta(max_length=64)] = ""
    settings: dict[Name, SettingRecord] = field(default_factory=dict)
    environment: dict[str, Any] = field(default_factory=dict)
    timings: dict[Name, Number] = field(default_factory=dict)
    metrics: dict[Name, dict[Name, Number]] = field(default_factory=dict)
    losses: dict[Name, Number] = field(default_factory=dict)
    score_kind: ScoreKind = "not known"
    primary: Number | None = None
    primary_metric: Annotated[str, Meta(max_length=200)] = ""
    history: list[EpochRecord] = field(default_factory=list)
    measured: MeasuredRecord | None = None
    notes: dict[str, Any] = field(default_factory=dict)
    warnings: list[Text] = field(default_factory=list)
    error: Text = ""
    command: list[Text] = field(default_factory=list)
    resumed: Annotated[int, Meta(ge=0, le=10**9)] = 0
    parent: ParentRecord | None = None
    reproduction_of: ParentRecord | None = None
    seals: dict[Text, Name] = field(default_factory=dict)
    definition: DefinitionRecord | None = None
    schema: int = SCHEMA

    @property
    def partial(self) -> bool:
        """Whether any split differs in size from the complete one."""
        return any(split.partial for split in self.data.splits.values())

    @property
    def limited(self) -> bool:
        """Whether the user let it see only some of the rows."""
        return any(split.limited for split in self.data.splits.values())

    @property
    def altered(self) -> bool:
        """Whether any split has the official number of rows, but not the official rows."""
        return any(split.standing == "altered" for split in self.data.splits.values())

    @property
    def fresh(self) -> bool:
        """Whether a model that is meant to begin from pretrained weights began without them."""
        if self.computation is not None:
            return self.computation.model.fresh
        checkpoint = self.notes.get("checkpoint")
        return isinstance(checkpoint, dict) and checkpoint.get("fresh") is True

    @property
    def marks(self) -> tuple[str, ...]:
        """What sets the run apart: ``sample``, ``partial``, ``limited``, ``altered``, ``fresh``.

        What sets a run apart that it starts from sets it apart too, however many runs lie between:
        ``sample parent`` and so on.
        """
        sample = self.data.sample
        facts = {
            "sample": sample,
            # The sample has its own sizes: that they are not the task's goes without saying.
            "partial": self.partial and not sample,
            "limited": self.limited,
            "altered": self.altered,
            "fresh": self.fresh,
        }
        inherited = () if self.parent is None else self.parent.marks
        from_parent = (mark if mark.endswith(" parent") else f"{mark} parent" for mark in inherited)
        own = (name for name, true in facts.items() if true)
        marks = dict.fromkeys([*own, *from_parent])
        if self.kind == "evaluation":
            # On the rows of its own run it says once that these are the sample's.
            return tuple(
                mark
                for mark in marks
                if mark.removesuffix(" parent") == mark or mark.removesuffix(" parent") not in marks
            )
        return tuple(marks)

    @property
    def began(self) -> float:
        """The start in seconds since 1970: hosts of one store may be in different time zones.

        Of two starts as text the later one may come first, be it only because summer time ends.
        """
        try:
            return datetime.fromisoformat(self.started).timestamp()
        except (ValueError, OverflowError, OSError):
            return -math.inf

    @property
    def dev_splits(self) -> tuple[str, ...]:
        """Names of the splits that it was scored on."""
        return tuple(name for name, split in self.data.splits.items() if split.role == "dev")

    def answers(self, identity: str) -> bool:
        """Whether a run that is planned under an identity would end as this one.

        That is the identity of what this run computed, or of what was planned before it was known
        what can be computed.
        """
        return identity in {self.identity, self.planned_identity}

    @property
    def planned_identity(self) -> str:
        """The identity of what was planned; empty if that is what was computed."""
        return "" if self.planned is None else self.planned.identity

    def dev_rows(self) -> dict[str, str]:
        """What the run was scored on: fingerprints of texts and labels by dev split."""
        splits = self.data.splits.items()
        return {name: split.fingerprint for name, split in splits if split.role == "dev"}

    def dev_is_whole(self) -> bool:
        """Whether no dev split was cut short: a short one flatters by luck."""
        splits = self.data.splits.values()
        return not any(split.partial or split.limited for split in splits if split.role == "dev")
