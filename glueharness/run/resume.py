"""Finds the unfinished run that a new one resumes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glueharness.errors import ConfigError, RunFolderError
from glueharness.record.computation import differences
from glueharness.record.store import LATEST
from glueharness.settings.fields import ADJUSTED, DEFAULT, RECIPE_OF, Layer, settings_of

if TYPE_CHECKING:
    from glueharness.plugin.registry import Registry
    from glueharness.record.record import RunRecord
    from glueharness.record.store import RunStore
    from glueharness.run.config import RunConfig


def unfinished_run(record: RunRecord, config: RunConfig, store: RunStore) -> RunRecord | None:
    """The run to resume in the place of a new one; None: it is a new run.

    A run is resumed if it would compute the same (see :attr:`RunRecord.identity`) and was stopped,
    or failed and left a checkpoint. With ``config.resume`` there must be one: the latest, or the
    run that it names.

    Raises:
        ConfigError: The run asked for computes something else.
        RunFolderError: It is complete, or there is nothing to resume.
        UnknownNameError: There is no such run.
    """
    if config.resume not in {"", LATEST}:
        asked = store.find(config.resume)
        _require(asked, record, store)
        return asked
    earlier = store.unfinished(record.identity)
    if earlier is None and config.resume:
        raise RunFolderError(
            f"there is no unfinished run of {record.task} with these settings",
            where=str(store.folder),
            remedy="`glueharness runs` lists them; leave --resume out to begin a new one.",
        )
    return earlier


def _require(earlier: RunRecord, record: RunRecord, store: RunStore) -> None:
    where = str(store.path(earlier))
    if earlier.status == "completed":
        raise RunFolderError(f"run {earlier.id} is complete", where=where)
    if earlier.identity != record.identity:
        raise ConfigError(
            f"run {earlier.id} was begun with other settings ({_difference(earlier, record)})",
            where=where,
            remedy="Give the same settings, or leave --resume out to begin a new run.",
        )
    if not store.resumable(earlier):
        raise RunFolderError(f"run {earlier.id} left no checkpoint to resume from", where=where)


def _difference(earlier: RunRecord, record: RunRecord) -> str:
    if earlier.computation is None or record.computation is None:
        return "its record, of an older version, does not say what it computed"
    found = differences(earlier.computation, record.computation)
    return "; ".join(f"{name}: {before} there, {now} here" for name, (before, now) in found.items())


def settings_of_run(record: RunRecord, registry: Registry) -> list[Layer]:
    """The settings that a run's user chose, as layers: with them a config computes the same.

    What only the present command may allow, such as running a checkpoint's own code, is left out:
    a record may come from anybody.
    """
    kind = registry.model(record.model).spec.settings
    consents = {item.name for item in settings_of(kind) if item.info.consent}
    by_origin: dict[str, dict[str, object]] = {}
    for name, item in record.settings.items():
        chosen = item.origin != DEFAULT and not item.origin.startswith((RECIPE_OF, ADJUSTED))
        if chosen and name not in consents:
            by_origin.setdefault(item.origin, {})[name] = item.value
    return [Layer(origin=origin, values=values) for origin, values in by_origin.items()]
