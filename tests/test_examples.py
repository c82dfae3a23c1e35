"""The distributions of examples/: each is installed alone, used, tested and removed again."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.installing import EXAMPLES, call, environment, fake, install

if TYPE_CHECKING:
    from pathlib import Path

WITH_TORCH = "model-own-head"
ALL = sorted(path.parent.name for path in EXAMPLES.glob("*/pyproject.toml"))


def test_a_task_comes_and_goes_with_its_distribution(tmp_path: Path) -> None:
    site, broken = tmp_path / "site", tmp_path / "broken"
    install(EXAMPLES / "task-from-csv", site)
    fake(broken, "crumbly", "raise RuntimeError('it fell apart')\n")
    done = call("run", "urgency", "--model", "tfidf", sites=(site, broken), folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Urgency" in done.stdout
    assert done.stderr.count("it fell apart") == 1
    assert "'crumbly' (crumbly 1.0) is not in use: it cannot be imported" in done.stderr
    assert "RuntimeError: it fell apart [fake_crumbly.py:1]" in done.stderr
    removed = call("run", "urgency", "--model", "tfidf", sites=(broken,), folder=tmp_path)
    assert removed.returncode == 1
    assert "there is no task called 'urgency'" in removed.stderr


@pytest.mark.parametrize(
    "names", [[name for name in ALL if name != WITH_TORCH], [WITH_TORCH]], ids=["light", "torch"]
)
def test_the_examples_pass_their_own_tests(names: list[str], tmp_path: Path) -> None:
    site = tmp_path / "site"
    for name in names:
        install(EXAMPLES / name, site)
    done = subprocess.run(
        [
            sys.executable, "-m", "pytest", "-v", "-p", "no:cacheprovider",
            "--import-mode=importlib", "--rootdir", str(EXAMPLES), "-c", "/dev/null",
            *(str(EXAMPLES / name / "tests") for name in names),
        ],
        cwd=tmp_path, env=environment(site), capture_output=True, text=True, check=False,
        timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    for name in names:
        assert f"{name}/tests/" in done.stdout, f"no test of {name} ran"


def test_every_example_says_what_it_is() -> None:
    assert len(ALL) >= 6
    for name in ALL:
        readme = (EXAMPLES / name / "README.md").read_text(encoding="utf-8")
        assert readme.startswith("# ")
        assert list((EXAMPLES / name / "tests").glob("test_*.py"))
