"""Disks that fail a training: each trouble has its message, and costs no more than it must."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.skipif(os.name != "posix", reason="forks, and limits file sizes")

Found = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Found:
    """What came of each trouble."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.finetune_disks", str(tmp_path_factory.mktemp("disks"))],
        cwd=Path(__file__).parents[1], capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    report: Found = json.loads(done.stdout.splitlines()[-1])
    for trouble in report.values():
        assert "Traceback" not in trouble.get("said", "")
        assert "internal error" not in trouble.get("said", "")
    return report


def same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two runs came to the same."""
    return all(
        one[name] == other[name]
        for name in ("status", "metrics", "history", "weights", "predictions", "left")
    )


def test_a_removed_run_folder_ends_the_run_with_one_message(found: Found) -> None:
    trouble = found["removed"]
    assert trouble["code"] == 1
    assert "epoch 2" in trouble["said"]
    assert "epoch 3" not in trouble["said"]
    assert trouble["said"].count("the run folder was removed while the run was going on") == 1
    assert "warning" not in trouble["said"]
    assert [name for name in trouble["left"] if not name.startswith(".")] == []


@pytest.mark.parametrize(
    ("name", "reason"), [("limit", "File too large"), ("full disk", "No space left on device")]
)
def test_a_full_disk_costs_what_cannot_be_written_and_no_more(
    found: Found, name: str, reason: str
) -> None:
    if name not in found:
        pytest.skip("this user cannot mount a small disk")
    trouble = found[name]
    assert trouble["code"] == 1
    assert "could not be saved" in trouble["said"]
    assert "training goes on. The last good one is 000001." in trouble["said"]
    assert "epoch 3" in trouble["said"]
    assert "failed: " in trouble["said"].splitlines()[-2]
    assert reason in trouble["said"].splitlines()[-2]
    assert "the same command resumes from the last checkpoint" in trouble["said"]
    # With room again it goes on from the end of the first epoch, to the same end.
    assert trouble["again"]["code"] == 0
    assert trouble["then"]["resumed"] == 1
    assert same(trouble["then"], found["undisturbed"]["then"])


def test_a_full_disk_is_found_before_training(found: Found) -> None:
    if "no room to begin" not in found:
        pytest.skip("this user cannot mount a small disk")
    assert found["no room to begin"]["code"] == 1
    assert "runs cannot be written here: the disk is full" in found["no room to begin"]["said"]
    assert "epoch" not in found["no room to begin"]["said"]


def test_a_read_only_folder_of_runs_is_found_before_training(found: Found) -> None:
    assert found["read-only runs"]["code"] == 1
    assert "cannot be written here: Permission denied" in found["read-only runs"]["said"]
    assert "Choose another folder with --runs-dir" in found["read-only runs"]["said"]


def test_checkpoints_that_may_not_be_written_stop_no_training(found: Found) -> None:
    trouble = found["read-only checkpoints"]
    assert trouble["code"] == 0
    assert "could not be saved (Permission denied); training goes on" in trouble["said"]
    assert trouble["then"]["metrics"] == found["undisturbed"]["then"]["metrics"]
    assert trouble["then"]["weights"] == found["undisturbed"]["then"]["weights"]
