"""The traps of one distribution over several shelves."""

from __future__ import annotations

import importlib.metadata
import re
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
SHELVES = ("tasks", "plugins", "leaderboard")
LIBRARIES = {"glueharness_hub"}
"""What plugins build on, and what offers nothing itself."""


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def packages_on_shelves() -> set[str]:
    return {
        f"{shelf}/{path.name}"
        for shelf in SHELVES
        for path in (ROOT / shelf).iterdir()
        if (path / "__init__.py").is_file()
    }


def test_every_package_is_in_the_wheel(project: dict[str, Any]) -> None:
    listed = set(project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"])
    assert listed == {"glueharness", *packages_on_shelves()}


def test_every_plugin_has_its_entry_point_and_it_is_installed(project: dict[str, Any]) -> None:
    declared = project["project"]["entry-points"]["glueharness"]
    packages = {path.split("/")[1] for path in packages_on_shelves()}
    assert set(declared.values()) == packages - LIBRARIES
    distribution = importlib.metadata.distribution("glueharness")
    installed = {
        point.name: point.value
        for point in distribution.entry_points
        if point.group == "glueharness"
    }
    assert installed == declared, "reinstall: pip install -e ."


def test_shelves_are_not_packages() -> None:
    for shelf in SHELVES:
        assert not (ROOT / shelf / "__init__.py").exists()


def test_the_version_is_the_same_everywhere(project: dict[str, Any]) -> None:
    import glueharness

    assert project["project"]["version"] == glueharness.__version__
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8").splitlines()
    assert f"version: {glueharness.__version__}" in citation


def test_python_versions_are_the_same_everywhere(project: dict[str, Any]) -> None:
    prefix = "Programming Language :: Python :: 3."
    classifiers = project["project"]["classifiers"]
    declared = [item.removeprefix(prefix) for item in classifiers if item.startswith(prefix)]
    assert f">=3.{declared[0]}" == project["project"]["requires-python"]
    checks = (ROOT / ".github" / "workflows" / "checks.yml").read_text(encoding="utf-8")
    matrix = ", ".join(f'"3.{number}"' for number in declared)
    assert f"python: [{matrix}]" in checks


def test_the_suite_for_the_lowest_versions_names_tests_that_are_there() -> None:
    named = re.findall(r"tests/\w+\.py", (ROOT / ".ci" / "lowest").read_text(encoding="utf-8"))
    assert len(named) > 10
    assert [name for name in named if not (ROOT / name).is_file()] == []


@pytest.mark.slow
def test_the_wheel_holds_every_module(tmp_path: Path) -> None:
    """Build it for real: an editable install hides what a wheel lacks."""
    import subprocess
    import sys

    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=ROOT, check=True, capture_output=True,
    )  # fmt: skip
    (wheel,) = tmp_path.glob("*.whl")
    inside = {name for name in zipfile.ZipFile(wheel).namelist() if name.endswith(".py")}
    expected = {
        str(path.relative_to(ROOT / shelf))
        for shelf in (*SHELVES, ".")
        for path in (ROOT / shelf).rglob("*.py")
        if path.relative_to(ROOT / shelf).parts[0].startswith("glueharness")
    }
    assert inside == expected


def test_every_package_tells_type_checkers_that_it_is_typed() -> None:
    packages = {"glueharness", *packages_on_shelves()}
    assert {path for path in packages if not (ROOT / path / "py.typed").is_file()} == set()
