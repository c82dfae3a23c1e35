"""Runs on a real Ray cluster: two nodes on loopback, workers, nodes and drivers that are killed."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.executor_tools import Command, is_alive, results, wait_until
from tests.ray_nodes import QUICK, Nodes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="ray is not installed"),
    pytest.mark.skipif(importlib.util.find_spec("psutil") is None, reason="psutil is not there"),
]


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    cluster = Nodes()
    yield cluster
    cluster.close()


@pytest.fixture
def joined(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Command:
    """A folder from which commands join the cluster."""
    for name, value in QUICK.items():
        monkeypatch.setenv(name, value)
    return Command(tmp_path)


def words_of(*words: str, seeds: str = "4") -> tuple[str, ...]:
    return ("run", "numbers", "--model", "slow", "--seeds", seeds, *words)


def workers_in(command: Command) -> list[int]:
    """Process ids that the logs of running runs tell of."""
    return [
        int(json.loads(holder.read_text())["process"])
        for holder in command.folder.glob("runs/*/.lock.holder")
    ]


def test_two_nodes_compute_what_this_process_computes(nodes: Nodes, joined: Command) -> None:
    here = joined.run(*words_of("--runs-dir", "here"))
    assert here.returncode == 0, here.stderr
    done = joined.run(*words_of("--nap", "0.3", "--executor", f"ray:{nodes.address}"))
    assert done.returncode == 0, done.stderr
    assert results(joined.records()) == results(joined.records("here"))
    logs = [path.read_text() for path in joined.folder.glob("runs/*/worker.log")]
    assert len(logs) == 4
    assert all("epoch 3" in text for text in logs)
    assert len({line.split("done by ")[1].split(" on ")[0] for line in done.stderr.splitlines()
                if "done by " in line}) == 2  # fmt: skip
    again = joined.run(*words_of("--executor", f"ray:{nodes.address}"))
    assert "4 of 4 runs were there already" in again.stderr


def test_a_killed_worker_and_ctrl_c(nodes: Nodes, joined: Command) -> None:
    words = words_of("--steps", "60", "--nap", "0.1", "--executor", f"ray:{nodes.address}")
    driver = joined.start(*words)
    wait_until(lambda: len(list(joined.folder.glob("runs/*/steps.txt"))) == 2)
    os.kill(workers_in(joined)[0], signal.SIGKILL)
    wait_until(lambda: any(record["resumed"] for record in joined.records()))
    wait_until(lambda: len(workers_in(joined)) == 2)
    driver.send_signal(signal.SIGINT)
    _, told = driver.communicate(timeout=60)
    assert driver.returncode == 130, told
    assert "given to another worker" in told
    assert "The same command continues" in told
    statuses = {record["status"] for record in joined.records()}
    assert statuses <= {"interrupted", "completed"}
    done = joined.run(*words)
    assert done.returncode == 0, done.stderr
    found = joined.records()
    assert [record["status"] for record in found] == ["completed"] * 4
    for record in found:
        steps = (joined.folder / "runs" / record["id"] / "steps.txt").read_text().split()
        assert 60 <= len(steps) <= 62


def test_a_killed_driver_s_runs_end_and_the_command_resumes_them(
    nodes: Nodes, joined: Command
) -> None:
    words = words_of(
        "--steps", "40", "--nap", "0.1", "--executor", f"ray:{nodes.address}", seeds="2"
    )
    driver = joined.start(*words)
    wait_until(lambda: len(list(joined.folder.glob("runs/*/steps.txt"))) == 2)
    workers = workers_in(joined)
    driver.kill()
    driver.communicate()
    wait_until(lambda: not any(map(is_alive, workers)), 60)
    done = joined.run(*words)
    assert done.returncode == 0, done.stderr
    found = joined.records()
    assert [(record["status"], record["resumed"]) for record in found] == [("completed", 1)] * 2


def test_runs_travel_back_from_workers_that_see_no_store(nodes: Nodes, joined: Command) -> None:
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        pytest.skip("a folder of its own for the driver needs root and unshare")
    runs, kept = joined.folder / "runs", joined.folder / "kept"
    runs.mkdir()
    script = (
        f'mount -t tmpfs tmpfs {runs} || exit 77; "$@"; code=$?; cp -r {runs} {kept}; exit $code'
    )
    words = joined.words(*words_of("--executor", f"ray:{nodes.address}", seeds="2"))
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", script, "sh", *words],
        cwd=joined.folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode == 77:
        pytest.skip("a small disk cannot be mounted here")
    assert done.returncode == 0, done.stderr
    assert list(runs.iterdir()) == []
    here = joined.run(*words_of("--runs-dir", "here", seeds="2"))
    assert here.returncode == 0
    assert results(joined.records("kept")) == results(joined.records("here"))
    checked = joined.run("runs", "verify", "--all", "--runs-dir", "kept")
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_a_cluster_for_one_command_listens_on_this_machine_only(joined: Command) -> None:
    driver = subprocess.Popen(
        joined.words(*words_of("--nap", "1", "--executor", "ray", "--jobs", "2", seeds="2")),
        cwd=joined.folder, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    wait_until(lambda: any(joined.folder.glob("runs/*/steps.txt")), 120)
    import psutil

    family = [psutil.Process(driver.pid)]
    family += family[0].children(recursive=True)
    listening = {
        connection.laddr.ip
        for process in family
        for connection in process.net_connections("tcp")
        if connection.status == "LISTEN"
    }
    assert listening <= {"127.0.0.1", "::1", "::ffff:127.0.0.1"}
    _, told = driver.communicate(timeout=120)
    assert driver.returncode == 0, told


def test_a_lost_node_s_run_resumes_on_another(joined: Command) -> None:
    nodes = Nodes()
    try:
        words = words_of(
            "--steps", "60", "--nap", "0.1", "--executor", f"ray:{nodes.address}", seeds="2"
        )
        driver = joined.start(*words)
        wait_until(lambda: len(list(joined.folder.glob("runs/*/steps.txt"))) == 2)
        nodes.lose()
        _, told = driver.communicate(timeout=180)
    finally:
        nodes.close()
    assert driver.returncode == 0, told
    found = joined.records()
    assert [record["status"] for record in found] == ["completed"] * 2
    assert sum(record["resumed"] for record in found) == 1
