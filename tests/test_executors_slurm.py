"""Runs as jobs of a real Slurm: arrays, preemption, requeueing, cancelling, drivers that die."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import time
from typing import TYPE_CHECKING

import pytest

from tests.executor_tools import Command, results, wait_until
from tests.slurm_cluster import SlurmCluster, missing

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(missing()), reason=missing() or "-"),
    pytest.mark.skipif(
        importlib.util.find_spec("submitit") is None, reason="submitit is not installed"
    ),
]


@pytest.fixture(scope="module")
def cluster() -> Iterator[SlurmCluster]:
    made = SlurmCluster()
    yield made
    made.close()


@pytest.fixture
def command(
    cluster: SlurmCluster, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> Command:
    monkeypatch.setenv("SLURM_CONF", cluster.environment["SLURM_CONF"])
    return Command(tmp_path_factory.mktemp("driver"))


def words_of(*words: str, seeds: str = "2") -> tuple[str, ...]:
    return ("run", "numbers", "--model", "slow", "--seeds", seeds, "--executor", "slurm", *words)


def begun(command: Command, runs: int) -> bool:
    return len(list(command.folder.glob("runs/*/steps.txt"))) >= runs


def test_jobs_compute_what_this_process_computes(command: Command, cluster: SlurmCluster) -> None:
    here = command.run("run", "numbers", "--model", "slow", "--seeds", "4", "--runs-dir", "here")
    assert here.returncode == 0, here.stderr
    done = command.run(*words_of("--jobs", "2", seeds="4"))
    assert done.returncode == 0, done.stderr
    assert results(command.records()) == results(command.records("here"))
    logs = [path.read_text() for path in command.folder.glob("runs/*/worker.log")]
    assert len(logs) == 4
    assert all("epoch 3" in text for text in logs)
    wait_until(lambda: not cluster.jobs(), 20)
    assert not (command.folder / "runs" / ".work").exists()


def test_the_cluster_refuses_what_it_does_not_have(command: Command) -> None:
    done = command.run(*words_of("--executor", "slurm:partition=nowhere"))
    assert done.returncode == 1
    assert "Slurm does not take the jobs" in done.stderr
    assert "nvalid partition" in done.stderr
    done = command.run(*words_of("--executor", "slurm:partition"))
    assert "'partition' is no option of sbatch" in done.stderr


def test_a_preempted_job_returns_to_the_queue_and_resumes(
    command: Command, cluster: SlurmCluster
) -> None:
    driver = command.start(*words_of("--steps", "60", "--nap", "0.1"))
    wait_until(lambda: begun(command, 2), 90)
    cluster.tell("sbatch", "-p", "high", "-o", "/dev/null", "--wrap", "sleep 3")
    wait_until(lambda: any(state == "PENDING" for _, state in cluster.jobs()), 60)
    end = time.monotonic() + 120
    while driver.poll() is None and time.monotonic() < end:
        for job, state in cluster.jobs():
            if state == "PENDING":  # Slurm waits two minutes before it begins a job again
                cluster.tell("scontrol", "update", f"jobid={job}", "starttime=now")
        time.sleep(1)
    _, told = driver.communicate(timeout=30)
    assert driver.returncode == 0, told
    assert "it waits in the queue" in told
    found = command.records()
    assert [record["status"] for record in found] == ["completed"] * 2
    assert sum(record["resumed"] for record in found) == 1


def test_a_job_whose_time_is_nearly_up_returns_to_the_queue(
    command: Command, cluster: SlurmCluster
) -> None:
    driver = command.start(*words_of("--steps", "60", "--nap", "0.1", seeds="1"))
    wait_until(lambda: begun(command, 1), 90)
    ((job, _),) = cluster.jobs()
    cluster.tell("scancel", "--signal=USR2", job)
    wait_until(lambda: [state for _, state in cluster.jobs()] == ["PENDING"], 60)
    assert [record["status"] for record in command.records()] == ["interrupted"]
    cluster.tell("scontrol", "update", f"jobid={job}", "starttime=now")
    _, told = driver.communicate(timeout=90)
    assert driver.returncode == 0, told
    assert "back into the queue" in told
    (record,) = command.records()
    assert (record["status"], record["resumed"]) == ("completed", 1)


def test_ctrl_c_saves_and_empties_the_queue(command: Command, cluster: SlurmCluster) -> None:
    words = words_of("--steps", "60", "--nap", "0.1", seeds="3")
    driver = command.start(*words)
    wait_until(lambda: begun(command, 2), 90)
    driver.send_signal(signal.SIGINT)
    _, told = driver.communicate(timeout=60)
    assert driver.returncode == 130, told
    assert [record["status"] for record in command.records()] == ["interrupted"] * 2
    wait_until(lambda: not cluster.jobs(), 20)
    done = command.run(*words)
    assert done.returncode == 0, done.stderr
    assert [record["status"] for record in command.records()] == ["completed"] * 3


def test_jobs_outlive_a_killed_driver_and_the_command_finds_them(
    command: Command, cluster: SlurmCluster
) -> None:
    words = words_of("--steps", "60", "--nap", "0.1")
    driver = command.start(*words)
    wait_until(lambda: begun(command, 2), 90)
    before = {job for job, _ in cluster.jobs()}
    driver.kill()
    driver.communicate()
    again = command.start(*words)
    _, told = again.communicate(timeout=120)
    assert again.returncode == 0, told
    assert [(r["status"], r["resumed"]) for r in command.records()] == [("completed", 0)] * 2
    newest = max(int(job.partition("_")[0]) for job in before)
    assert cluster.tell("squeue", "-h", "-t", "all", "-o", "%A").split()
    assert all(
        int(line) <= newest + 1
        for line in cluster.tell("squeue", "-h", "-t", "all", "-o", "%A").split()
    ), "the second driver submitted jobs of its own"


def test_a_killed_worker_s_run_resumes_and_a_cancelled_one_fails(
    command: Command, cluster: SlurmCluster
) -> None:
    driver = command.start(*words_of("--steps", "60", "--nap", "0.1"))
    wait_until(lambda: begun(command, 2), 90)
    _, second = sorted(job for job, _ in cluster.jobs())
    victims = {run["seed"]: run["id"] for run in command.records()}  # 42 is the array's first
    holder = command.folder / "runs" / victims[42] / ".lock.holder"
    os.kill(json.loads(holder.read_text())["process"], signal.SIGKILL)
    cluster.tell("scancel", second)
    _, told = driver.communicate(timeout=120)
    assert driver.returncode == 1, told
    assert "given to another worker" in told
    assert f"job {second} was cancelled" in told
    statuses = sorted(record["status"] for record in command.records())
    assert statuses == ["completed", "interrupted"]
