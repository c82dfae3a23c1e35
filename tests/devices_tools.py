"""What the tests of training in several processes share: an encoder, rows, trainings, commands."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glueharness_finetune.model import FinetunedEncoder
from glueharness_finetune.pretrained.find import checkpoint_named
from glueharness_finetune.training.progress import Losses
from tests.executor_tools import workers_of
from tests.finetune_tools import colour_rows, colour_task, listen, model_context, write_checkpoint

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pytest

    from glueharness import FloatArray, Table, TaskSpec
    from tests.finetune_tools import Listener

DEV_ROWS = 37
"""No multiple of any number of processes here, nor of the rows of a batch."""
ALIKE = {"dropout": 0.0, "batch_size": 16, "evaluation_tokens": 512}


@dataclass
class Outcome:
    """What a training came to."""

    model: FinetunedEncoder
    listener: Listener
    losses: list[float] = field(default_factory=list)

    def scores(self, dev: Table) -> FloatArray:
        """What the model says of the dev rows that it was trained with."""
        return self.model.predict(dev)

    def weights(self) -> dict[str, Any]:
        """The weights to keep, by name."""
        assert self.model._classifier is not None
        return dict(self.model._classifier.model.state_dict())


@dataclass
class Trainer:
    """Trains the small encoder on a task, as often as a test wants.

    Attributes:
        folder: For what it writes.
        monkeypatch: Lets it see the losses.
        task: The task.
        train: Its training rows.
        dev: Its dev rows.
    """

    folder: Path
    monkeypatch: pytest.MonkeyPatch
    task: TaskSpec = field(default_factory=colour_task)
    train: Table = field(default_factory=lambda: colour_rows(250, 1))
    dev: Table = field(default_factory=lambda: colour_rows(DEV_ROWS, 2))

    def model(self, **settings: Any) -> FinetunedEncoder:
        """An untrained model."""
        checkpoint = self.folder / "checkpoint"
        if not checkpoint.exists():
            write_checkpoint(checkpoint)
        context = model_context(self.task, **{**ALIKE, **settings})
        return FinetunedEncoder(context, checkpoint_named(str(checkpoint)))

    def listener(self, name: str, **facts: Any) -> Listener:
        """A context with a folder of that name."""
        return listen(self.folder / name, self.task, {"dev": self.dev}, **facts)

    def fit(self, name: str, **settings: Any) -> Outcome:
        """Train, and keep the loss of every step."""
        outcome = Outcome(self.model(**settings), self.listener(name))
        add = Losses.add

        def heard(losses: Losses, loss: Any, rows: int, rate: float) -> None:
            outcome.losses.append(float(loss))
            add(losses, loss, rows, rate)

        with self.monkeypatch.context() as patch:
            patch.setattr(Losses, "add", heard)
            outcome.model.fit(self.train, {"dev": self.dev}, outcome.listener)
        return outcome


def helpers_of(process: int) -> list[int]:
    """The helper processes that a process has started."""
    found = []
    for child in workers_of(process):
        with suppress(OSError):
            if b"parallel.helper" in Path(f"/proc/{child}/cmdline").read_bytes():
                found.append(child)
    return found


@dataclass
class Commands:
    """The command line, in a folder with the rows of the colour task in files."""

    folder: Path

    def __post_init__(self) -> None:
        """Write what the commands need."""
        write_checkpoint(self.folder / "encoder")
        for name, rows in (("train", colour_rows(320, 1)), ("dev", colour_rows(DEV_ROWS, 2))):
            with (self.folder / f"{name}.csv").open("w", newline="") as file:
                writer = csv.writer(file)
                columns = ("question", "sentence", "label")
                writer.writerow(columns)
                writer.writerows(zip(*(rows[column] for column in columns), strict=True))

    def words(self, *more: str, runs: str = "runs") -> list[str]:
        """A training in the words of the command line."""
        return [
            "run", "colours", "--train-file", "train.csv", "--dev-file", "dev.csv",
            "--text", "question", "--text", "sentence", "--model", "hf:./encoder",
            "--precision", "fp32", "--batch-size", "16", "--learning-rate", "3e-3",
            "--epochs", "3", "--runs-dir", runs, *more,
        ]  # fmt: skip

    def start(self, words: Sequence[str], launcher: Sequence[str] = (), **environment: str) -> Any:
        """Start a command, by itself or through a launcher."""
        program = [sys.executable, "-m", *launcher]
        program += ["-m", "glueharness"] if launcher else ["glueharness"]
        return subprocess.Popen(
            [*program, *words], cwd=self.folder, text=True, start_new_session=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, **environment},
        )  # fmt: skip

    def run(
        self, words: Sequence[str], launcher: Sequence[str] = (), **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Do a command to its end."""
        process = self.start(words, launcher, **environment)
        output, errors = process.communicate(timeout=240)
        return subprocess.CompletedProcess(process.args, process.returncode, output, errors)

    def record(self, runs: str = "runs") -> dict[str, Any]:
        """The record of the only run in a folder."""
        (file,) = (self.folder / runs).glob("*/run.json")
        found: dict[str, Any] = json.loads(file.read_text())
        return found
