"""What a run is, before it begins: its record, and the identity that makes two runs the same."""

from __future__ import annotations

import hashlib
import json
import sys
from datetime import datetime
from typing import TYPE_CHECKING

from glueharness.data.table import fingerprint
from glueharness.record.folders import new_run_id
from glueharness.record.record import DataRecord, RunRecord, SettingRecord, SplitRecord
from glueharness.run.environment import describe_environment
from glueharness.settings.fields import settings_of

if TYPE_CHECKING:
    from glueharness.data.opening import OpenedData
    from glueharness.plugin.registry import Registry
    from glueharness.run.config import RunConfig
    from glueharness.specs import Split, TaskSpec


def identity(record: RunRecord) -> str:
    """A hash that is equal for runs that would compute the same."""
    facts = {
        "task": record.task,
        "model": record.model,
        "settings": {
            name: item.value for name, item in record.settings.items() if item.changes_result
        },
        "data": {name: split.fingerprint for name, split in record.data.splits.items()},
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]


def new_record(
    task: TaskSpec, config: RunConfig, opened: OpenedData, registry: Registry
) -> RunRecord:
    """The record of a run that is about to begin; its identity follows from its splits."""
    origin = opened.data.origin
    now = datetime.now().astimezone()
    return RunRecord(
        id=new_run_id(task.name, config.options.model, now),
        identity="",
        task=task.name,
        task_version=task.version,
        model=config.options.model,
        seed=config.options.seed,
        started=now.isoformat(timespec="milliseconds"),
        settings=_describe_settings(config),
        primary_metric=task.primary.name,
        environment=describe_environment(registry.plugins),
        command=sys.argv,
        data=DataRecord(
            source=origin.source,
            location=origin.location,
            revision=origin.revision,
            sample=origin.sample,
            passed_over=dict(opened.passed_over),
        ),
    )


def _describe_settings(config: RunConfig) -> dict[str, SettingRecord]:
    plain = (str, int, float, bool, type(None))
    found = {}
    for holder in (config.options, config.settings):
        for item in settings_of(type(holder)):
            value = getattr(holder, item.name)
            found[item.name] = SettingRecord(
                value=value if isinstance(value, plain) else str(value),
                origin=config.origins.get(item.name, "default"),
                changes_result=item.info.changes_result,
            )
    return found


def describe_split(task: TaskSpec, name: str, whole: Split, used: Split) -> SplitRecord:
    """What the record says of a split."""
    spec = task.split(name)
    return SplitRecord(
        role=spec.role,
        rows=len(used),
        available=len(whole),
        expected=spec.rows,
        fingerprint=fingerprint(used, task),
    )
