"""What the tests of executors share: a task and a slow model in one plugin file, and commands."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

PLUGIN = '''
"""A task of numbers and a model that takes its time: it saves after each step, and can be stopped."""
import os, time
from dataclasses import dataclass
import numpy as np
import glueharness as gh

LABELS = ("even", "odd")

def rows(count):
    return gh.Table({"text": [f"number {n}" for n in range(count)],
                     "label": [LABELS[n % 2] for n in range(count)]})

class Accuracy:
    def compute(self, *, predictions, references):
        return {"accuracy": sum(a == b for a, b in zip(predictions, references)) / len(references)}

@dataclass
class Data:
    origin: gh.DataOrigin
    splits: dict
    @property
    def available(self): return list(self.splits)
    def load(self, split): return self.splits[split]

class Source:
    def open(self, task, options):
        return Data(gh.DataOrigin(source="memory", location="a test"), {"train": rows(20), "dev": rows(50)})

@dataclass(frozen=True, kw_only=True)
class Settings:
    steps: int = gh.setting(3, help="Steps.", low=1, high=1000)
    nap: float = gh.setting(0.0, help="Seconds a step takes.", low=0, high=10, changes_result=False)
    skill: float = gh.setting(0.7, help="Share of right answers.", low=0, high=1)
    fail: str = gh.setting("", help="The seed to fail with.", changes_result=False)

class Slow:
    def __init__(self, context):
        self.settings, self.seed, self.done = context.settings, context.seed, 0

    def fit(self, train, dev, context):
        place = context.folder / "step"
        if context.resume and place.exists():
            for self.done in range(1, int(place.read_text()) + 1):
                self.score(dev, context)
        if self.settings.fail == str(self.seed):
            raise gh.ModelError("it broke, as it was told")
        with context.interruptible() as asked:
            while self.done < self.settings.steps:
                time.sleep(self.settings.nap)
                self.done += 1
                part = context.folder / "step.part"
                part.write_text(str(self.done))
                with (context.folder.parent / "steps.txt").open("a") as stream:
                    stream.write(f"{self.done}\\n")
                part.rename(place)
                context.report(gh.Progress(phase="train", done=self.done, total=self.settings.steps))
                self.score(dev, context)
                if asked():
                    raise gh.Interrupted(f"stopped after step {self.done}")

    def score(self, dev, context):
        scores = context.score({name: self.predict(split) for name, split in dev.items()})
        context.epoch(self.done, scores, {})

    def predict(self, split):
        draw = np.random.default_rng([self.seed, self.done])
        scores = np.zeros((len(split), 2), dtype=np.float32)
        for row, text in enumerate(split["text"]):
            right = draw.random() < self.settings.skill
            scores[row, (int(text.split()[1]) + (not right)) % 2] = draw.random() + 0.1
        return scores

    def save(self, folder): (folder / "done.txt").write_text(str(self.done))
    def load(self, folder): self.done = int((folder / "done.txt").read_text())

class Plugin:
    @staticmethod
    @gh.hookimpl
    def glueharness_tasks():
        return [gh.TaskSpec(
            name=name, title=name.title(), description="Even or odd?", columns=("text",), labels=LABELS,
            splits=(gh.SplitSpec(name="train", role="train", rows=20), gh.SplitSpec(name="dev", role="dev", rows=50)),
            metrics=(gh.MetricSpec(name="accuracy", title="Accuracy", factory=lambda _: Accuracy()),),
            sources=(gh.SourceSpec(name="memory", description="rows", factory=Source, order=1),),
            starts_from="numbers" if name == "digits" else "",
        ) for name in ("numbers", "digits")]

    @staticmethod
    @gh.hookimpl
    def glueharness_models():
        return [gh.ModelSpec(name="slow", description="Takes its time.", factory=Slow, settings=Settings)]

glueharness_tasks = Plugin.glueharness_tasks
glueharness_models = Plugin.glueharness_models
'''  # noqa: E501 - a whole file


def write_plugin(folder: Path) -> Path:
    """The plugin file, in a folder."""
    path = folder / "numbers_plugin.py"
    path.write_text(PLUGIN, encoding="utf-8")
    return path


class Command:
    """``glueharness`` with the plugin, in a folder of its own.

    Args:
        folder: Where it runs.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.plugin = folder, write_plugin(folder)

    def words(self, *words: str) -> list[str]:
        own = [sys.executable, "-m", "glueharness", "--plugin", str(self.plugin)]
        return [*own, *words]

    def run(self, *words: str, **more: Any) -> subprocess.CompletedProcess[str]:
        """Run it to its end."""
        return subprocess.run(
            self.words(*words), cwd=self.folder, capture_output=True, text=True, check=False, **more
        )

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Begin it, in a session of its own."""
        return subprocess.Popen(
            self.words(*words), cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, start_new_session=True,
        )  # fmt: skip

    def records(self, runs: str = "runs") -> list[dict[str, Any]]:
        """The records of all runs, by identity."""
        found = [
            json.loads(path.read_text(encoding="utf-8"))
            for path in (self.folder / runs).glob("*/run.json")
        ]
        return sorted(found, key=lambda record: record["identity"])


def results(records: Sequence[dict[str, Any]]) -> list[tuple[str, str, dict[str, str]]]:
    """Of each run its identity, how it stands, and the hash of its predictions."""
    return [
        (
            record["identity"],
            record["status"],
            {k: v for k, v in record["seals"].items() if k.startswith("predictions/")},
        )
        for record in records
    ]


def wait_until(check: Callable[[], object], seconds: float = 60) -> None:
    """Wait for something to become true."""
    end = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def workers_of(driver: int) -> list[int]:
    """The worker processes that a driver has started."""
    path = f"/proc/{driver}/task/{driver}/children"
    try:
        with open(path, encoding="ascii") as stream:  # noqa: PTH123
            return [int(word) for word in stream.read().split()]
    except OSError:
        return []


def is_alive(process: int) -> bool:
    """Whether a process is there, and no mere entry of one that ended."""
    try:
        with open(f"/proc/{process}/stat", encoding="ascii") as stream:  # noqa: PTH123
            return stream.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
