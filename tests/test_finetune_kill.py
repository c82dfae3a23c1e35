"""A run that is stopped again and again ends as one that nobody disturbed, to the last bit."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.skipif(os.name != "posix", reason="kills forked processes")


def killed_runs(folder: Path, kills: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The undisturbed result, and those of the disturbed runs."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.finetune_kills", str(folder), str(kills), "7"],
        cwd=Path(__file__).parents[1], capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    undisturbed, *others = json.loads(done.stdout.splitlines()[-1])
    return undisturbed, others


@pytest.mark.parametrize("kills", [4, pytest.param(100, marks=pytest.mark.slow)])
def test_signals_at_random_moments_change_nothing(tmp_path: Path, kills: int) -> None:
    undisturbed, others = killed_runs(tmp_path, kills)
    assert undisturbed["status"] == "completed"
    assert undisturbed["resumed"] == 0
    assert sum(result["resumed"] for result in others) > 0
    for result in others:
        for name in ("status", "metrics", "history", "weights"):
            assert result[name] == undisturbed[name], name
        assert result["warnings"] == []
