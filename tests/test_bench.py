"""How long a run would take: what is measured, what follows from it, and that nothing is left."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from glueharness import (
    ConfigError,
    Interrupted,
    ModelSpec,
    PluginError,
    Progress,
    cli,
    hookimpl,
    setting,
)
from glueharness.cli.app import App
from glueharness.plugin.loading import load_plugins
from glueharness.plugin.registry import Registry
from glueharness.run.config import COMMAND_LINE, build_config
from glueharness.settings.fields import Layer
from glueharness_bench.estimate import Estimate, estimate
from glueharness_bench.plan import makespan
from glueharness_bench.words import in_words
from tests.finetune_kills import colour_registry
from tests.finetune_tools import write_checkpoint

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from glueharness import FitContext, FloatArray, ModelContext, Split

READ, STEP, ASK = 0.00005, 0.002, 0.00002
"""Seconds that the model below takes a row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PacedSettings:
    """Settings of the model below."""

    epochs: int = setting(4, help="Passes.")
    fail: bool = setting(False, help="Whether to fail.")
    asked_early: bool = setting(True, help="Whether it can be asked before its end.")


class Paced:
    """A model that takes a known time for everything; eight rows a step."""

    def __init__(self, context: ModelContext) -> None:
        self.task, self.settings = context.task, context.settings
        self.done = False

    def fit(self, train: Split, dev: Mapping[str, Split], context: FitContext) -> None:
        """Read the rows, and learn until asked to stop."""
        if self.settings.fail:
            raise RuntimeError("it broke")
        time.sleep(0.2)
        for done in range(400, len(train) + 1, 400):
            time.sleep(400 * READ)
            context.report(Progress(phase="read", done=done, total=len(train), unit="rows"))
        steps = len(train) // 8 * self.settings.epochs
        with context.interruptible() as asked:
            for step in range(1, steps + 1):
                if asked():
                    (context.folder / "checkpoint").touch()
                    raise Interrupted("stopped")
                time.sleep(8 * STEP)
                context.report(Progress(phase="train", done=step, total=steps))
        assert dev
        self.done = True

    def predict(self, split: Split) -> FloatArray:
        """Anything."""
        if not self.done and not self.settings.asked_early:
            raise RuntimeError("too early")
        time.sleep(len(split) * ASK)
        return np.zeros((len(split), len(self.task.labels)), np.float32)

    def save(self, folder: Path) -> None:
        """Not asked for."""

    def load(self, folder: Path) -> None:
        """Not asked for."""


class PacedPlugin:
    """Offers it."""

    @hookimpl
    def glueharness_models(self) -> list[ModelSpec]:
        """One model."""
        return [ModelSpec(name="paced", description="Slow.", factory=Paced, settings=PacedSettings)]


@pytest.fixture
def registry() -> Registry:
    plugins = load_plugins()
    plugins.register(PacedPlugin(), "paced")
    return Registry(plugins)


def measure(
    registry: Registry, task: str = "qnli", seconds: float = 1.5, **values: str
) -> Estimate:
    given = {"data": "sample", **values}
    config = build_config(task, [Layer(origin=COMMAND_LINE, values=given)], registry)
    return estimate(config, registry, seconds)


def test_the_estimate_is_that_of_the_complete_splits(registry: Registry) -> None:
    began = time.perf_counter()
    found = measure(registry, model="paced")
    assert time.perf_counter() - began < 10
    parts = {part.what: part for part in found.parts}
    train, dev, test = 104_743, 5_463, 5_463
    assert not found.pace.finished
    assert parts["training, one epoch"].rows == train
    assert parts["training, one epoch"].times == 4
    assert parts["training, one epoch"].seconds == pytest.approx(train * STEP, rel=0.25)
    assert parts["reading texts"].rows == train + dev + test
    assert parts["reading texts"].seconds == pytest.approx((train + dev + test) * READ, rel=0.4)
    assert parts["evaluation on dev"].times == 5
    assert parts["evaluation on dev"].seconds == pytest.approx(dev * ASK, rel=0.5)
    assert parts["prediction of test"].rows == test
    assert 0.2 <= parts["start-up"].seconds < 5
    expected = train * STEP * 4 + (train + dev + test) * READ
    assert found.seconds == pytest.approx(expected, rel=0.3)


def test_a_model_that_comes_to_its_end_is_measured_whole(registry: Registry) -> None:
    found = measure(registry, model="paced", epochs="1", seconds=60, limit_train="400")
    assert found.pace.finished
    assert found.pace.train_rows == 400
    assert found.pace.train == pytest.approx(1 / STEP, rel=0.25)


def test_a_model_that_cannot_be_asked_early_is_estimated_without(registry: Registry) -> None:
    found = measure(registry, model="paced", asked_early="false", seconds=1)
    assert found.pace.evaluate is None
    assert [part.what for part in found.parts] == [
        "start-up", "reading texts", "training, one epoch",
    ]  # fmt: skip


def test_a_model_that_breaks_is_told_as_its_plugin_s(registry: Registry) -> None:
    with pytest.raises(
        PluginError, match=r"the model 'paced' of .* failed: RuntimeError: it broke"
    ):
        measure(registry, model="paced", fail="true")


@pytest.mark.parametrize("model", ["majority", "tfidf"])
def test_a_model_that_tells_no_steps(registry: Registry, model: str) -> None:
    found = measure(registry, "rte", model=model)
    assert found.pace.finished
    assert found.pace.epochs == 1
    assert found.origin.sample
    assert {part.what: part.rows for part in found.parts}["training, one epoch"] == 2_490


