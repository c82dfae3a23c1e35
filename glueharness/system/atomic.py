"""Files that are written whole or not at all: to a temporary name, synced, then renamed."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

# Virus scanners and sync clients hold a new file open for a moment and refuse its renaming.
_PAUSES = (0.05, 0.1, 0.2, 0.4, 0.8, 1.6)


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A path to write to; it becomes ``path`` when the block ends without an error.

    Raises:
        OSError: As the file system says; ``path`` is then as it was before.
    """
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    os.close(handle)
    aside = Path(name)
    try:
        yield aside
        sync(aside)
        # mkstemp makes files private; results are as readable as the user's other files.
        aside.chmod(0o666 & ~umask())
        replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """A folder to write to; it becomes ``path``, in place of an older one, when the block ends."""
    aside = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent))
    try:
        yield aside
        for file in aside.rglob("*"):
            if file.is_file():
                sync(file)
        aside.chmod(0o777 & ~umask())
        old = path.with_name(f".{path.name}.old")
        shutil.rmtree(old, ignore_errors=True)
        if path.exists():
            replace(path, old)
        replace(aside, path)
        shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def write_text(path: Path, text: str) -> None:
    """Write a UTF-8 text file whole; line ends stay as they are."""
    with whole_file(path) as aside:
        aside.write_bytes(text.encode("utf-8"))


def remove_leftovers(folder: Path) -> None:
    """Delete what killed processes left half-written; nobody else may be writing there."""
    for aside in list(folder.rglob(".*.part")):
        if aside.is_dir():
            shutil.rmtree(aside, ignore_errors=True)
        else:
            aside.unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Force a file's content to the disk."""
    with path.open("rb") as stream:
        os.fsync(stream.fileno())


def replace(source: Path, target: Path) -> None:
    """Rename, trying again with growing pauses if the rename is refused for the moment."""
    for pause in _PAUSES:
        try:
            source.replace(target)
        except PermissionError:
            time.sleep(pause)
        else:
            sync_folder(target.parent)
            return
    source.replace(target)


def sync_folder(folder: Path) -> None:
    """Force a folder's entries to the disk, where the system can."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def umask() -> int:
    """The permissions that the user's new files do not get."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
