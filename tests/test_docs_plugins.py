"""Every code block of docs/plugins.md is run, in order, as a reader would."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.installing import ROOT, environment, install

if TYPE_CHECKING:
    from pathlib import Path

PAGE = ROOT / "docs" / "plugins.md"
BLOCK = re.compile(r"(?:<!-- file: (\S+) -->\n)?```(\w+)\n(.*?)```", re.DOTALL)


def run_line(line: str, folder: Path, site: Path) -> None:
    """Run a line of a bash block; an installation goes into ``site``."""
    if line.startswith("pip install -e "):
        install(folder / line.removeprefix("pip install -e "), site)
        return
    config = str(folder.parent / "config")
    done = subprocess.run(
        ["bash", "-ec", line],
        cwd=folder, capture_output=True, text=True, check=False, timeout=120,
        env=environment(site, GLUEHARNESS_CONFIG_DIR=config, PATH=f"{folder.parent}:/usr/bin:/bin"),
    )  # fmt: skip
    assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"


def test_every_block_of_the_page_runs(tmp_path: Path) -> None:
    folder, site = tmp_path / "work", tmp_path / "site"
    folder.mkdir()
    command = tmp_path / "glueharness"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m glueharness "$@"\n')
    command.chmod(0o755)
    kinds = set()
    for file, kind, text in BLOCK.findall(PAGE.read_text(encoding="utf-8")):
        kinds.add((bool(file), kind))
        if file:
            (folder / file).write_text(text, encoding="utf-8")
        elif kind == "bash":
            for line in text.splitlines():
                run_line(line, folder, site)
        else:
            assert kind == "python", f"a block of {kind} that no test runs"
            exec(compile(text, str(PAGE), "exec"), {"__name__": "docs"})  # noqa: S102 - our own page
    assert {(True, "python"), (True, "text"), (False, "bash"), (False, "python")} <= kinds
    (log,) = folder.glob("runs/*/events.jsonl")
    assert '"event": "finished"' in log.read_text(encoding="utf-8")
