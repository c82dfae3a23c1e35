"""Which settings tell runs apart, and which runs are seeds of the same thing."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from glueharness.record.record import RunRecord

Value: TypeAlias = "str | int | float | bool | None"
Configuration: TypeAlias = "tuple[str, tuple[tuple[str, Value], ...]]"
"""A model's name and its settings by name, whatever the seed."""

_ELSEWHERE = frozenset(
    {"model", "seed", "data", "data_dir", "limit_train", "limit_dev", "runs_dir", "offline"}
)
"""Settings with a column of their own, part of what is compared at all, or of no effect."""

_FIRST = (
    "learning_rate",
    "batch_size",
    "epochs",
    "max_length",
    "weight_decay",
    "warmup_ratio",
    "gradient_accumulation",
)
"""What a reader of such a table looks for first, where space is short."""


def settings_of_run(record: RunRecord) -> dict[str, Value]:
    """The settings that can explain a score, by name."""
    return {
        name: item.value
        for name, item in record.settings.items()
        if item.changes_result and name not in _ELSEWHERE
    }


def configuration(record: RunRecord) -> Configuration:
    """What runs share that differ in nothing but the seed."""
    return record.model, tuple(sorted(settings_of_run(record).items()))


def differing(records: Iterable[RunRecord]) -> list[str]:
    """Names of the settings whose values differ among those runs that have them."""
    values: dict[str, set[tuple[str, Value]]] = {}
    for record in records:
        for name, value in settings_of_run(record).items():
            # 1, 1.0 and True are equal to Python, and not to a reader.
            values.setdefault(name, set()).add((type(value).__name__, value))
    found = [name for name, seen in values.items() if len(seen) > 1]
    return sorted(found, key=_rank)


def by_configuration(records: Sequence[RunRecord]) -> list[list[RunRecord]]:
    """The runs of each configuration, one a seed: of a run done twice, the later one."""
    groups: dict[Configuration, dict[int, RunRecord]] = {}
    for record in sorted(records, key=lambda record: record.started):
        groups.setdefault(configuration(record), {})[record.seed] = record
    return [[group[seed] for seed in sorted(group)] for group in groups.values()]


def _rank(name: str) -> tuple[int, str]:
    return (_FIRST.index(name) if name in _FIRST else len(_FIRST), name)
