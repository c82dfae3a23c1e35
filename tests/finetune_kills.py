"""Runs a training in forked processes and kills them: a script, so that one thread is forked.

``python -m tests.finetune_kills FOLDER KILLS SEED ENGINE`` trains undisturbed, then again in other
folders until ``KILLS`` processes died of SIGKILL, resuming after each, and prints all results as
JSON. The moments are drawn from the seed, over the whole length of a run; every fourth kill waits
from its moment on for a checkpoint that is being written. In between a few stop by SIGINT and
SIGTERM.
"""

from __future__ import annotations

import dataclasses
import hashlib
import importlib
import json
import os
import random
import signal
import sys
import time
import traceback
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glueharness import DataOrigin, Interrupted, SourceSpec, Table, TaskSpec, hookimpl
from glueharness.plugin.loading import load_plugins
from glueharness.plugin.registry import Registry
from glueharness.record.run_file import RUN_FILE, read_record
from glueharness.record.store import LOCK_FILE
from glueharness.run.config import COMMAND_LINE, build_config
from glueharness.run.one_run import run
from glueharness.settings.fields import Layer
from tests.finetune_tools import colour_rows, colour_task, write_checkpoint
from tests.small_task import MemoryData

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator

    from glueharness import DataOptions
    from glueharness.run.config import RunConfig

SETTINGS = {
    "threads": "1",
    "precision": "fp32",
    "learning_rate": "5e-3",
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


def configure(registry: Registry, checkpoint: Path, runs: Path, **changes: str) -> RunConfig:
    """A run of the colour task, with some settings changed."""
    values = {"model": f"hf:{checkpoint}", "runs_dir": str(runs), **SETTINGS, **changes}
    return build_config("colours", [Layer(origin=COMMAND_LINE, values=values)], registry)


def train(checkpoint: Path, runs: Path, **changes: str) -> None:
    """One run, or the rest of one."""
    registry = colour_registry()
    run(configure(registry, checkpoint, runs, **changes), registry)


def outcome(runs: Path) -> dict[str, Any]:
    """What must not depend on interruptions: history, metrics, weights, predictions."""
    # One that died before it wrote its record left an empty folder, which is no run.
    (folder,) = [entry for entry in runs.iterdir() if (entry / RUN_FILE).is_file()]
    record = read_record(folder)
    predictions = sorted((folder / "predictions").iterdir())
    return {
        "status": record.status,
        "metrics": record.metrics,
        "history": [[epoch.epoch, epoch.metrics, epoch.values] for epoch in record.history],
        "weights": _digest(folder / "model" / "model.safetensors"),
        "predictions": {path.name: _digest(path) for path in predictions},
        "resumed": record.resumed,
        "warnings": record.warnings,
        "engine": record.notes["engine"]["name"],
        "left": sorted(
            path.name for path in folder.iterdir() if not path.name.startswith(LOCK_FILE)
        ),
    }


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """A signal to a training.

    Attributes:
        number: Which one.
        seconds: When, from the start of its process.
        saving: Whether to wait from then on for a checkpoint that is being written.
    """

    number: int
    seconds: float
    saving: bool = False


_ENDS = frozenset({0, 130, -signal.SIGKILL, -signal.SIGTERM})


def in_fork(
    work: Callable[[], None],
    runs: Path,
    wanted: Signal | None = None,
    expected: Container[int] = _ENDS,
) -> int:
    """Do ``work`` in a forked process and send it a signal; returns its exit code."""
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
    begun = time.monotonic()
    while True:
        ended, status = os.waitpid(process, os.WNOHANG)
        if ended:
            code = os.waitstatus_to_exitcode(status)
            if code not in expected:
                raise SystemExit(f"the training failed with code {code}")
            return code
        due = wanted is not None and time.monotonic() - begun >= wanted.seconds
        if wanted is not None and due and (not wanted.saving or _half_written(runs)):
            os.kill(process, wanted.number)
            wanted = None
        time.sleep(0.001)


def _half_written(runs: Path) -> bool:
    """Whether a checkpoint is being written, or was when its process died."""
    return any(runs.glob("*/checkpoint/.*.part"))


def signals(kills: int, duration: float, draw: random.Random) -> Iterator[Signal]:
    """So many kills and a few milder signals, within the time that a run takes."""
    milder = {5: signal.SIGINT, 12: signal.SIGTERM}
    for count in range(kills):
        if count % 20 in milder:
            yield Signal(number=milder[count % 20], seconds=draw.uniform(0, duration))
        yield Signal(
            number=signal.SIGKILL, seconds=draw.uniform(0, duration), saving=count % 4 == 3
        )


def warm_up(work: Callable[[], None]) -> None:
    """Do ``work`` in a fork, and import here what it imported, so that later forks need not."""
    reader, writer = os.pipe()
    process = os.fork()
    if process == 0:
        with suppress(SystemExit):
            work()
        with os.fdopen(writer, "w") as stream:
            stream.write("\n".join(sys.modules))
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as stream:
        names = stream.read().split()
    os.waitpid(process, 0)
    for name in names:
        if name not in sys.modules and not name.startswith("__"):
            with suppress(Exception):  # made by its parent and not to be imported by name
                importlib.import_module(name)


def main(folder: Path, kills: int, seed: int, engine: str) -> None:
    """Compare."""
    import torch

    torch.set_num_threads(1)  # a fork takes no other thread along
    checkpoint = write_checkpoint(folder / "checkpoint")
    warm_up(partial(train, checkpoint, folder / "warm", engine=engine))
    runs = folder / "undisturbed"
    begun = time.monotonic()
    in_fork(partial(train, checkpoint, runs, engine=engine), runs)
    duration = time.monotonic() - begun
    done = killed = half_written = 0
    draw = random.Random(seed)
    waiting = list(signals(kills, duration, draw))
    while True:
        runs = folder / f"killed-{done}"
        wanted = waiting.pop(0) if waiting else None
        code = in_fork(partial(train, checkpoint, runs, engine=engine), runs, wanted)
        killed += code == -signal.SIGKILL
        half_written += code == -signal.SIGKILL and _half_written(runs)
        if code == 0:
            done += 1
            if wanted is None:
                break
            if wanted.number == signal.SIGKILL:  # it came too late: once more, and sooner
                waiting.append(dataclasses.replace(wanted, seconds=draw.uniform(0, wanted.seconds)))
    report = {
        "killed": killed,
        "half_written": half_written,
        "undisturbed": outcome(folder / "undisturbed"),
        "disturbed": [outcome(folder / f"killed-{number}") for number in range(done)],
    }
    print(json.dumps(report))  # noqa: T201


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
