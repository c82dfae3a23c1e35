"""The page "from laptop to cluster": each block is run, on a real Ray cluster and a real Slurm."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs_project import blocks_of
from tests.executor_tools import wait_until
from tests.installing import ROOT
from tests.ray_nodes import QUICK, Nodes
from tests.slurm_cluster import SlurmCluster, missing

BLOCKS = blocks_of(ROOT / "docs" / "cluster.md")
ADDRESS = "127.0.0.1:6379"


def do(folder: Path, word: str, address: str = ADDRESS, **environment: str) -> str:
    """Write the page's files, and run the blocks that name ``word``; returns what they print."""
    for block in BLOCKS:
        if block.file:
            (folder / block.file).write_text(block.body, encoding="utf-8")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    printed = ""
    for block in BLOCKS:
        if block.kind != "bash" or block.file or word not in block.body:
            continue
        body = block.body.replace(ADDRESS, address)
        done = subprocess.run(
            ["bash", "-e", "-c", body], cwd=folder, capture_output=True, text=True,
            check=False, env={**os.environ, "PATH": path, **environment},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        printed += done.stdout
    assert printed, f"no block names {word}"
    return printed


def test_every_block_is_run() -> None:
    words = ("--grid", "--jobs 2", "ray:", "slurm:", "sbatch", "--devices", "torchrun")
    for block in BLOCKS:
        assert block.file or any(word in block.body for word in words), block.body


def test_the_grid(tmp_path: Path) -> None:
    printed = do(tmp_path, "--jobs 2")
    assert "RTE: 4 settings tried" in printed
    assert "points instead of" in printed


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("accelerate") is None, reason="accelerate is absent")
@pytest.mark.skipif(os.cpu_count() == 1, reason="there is one processor")
def test_several_devices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert "RTE" in do(tmp_path, "--devices")
    assert "RTE" in do(tmp_path, "torchrun")
    assert len(list(tmp_path.glob("runs/*/run.json"))) == 1


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="ray is not installed")
def test_the_ray_cluster(tmp_path: Path) -> None:
    nodes = Nodes()
    try:
        printed = do(tmp_path, "ray:", nodes.address, **QUICK)
    finally:
        nodes.close()
    assert "QNLI" in printed
    assert len(list(tmp_path.glob("runs/*/worker.log"))) == 8


@pytest.mark.slow
@pytest.mark.skipif(bool(missing()), reason=missing() or "-")
@pytest.mark.skipif(importlib.util.find_spec("submitit") is None, reason="submitit is not there")
def test_slurm_and_the_batch_script(tmp_path: Path) -> None:
    cluster = SlurmCluster()
    try:
        conf = cluster.environment["SLURM_CONF"]
        do(tmp_path, "slurm:", SLURM_CONF=conf)
        assert len(list(tmp_path.glob("runs/*/worker.log"))) == 8
        assert "Submitted batch job" in do(tmp_path, "sbatch", SLURM_CONF=conf)
        wait_until(lambda: any(tmp_path.glob("sweep-*.out")), 60)
        (output,) = tmp_path.glob("sweep-*.out")
        wait_until(lambda: "next " in output.read_text() or not cluster.jobs(), 240)
        assert "RTE: 2 settings tried" in output.read_text()
    finally:
        cluster.close()
