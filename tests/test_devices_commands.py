"""Training in several processes from the command line: launchers, signals, and what is left."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
from pyarrow import parquet

from tests.devices_tools import DEV_ROWS, Commands, helpers_of
from tests.executor_tools import is_alive, wait_until, workers_of

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="it looks into /proc"),
    pytest.mark.usefixtures("undisturbed"),
]

TWO = ("--devices", "2")
TORCHRUN = ("torch.distributed.run", "--standalone", "--nproc-per-node", "2")
ACCELERATE = (
    "accelerate.commands.launch", "--multi_gpu", "--num_machines", "1", "--num_processes", "2",
    "--mixed_precision", "no", "--dynamo_backend", "no", "--main_process_port", "0",
)  # fmt: skip


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Commands:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    return Commands(tmp_path)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The record of five epochs that nobody disturbed."""
    pytest.importorskip("accelerate", reason="accelerate is not installed")
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("there is one processor")
    commands = Commands(tmp_path_factory.mktemp("undisturbed"))
    assert commands.run(commands.words(*TWO, "--epochs", "5")).returncode == 0
    return commands.record()


def assert_as(undisturbed: dict[str, Any], record: dict[str, Any]) -> None:
    """Whether a run that was stopped and resumed has the bits of one that was not."""
    assert (record["status"], record["resumed"]) == ("completed", 1)
    for name in ("identity", "metrics", "history"):
        assert record[name] == undisturbed[name], name
    for name, digest in undisturbed["seals"].items():
        if name.endswith((".safetensors", ".parquet")):
            assert record["seals"][name] == digest, name


def test_launchers_do_the_run_that_the_command_does_alone(commands: Commands) -> None:
    for runs, launcher, more in (
        ("alone", (), TWO), ("torchrun", TORCHRUN, ()), ("accelerate", ACCELERATE, TWO),
    ):  # fmt: skip
        done = commands.run(commands.words(*more, runs=runs), launcher)
        assert done.returncode == 0, done.stderr
        assert done.stdout.count("Accuracy") == 1, "more than one process printed its result"
        record = commands.record(runs)
        assert record["settings"]["devices"]["value"] == 2
        assert record["computation"]["system"]["devices"] == "2"
        (file,) = (commands.folder / runs).glob("*/predictions/dev.parquet")
        assert parquet.read_table(file)["index"].to_pylist() == list(range(DEV_ROWS))
    alone = commands.record("alone")
    for runs in ("torchrun", "accelerate"):
        other = commands.record(runs)
        for name in ("identity", "metrics", "history", "seals"):
            assert other[name] == alone[name], (runs, name)


def test_one_device_is_the_same_run_as_none_given(commands: Commands) -> None:
    assert commands.run(commands.words("--engine", "torch")).returncode == 0
    again = commands.run(commands.words("--engine", "torch", "--devices", "1"))
    assert "this run was there already" in again.stderr
    assert "devices" not in commands.record()["computation"]["system"]
    two = commands.run(commands.words("--engine", "torch", *TWO))
    assert "differs from run" in two.stderr
    assert "devices – there, 2 here" in " ".join(two.stderr.split())


def test_several_runs_in_one_torchrun_and_none_of_them_twice(commands: Commands) -> None:
    words = commands.words("--seeds", "2", "--epochs", "1")
    done = commands.run(words, TORCHRUN)
    assert done.returncode == 0, done.stderr
    assert len(list(commands.folder.glob("runs/*/run.json"))) == 2
    again = commands.run(words, TORCHRUN)  # the other process has nothing to follow, and ends
    assert again.returncode == 0, again.stderr
    assert "2 of 2 runs were there already" in again.stderr


