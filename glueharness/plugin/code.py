"""Which code a plugin runs: its version, or the hash of its files."""

from __future__ import annotations

import ast
import hashlib
import importlib.metadata
import importlib.util
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from importlib.machinery import ModuleSpec

_INSTALLED = frozenset({"site-packages", "dist-packages"})
_OURS = "glueharness"
_PYTHON = ".py"
# What is compiled differs from machine to machine; what it is compiled from lies beside it.
_NO_CODE = frozenset({".pyc", ".pyo", ".so", ".pyd", ".o", ".dylib", ".md", ".rst", ".log"})


def code_of(point: importlib.metadata.EntryPoint | None, known_as: tuple[str, str]) -> str:
    """Distribution and version, or the hash of the files where a version would say nothing.

    Args:
        point: The entry point; None for a single file or an object of this process.
        known_as: Distribution and version; for a file its path and hash.
    """
    name, version = known_as
    if point is None:
        if not version:
            return name
        # A file that describes a plugin imports nothing, and it need not even be there.
        others = _imported_from_working_trees(Path(name)) if name.endswith(_PYTHON) else []
        return f"file {version}, imports {_hash_of(others)}" if others else f"file {version}"
    if point.dist is None or not _version_says_nothing(point.dist):
        return f"{name} {version}".strip()
    return f"{name} {version}, files {_hash_of_package(point.module)}"


def _version_says_nothing(distribution: importlib.metadata.Distribution) -> bool:
    """Whether it was installed from a folder, an archive or a repository (PEP 610).

    Only an index has one content for one version.
    """
    try:
        return bool(distribution.read_text("direct_url.json"))
    except OSError:
        return False


def _hash_of_package(module: str) -> str:
    """The hash of all files of the package that a module is in, also of the data among them."""
    found = _spec_of(module.partition(".")[0])
    files = _files_of(found) if found is not None else []
    return _hash_of(files) if files else "unknown"


def _spec_of(name: str) -> ModuleSpec | None:
    try:
        return importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return None


def _files_of(found: ModuleSpec) -> list[tuple[str, Path]]:
    """Names and places of the files of a module or package, one without ``__init__.py`` too."""
    if found.submodule_search_locations is None:
        return [(found.name, Path(found.origin))] if found.has_location and found.origin else []
    return [
        (f"{found.name}/{file.relative_to(folder).as_posix()}", file)
        for folder in map(Path, found.submodule_search_locations)
        for file in sorted(folder.rglob("*"))
        if file.suffix not in _NO_CODE
        and not any(
            part.startswith((".", "__pycache__")) for part in file.relative_to(folder).parts
        )
        and file.is_file()
    ]


def _hash_of(files: Iterable[tuple[str, Path]]) -> str:
    digest = hashlib.sha256()
    for name, file in files:
        try:
            content = file.read_bytes()
        except OSError:  # an editor's file that is gone again
            continue
        digest.update(f"{name}\0{len(content)}\0".encode("utf-8", "surrogateescape"))
        digest.update(content)
    return digest.hexdigest()[:12]


def _imported_from_working_trees(file: Path) -> list[tuple[str, Path]]:
    """What a file imports, directly or not, that is neither Python's nor installed nor ours."""
    found: dict[str, list[tuple[str, Path]]] = {}
    to_read = [file]
    while to_read:
        for name in _imports_of(to_read.pop()):
            if name in found or name == _OURS or name.startswith(f"{_OURS}_"):
                continue
            spec = _spec_of(name)
            found[name] = _files_of(spec) if spec is not None and _in_a_working_tree(spec) else []
            to_read += [path for _, path in found[name] if path.suffix == ".py"]
    return [pair for name in sorted(found) for pair in found[name]]


def _imports_of(file: Path) -> Iterator[str]:
    """The first words of the names that a file imports, wherever it does so."""
    try:
        tree = ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def _in_a_working_tree(spec: ModuleSpec) -> bool:
    places = [
        *(spec.submodule_search_locations or ()),
        *([spec.origin] if spec.has_location else []),
    ]
    standard = {Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib")}
    return bool(places) and not any(
        folder in standard or folder.name in _INSTALLED
        for place in places
        for folder in Path(str(place)).parents
    )
