"""A process that has read very many runs ends at once, and nothing is lost by that."""

from __future__ import annotations

import gc
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from glueharness.cli import main
from tests.leaderboard_runs import Making, make_runs

if TYPE_CHECKING:
    from pathlib import Path

_PROGRAM = """
import atexit, gc, sys
import glueharness.cli.app as app
from glueharness.cli import main
app._VERY_MANY = int(sys.argv.pop(1))
atexit.register(lambda: print("at the end", gc.isenabled(), file=sys.stderr))
class Freed:
    def __del__(self):
        print("freed", file=sys.stderr)
kept = Freed()
main()
"""


def end_of(runs: Path, very_many: int, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", _PROGRAM, str(very_many), *words, "--runs-dir", str(runs)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("words", [["leaderboard"], ["runs", "--top", "0"]])
def test_all_is_printed_and_what_is_to_be_done_at_the_end_is_done(
    tmp_path: Path, words: list[str]
) -> None:
    make_runs(tmp_path, [Making(model=f"m{seed % 2}", seed=seed, rows=40) for seed in range(6)])
    usual, at_once = end_of(tmp_path, 100, *words), end_of(tmp_path, 5, *words)
    assert at_once.returncode == usual.returncode == 0
    assert at_once.stdout == usual.stdout != ""
    assert "freed" in usual.stderr
    assert "freed" not in at_once.stderr
    # What was read stays until then: nothing is gained by looking for what could be freed.
    assert at_once.stderr.count("at the end False") == usual.stderr.count("at the end False") == 1


def test_a_command_that_fails_keeps_its_exit_code(tmp_path: Path) -> None:
    make_runs(tmp_path, [Making(seed=seed, rows=40) for seed in range(6)])
    failed = end_of(tmp_path, 5, "leaderboard", "--columns", "nothing")
    assert failed.returncode == 1
    assert "no column called 'nothing'" in failed.stderr
    assert "freed" not in failed.stderr


def test_a_process_that_goes_on_still_collects_its_garbage(tmp_path: Path) -> None:
    make_runs(tmp_path, [Making(seed=seed, rows=40) for seed in range(6)])
    with pytest.raises(SystemExit):
        main(["leaderboard", "--runs-dir", str(tmp_path)])
    assert gc.isenabled()
    done = end_of(tmp_path, 100, "rescore", "none")
    assert "at the end True" in done.stderr
