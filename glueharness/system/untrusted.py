"""Folders and files that are not trusted: no link in them is followed."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

from glueharness.system.user_files import read_within

if TYPE_CHECKING:
    from pathlib import Path


def read_untrusted(path: Path, limit: int) -> bytes:
    """The content of a regular file of at most ``limit`` bytes.

    Raises:
        FileNotFoundError: There is none.
        OSError: It is a link, a folder, a pipe or a device, too large, or cannot be read; its
            ``strerror`` says which.
    """
    try:
        return read_within(path, limit, links=False)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise OSError(errno.ELOOP, "it is a symbolic link", str(path)) from error
        raise


def first_link(folder: Path) -> Path | None:
    """A symbolic link below a folder, or the folder itself if it is one; None if there is none."""
    if folder.is_symlink():
        return folder
    for place, folders, files in os.walk(folder, followlinks=False):
        for name in (*folders, *files):
            path = os.path.join(place, name)  # noqa: PTH118 - a walk over many files
            if os.path.islink(path):  # noqa: PTH114
                return folder.joinpath(os.path.relpath(path, folder))
    return None
