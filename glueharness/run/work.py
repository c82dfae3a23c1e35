"""From a planned run to a :class:`glueharness.specs.Work`: all that a worker elsewhere needs."""

from __future__ import annotations

import dataclasses
import hashlib
import importlib.metadata
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glueharness.plugin.status import OWN
from glueharness.specs import Work

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from glueharness.plugin.registry import Registry
    from glueharness.run.plan import PlannedRun

_PLAIN = (str, int, float, bool, type(None))
_ELSEWHERE = ("runs_dir", "track")
"""Options that say where a run is kept and told, not what it is."""


def make_works(plan: Sequence[PlannedRun], registry: Registry) -> list[Work]:
    """The works of a plan, in its order; a run that starts from others in it comes after them."""
    around = _around(registry)
    keys = [key_of(planned) for planned in plan]
    works = []
    for planned, key in zip(plan, keys, strict=True):
        options, settings = planned.config.options, planned.config.settings
        before = dict.fromkeys(
            other
            for earlier, other in zip(plan, keys, strict=True)
            if planned.init_from
            and earlier.config.task == planned.init_from
            and earlier.config.options.model == options.model
            and earlier.config.options.seed == options.seed
        )
        on_gpu = getattr(settings, "device", "cpu") != "cpu"
        works.append(
            Work(
                key=key,
                title=title_of(planned),
                request={**_request(planned), **around},
                after=tuple(before),
                processors=getattr(settings, "threads", None) or 0,
                gpus=int(on_gpu),
            )
        )
    return works


def title_of(planned: PlannedRun) -> str:
    """A planned run in words: task, seed, and the settings that a grid gives it."""
    config = planned.config
    task = planned.evaluated or config.task
    point = [f"{name} {value}" for name, value in planned.point.items()]
    return ", ".join([task, f"seed {config.options.seed}", *point])


def key_of(planned: PlannedRun) -> str:
    """Hash of what a planned run asks for, wherever its settings came from."""
    config = planned.config
    options = dataclasses.asdict(config.options)
    asked = {
        "task": config.task,
        "evaluated": planned.evaluated,
        "init_from": planned.init_from,
        "resume": config.resume,
        "rerun": config.rerun,
        "options": {name: value for name, value in options.items() if name not in _ELSEWHERE},
        "settings": dataclasses.asdict(config.settings),
    }
    text = json.dumps(asked, sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:16]


def _request(planned: PlannedRun) -> dict[str, Any]:
    config = planned.config
    return {
        "task": config.task,
        "layers": [[layer.origin, _plain(layer.values)] for layer in planned.layers],
        "runs_dir": str(config.options.runs_dir.absolute()),
        "init_from": planned.init_from,
        "evaluated": planned.evaluated,
        "resume": config.resume,
        "rerun": config.rerun,
        "paths": _paths(planned),
    }


def _paths(planned: PlannedRun) -> dict[str, str]:
    """The files and folders of this machine that the run's settings name, and the setting of each.

    A worker that lacks one is told so before it looks for it elsewhere, on the hub for instance.
    """
    found: dict[str, str] = {}
    for layer in planned.layers:
        for name, value in layer.values.items():
            if name in _ELSEWHERE or not isinstance(value, str | os.PathLike):
                continue
            text = os.fspath(value)
            named = text.partition(":")[2] if name == "model" else text
            path = Path(named).expanduser()
            written_as_path = name == "model" or named.startswith((".", "~")) or os.sep in named
            if named and written_as_path and _is_there(path):
                found.setdefault(str(path.absolute()), f"{name} {text}")
    return found


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # too long for a path, or with a null in it
        return False


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value if isinstance(value, _PLAIN) else str(value) for name, value in values.items()
    }


def _around(registry: Registry) -> dict[str, Any]:
    """What is the same for all works of a command: where it was given, and with which code."""
    statuses = [
        status
        for status in registry.plugins.statuses.values()
        if status.point is not None or Path(status.target).is_file()
    ]
    return {
        "command": list(sys.argv),
        "folder": os.getcwd(),  # noqa: PTH109 - as text
        "version": importlib.metadata.version(OWN),
        "plugins": {status.name: status.code for status in statuses if status.in_use},
        "files": [
            str(Path(status.target).absolute())
            for status in statuses
            if status.point is None and status.in_use
        ],
        "texts": dict(registry.plugins.texts),
        "without": [status.name for status in statuses if status.disabled],
        "prefer": list(registry.prefer),
    }
