"""Plugins that a file describes instead of Python code, and who reads such files."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from glueharness.errors import ConfigError, GlueharnessError, did_you_mean
from glueharness.plugin.blame import blamed
from glueharness.plugin.hookspecs import hookimpl
from glueharness.specs import FileKindSpec, FileReader
from glueharness.system.user_files import read_within

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from glueharness.plugin.status import PluginStatus
    from glueharness.specs import TaskSpec

PYTHON = ".py"
HOOK = "glueharness_file_kinds"
_LARGEST_PYTHON = 1 << 24

Kinds = dict[str, tuple[FileKindSpec, "PluginStatus"]]


class Described:
    """Several described plugins as one: the tasks of all files of a package.

    Args:
        parts: What the readers made of the files.
    """

    def __init__(self, parts: list[object]) -> None:
        self._parts = parts

    @hookimpl
    def glueharness_tasks(self) -> list[TaskSpec]:
        """The tasks of all files."""
        return [task for part in self._parts for task in getattr(part, "glueharness_tasks", list)()]


def kinds_among(answers: Iterable[tuple[PluginStatus, list[Any]]]) -> Kinds:
    """Suffix without the point to the spec of that kind of file, and whose it is."""
    found: Kinds = {}
    for owner, specs in answers:
        for spec in specs:
            if isinstance(spec, FileKindSpec):
                found.setdefault(spec.name.lower(), (spec, owner))
    return found


def suffix_of(path: Path) -> str:
    """A file's suffix as the kinds are called: lower case, without the point."""
    return path.suffix.lower().removeprefix(".")


def content_of(path: Path, limit: int = _LARGEST_PYTHON) -> bytes:
    """The content of a plugin file.

    Raises:
        ConfigError: It cannot be read, is no regular file, or is too large.
    """
    try:
        return read_within(path, limit)
    except OSError as error:
        raise ConfigError(
            f"the plugin file cannot be read: {error.strerror or error}", where=str(path)
        ) from error


def digest_of(content: bytes) -> str:
    """The hash that stands where other plugins have a version."""
    return hashlib.sha256(content).hexdigest()[:12]


def read_file(path: Path, content: bytes, kinds: Kinds) -> object:
    """The plugin that a file describes.

    Raises:
        ConfigError: No plugin reads such files, or the file is not what it should be.
        PluginError: The reader failed.
    """
    suffix = suffix_of(path)
    if suffix not in kinds:
        known = ["py", *kinds]
        raise ConfigError(
            f"no plugin reads files with the suffix {path.suffix!r}{did_you_mean(suffix, known)}",
            where=str(path),
            remedy=f"Plugin files end in {', '.join(f'.{name}' for name in known)}.",
        )
    spec, owner = kinds[suffix]
    if len(content) > spec.largest:
        raise ConfigError(f"it has more than {spec.largest:,} bytes", where=str(path))
    with blamed(f"the reader of .{spec.name} files", owner, "failed"):
        reader = spec.factory()
        if not isinstance(reader, FileReader):
            raise TypeError(f"its factory made a {type(reader).__name__}, which has no read()")
        return reader.read(path, content)


def read_described(
    status: PluginStatus, contents: dict[Path, bytes], kinds: Kinds
) -> object | None:
    """The plugin that these files describe; None, with the reason in its status, if they do not."""
    try:
        with status.watched():
            parts = [read_file(path, content, kinds) for path, content in contents.items()]
    except GlueharnessError as error:
        where = f"{error.where}: " if error.where else ""
        status.fail(f"{where}{error.what}", error.remedy or f"Mend {error.where or status.target}")
        return None
    return parts[0] if len(parts) == 1 else Described(parts)


def files_of_package(module: object, suffixes: set[str]) -> list[Path]:
    """The files directly in a package that may describe plugins, in order."""
    folders: list[str] = list(getattr(module, "__path__", ()))
    return sorted(
        file
        for folder in folders
        for file in Path(folder).iterdir()
        if suffix_of(file) in suffixes and not file.name.startswith(("_", "."))
    )