def test_an_encoder_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    start = write_checkpoint(tmp_path / "start")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    cache = os.environ["GLUEHARNESS_CACHE"]
    words = ["bench", "colours", f"--model=hf:{start}", "--threads=1", "--epochs=200"]
    with pytest.raises(SystemExit) as ended:
        cli.main([*words, "--seconds=2", "--json"], App(registry=colour_registry()))
    assert ended.value.code == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert found["pace"]["epochs"] == 200
    assert not found["pace"]["finished"]
    assert found["pace"]["train"] > 100
    assert found["pace"]["evaluate"] > 100
    # One chunk of rows tells no rate: reading is then part of the start-up.
    parts = {part["what"]: part for part in found["parts"]}
    assert parts["training, one epoch"]["rows"] == 320
    total = sum(part["seconds"] * part["times"] for part in found["parts"])
    assert found["seconds"] == pytest.approx(total)
    assert found["notes"]["threads"] == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["start", "temporary"]
    assert list((tmp_path / "temporary").iterdir()) == []
    assert os.environ["GLUEHARNESS_CACHE"] == cache


def test_a_training_of_so_many_steps_is_estimated_by_its_steps(tmp_path: Path) -> None:
    start = write_checkpoint(tmp_path / "start")
    values = {
        "model": f"hf:{start}", "threads": "1", "batch_size": "8", "max_steps": "100",
        "gradient_accumulation_steps": "2",
    }  # fmt: skip
    registry = colour_registry()
    config = build_config("colours", [Layer(origin=COMMAND_LINE, values=values)], registry)
    found = estimate(config, registry, 60)
    assert found.pace.finished
    parts = {part.what: part for part in found.parts}
    training = parts["training, all steps"]
    assert (training.rows, training.times) == (1600, 1)
    assert 0 < training.seconds < found.pace.seconds  # which has checkpoints and scoring in it
    assert parts["evaluation on dev"].times == 6  # of 320 rows, 1600 are five passes


def test_it_says_what_was_measured_and_what_follows(
    registry: Registry, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        cli.main(["bench", "rte", "--model=majority", "--data=sample"], App(registry=registry))
    said = " ".join(capsys.readouterr().out.split())
    assert "2,490" in said
    assert "whole run" in said
    assert "Measured: the start-up, the whole recipe on" in said
    assert "made-up ones from the bundled sample" in said


def test_a_task_without_training_data_is_refused(registry: Registry) -> None:
    with pytest.raises(ConfigError, match="no training data") as caught:
        measure(registry, "ax", model="majority")
    assert "glueharness run mnli" in caught.value.remedy


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.04, "0.0 s"), (9.94, "9.9 s"), (59.4, "59 s"), (440, "7 min 20 s"), (11100, "3 h 5 min")],
)
def test_times_in_words(seconds: float, words: str) -> None:
    assert in_words(seconds) == words


def test_a_plan_ends_when_its_last_worker_does() -> None:
    assert makespan([5.0, 3.0, 3.0, 1.0], 1) == 12.0
    assert makespan([5.0, 3.0, 3.0, 1.0], 2) == 6.0
    assert makespan([5.0, 1.0], 8) == 5.0


def bench(*words: str) -> dict[str, Any]:
    """What the command prints as JSON, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "glueharness", "bench", *words, "--json"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


SMALL = ("--model", "tfidf", "--data", "sample", "--seconds", "1")


def test_a_plan_is_measured_by_its_workers_together() -> None:
    found = bench("rte", "wnli", "--seeds", "3", "--jobs", "2", *SMALL)
    assert found["workers"] == 2
    assert "2 workers at work together" in found["assumed"]
    assert [(part["task"], part["runs"]) for part in found["parts"]] == [("rte", 3), ("wnli", 3)]
    cores = len(os.sched_getaffinity(0))
    # Each worker knows only its part of the processors.
    assert {part["measured"]["cores"] for part in found["parts"]} == {max(1, cores // 2)}
    rte, wnli = (part["seconds"] for part in found["parts"])
    assert found["seconds"] == pytest.approx(makespan([rte] * 3 + [wnli] * 3, 2))
    assert found["seconds"] < 3 * (rte + wnli)


def test_a_plan_elsewhere_says_what_is_assumed() -> None:
    found = bench("rte", "--executor", "slurm", "--jobs", "3", "--grid", "ngram_max=1,2", *SMALL)
    assert "3 workers of Slurm, each with 1 thread of a machine like this one" in found["assumed"]
    assert [part["point"] for part in found["parts"]] == [{"ngram_max": "1"}, {"ngram_max": "2"}]
    assert found["seconds"] == max(part["seconds"] for part in found["parts"])
    assert found["parts"][0]["measured"]["cores"] == 1


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--executor", "slurm"), "Say for how many the estimate is to be: --jobs N"),
        (("--executor", "ray:host:1"), "Say for how many"),
        (("--executor", "local:x", "--jobs", "2"), "takes nothing behind a colon"),
        (("--executor", "locl"), "did you mean 'local'"),
        (("--jobs", "0"), "--jobs must be at least 1"),
        (("--jobs", "2", "--model", "hf:./nowhere"), "nowhere"),
    ],
)
def test_a_plan_that_cannot_be_estimated(
    registry: Registry, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], told: str
) -> None:
    with pytest.raises(SystemExit) as end:
        cli.main(["bench", "rte", *SMALL, *words], App(registry=registry))
    assert end.value.code == 1
    captured = capsys.readouterr()
    assert told in captured.err
    assert captured.out == ""
