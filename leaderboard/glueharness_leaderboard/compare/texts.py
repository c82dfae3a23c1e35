"""The texts of the rows that a run was scored on, if these very rows are at hand."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from glueharness.errors import GlueharnessError

if TYPE_CHECKING:
    from glueharness.plugin.registry import Registry
    from glueharness.record.record import RunRecord


def texts_of(record: RunRecord, registry: Registry) -> tuple[dict[str, dict[str, list[str]]], str]:
    """The texts of a run's dev splits, if the very rows that it was scored on are at hand.

    Nothing is fetched from the network. What is found counts only if its fingerprint is the
    record's.

    Args:
        record: A run.
        registry: Where its task and the data sources are looked up.

    Returns:
        By split and column; and why there are none, if there are none.
    """
    from glueharness.data.opening import open_data
    from glueharness.data.table import fingerprint, head
    from glueharness.run.recorded_task import knowing
    from glueharness.specs import DataOptions

    folder = _folder(record)
    try:
        registry = knowing(record, registry, folder)
        task = registry.task(record.task)
    except GlueharnessError as error:
        return {}, error.what
    options = DataOptions(source=record.data.source, folder=folder, offline=True)
    found: dict[str, dict[str, list[str]]] = {}
    try:
        opened = open_data(task, options, registry.sources_for(task))
        for name, split in record.data.splits.items():
            if split.role != "dev":
                continue
            rows = head(opened.load(name), split.rows)
            if fingerprint(rows, task) != split.fingerprint:
                return {}, f"the rows of {name} there are not those that were scored"
            found[name] = {column: list(rows[column]) for column in task.columns}
    except GlueharnessError as error:
        return {}, error.what
    return found, ""


def _folder(record: RunRecord) -> Path | None:
    """The data folder that the run used, or that the environment names now."""
    from glueharness.cli.app import environment_layer

    chosen = environment_layer().values.get("data_dir")
    if chosen:
        return Path(str(chosen))
    used = record.settings.get("data_dir")
    folder = Path(str(used.value)) if used is not None and used.value else None
    return folder if folder is not None and folder.is_dir() else None
