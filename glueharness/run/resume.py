"""Which earlier run stands for a new one: the same one, completed, or one left unfinished."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glueharness.errors import ConfigError, RunFolderError
from glueharness.record.folders import find_run, list_runs
from glueharness.record.record import MODEL_FOLDER
from glueharness.run.fit_context import CHECKPOINT_FOLDER
from glueharness.settings.fields import ADJUSTED, DEFAULT, RECIPE_OF, Layer

if TYPE_CHECKING:
    from pathlib import Path

    from glueharness.record.record import RunRecord
    from glueharness.run.config import RunConfig

LATEST = "latest"


def unfinished_run(record: RunRecord, config: RunConfig) -> RunRecord | None:
    """The run to go on with in the place of a new one; None: it is a new run.

    A run is gone on with if it would compute the same (see :attr:`RunRecord.identity`) and was
    stopped, or failed and left a checkpoint. ``config.resume`` makes that a must, for ``latest``
    or the run it names; ``config.rerun`` a must not.

    Raises:
        ConfigError: The run asked for computes something else.
        RunFolderError: It is complete, or nothing is there to go on with.
        UnknownNameError: There is no such run.
    """
    runs_dir = config.options.runs_dir
    if config.rerun:
        return None
    if config.resume and config.resume != LATEST:
        _, asked = find_run(runs_dir, config.resume)
        _require(asked, record, runs_dir)
        return asked
    for earlier in reversed(list_runs(runs_dir)[0]):
        if earlier.identity == record.identity and _can_go_on(earlier, runs_dir):
            return earlier
    if config.resume:
        raise RunFolderError(
            f"there is no unfinished run of {record.task} with these settings",
            where=str(runs_dir),
            remedy="`glueharness runs` lists them; leave --resume out to begin a new one.",
        )
    return None


def completed_run(record: RunRecord, config: RunConfig) -> RunRecord | None:
    """The completed run that computed the same, with its model; None if there is none.

    ``config.rerun`` and ``config.resume`` say that a run is wanted all the same.
    """
    if config.rerun or config.resume:
        return None
    runs_dir = config.options.runs_dir
    for earlier in reversed(list_runs(runs_dir)[0]):
        same = earlier.identity == record.identity and earlier.status == "completed"
        if same and (runs_dir / earlier.id / MODEL_FOLDER).is_dir():
            return earlier
    return None


def _can_go_on(earlier: RunRecord, runs_dir: Path) -> bool:
    if earlier.status != "failed":
        # Stopped before its first checkpoint it begins anew, in the folder that it left.
        return earlier.status in {"running", "interrupted"}
    checkpoint = runs_dir / earlier.id / CHECKPOINT_FOLDER
    return checkpoint.is_dir() and any(checkpoint.iterdir())


def _require(earlier: RunRecord, record: RunRecord, runs_dir: Path) -> None:
    where = str(runs_dir / earlier.id)
    if earlier.status == "completed":
        raise RunFolderError(f"run {earlier.id} is complete", where=where)
    if earlier.identity != record.identity:
        differing = [
            f"{name}: {earlier.settings[name].value} there, {item.value} here"
            for name, item in record.settings.items()
            if item.changes_result
            and name in earlier.settings
            and earlier.settings[name].value != item.value
        ]
        reason = "; ".join(differing) or "task, model or data differ"
        raise ConfigError(
            f"run {earlier.id} was begun with other settings ({reason})",
            where=where,
            remedy="Give the same settings, or leave --resume out to begin a new run.",
        )
    if not _can_go_on(earlier, runs_dir):
        raise RunFolderError(f"run {earlier.id} left no checkpoint to go on from", where=where)


def settings_of_run(record: RunRecord) -> list[Layer]:
    """The settings that a run's user chose, as layers: with them a config computes the same."""
    by_origin: dict[str, dict[str, object]] = {}
    for name, item in record.settings.items():
        if item.origin != DEFAULT and not item.origin.startswith((RECIPE_OF, ADJUSTED)):
            by_origin.setdefault(item.origin, {})[name] = item.value
    return [Layer(origin=origin, values=values) for origin, values in by_origin.items()]
