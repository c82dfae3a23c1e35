"""Install small distributions into a folder of their own, as pip would, offline and at once."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = ROOT / "examples"


def install(distribution: Path, site: Path) -> None:
    """Build a distribution's wheel and unpack it into ``site``, to be put on PYTHONPATH."""
    from hatchling.builders.wheel import WheelBuilder

    wheels = WheelBuilder(str(distribution)).build(directory=str(site), versions=["standard"])
    for wheel in map(Path, wheels):
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(site)
        wheel.unlink()


def fake(site: Path, name: str, code: str, *, version: str = "1.0", entry: str = "") -> None:
    """Write a distribution by hand: one module with ``code`` and its entry point.

    Args:
        site: Where to.
        name: Name of plugin and distribution; its module is called the same with ``fake_``.
        code: The module's source.
        version: The distribution's version.
        entry: Another entry point than the plain one, ``name = target``.
    """
    site.mkdir(exist_ok=True)
    module = f"fake_{name.replace('-', '_')}"
    (site / f"{module}.py").write_text(code, encoding="utf-8")
    info = site / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", encoding="utf-8"
    )
    (info / "entry_points.txt").write_text(
        f"[glueharness]\n{entry or f'{name} = {module}'}\n", encoding="utf-8"
    )


def environment(*sites: Path, **variables: str) -> Mapping[str, str]:
    """This process's environment with ``sites`` importable."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, sites)), **variables}


def call(
    *words: str, sites: tuple[Path, ...] = (), folder: Path, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run ``glueharness`` with ``words`` in an interpreter of its own."""
    return subprocess.run(
        [sys.executable, "-m", "glueharness", *words],
        cwd=folder, env=environment(*sites, **variables),
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
