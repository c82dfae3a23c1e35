"""Twenty kills at random moments: what the same command then completes is the undisturbed plan."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import random
import signal
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.executor_tools import Command, is_alive, results, workers_of
from tests.ray_nodes import QUICK, Nodes

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

    Workers = Callable[[Command, "subprocess.Popen[str]"], list[int]]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="it looks into /proc"),
]

RUNS, KILLS, STEPS = 12, 20, 60
PLAN = ("run", "numbers", "--model", "slow", "--seeds", str(RUNS), "--steps", str(STEPS))


def children(_: Command, driver: subprocess.Popen[str]) -> list[int]:
    """The workers of a driver on this machine."""
    return workers_of(driver.pid)


def at_work(command: Command, _: subprocess.Popen[str]) -> list[int]:
    """The processes that work on a run, wherever they were started."""
    found = []
    for holder in command.folder.glob("runs/*/.lock.holder"):
        with contextlib.suppress(OSError, ValueError):
            found.append(int(json.loads(holder.read_text())["process"]))
    return [process for process in found if is_alive(process)]


def kill_at_random(command: Command, words: tuple[str, ...], workers: Workers) -> list[str]:
    """Give the command again and again while workers and drivers are killed; what was killed."""
    draw = random.Random(16)
    killed: list[str] = []
    driver = command.start(*words)
    last = time.monotonic()
    while len(killed) < KILLS:
        time.sleep(draw.uniform(0.1, 1.2))
        if driver.poll() is not None:
            _, told = driver.communicate()
            raise AssertionError(f"the plan was over after {len(killed)} kills: {told}")
        assert time.monotonic() - last < 120, "nobody begins to work"
        found = workers(command, driver)
        if not found or not at_work(command, driver):  # else only starts would be killed
            continue
        victim = draw.choice([driver.pid, *found])
        with contextlib.suppress(ProcessLookupError):
            os.kill(victim, signal.SIGKILL)
            killed.append("driver" if victim == driver.pid else "worker")
            last = time.monotonic()
        if victim == driver.pid:
            driver.communicate()
            driver = command.start(*words)
    # What remains of the last one is killed, too: the command is given again by somebody.
    driver.kill()
    driver.communicate()
    return killed


def check_plan(command: Command, words: tuple[str, ...], workers: Workers) -> None:
    undisturbed = command.run(*PLAN, "--runs-dir", "here")
    assert undisturbed.returncode == 0, undisturbed.stderr
    killed = kill_at_random(command, words, workers)
    assert {*killed} == {"driver", "worker"}
    done = command.run(*words)
    assert done.returncode == 0, done.stderr
    found, expected = command.records(), command.records("here")
    assert len(found) == RUNS  # no folder besides: none was begun twice
    assert results(found) == results(expected)
    assert list(map(numbers, found)) == list(map(numbers, expected))
    assert sum(record["resumed"] for record in found) >= 1
    for record in found:
        steps = (command.folder / "runs" / record["id"] / "steps.txt").read_text().split()
        assert sorted({*map(int, steps)}) == list(range(1, STEPS + 1))
        # The step that a kill cut is repeated; none that was saved is.
        assert len(steps) <= STEPS + record["resumed"]
    again = command.run(*words)
    assert f"{RUNS} of {RUNS} runs were there already" in again.stderr
    assert len(command.records()) == RUNS


def numbers(record: dict[str, Any]) -> tuple[Any, ...]:
    """The scores of a run, and how they came about."""
    history = [(item["epoch"], item["primary"]) for item in record["history"]]
    return record["seed"], record["metrics"], record["primary"], record["losses"], history


def test_on_this_machine(tmp_path: Path) -> None:
    words = (*PLAN, "--nap", "0.1", "--executor", "local", "--jobs", "2")
    check_plan(Command(tmp_path), words, children)


@pytest.mark.skipif(
    importlib.util.find_spec("ray") is None or importlib.util.find_spec("psutil") is None,
    reason="ray or psutil is not installed",
)
def test_on_ray(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in QUICK.items():
        monkeypatch.setenv(name, value)
    nodes = Nodes()
    try:
        words = (*PLAN, "--nap", "0.1", "--executor", f"ray:{nodes.address}", "--jobs", "2")
        check_plan(Command(tmp_path), words, at_work)
    finally:
        nodes.close()
