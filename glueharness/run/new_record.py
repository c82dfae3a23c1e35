"""The record of a new run, and the identity that makes two runs the same."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import math
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glueharness.data.table import fingerprint
from glueharness.errors import DataError, RunFolderError
from glueharness.record.computation import (
    Computation,
    ModelComputed,
    differences,
)
from glueharness.record.record import (
    MODEL_FOLDER,
    DataRecord,
    ParentRecord,
    RunRecord,
    SettingRecord,
    SplitRecord,
)
from glueharness.record.run_file import read_record
from glueharness.run.environment import describe_environment, without_password
from glueharness.run.recorded_task import definition_of, describe_task
from glueharness.settings.fields import result_settings, settings_of
from glueharness.specs import FRESH

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from glueharness.plugin.registry import Registry
    from glueharness.record.record import Standing
    from glueharness.run.config import RunConfig
    from glueharness.run.prepare import Prepared, UsedSplit
    from glueharness.specs import DataOrigin, Fingerprint, TaskSpec

_PLAIN = (str, int, float, bool, type(None))
_SHOWN_DIFFERENCES = 4
_LONGEST_SHOWN = 80


def new_record(prepared: Prepared, registry: Registry) -> RunRecord:
    """The record of a run that is about to begin; it has no id before it has a folder.

    Raises:
        DataError: A split to be scored holds the training rows.
    """
    config, task = prepared.config, prepared.task
    origin = prepared.data.data.origin
    splits = {
        name: describe_split(task, name, split, origin) for name, split in prepared.splits.items()
    }
    _refuse_trained_rows(splits, prepared.data.where)
    computation = compute_what(prepared, registry, splits)
    return RunRecord(
        id="",
        identity=computation.identity,
        computation=computation,
        kind=prepared.kind,
        task=task.name,
        task_version=task.version,
        model=config.options.model,
        seed=config.options.seed,
        started=datetime.now().astimezone().isoformat(timespec="milliseconds"),
        settings=_describe_settings(prepared),
        primary_metric=task.primary.name,
        score_kind="values" if task.regression else prepared.offered.spec.score_kind,
        environment=describe_environment(registry.plugins),
        notes=dict(prepared.loaded.notes) if prepared.loaded is not None else {},
        command=[without_password(word) for word in sys.argv],
        reproduction_of=_reproduced(config),
        definition=definition_of(task, registry, prepared.data.files),
        parent=config.parent or _parent(config, prepared.offered.argument),
        data=DataRecord(
            source=origin.source,
            location=origin.location,
            revision=origin.revision,
            sample=origin.sample,
            passed_over=dict(prepared.data.passed_over),
            splits=splits,
        ),
    )


def compute_what(
    prepared: Prepared, registry: Registry, splits: dict[str, SplitRecord]
) -> Computation:
    """What will be computed on what."""
    found, loaded = prepared.model.fingerprint(), prepared.loaded
    run = loaded.run if loaded is not None else None
    trained = run.computation.model if run is not None and run.computation is not None else None
    return Computation(
        task=describe_task(prepared.task, registry),
        data={name: split.fingerprint for name, split in splits.items()},
        # What a run trained is told by what it computed: so its seeds are seeds here as well.
        model=trained or _describe_model(prepared, found, registry),
        system=_system(found),
        kind=prepared.kind,
        learnt=run.task if run is not None else "",
        trained=loaded.trained if loaded is not None else "",
    )


def correct_computation(record: RunRecord, prepared: Prepared, registry: Registry) -> None:
    """Put what a training has computed into its record, where it is not what was planned.

    Some things show only when a model is tried: that it has an operation which a number format
    lacks, or that an engine cannot compute it. Then something else has taken over, and the identity
    has to say so.

    Args:
        record: The run's record, its model trained.
        prepared: The run.
        registry: Where the engine's owner is looked up.
    """
    planned = record.computation
    assert planned is not None  # noqa: S101 - new_record made it
    found = prepared.model.fingerprint()
    model = dataclasses.replace(planned.model, code=_code_of(prepared, found, registry))
    computed = dataclasses.replace(planned, model=model, system=_system(found))
    if computed != planned:
        record.planned, record.computation = planned, computed
        record.identity = computed.identity


def _describe_model(prepared: Prepared, found: Fingerprint, registry: Registry) -> ModelComputed:
    config, offered = prepared.config, prepared.offered
    # What lies in a place may change: where the weights are known, the place is not the model.
    by_weights = bool(offered.argument) and found.weights not in {"", FRESH}
    settings = {**result_settings(config.settings), **_that_count(config, found)}
    if prepared.loaded is not None and prepared.loaded.run is None:
        of_training = {
            item.name for item in settings_of(type(config.settings)) if item.info.training
        }
        settings = {name: value for name, value in settings.items() if name not in of_training}
    return ModelComputed(
        name=offered.spec.name if by_weights else config.options.model,
        seed=config.options.seed,
        weights=found.weights,
        settings={name: _plain(value) for name, value in sorted(settings.items())},
        code=_code_of(prepared, found, registry),
    )


def _reproduced(config: RunConfig) -> ParentRecord | None:
    first = config.reproduces
    if first is None:
        return None
    return ParentRecord(id=first.id, identity=first.identity, marks=first.marks)


def _parent(config: RunConfig, argument: str) -> ParentRecord | None:
    """The run whose model a path among the settings leads to: its marks count for what follows."""
    given = [getattr(config.settings, item.name) for item in settings_of(type(config.settings))]
    paths = [path for path in given if isinstance(path, Path)]
    for folder in [*paths, Path(argument)] if argument else paths:
        model = folder.expanduser().absolute()
        if model.name != MODEL_FOLDER:
            continue
        try:
            parent = read_record(model.parent)
        except RunFolderError:
            continue
        return ParentRecord(id=parent.id, identity=parent.identity, marks=parent.marks)
    return None


def _code_of(prepared: Prepared, found: Fingerprint, registry: Registry) -> str:
    """Whose code computes: the model's plugin's, its classes' plugins', and its engine's."""
    owner, packages = prepared.offered.owner, prepared.model.packages
    others = {
        status.code
        for status in registry.plugins.statuses.values()
        if status.point is not None
        and status.in_use
        and status is not owner
        and status.point.module.partition(".")[0] in packages
    }
    if found.engine in registry.engines.items:
        others.add(registry.engines.owner(found.engine).code)
    return "; ".join([owner.code, *sorted(others - {owner.code})])


