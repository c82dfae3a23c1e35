"""Runs a training in forked processes and stops them: a script, so that one thread is forked.

``python -m tests.finetune_kills FOLDER SIGNALS SEED`` trains undisturbed, then again in another
folder with SIGKILL at random moments (and at every third with SIGINT or SIGTERM), resuming each
time, and prints all results as JSON.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import sys
import time
import traceback
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glueharness import DataOrigin, Interrupted, SourceSpec, Table, TaskSpec, hookimpl
from glueharness.config import COMMAND_LINE, build_config
from glueharness.plugins import load_plugins
from glueharness.record import read_record
from glueharness.registry import Registry
from glueharness.run import run
from glueharness.settings import Layer
from tests.finetune_tools import colour_rows, colour_task, write_checkpoint
from tests.small_task import MemoryData

if TYPE_CHECKING:
    from collections.abc import Callable

    from glueharness import DataOptions

SETTINGS = {
    "threads": "1",
    "precision": "fp32",
    "learning_rate": "3e-3",
    "epochs": "2",
    "batch_size": "16",
    "checkpoint_minutes": "0.002",
}


class ColourSource:
    """The rows of the colour task."""

    def open(self, task: TaskSpec, options: DataOptions) -> MemoryData:
        """Always there."""
        assert task.name == "colours"
        assert options
        splits: dict[str, Table] = {"train": colour_rows(320, 1), "dev": colour_rows(80, 2)}
        return MemoryData(DataOrigin(source="made", location="in a test"), splits)


class ColourPlugin:
    """Offers the colour task."""

    @hookimpl
    def glueharness_tasks(self) -> list[TaskSpec]:
        """One task."""
        source = SourceSpec(name="made", description="rows", factory=ColourSource, order=1)
        return [colour_task(sources=(source,))]


def colour_registry() -> Registry:
    """The installed plugins and the colour task."""
    plugins = load_plugins()
    plugins.register(ColourPlugin(), "colours")
    return Registry(plugins)


def train(checkpoint: Path, runs: Path, **changes: str) -> None:
    """One run, or the rest of one."""
    registry = colour_registry()
    values = {"model": f"hf:{checkpoint}", "runs_dir": str(runs), **SETTINGS, **changes}
    run(build_config("colours", [Layer(origin=COMMAND_LINE, values=values)], registry), registry)


def outcome(runs: Path) -> dict[str, Any]:
    """What must not depend on interruptions: history, metrics, weights, predictions."""
    (folder,) = [entry for entry in runs.iterdir() if entry.is_dir()]
    record = read_record(folder)
    weights = (folder / "model" / "model.safetensors").read_bytes()
    return {
        "status": record.status,
        "metrics": record.metrics,
        "history": [[epoch.epoch, epoch.metrics, epoch.values] for epoch in record.history],
        "weights": hashlib.sha256(weights).hexdigest(),
        "resumed": record.resumed,
        "warnings": record.warnings,
    }


def in_fork(
    work: Callable[[], None], seconds: float | None = None, number: int = signal.SIGKILL
) -> bool:
    """Do ``work`` in a forked process, signalled after ``seconds``; whether it came to its end."""
    process = os.fork()
    if process == 0:
        try:
            work()
        except (KeyboardInterrupt, Interrupted):
            os._exit(130)
        except BaseException:  # noqa: BLE001 - a child must not go on as the parent
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    deadline = None if seconds is None else time.monotonic() + seconds
    while True:
        ended, status = os.waitpid(process, os.WNOHANG)
        if ended:
            code = os.waitstatus_to_exitcode(status)
            if code not in {0, 130, -number}:
                raise SystemExit("the training failed")
            return code == 0
        if deadline is not None and time.monotonic() >= deadline:
            os.kill(process, number)
            deadline = None
        time.sleep(0.002)


def main(folder: Path, kills: int, seed: int) -> None:
    """Compare."""
    checkpoint = write_checkpoint(folder / "checkpoint")
    draw = random.Random(seed)
    begun = time.monotonic()
    in_fork(partial(train, checkpoint, folder / "undisturbed"))
    duration = time.monotonic() - begun
    done = 0
    for count in range(kills):
        number = (signal.SIGKILL, signal.SIGKILL, (signal.SIGINT, signal.SIGTERM)[count % 2])
        moment = draw.uniform(0.05, 1.0) * duration
        work = partial(train, checkpoint, folder / f"killed-{done}")
        done += in_fork(work, moment, number[count % 3])
    in_fork(partial(train, checkpoint, folder / f"killed-{done}"))
    results = [outcome(folder / f"killed-{number}") for number in range(done + 1)]
    print(json.dumps([outcome(folder / "undisturbed"), *results]))  # noqa: T201


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
