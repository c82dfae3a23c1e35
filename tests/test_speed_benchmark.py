"""The benchmark of fine-tuning: its table, and (slow) that our side of it measures something."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from benchmarks import finetune
from benchmarks.contenders import Ours, Speeds, Work, prepare_tiny
from tests.finetune_tools import colour_rows, colour_task

ROOT = Path(__file__).parents[1]


def work(folder: Path) -> Work:
    return Work(
        task=colour_task(), train=colour_rows(96), dev=colour_rows(32, 2), checkpoint=folder,
        batch_size=16, threads=1, warm_up=2, steps=4, clock=time.perf_counter,
    )  # fmt: skip


def test_ratios_are_taken_within_a_turn(tmp_path: Path) -> None:
    slow, quick = [10.0, 20.0, 40.0], [30.0, 80.0, 80.0]
    speeds = {
        "HF Trainer": [Speeds(value, value, value, 0.0) for value in slow],
        "HF Trainer, tuned": [Speeds(2 * value, value, value, 0.0) for value in slow],
        "ours": [Speeds(value, value, value, 0.0) for value in quick],
    }
    starts = {
        "ours": [finetune.Start(2.0, 300.0), finetune.Start(4.0, 500.0)],
        "none": list[finetune.Start](),
    }
    options = finetune._options(["--rounds", "3"])
    text = finetune._report(work(tmp_path), options, speeds, starts)
    assert (
        "| ours | 80 [30–80] | 3.00 [2.00–4.00] | 1.50 [1.00–2.00] | 80 [30–80] | 3.00 [2.00–4.00]"
        in text
    )
    assert "| HF Trainer | 20 [10–40] | 1 | 0.50 [0.50–0.50] |" in text
    assert "| ours | 3.0 | 400 |" in text
    assert "none" not in text


def test_the_peak_of_memory_is_the_process_s_own() -> None:
    ballast = np.ones(30_000_000)  # 229 MiB that the parent of the measured process holds
    command = [
        sys.executable,
        "-c",
        "from benchmarks.finetune import _peak_memory as peak;print(peak())",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    assert 10 < float(done.stdout) < 220 < finetune._peak_memory()
    assert ballast.any()


@pytest.mark.slow
@pytest.mark.parametrize("rows", [96, 400])
def test_our_side_is_measured_by_its_own_loop(tmp_path: Path, rows: int) -> None:
    some = dataclasses.replace(work(tmp_path), train=colour_rows(rows))
    prepare_tiny(tmp_path, some.train, some.task)
    began = time.time()
    speeds = Ours("fp32").run(some)
    assert began < speeds.first_step < time.time()
    assert speeds.train > 1
    # With more rows than steps the run is stopped where the measurement ends.
    assert (speeds.evaluate > 1, speeds.predict > 1) == (rows == 96, rows == 96)
