"""Checks that a folder can be written to, before any work is done for it."""

from __future__ import annotations

import errno
import os
import tempfile
from typing import TYPE_CHECKING

from glueharness.errors import RunFolderError

if TYPE_CHECKING:
    from pathlib import Path

_PROBE_BYTES = 4 * 1024 * 1024


def check_writable(folder: Path, *, what: str = "runs", option: str = "--runs-dir") -> None:
    """Make sure that ``folder`` can be written to, before any work is done for it.

    Args:
        folder: The folder; it is made if it is not there.
        what: What is to be written, for the message.
        option: The option that gives another folder, for the message.

    Raises:
        RunFolderError: It cannot be made, is read-only, or its disk is full.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder, prefix=".probe") as probe:  # gone even if killed
            probe.write(b"\0" * _PROBE_BYTES)
            probe.flush()
            os.fsync(probe.fileno())
    except OSError as error:
        full = error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
        reason = "the disk is full" if full else (error.strerror or str(error))
        if isinstance(error, FileExistsError | NotADirectoryError):
            reason = _no_folder(folder)
        raise RunFolderError(
            f"{what} cannot be written here: {reason}",
            where=str(folder),
            remedy=f"{'Free some space or choose' if full else 'Choose'} another folder with "
            f"{option}.",
        ) from error


def _no_folder(folder: Path) -> str:
    """What stands where the folder is to be."""
    place = next((path for path in (folder, *folder.parents) if path.is_symlink()), None)
    if place is not None and not place.exists():
        return f"{place} is a link that leads to no folder"
    place = next((path for path in (folder, *folder.parents) if path.exists()), folder)
    return f"{place} is no folder"
