"""Which plugins the user wants: those switched off, and those loaded from single files.

The choices that outlive a command are kept in ``plugins.json`` in the user's configuration folder
(see :func:`glueharness.system.user_folders.config_folder`).
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from glueharness.errors import ConfigError
from glueharness.system.user_folders import config_folder

if TYPE_CHECKING:
    from collections.abc import Callable

FILES_VARIABLE = "GLUEHARNESS_PLUGINS"
PROJECT_FOLDER = "plugins"
FOLDER_SUFFIXES = frozenset({".py", ".toml"})
"""What of a folder is loaded; a file of any kind can be named itself."""
NO_PLUGINS = frozenset({"pyproject.toml", "ruff.toml"})
_FILE = "plugins.json"
_LARGEST_FILE = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginChoice:
    """What to load in addition to the installed plugins, and which of these to leave out.

    Attributes:
        without: Names of plugins or distributions to leave out this time.
        disabled: The same, permanently; names that are not installed are ignored.
        files: Files to load as plugins: in Python, or of a kind that a plugin reads.
        named: Those of them that were named themselves, and are not just in a folder.
    """

    without: tuple[str, ...] = ()
    disabled: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()
    named: frozenset[Path] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """What the user's configuration says about plugins.

    Attributes:
        disabled: Names of plugins or distributions that are switched off.
        trusted: Folders whose files are loaded when glueharness runs in the folder above.
    """

    disabled: tuple[str, ...] = ()
    trusted: tuple[str, ...] = ()


def user_choice(without: tuple[str, ...] = (), files: tuple[Path, ...] = ()) -> PluginChoice:
    """The choice for this command, from its options, the environment and the configuration.

    Raises:
        ConfigError: The configuration cannot be read, or a file given is not there.
    """
    stored = read_stored()
    listed = os.environ.get(FILES_VARIABLE, "")
    paths = [*files, *(Path(part) for part in listed.split(os.pathsep) if part)]
    folder = Path(PROJECT_FOLDER)
    if stored.trusted and str(folder.resolve()) in stored.trusted and folder.is_dir():
        paths.append(folder)
    return PluginChoice(
        without=without,
        disabled=stored.disabled,
        files=tuple(file for path in paths for file in plugin_files(path)),
        named=frozenset(path for path in paths if not path.is_dir()),
    )


def plugin_files(path: Path) -> list[Path]:
    """The file itself, or the files directly in a folder that are plugins by their suffix.

    Raises:
        ConfigError: There is nothing of that name.
    """
    if path.is_dir():
        return sorted(
            file
            for file in path.iterdir()
            if file.suffix in FOLDER_SUFFIXES
            and file.name not in NO_PLUGINS
            and not file.name.startswith(("_", "."))
        )
    if not path.exists():
        raise ConfigError(
            "there is no such plugin file",
            where=str(path),
            remedy="Give a Python file, a task's TOML file, or a folder of such files.",
        )
    return [path]


def config_file() -> Path:
    """Where the choices are kept."""
    return config_folder() / _FILE


def read_stored() -> Stored:
    """What the configuration says; nothing if there is none.

    Raises:
        ConfigError: The file is damaged.
    """
    from glueharness.system.user_files import read_within

    path = config_file()
    try:
        values = json.loads(read_within(path, _LARGEST_FILE))
        return Stored(
            disabled=tuple(map(str, values.get("disabled", ()))),
            trusted=tuple(map(str, values.get("trusted", ()))),
        )
    except FileNotFoundError:
        return Stored()
    except (OSError, ValueError, AttributeError, TypeError, RecursionError) as error:
        raise ConfigError(
            f"the list of plugins cannot be read: {error}",
            where=str(path),
            remedy="Repair the file, or remove it: all plugins are then in use.",
        ) from error


def change_stored(change: Callable[[Stored], Stored]) -> None:
    """Read the configuration, change it, write it whole.

    Raises:
        ConfigError: It cannot be read or written.
    """
    from glueharness.system.user_files import write_named

    stored = change(read_stored())
    path = config_file()
    text = json.dumps({"disabled": stored.disabled, "trusted": stored.trusted}, indent=2)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_named(path, text + "\n")
    except OSError as error:
        raise ConfigError(f"cannot be written: {error.strerror}", where=str(path)) from error


def with_name(names: tuple[str, ...], name: str) -> tuple[str, ...]:
    """``names`` with ``name`` in it, sorted."""
    return tuple(sorted({*names, name}))


def without_name(names: tuple[str, ...], name: str) -> tuple[str, ...]:
    """``names`` with ``name`` not in it."""
    return tuple(other for other in names if other != name)
