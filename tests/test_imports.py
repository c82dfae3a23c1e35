"""What may be imported when: describing is cheap, frameworks come only with a run."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

HEAVY = {
    "torch", "transformers", "datasets", "evaluate", "sklearn", "scipy", "pandas", "pyarrow",
    "sqlalchemy", "fsspec",
}  # fmt: skip


def modules_after(code: str, tmp_path: Path) -> set[str]:
    """Top-level names of the modules that are loaded after ``code`` ran in a new interpreter."""
    script = f"{code}\nimport sys\nprint(*{{name.split('.')[0] for name in sys.modules}})"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    return set(done.stdout.splitlines()[-1].split())


def command(*words: str) -> str:
    return (
        "from glueharness.cli import main\n"
        f"try: main({list(words)!r})\n"
        "except SystemExit as end: assert not end.code, end.code"
    )


@pytest.mark.parametrize(
    "code",
    [
        "import glueharness",
        "from glueharness.plugin.registry import Registry; assert list(Registry().tasks)",
        command("--help"),
        command("run", "--help"),
        command("tasks"),
        command("models"),
        command("plugins"),
        command("runs"),
        command("runs", "sync", "--help"),
        command("leaderboard"),
    ],
)
def test_describing_imports_no_framework(code: str, tmp_path: Path) -> None:
    assert modules_after(code, tmp_path) & HEAVY == set()


@pytest.mark.parametrize("code", ["import glueharness", command("--help")])
def test_help_does_not_even_import_numpy(code: str, tmp_path: Path) -> None:
    assert "numpy" not in modules_after(code, tmp_path)
