"""``RunRecord``: everything that is known of a run, and its form as ``run.json``."""

from __future__ import annotations

import dataclasses
import functools
import json
import math
import types
import typing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from glueharness.errors import RunFolderError
from glueharness.system import atomic
from glueharness.system.printable import storable_json

if TYPE_CHECKING:
    from pathlib import Path

SCHEMA = 1
RUN_FILE = "run.json"
MODEL_FOLDER = "model"
"""Where a run folder keeps its trained model."""
Status = typing.Literal["running", "completed", "failed", "interrupted"]


@dataclass(slots=True, kw_only=True)
class SplitRecord:
    """A split as the run used it.

    Attributes:
        role: ``train``, ``dev`` or ``test``.
        rows: Rows used.
        available: Rows that the source has.
        expected: Rows of the complete split; None if the task does not say.
        fingerprint: Hash of the rows used, texts and labels.
    """

    role: str
    rows: int
    available: int
    expected: int | None
    fingerprint: str

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

    source: str
    location: str
    revision: str = ""
    sample: bool = False
    passed_over: dict[str, str] = field(default_factory=dict)
    splits: dict[str, SplitRecord] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class SettingRecord:
    """A resolved setting.

    Attributes:
        value: Its value.
        origin: Where the value came from.
        changes_result: Whether another value may lead to another result.
    """

    value: str | int | float | bool | None
    origin: str
    changes_result: bool = True


@dataclass(slots=True, kw_only=True)
class EpochRecord:
    """One epoch of training.

    Attributes:
        epoch: 1 for the first.
        primary: Mean of the primary metric over the dev splits.
        metrics: Dev scores by split and metric.
        values: What else the model told, for instance its mean loss.
    """

    epoch: int
    primary: float
    metrics: dict[str, dict[str, float]]
    values: dict[str, float] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class RunRecord:
    """A run.

    Attributes:
        id: Name of the run's folder.
        identity: Hash of task, model, seed, data, and the settings that change the result: equal
            for runs that would compute the same.
        task: Task name.
        task_version: Data version, where several are in circulation.
        model: Model name, with the argument of a family.
        seed: The seed.
        started: Start, ISO 8601 with time zone.
        data: Where the data came from.
        status: ``running``, ``completed``, ``failed`` or ``interrupted``.
        finished: End, ISO 8601 with time zone; empty while it runs.
        settings: Every setting by name.
        environment: Versions, hardware, git commit.
        timings: Seconds by phase.
        metrics: Final dev scores by split and metric name, as the metric gives them.
        primary: Mean of the primary metric over the dev splits; None until scored.
        primary_metric: Name of the primary metric.
        history: One entry an epoch.
        notes: Facts that the model told, for instance its checkpoint.
        warnings: What the user was warned of.
        error: What ended a failed run.
        command: The command line.
        resumed: How often the run went on after an interruption.
        schema: Version of this form.
    """

    id: str
    identity: str
    task: str
    model: str
    seed: int
    started: str
    data: DataRecord
    task_version: str = ""
    status: Status = "running"
    finished: str = ""
    settings: dict[str, SettingRecord] = field(default_factory=dict)
    environment: dict[str, Any] = field(default_factory=dict)
    timings: dict[str, float] = field(default_factory=dict)
    metrics: dict[str, dict[str, float]] = field(default_factory=dict)
    primary: float | None = None
    primary_metric: str = ""
    history: list[EpochRecord] = field(default_factory=list)
    notes: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    error: str = ""
    command: list[str] = field(default_factory=list)
    resumed: int = 0
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
    def marks(self) -> tuple[str, ...]:
        """What sets the run apart: any of ``sample``, ``partial``, ``limited``."""
        sample = self.data.sample
        # The sample has its own sizes: that they are not the task's goes without saying.
        facts = {"sample": sample, "partial": self.partial and not sample, "limited": self.limited}
        return tuple(name for name, true in facts.items() if true)


def write_record(folder: Path, record: RunRecord) -> None:
    """Write ``run.json`` whole."""
    atomic.write_text(folder / RUN_FILE, to_json(record))


def to_json(record: RunRecord) -> str:
    """The record as JSON text; a float that is no number becomes null."""
    text = json.dumps(_finite(dataclasses.asdict(record)), indent=2, ensure_ascii=False)
    return storable_json(text) + "\n"


def read_record(folder: Path) -> RunRecord:
    """Read a run folder's ``run.json``.

    Raises:
        RunFolderError: There is none, it is damaged, or a newer glueharness wrote it.
    """
    path = folder / RUN_FILE
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise RunFolderError("this folder holds no run", where=str(path)) from error
    except (OSError, ValueError) as error:
        raise RunFolderError(f"the record cannot be read: {error}", where=str(path)) from error
    schema = values.get("schema") if isinstance(values, dict) else None
    if not isinstance(schema, int) or schema > SCHEMA:
        raise RunFolderError(
            f"the record has schema {schema!r}; this version reads up to {SCHEMA}",
            where=str(path),
            remedy="Upgrade glueharness: pip install --upgrade glueharness",
        )
    try:
        record: RunRecord = _build(RunRecord, values)
    except (TypeError, KeyError, AttributeError) as error:
        raise RunFolderError(f"the record is damaged: {error}", where=str(path)) from error
    return record


def _finite(value: Any) -> Any:
    """JSON has no NaN; plain null is what every reader understands."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


@functools.cache
def _hints(kind: type[Any]) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _build(hint: Any, value: Any) -> Any:
    """``value`` from JSON as the annotated type; unknown keys of a dataclass are left out."""
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        hints = _hints(hint)
        return hint(
            **{name: _build(hints[name], item) for name, item in value.items() if name in hints}
        )
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is dict:
        return {key: _build(arguments[1], item) for key, item in value.items()}
    if origin is list:
        return [_build(arguments[0], item) for item in value]
    if origin in {typing.Union, types.UnionType, typing.Literal} or hint is typing.Any:
        return value
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if hint is float and value is None:
        return math.nan
    if not isinstance(value, hint):
        raise TypeError(f"{value!r} is not {getattr(hint, '__name__', hint)}")
    return value
