"""One computation, one folder, however many processes start it at once."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from glueharness.record.run_file import RUN_FILE, read_record, write_record
from glueharness.record.store import RunStore
from tests.installing import ROOT

if TYPE_CHECKING:
    from pathlib import Path

START = """
import sys
from tests.small_task import SmallPlugin, small_plugins
from glueharness.plugin.registry import Registry
from glueharness.run.config import build_config
from glueharness.run.one_run import run
from glueharness.settings.fields import Layer

registry = Registry(small_plugins())
values = {"model": "oracle", "runs_dir": sys.argv[1], "seed": sys.argv[2]}
config = build_config("parity", [Layer(origin="test", values=values)], registry)
print("ready", flush=True)
sys.stdin.readline()
result = run(config, registry, lambda line: print(line, file=sys.stderr))
print(result.record.id, result.record.primary, result.reused)
"""


def start_together(runs: Path, seed: int, processes: int) -> list[list[str]]:
    started = [
        subprocess.Popen(
            [sys.executable, "-c", START, str(runs), str(seed)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        for _ in range(processes)
    ]
    for process in started:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"

    def finish(process: subprocess.Popen[str]) -> list[str]:
        out, err = process.communicate("go\n", timeout=120)
        assert process.returncode == 0, err
        return out.split()

    with ThreadPoolExecutor(processes) as pool:
        return list(pool.map(finish, started))


def check_rounds(runs: Path, rounds: int) -> None:
    for seed in range(rounds):
        answers = start_together(runs, seed, 3)
        assert len({tuple(answer[:2]) for answer in answers}) == 1, answers
        assert sorted(answer[2] for answer in answers) == ["False", "True", "True"]
    assert len(RunStore(runs).all()) == rounds


def test_several_processes_that_start_the_same_run_leave_one_folder(tmp_path: Path) -> None:
    check_rounds(tmp_path, 2)


@pytest.mark.slow
def test_so_they_do_in_ten_rounds(tmp_path: Path) -> None:
    check_rounds(tmp_path, 10)


def test_a_run_whose_process_is_gone_is_not_running(tmp_path: Path) -> None:
    ((run, _, _),) = start_together(tmp_path, 1, 1)
    record = read_record(tmp_path / run)
    record.status = "running"
    write_record(tmp_path / run, record)
    store = RunStore(tmp_path)
    (found,) = store.all()
    assert store.state(found) == "stopped"
    with store.working_on(found):
        assert store.state(found) == "running"
        assert json.loads((tmp_path / run / RUN_FILE).read_text())["status"] == "running"
