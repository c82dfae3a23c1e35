"""Runs that workers do are those that this process would have done, whoever is killed meanwhile."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest

from glueharness.errors import ConfigError, RunFolderError
from glueharness.plugin.choice import PluginChoice
from glueharness.plugin.loading import load_plugins
from glueharness.plugin.registry import Registry
from glueharness.record.run_file import read_record
from glueharness.run.dispatch import Dispatcher, work_folder
from glueharness.run.elsewhere import Where, run_elsewhere
from glueharness.run.many_runs import run_plan
from glueharness.run.parcel import pack, unpack
from glueharness.run.plan import PlanRequest, build_plan
from glueharness.run.work import make_works
from glueharness.run.worker import do
from glueharness.settings.fields import Layer
from glueharness.specs import Note, Work
from tests.executor_tools import Command, is_alive, results, wait_until, workers_of, write_plugin

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="it looks into /proc")

TWO = ("--executor", "local", "--jobs", "2")


@pytest.fixture
def command(tmp_path: Path) -> Command:
    return Command(tmp_path)


def registry_with(folder: Path) -> Registry:
    return Registry(load_plugins(choice=PluginChoice(files=(write_plugin(folder),))))


def plan_request(folder: Path, **more: Any) -> PlanRequest:
    values = {"model": "slow", "runs_dir": str(folder / "runs"), **more.pop("values", {})}
    facts = {"names": ["numbers"], "layers": [Layer(origin="command line", values=values)]}
    return PlanRequest(**{**facts, **more})


def test_workers_compute_what_this_process_computes(tmp_path: Path) -> None:
    registry = registry_with(tmp_path)
    here = build_plan(
        plan_request(tmp_path, seeds=[1, 2, 3], values={"runs_dir": str(tmp_path / "here")}),
        registry,
    )
    run_plan(here, registry, lambda _position, _config: None)
    heard: list[str] = []
    plan = build_plan(plan_request(tmp_path, seeds=[1, 2, 3]), registry)
    outcomes = run_elsewhere(
        plan, registry, Where(jobs=2), lambda _work, note: heard.append(note.kind)
    )
    command = Command(tmp_path)
    assert results(command.records()) == results(command.records("here"))
    assert [outcome.record.seed for outcome in outcomes if outcome.record] == [1, 2, 3]
    assert {"placed", "started", "progress", "evaluated", "done"} <= set(heard)
    record = command.records()[0]
    assert record["command"] == sys.argv
    log = tmp_path / "runs" / record["id"] / "worker.log"
    assert "epoch 3" in log.read_text()
    assert not (tmp_path / "runs" / ".work").exists()
    again = run_elsewhere(plan, registry, Where(jobs=2))
    assert [outcome.reused for outcome in again] == [True] * 3


def test_a_work_is_done_after_those_it_starts_from_and_once(tmp_path: Path) -> None:
    registry = registry_with(tmp_path)
    request = plan_request(tmp_path, names=["digits", "numbers"], seeds=[1, 2], init_from="numbers")
    first, second, third, fourth = make_works(build_plan(request, registry), registry)
    assert (first.after, second.after) == ((), ())
    assert (third.after, fourth.after) == ((first.key,), (second.key,))
    assert len({work.key for work in (first, second, third, fourth)}) == 4


class Scripted:
    """An executor that does as it is told: for each submission of a key the next kind of end."""

    def __init__(self, **ends: list[Any]) -> None:
        self.ends = ends
        self.submitted: list[str] = []
        self.requests: list[Any] = []
        self._notes: list[Note] = []

    def submit(self, works: Any) -> list[str]:
        for work in works:
            self.submitted.append(work.key)
            self.requests.append(work.request)
            kind = self.ends[work.key].pop(0)
            self._notes.append(Note(key=work.key, kind="started", value={"run": "r-1"}))
            self._notes.append(Note(key=work.key, kind=kind))
        return [""] * len(works)

    def attach(self, work: Work, handle: str) -> bool:  # noqa: ARG002 - as every executor
        return False

    def poll(self, seconds: float) -> list[Note]:  # noqa: ARG002 - as every executor
        notes, self._notes = self._notes, []
        return notes

    def stop(self, key: str, *, now: bool = False) -> None:
        pass

    def close(self) -> None:
        pass


def work(key: str, *after: str, rerun: bool = False) -> Work:
    return Work(key=key, title=key, request={"rerun": rerun, "resume": ""}, after=after)


def test_only_what_is_lost_is_given_away_again_and_at_most_twice(tmp_path: Path) -> None:
    executor = Scripted(
        a=["lost", "lost", "lost"], b=["failed"], c=["lost", "done"], d=["stopped", "done"]
    )
    with work_folder(tmp_path) as (folder, token):
        dispatcher = Dispatcher(executor, folder, token, lambda _work, _note: None)
        dispatcher.add([work("a"), work("b"), work("c"), work("d"), work("a")])
        assert dispatcher.run() is False
    assert {key: note.kind for key, note in dispatcher.ends.items()} == {
        "a": "lost", "b": "failed", "c": "done", "d": "done",
    }  # fmt: skip
    assert sorted(executor.submitted) == ["a", "a", "a", "b", "c", "c", "d", "d"]


def test_what_starts_from_another_waits_for_its_end_even_if_it_fails(tmp_path: Path) -> None:
    executor = Scripted(a=["lost", "failed"], b=["done"])
    with work_folder(tmp_path) as (folder, token):
        dispatcher = Dispatcher(executor, folder, token, lambda _work, _note: None)
        dispatcher.add([work("b", "a", "elsewhere"), work("a")])
        dispatcher.run()
    assert executor.submitted == ["a", "a", "b"]


def test_a_repeated_run_whose_worker_is_lost_resumes_what_it_began(tmp_path: Path) -> None:
    executor = Scripted(a=["lost", "done"])
    with work_folder(tmp_path) as (folder, token):
        dispatcher = Dispatcher(executor, folder, token, lambda _work, _note: None)
        dispatcher.add([work("a", rerun=True)])
        dispatcher.run()
    first, second = executor.requests
    assert (first["rerun"], first["resume"]) == (True, "")
    assert (second["rerun"], second["resume"]) == (False, "r-1")


class Interrupting(Scripted):
    """Gets Ctrl-C while a work is under way, which is done before it can be stopped."""

    asked = False

    def poll(self, seconds: float) -> list[Note]:
        if self.asked:
            return super().poll(seconds)
        self.asked = True
        os.kill(os.getpid(), signal.SIGINT)
        return []


def test_after_ctrl_c_the_end_of_a_work_begins_no_other(tmp_path: Path) -> None:
    executor = Interrupting(a=["done"], b=["done"])
    with work_folder(tmp_path) as (folder, token):

        def heard(done: Work, note: Note) -> None:
            if note.kind == "done":
                asked_next.append(done.key)
                dispatcher.add([work("b")])

        asked_next: list[str] = []
        dispatcher = Dispatcher(executor, folder, token, heard)
        dispatcher.add([work("a")])
        assert dispatcher.run() is True
    assert asked_next == ["a"]
    assert executor.submitted == ["a"]


def test_a_killed_worker_costs_no_step_twice(command: Command) -> None:
    driver = command.start(
        "run", "numbers", "--model", "slow", "--seeds", "2", "--steps", "30", "--nap", "0.05", *TWO
    )
    wait_until(lambda: len(list(command.folder.glob("runs/*/steps.txt"))) == 2)
    victim = workers_of(driver.pid)[0]
    os.kill(victim, signal.SIGKILL)
    _, told = driver.communicate(timeout=60)
    assert driver.returncode == 0, told
    assert "killed by SIGKILL" in told
    assert "given to another worker" in told
    found = command.records()
    assert [record["status"] for record in found] == ["completed"] * 2
    assert sum(record["resumed"] for record in found) == 1
    for record in found:
        steps = (command.folder / "runs" / record["id"] / "steps.txt").read_text().split()
        # The step that the kill interrupted may stand there without its checkpoint, or with it.
        assert 30 <= len(steps) <= 31
        assert sorted(set(map(int, steps))) == list(range(1, 31))


def test_workers_of_a_killed_driver_save_and_stop_and_the_command_resumes(command: Command) -> None:
    words = (
        "run",
        "numbers",
        "--model",
        "slow",
        "--seeds",
        "2",
        "--steps",
        "40",
        "--nap",
        "0.05",
        *TWO,
    )
    driver = command.start(*words)
    wait_until(lambda: len(list(command.folder.glob("runs/*/steps.txt"))) == 2)
    workers = workers_of(driver.pid)
    assert len(workers) == 2
    driver.kill()
    driver.communicate()
    wait_until(lambda: not any(map(is_alive, workers)), 10)
    assert [record["status"] for record in command.records()] == ["interrupted"] * 2
    done = command.run(*words)
    assert done.returncode == 0, done.stderr
    assert [(r["status"], r["resumed"]) for r in command.records()] == [("completed", 1)] * 2


def test_ctrl_c_saves_everywhere_and_says_the_command_that_resumes(command: Command) -> None:
    words = (
        "run",
        "numbers",
        "--model",
        "slow",
        "--seeds",
        "3",
        "--steps",
        "60",
        "--nap",
        "0.05",
        *TWO,
    )
    driver = command.start(*words)
    wait_until(lambda: len(list(command.folder.glob("runs/*/steps.txt"))) == 2)
    os.killpg(driver.pid, signal.SIGINT)  # as a terminal does it
    _, told = driver.communicate(timeout=60)
    assert driver.returncode == 130, told
    assert "stopped after 0 of 3 runs" in told
    assert "--seeds 3" in told.partition("The same command continues")[2]
    assert [record["status"] for record in command.records()] == ["interrupted"] * 2
    assert all(list(command.folder.glob("runs/*/checkpoint/step")))


def test_the_second_ctrl_c_kills(command: Command) -> None:
    driver = command.start(
        "run", "numbers", "--model", "slow", "--seeds", "2", "--steps", "5", "--nap", "9", *TWO
    )
    wait_until(lambda: len(list(command.folder.glob("runs/*/worker.log"))) == 2)
    workers = workers_of(driver.pid)
    driver.send_signal(signal.SIGINT)
    time.sleep(0.5)
    began = time.monotonic()
    driver.send_signal(signal.SIGINT)
    _, told = driver.communicate(timeout=60)
    assert driver.returncode == 130, told
    assert time.monotonic() - began < 6
    assert not any(map(is_alive, workers))


def test_a_run_that_fails_stops_no_other_and_is_told_with_its_worker(command: Command) -> None:
    done = command.run("run", "numbers", "--model", "slow", "--seeds", "3", "--fail", "43", *TWO)
    assert done.returncode == 1
    assert [record["status"] for record in command.records()].count("completed") == 2
    line = next(line for line in done.stderr.splitlines() if line.startswith("failed: "))
    assert "numbers with seed 43 (at process " in line
    assert "worker.log" in line
    assert "it broke, as it was told" in line


def test_two_drivers_on_one_store_make_each_run_once(command: Command) -> None:
    words = ("run", "numbers", "--model", "slow", "--seeds", "3", "--nap", "0.2", *TWO)
    drivers = [command.start(*words) for _ in range(2)]
    told = [driver.communicate(timeout=120)[1] for driver in drivers]
    assert [driver.returncode for driver in drivers] == [0, 0], told
    assert [record["status"] for record in command.records()] == ["completed"] * 3


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--executor", "locl"), "there is no executor called 'locl', did you mean 'local'"),
        (("--executor", "local:x"), "takes nothing behind a colon"),
        (("--executor", "ray:"), "nothing stands behind the colon of --executor ray:"),
        (("--jobs", "0"), "--jobs must be at least 1"),
    ],
)
def test_what_cannot_be_is_one_sentence(
    command: Command, words: tuple[str, ...], told: str
) -> None:
    done = command.run("run", "numbers", "--model", "slow", *words)
    assert done.returncode == 1
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(command.folder.glob("runs/*/run.json"))


def ended(request: Any, **changes: Any) -> tuple[str, str]:
    """How a worker ends that is told this, and why."""
    end = do({**request, **changes}, lambda _kind, _value: None)
    return end.kind, str(end.value.get("error", {}))


@pytest.fixture
def request_to_worker(tmp_path: Path) -> Any:
    registry = registry_with(tmp_path)
    (made,) = make_works(build_plan(plan_request(tmp_path), registry), registry)
    return json.loads(json.dumps(made.request))


def test_a_worker_with_other_code_refuses_and_names_both(request_to_worker: Any) -> None:
    kind, why = ended(request_to_worker, version="0.0.9")
    assert kind == "failed"
    assert "glueharness is another one" in why
    assert "0.0.9 where the command was given" in why
    plugins = request_to_worker["plugins"]
    kind, why = ended(request_to_worker, plugins={**plugins, "baselines": "glueharness 9.9"})
    assert kind == "failed"
    assert "'baselines'" in why
    assert "glueharness 9.9 where" in why
    kind, why = ended(request_to_worker, plugins={**plugins, "mine": "mine 1.0"})
    assert "not installed there, mine 1.0 where" in why
    kind, why = ended(request_to_worker, files=["/nowhere/plugin.py"])
    assert "does not have a plugin file" in why


def test_a_worker_that_sees_no_store_sends_whole_folders(
    request_to_worker: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "of-worker"))
    (tmp_path / "of-worker").mkdir()
    end = do(request_to_worker, lambda _kind, _value: None)
    assert end.kind == "done", end
    (run,) = end.value["runs"]
    folder = Path(end.value["folder"]) / run
    assert folder.is_relative_to(tmp_path / "of-worker")
    content = pack(folder)
    store = tmp_path / "runs"
    store.mkdir(exist_ok=True)
    assert unpack(content, run, store).id == run
    assert read_record(store / run).seals == read_record(folder).seals
    assert not list(store.glob(".*.part"))
    (folder / "model" / "done.txt").write_text("changed")
    for damaged in (pack(folder), content[: len(content) // 2], b"no archive"):
        with pytest.raises(RunFolderError):
            unpack(damaged, f"{run}x", store)
    assert sorted(path.name for path in store.iterdir()) == [run]
    with pytest.raises(RunFolderError):
        unpack(content, "../out", store)


def test_a_start_from_a_run_that_the_worker_does_not_see_is_refused(request_to_worker: Any) -> None:
    kind, why = ended(request_to_worker, init_from="numbers")
    assert kind == "failed"
    assert "does not see the folder of the runs" in why


def test_a_full_disk_fails_the_run_and_is_not_tried_again(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root")
    store = tmp_path / "runs"
    store.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=5m", "tmpfs", str(store)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("a small disk cannot be mounted here")
    try:
        command = Command(tmp_path)
        driver = command.start(
            "run", "numbers", "--model", "slow", "--nap", "0.1", "--steps", "40", "--jobs", "2",
            "--seeds", "1",
        )  # fmt: skip
        wait_until(lambda: any(store.glob("*/steps.txt")))
        fill = ["dd", "if=/dev/zero", f"of={store}/filler", "bs=4096"]
        assert subprocess.run(fill, check=False, capture_output=True).returncode
        _, told = driver.communicate(timeout=60)
    finally:
        subprocess.run(["umount", "-l", str(store)], check=True)
    assert driver.returncode == 1, told
    assert "No space left" in told or "the disk is full" in told
    assert "given to another worker" not in told
    assert "Traceback" not in told


def test_workers_find_a_folder_whatever_its_name_is(command: Command) -> None:
    for name in ("two\nlines", " a%#ä "):
        done = command.run(
            "run", "numbers", "--model", "slow", "--jobs", "2", "--seeds", "2", "--runs-dir", name
        )
        assert done.returncode == 0, done.stderr
        assert len(command.records(name)) == 2


def test_a_grid_on_the_command_line_and_in_a_file(tmp_path: Path) -> None:
    command = Command(tmp_path)
    (tmp_path / "sweep.toml").write_text("steps = 2\n[grid]\nskill = [0.2, 0.9]\n")
    done = command.run(
        "run", "numbers", "--model", "slow", "--config", "sweep.toml", "--grid", "steps=2,3",
        "--jobs", "2",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = [
        (record["settings"]["skill"]["value"], record["settings"]["steps"]["value"])
        for record in command.records()
    ]
    assert sorted(found) == [(0.2, 2), (0.2, 3), (0.9, 2), (0.9, 3)]
    assert "Numbers: 4 settings tried" in done.stdout
    assert "points instead of" in done.stdout


@pytest.mark.parametrize(
    ("grid", "told"),
    [
        (("nap",), "says nothing to try"),
        (("=1,2",), "says nothing to try"),
        (("steps=",), "says nothing to try"),
        (("steps=1,2", "steps=3"), "twice"),
        (("stepz=1,2",), "did you mean 'steps'"),
        (("steps=1,x",), "--steps must be a whole number"),
        (("steps=1..9",), "is a range"),
        (("steps=1,2,1",), "names '1' twice"),
        (("skill=0.5,0.1,.50",), "the grid names the same twice: skill=.50 and skill=0.5"),
    ],
)
def test_a_grid_that_cannot_be_is_refused(
    command: Command, grid: tuple[str, ...], told: str
) -> None:
    words = [word for text in grid for word in ("--grid", text)]
    done = command.run("run", "numbers", "--model", "slow", *words)
    assert done.returncode == 1
    assert told in done.stderr


def test_a_setting_is_either_given_or_tried(tmp_path: Path) -> None:
    registry = registry_with(tmp_path)
    request = plan_request(tmp_path, values={"steps": 3}, grid={"steps": (1, 2)})
    with pytest.raises(ConfigError, match="given twice"):
        build_plan(request, registry)


@pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="ray is not installed")
@pytest.mark.parametrize("address", ["127.0.0.1:1", "nonsense", "ray-head.invalid:6379"])
def test_no_cluster_at_the_address(command: Command, address: str) -> None:
    done = command.run("run", "numbers", "--model", "slow", "--executor", f"ray:{address}")
    assert done.returncode == 1
    assert f"no Ray cluster answers at {address}" in done.stderr
    assert "--executor ray" in done.stderr


def test_a_missing_extra_is_named_with_its_pip_line(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A package of that name that is none hides the real one.
    blocked = command.folder / "blocked"
    blocked.mkdir()
    (blocked / "sitecustomize.py").write_text(
        "import importlib.util as u\n"
        "find = u.find_spec\n"
        "gone = ('ray', 'submitit')\n"
        "u.find_spec = lambda name, *rest: None if name in gone else find(name, *rest)\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(blocked))
    for name in ("ray", "slurm"):
        done = command.run("run", "numbers", "--model", "slow", "--executor", name)
        assert done.returncode == 1
        assert f"pip install 'glueharness[{name}]'" in done.stderr