@pytest.mark.parametrize(
    ("launcher", "number"),
    [((), signal.SIGINT), (TORCHRUN, signal.SIGINT), (TORCHRUN, signal.SIGTERM)],
    ids=["alone, Ctrl-C", "torchrun, Ctrl-C", "torchrun, SIGTERM"],
)
def test_a_stop_leaves_a_checkpoint_and_no_process(
    commands: Commands,
    undisturbed: dict[str, Any],
    launcher: tuple[str, ...],
    number: signal.Signals,
) -> None:
    more = TWO if not launcher else ()
    words = commands.words(*more, "--epochs", "5")
    process = commands.start(words, launcher)
    first = first_of(process, launcher)
    wait_until(lambda: list(commands.folder.glob("runs/*/checkpoint/0*")))
    others = helpers_of(first) if not launcher else workers_of(process.pid)
    assert others
    os.kill(process.pid, number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode != 0
    if not launcher:
        assert process.returncode == 130, errors
    assert "the same command goes on from here" in " ".join(errors.split())
    assert commands.record()["status"] == "interrupted"
    wait_until(lambda: not any(is_alive(each) for each in (first, *others)), 10)
    done = commands.run(words, launcher)
    assert done.returncode == 0, done.stderr
    assert_as(undisturbed, commands.record())


def test_ctrl_c_reaches_a_run_whose_helper_hangs(commands: Commands) -> None:
    process = commands.start(commands.words(*TWO, "--epochs", "5"))
    wait_until(lambda: list(commands.folder.glob("runs/*/checkpoint/0*")))
    (helper,) = helpers_of(process.pid)
    os.kill(helper, signal.SIGSTOP)
    time.sleep(1)
    for _ in range(2):  # the first asks, which nothing can answer
        process.send_signal(signal.SIGINT)
        time.sleep(0.5)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 130, errors
    assert not is_alive(helper)
    assert commands.record()["status"] == "interrupted"


def test_a_launcher_that_is_not_there_is_one_message(commands: Commands) -> None:
    done = commands.run(commands.words(), RANK="0", WORLD_SIZE="2")
    assert done.returncode == 1
    assert "the processes cannot come together" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_launcher_that_was_there_once_is_told_of(commands: Commands) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = str(probe.getsockname()[1])
    place = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "RANK": "0", "WORLD_SIZE": "2"}
    process = commands.start(commands.words(), LOCAL_RANK="0", **place)
    line = process.stderr.readline()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    assert f"process 0 of 2 (RANK, WORLD_SIZE) waits for the others at 127.0.0.1:{port}" in line
    assert "unset WORLD_SIZE RANK" in line


def test_a_list_of_threads_is_no_accident(commands: Commands) -> None:
    done = commands.run(commands.words(*TWO, "--epochs", "1"), OMP_NUM_THREADS="2,1")
    assert done.returncode == 0, done.stderr


def first_of(process: Any, launcher: tuple[str, ...]) -> int:
    """The process that does the runs."""
    if not launcher:
        return int(process.pid)
    wait_until(lambda: len(workers_of(process.pid)) == 2)
    return min(workers_of(process.pid))


@pytest.mark.parametrize("victim", ["first", "helper"])
def test_a_kill_leaves_no_process_and_the_same_command_ends_as_undisturbed(
    commands: Commands, undisturbed: dict[str, Any], victim: str
) -> None:
    more = (*TWO, "--epochs", "5", "--checkpoint-minutes", "0.002")
    process = commands.start(commands.words(*more))
    wait_until(lambda: list(commands.folder.glob("runs/*/checkpoint/0*")))
    (helper,) = helpers_of(process.pid)
    os.kill(process.pid if victim == "first" else helper, signal.SIGKILL)
    _, errors = process.communicate(timeout=60)
    wait_until(lambda: not is_alive(helper) and not is_alive(process.pid), 10)
    if victim == "helper":
        assert process.returncode == 1
        assert f"the helper process {helper} of --devices 2 is gone: killed by SIGKILL" in " ".join(
            errors.split()
        )
        assert errors.count("error:") == 1
        assert commands.record()["status"] == "failed"
    done = commands.run(commands.words(*more))
    assert done.returncode == 0, done.stderr
    assert_as(undisturbed, commands.record())


def test_another_number_of_devices_does_not_resume(commands: Commands) -> None:
    process = commands.start(commands.words(*TWO, "--epochs", "5"))
    wait_until(lambda: list(commands.folder.glob("runs/*/checkpoint/0*")))
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    run = commands.record()["id"]
    words = commands.words("--epochs", "5", "--engine", "torch", "--devices", "1")
    refused = commands.run([*words, "--resume", run])
    assert refused.returncode == 1
    assert "devices: 2 there, None here" in " ".join(refused.stderr.split())
    shutil.rmtree(commands.folder / "runs")


def test_devices_beside_workers(commands: Commands) -> None:
    words = commands.words(*TWO, "--seeds", "2", "--jobs", "2", "--epochs", "1")
    refused = commands.run(words)
    assert refused.returncode == 1
    told = " ".join(refused.stderr.split()) + " ".join(refused.stdout.split())
    assert "--devices 2: this process may use 1 processor" in told
    one = commands.run(commands.words(*TWO, "--executor", "local", "--epochs", "1"))
    assert one.returncode == 0, one.stderr


def test_a_port_that_is_in_use_is_one_message(commands: Commands) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        place = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(taken.getsockname()[1])}
        done = commands.run(commands.words(), RANK="0", LOCAL_RANK="0", WORLD_SIZE="2", **place)
    assert done.returncode == 1
    assert f"cannot come together at 127.0.0.1:{place['MASTER_PORT']}" in done.stderr
    assert "Traceback" not in done.stderr
