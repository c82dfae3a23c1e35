"""Runs as the page takes them: what many of them share is written once."""

from __future__ import annotations

import json
import math
from statistics import fmean
from typing import TYPE_CHECKING, Any

from glueharness.settings.fields import DEFAULT
from glueharness_leaderboard.ranking.settings import (
    environment_of,
    settings_of_run,
    system_of,
    weights_of,
)
from glueharness_leaderboard.report.repeat import repeat_command
from glueharness_leaderboard.tables.texts import value_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glueharness.plugin.registry import Registry
    from glueharness.record.record import RunRecord
    from glueharness.record.store import RunStore

_MOST_EPOCHS = 400
_LONGEST_NOTE = 2_000
_HIDDEN = frozenset({"model", "seed"})


class RunsDocument:
    """Collects the runs of a page, and what they share.

    Args:
        registry: Where models' settings are looked up.
        store: The runs, for what users say of them.
    """

    def __init__(self, registry: Registry, store: RunStore) -> None:
        self.runs: list[dict[str, Any]] = []
        self.settings: list[Any] = []
        self.environments: list[Any] = []
        self._registry = registry
        self._store = store
        self._known: dict[str, int] = {}

    def add(self, record: RunRecord) -> int:
        """A run's position in the page; the run is put into it."""
        said = self._store.annotations(record)
        self.runs.append(
            {
                "id": record.id,
                "seed": record.seed,
                "score": rounded(record.primary),
                "metrics": {
                    split: {name: rounded(value) for name, value in values.items()}
                    for split, values in record.metrics.items()
                },
                "marks": list(record.marks),
                "started": record.started[:19],
                "timings": {name: round(value, 2) for name, value in record.timings.items()},
                "history": history(record),
                "measured": measured_document(record),
                "losses": {name: significant(value) for name, value in record.losses.items()},
                "settings": self._place(self.settings, settings_document(record)),
                "environment": self._place(self.environments, environment_document(record)),
                "data": data_document(record),
                "command": repeat_command(record, self._registry),
                "warnings": record.warnings[:20],
                "identity": record.identity if record.computation is not None else "",
                "weights": weights_of(record),
                "parent": record.parent.id if record.parent else "",
                "reproduces": record.reproduction_of.id if record.reproduction_of else "",
                "imported": said.imported,
                "tags": list(said.tags),
                "note": said.note[:_LONGEST_NOTE],
                "kind": record.kind,
            }
        )
        return len(self.runs) - 1

    def _place(self, shelf: list[Any], value: Any) -> int:
        key = f"{id(shelf)} {json.dumps(value, sort_keys=True, default=str)}"
        if key not in self._known:
            self._known[key] = len(shelf)
            shelf.append(value)
        return self._known[key]


def history(record: RunRecord) -> dict[str, Any] | None:
    """What a run told of its epochs: numbers, dev scores, losses (of dev the mean of splits)."""
    epochs = record.history[:_MOST_EPOCHS]
    if not epochs:
        return None
    dev = [fmean(epoch.losses.values()) if epoch.losses else None for epoch in epochs]
    losses = {"loss": [epoch.values.get("loss") for epoch in epochs], "dev_loss": dev}
    return {
        "epochs": [epoch.epoch for epoch in epochs],
        "scores": [rounded(epoch.primary) for epoch in epochs],
        "losses": {
            name: [significant(value) for value in values]
            for name, values in losses.items()
            if any(value is not None for value in values)
        },
    }


def settings_document(record: RunRecord) -> list[list[str]]:
    """Name, value and origin of each setting, those that differ from the default first."""
    found = [
        [name, value_text(item.value), item.origin]
        for name, item in record.settings.items()
        if name not in _HIDDEN
    ]
    return sorted(found, key=lambda each: each[2] == DEFAULT)


def environment_document(record: RunRecord) -> list[list[str]]:
    """What a run's numbers depend on besides: name and value."""
    facts = {**system_of(record), **environment_of(record)}
    environment = record.environment
    for name, key in (("cores", "cores"), ("Python", "python"), ("platform", "platform")):
        value = environment.get(key)
        if isinstance(value, str | int):
            facts.setdefault(name, str(value))
    computation = record.computation
    if computation is not None:
        facts["task's code"] = computation.task.code
        facts["model's code"] = computation.model.code
    return [[name, value] for name, value in facts.items() if value]


def data_document(record: RunRecord) -> dict[str, Any]:
    """Where a run's rows are from, and which they are."""
    data = record.data
    return {
        "source": " ".join(part for part in (data.source, data.revision) if part),
        "splits": [
            [name, split.role, split.rows, split.available, split.expected, split.fingerprint,
             split.standing]
            for name, split in data.splits.items()
        ],
    }  # fmt: skip


def unfinished_document(records: Sequence[RunRecord], store: RunStore) -> list[dict[str, Any]]:
    """Runs that did not complete."""
    return [
        {
            "id": record.id,
            "task": record.task,
            "model": record.model,
            "seed": record.seed,
            "state": store.state(record),
            "epochs": len(record.history),
            "error": record.error[:400],
            "started": record.started[:19],
        }
        for record in records
    ]


def note_of(record: RunRecord, names: Sequence[str]) -> str:
    """The values of those settings that tell a run from others of its model."""
    values = settings_of_run(record)
    return ", ".join(
        f"{name.replace('_', ' ')} {value_text(values[name])}" for name in names if name in values
    )


def parameters_of(record: RunRecord) -> int | None:
    """How many numbers the model has, if it told."""
    if record.measured is not None:
        return record.measured.parameters
    told = record.notes.get("parameters")
    return told if isinstance(told, int) and 0 < told < 10**15 else None


def measured_document(record: RunRecord) -> dict[str, float | None]:
    """What a run took, as far as it is known."""
    measured = record.measured
    if measured is None:
        return {}
    return {
        "steps": measured.steps,
        "training": significant(measured.train_rows_per_second),
        "memory": measured.peak_memory_bytes,
        "gpu": measured.peak_gpu_memory_bytes,
    }


def rounded(value: float | None) -> float | None:
    """A fraction with as many digits as anybody reads."""
    return round(value, 6) if value is not None and math.isfinite(value) else None


def significant(value: float | None) -> float | None:
    """A number of any size with five digits."""
    return float(f"{value:.5g}") if value is not None and math.isfinite(value) else None
