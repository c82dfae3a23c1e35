"""Which settings tell runs apart, and which runs are seeds of the same thing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from glueharness.record.record import RunRecord

Value: TypeAlias = "str | int | float | bool | None"
Configuration: TypeAlias = (
    "tuple[str, tuple[tuple[str, Value], ...], tuple[tuple[str, object], ...]]"
)
"""A model's name, its settings by name, and what else decides, whatever the seed."""

_ELSEWHERE = frozenset(
    {"model", "seed", "data", "data_dir", "limit_train", "limit_dev", "runs_dir", "offline"}
)
"""Settings with a column of their own, part of what is compared at all, or of no effect."""

_HOW_MANY_AT_ONCE = frozenset({"threads", "evaluation_tokens"})
"""Settings that may change the last digits, and are no part of a configuration."""

_APART = _ELSEWHERE | _HOW_MANY_AT_ONCE

_RESOLVED = ("precision", "device")
"""Settings whose ``auto`` the run resolved, and told."""

_DECIDING = ("engine", "device", "precision")
"""What decides of the machine: the rest of it is the environment."""

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
    """The settings that can explain a score, by name, as they took effect.

    Of several ways to write the same there is one in what was computed (``auto`` is resolved beside
    it), so that a seed that was written in another way is a seed of the same thing.
    """
    return _settings(record, system_of(record))


def _settings(record: RunRecord, system: Mapping[str, str]) -> dict[str, Value]:
    computed = record.computation.model.settings if record.computation is not None else {}
    found = {
        name: computed.get(name, item.value)
        for name, item in record.settings.items()
        if item.changes_result and name not in _APART
    }
    for name in _RESOLVED:
        if name in found:
            found[name] = system.get(name, found[name])
    return found


def system_of(record: RunRecord) -> dict[str, str]:
    """Engine, device and precision that a run used, as far as it told."""
    computation = record.computation
    told: Mapping[str, Any] = computation.system if computation is not None else record.notes
    found = {
        name: value for name in _DECIDING if isinstance(value := told.get(name), str) and value
    }
    if "device" in found:
        found["device"] = found["device"].partition(":")[0]  # the first GPU or the second: one kind
    return found


def weights_of(record: RunRecord) -> str:
    """What a run began with: a commit, a hash, ``fresh``; empty if it did not tell."""
    computation = record.computation
    if computation is not None:
        return str(computation.model.weights)
    checkpoint = record.notes.get("checkpoint")
    if isinstance(checkpoint, dict):
        return "fresh" if checkpoint.get("fresh") is True else str(checkpoint.get("revision") or "")
    return ""


def environment_of(record: RunRecord) -> dict[str, str]:
    """What may move the last digits: versions of libraries, processor, GPU."""
    environment = record.environment
    computation = record.computation
    if computation is not None:
        found = {
            name: str(value) for name, value in computation.system.items() if name not in _DECIDING
        }
    else:
        packages = environment.get("packages")
        known = packages if isinstance(packages, dict) else {}
        found = {
            name: str(known[name])
            for name in ("torch", "transformers", "glueharness")
            if name in known
        }
    for name, key in (("processor", "cpu"), ("GPU", "gpu")):
        if environment.get(key):
            found[name] = str(environment[key])
    return found


def configuration(record: RunRecord) -> Configuration:
    """What runs share that differ in nothing but the seed: resolved settings, weights, task.

    Precision and the kind of device are part of it; threads are not.
    """
    computation = record.computation
    name = computation.model.name if computation is not None else record.model
    system = system_of(record)
    facts: dict[str, object] = {"weights": weights_of(record), **system}
    if computation is not None:
        facts["task"] = computation.task
        facts["code"] = computation.model.code
    if record.kind == "evaluation":
        # Runs of the same configuration whose models were scored here are seeds here as well.
        facts["learnt"] = computation.learnt if computation is not None else ""
        facts["kind"] = record.kind
    return name, tuple(sorted(_settings(record, system).items())), tuple(sorted(facts.items()))


def mixed_environments(records: Sequence[RunRecord]) -> list[str]:
    """What of the environment differs between runs, in words; empty for one environment."""
    found: dict[str, set[str]] = {}
    for record in records:
        for name, value in environment_of(record).items():
            found.setdefault(name, set()).add(value)
    return [
        f"{name}: {', '.join(sorted(values))}" for name, values in found.items() if len(values) > 1
    ]


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
    for record in sorted(records, key=lambda record: record.began):
        groups.setdefault(configuration(record), {})[record.seed] = record
    return [[group[seed] for seed in sorted(group)] for group in groups.values()]


def _rank(name: str) -> tuple[int, str]:
    return (_FIRST.index(name) if name in _FIRST else len(_FIRST), name)
