"""Which code a plugin runs: its version, or the hash of its files."""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import json
from pathlib import Path


def code_of(point: importlib.metadata.EntryPoint | None, known_as: tuple[str, str]) -> str:
    """Distribution and version, or the hash of the files where a version would say nothing.

    Args:
        point: The entry point; None for a single file or an object of this process.
        known_as: Distribution and version; for a file its path and hash.
    """
    name, version = known_as
    if point is None:
        return f"file {version}" if version else name
    if point.dist is None or not _follows_a_working_tree(point.dist):
        return f"{name} {version}".strip()
    files = _hash_of_package(point.module)
    return f"{name} {version}, files {files}" if files else f"{name} {version}"


def _follows_a_working_tree(distribution: importlib.metadata.Distribution) -> bool:
    """Whether the installation is editable (PEP 610)."""
    try:
        text = distribution.read_text("direct_url.json")
        return bool(json.loads(text).get("dir_info", {}).get("editable")) if text else False
    except (OSError, ValueError, AttributeError):
        return False


def _hash_of_package(module: str) -> str:
    """The hash of the Python files of the package that a module is in; empty if it has none."""
    found = importlib.util.find_spec(module.partition(".")[0])
    if found is None or (found.origin is None and not found.submodule_search_locations):
        return "unknown"
    if found.origin is None:  # a folder without __init__.py, which files describe
        return ""
    origin = Path(found.origin)
    files = sorted(origin.parent.rglob("*.py")) if origin.name == "__init__.py" else [origin]
    digest = hashlib.sha256()
    for file in files:
        content = file.read_bytes()
        name = file.relative_to(origin.parent).as_posix()
        digest.update(f"{name}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()[:12]
