"""The task files of examples/task-files, used as their README says."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

from tests.installing import EXAMPLES, call

if TYPE_CHECKING:
    from pathlib import Path

FOLDER = EXAMPLES / "task-files"
NAMES = sorted(path.stem for path in FOLDER.glob("*.toml"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the folder, so that runs do not lie beside the examples."""
    return shutil.copytree(FOLDER, tmp_path / "task-files")


@pytest.mark.parametrize("name", NAMES)
def test_a_file_of_at_most_25_lines_is_a_task_that_runs(name: str, folder: Path) -> None:
    path = folder / f"{name}.toml"
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 25
    checked = call("plugins", "check", path.name, folder=folder)
    assert (checked.returncode, "\n0 failed" in checked.stdout) == (0, True), checked.stdout
    plugin = ("--plugin", path.name)
    if name == "adversarial-sst2":
        done = call("run", "sst2", "--model", "tfidf", "--data", "sample", folder=folder)
        assert done.returncode == 0, done.stderr
        words: tuple[str, ...] = ("evaluate", name)
    else:
        words = ("run", name, "--model", "tfidf", "--data-dir", "data")
    done = call(*plugin, *words, "--json", folder=folder)
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    assert (record["task"], record["status"]) == (name, "completed")
    assert record["primary"] >= (0.5 if name == "adversarial-sst2" else 0.9)


def test_the_readme_names_every_file() -> None:
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert [name for name in NAMES if f"`{name}.toml`" not in readme] == []
    assert len(NAMES) == 6