def _that_count(config: RunConfig, found: Fingerprint) -> dict[str, Any]:
    """The settings that the model will put in the place of given ones, if they change results."""
    counting = result_settings(config.settings)
    return {name: value for name, value in found.settings.items() if name in counting}


def _system(found: Fingerprint) -> dict[str, str]:
    facts = {"engine": found.engine, "device": found.device, "precision": found.precision}
    if found.devices > 1:  # one is what every run had before there could be more
        facts["devices"] = str(found.devices)
    versions = dict(_major_versions([*found.packages, "glueharness"]))
    return {name: value for name, value in {**facts, **versions}.items() if value}


def _major_versions(packages: Iterable[str]) -> Iterable[tuple[str, str]]:
    """The part of a version that tells of other computing: of 2.13.0 the 2, of 0.1.4 the 0.1."""
    for name in packages:
        try:
            version = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
        first, _, rest = version.partition(".")
        yield name, f"0.{rest.partition('.')[0]}" if first == "0" else first


def describe_split(task: TaskSpec, name: str, split: UsedSplit, origin: DataOrigin) -> SplitRecord:
    """What the record says of a split."""
    spec = task.split(name)
    used = fingerprint(split.used, task)
    whole = used if split.used is split.whole else fingerprint(split.whole, task)
    return SplitRecord(
        role=spec.role,
        rows=len(split.used),
        available=len(split.whole),
        expected=spec.rows,
        fingerprint=used,
        standing=_standing(whole, len(split.whole), origin, (spec.rows, spec.fingerprint)),
    )


def _refuse_trained_rows(splits: Mapping[str, SplitRecord], where: str) -> None:
    """Refuse a score that would only say how well a model knows its training rows by heart."""
    trained = {split.fingerprint: name for name, split in splits.items() if split.role == "train"}
    for name, split in splits.items():
        if split.role == "dev" and split.fingerprint in trained:
            raise DataError(
                f"the split {name!r} has the rows of {trained[split.fingerprint]!r}: its score "
                "would say how well they are known by heart",
                where=where,
                remedy="Keep some rows out of training, and score on those.",
            )


def _standing(
    whole: str, rows: int, origin: DataOrigin, official: tuple[int | None, str]
) -> Standing:
    """What a split's rows are, judged by what the task says of the official ones."""
    expected, known = official
    if origin.sample:
        return "sample"
    if expected is not None and rows != expected:
        return "partial"
    if known:
        return "official" if whole == known else "altered"
    return "official" if origin.official else "not known"


def _describe_settings(prepared: Prepared) -> dict[str, SettingRecord]:
    config, loaded = prepared.config, prepared.loaded
    trained = loaded is None or loaded.run is not None
    found = {}
    for holder in (config.options, config.settings):
        for item in settings_of(type(holder)):
            if item.info.training and not trained:
                continue
            found[item.name] = SettingRecord(
                value=_plain(getattr(holder, item.name)),
                origin=config.origins.get(item.name, "default"),
                changes_result=item.info.changes_result,
            )
    return found


def _plain(value: Any) -> Any:
    """The value as JSON has it; as text if JSON has none, which includes infinity."""
    kept = isinstance(value, _PLAIN) and not (isinstance(value, float) and math.isinf(value))
    return value if kept else str(value)


def nearest_difference(record: RunRecord, earlier: Sequence[RunRecord]) -> str:
    """In words, what a run computes otherwise than the earlier one that is most like it.

    Args:
        record: The run that is about to begin.
        earlier: Earlier runs, oldest first.

    Returns:
        One sentence; empty if there is no earlier run of the task with the model.
    """
    assert record.computation is not None  # noqa: S101 - new_record made it
    alike = [
        (len(found), -place, other, found)
        for place, other in enumerate(earlier)
        if record.reproduction_of is None
        and (other.task, other.model, other.status) == (record.task, record.model, "completed")
        and other.kind == record.kind
        and other.computation is not None
        and (found := differences(other.computation, record.computation))
    ]
    if not alike:
        return ""
    _, _, other, found = min(alike, key=lambda item: item[:2])
    shown = [
        f"{name} {_short(before)} there, {_short(now)} here"
        for name, (before, now) in list(found.items())[:_SHOWN_DIFFERENCES]
    ]
    more = f" and {len(found) - len(shown)} more" if len(found) > len(shown) else ""
    return f"differs from run {other.id} in {'; '.join(shown)}{more}"


def _short(value: object) -> str:
    text = "–" if value in {None, ""} else str(value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"
