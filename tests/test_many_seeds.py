"""Very many runs are asked about first."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from glueharness import ConfigError
from glueharness.cli.many import confirm_many, in_words
from glueharness.plugin.registry import Registry
from glueharness.run.plan import PlanRequest, build_plan
from glueharness.settings.fields import Layer
from tests.small_task import small_plugins
from tests.test_reproduce import registry_of, train

if TYPE_CHECKING:
    from pathlib import Path

    from glueharness.run.plan import PlannedRun


def plan_of(seeds: int, folder: Path) -> list[PlannedRun]:
    layer = Layer(origin="test", values={"model": "oracle", "runs_dir": str(folder)})
    request = PlanRequest(names=["parity"], layers=[layer], seeds=range(seeds))
    return build_plan(request, Registry(small_plugins()))


def test_twenty_seeds_and_whoever_has_agreed_are_not_asked(tmp_path: Path) -> None:
    confirm_many(plan_of(20, tmp_path), 20, yes=False)
    confirm_many(plan_of(21, tmp_path), 21, yes=True)


def test_without_a_terminal_it_has_to_be_agreed_to_in_the_command(tmp_path: Path) -> None:
    plan = plan_of(21, tmp_path)
    with pytest.raises(ConfigError) as caught:
        confirm_many(plan, 21, yes=False)
    said = "--seeds asks for 21 seeds, which makes 21 runs: how long that takes is not known; "
    assert caught.value.what == f"{said}`glueharness bench parity --model oracle` says it for one"
    assert caught.value.remedy == "If that is meant, add --yes."
    train(tmp_path, registry_of())
    with pytest.raises(ConfigError, match=r"21 runs: about [0-9]+ s by earlier runs"):
        confirm_many(plan, 21, yes=False)


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
def test_at_a_terminal_no_is_no(tmp_path: Path) -> None:
    leader, follower = pty.openpty()
    words = [
        sys.executable, "-m", "glueharness", "run", "rte", "--data", "sample", "--model",
        "majority", "--seeds", "21", "--runs-dir", str(tmp_path / "runs"),
    ]  # fmt: skip
    with subprocess.Popen(words, stdin=follower, stdout=follower, stderr=follower) as process:
        os.close(follower)
        os.write(leader, b"n\n")
        said = b""
        try:
            while chunk := os.read(leader, 4096):
                said += chunk
        except OSError:  # Linux says so at the end
            pass
    os.close(leader)
    assert b"makes 21 runs" in said
    assert b"Begin? [y/N]" in said
    assert process.returncode != 0
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(7.4, "7 s"), (119, "119 s"), (600, "10 min"), (12_600, "3.5 h"), (200_000, "2.3 days")],
)
def test_times_are_told_in_the_unit_that_fits(seconds: float, said: str) -> None:
    assert in_words(seconds) == said
