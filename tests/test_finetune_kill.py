"""A run that is killed again and again ends as one that nobody disturbed, to the last bit."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.native_tools import needs_library

pytestmark = pytest.mark.skipif(os.name != "posix", reason="kills forked processes")


def killed_runs(folder: Path, kills: int, seed: int, engine: str) -> dict[str, Any]:
    """What the undisturbed run and the disturbed ones came to."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.finetune_kills", str(folder), str(kills), str(seed), engine],
        cwd=Path(__file__).parents[1], capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"seed {seed}: {done.stderr}"
    report: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return report


@pytest.mark.parametrize("kills", [20, pytest.param(100, marks=pytest.mark.slow)])
@pytest.mark.parametrize("engine", ["torch", pytest.param("native", marks=needs_library)])
def test_kills_at_random_moments_change_nothing(tmp_path: Path, engine: str, kills: int) -> None:
    seed = random.randrange(2**32)
    report = killed_runs(tmp_path, kills, seed, engine)
    undisturbed, others = report["undisturbed"], report["disturbed"]
    (tmp_path / "report.json").write_text(json.dumps(report, indent=1), encoding="utf-8")
    told = f"seed {seed}; more in {tmp_path / 'report.json'}"
    assert report["killed"] == kills, told
    assert report["half_written"] > 0, told
    assert undisturbed["status"] == "completed"
    assert undisturbed["engine"] == engine
    assert undisturbed["resumed"] == 0
    assert undisturbed["predictions"]
    assert sum(result["resumed"] for result in others) > 0, told
    for result in others:
        for name in ("status", "metrics", "history", "weights", "predictions", "left"):
            assert result[name] == undisturbed[name], f"{name}, {told}"
        assert result["warnings"] == [], told
