"""Files and folders that the user names, or that anybody may have made.

They are read up to a limit, written where the name leads, and tried before work begins. A name
may lead to what is no file: a pipe that never ends, a device, a link to elsewhere.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import tempfile
from typing import IO, TYPE_CHECKING

from glueharness.errors import RunFolderError
from glueharness.system.atomic import whole_file

if TYPE_CHECKING:
    from pathlib import Path

_NO_WAIT = getattr(os, "O_NONBLOCK", 0)
_BINARY = getattr(os, "O_BINARY", 0)
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)
_PROBE_BYTES = 4 * 1024 * 1024
_PIECE_BYTES = 1 << 20


def read_within(path: Path | str, limit: int, *, links: bool = True) -> bytes:
    """The content of a regular file, or of one that a link leads to.

    Args:
        path: The file.
        limit: Bytes beyond which it is not what it should be.
        links: Whether a link is followed; not so for a file that anybody may have made.

    Raises:
        OSError: It cannot be read, is no regular file, or has more bytes; its ``strerror`` says
            which.
    """
    # Without waiting: opening a pipe that nobody writes to would never come to an end.
    handle = os.open(path, os.O_RDONLY | _NO_WAIT | _BINARY | (0 if links else _NO_LINK))
    try:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode):
            raise OSError(errno.EINVAL, "it is no regular file", str(path))
        # A byte more than it has, to see its end. Without a stream: a store has many small files.
        content = os.read(handle, min(found.st_size, limit) + 1)
        if len(content) == found.st_size <= limit:
            return content
        with os.fdopen(handle, "rb", closefd=False) as stream:  # it grows, or came in pieces
            content += stream.read(limit + 1 - len(content))
    finally:
        os.close(handle)
    if len(content) > limit:
        raise OSError(errno.EFBIG, f"it has more than {limit:,} bytes", str(path))
    return content


def write_named(path: Path, text: str) -> None:
    """Write UTF-8 text to where a name leads: a file whole or not at all, a link to its target.

    What is no file, for instance a pipe or ``/dev/stdout``, is written into and stays what it is.

    Raises:
        OSError: As the system says; a file is then as it was before.
    """
    content = text.encode("utf-8", "backslashreplace")
    if path.exists() and not path.is_file():
        with path.open("wb", buffering=0) as stream:
            rest = memoryview(content)
            while rest:
                rest = rest[stream.write(rest) :]
        return
    with whole_file(path.resolve() if path.is_symlink() else path) as aside:
        aside.write_bytes(content)


def read_untrusted(path: Path | str, limit: int) -> bytes:
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


def sha256_of(path: Path | str) -> str:
    """SHA-256 of the content of a regular file, or of one that a link leads to.

    Raises:
        FileNotFoundError: There is none.
        OSError: It is no regular file, or cannot be read; its ``strerror`` says which.
    """
    try:
        with _open_regular(path, 0) as stream:
            digest = hashlib.sha256()
            while piece := stream.read(_PIECE_BYTES):
                digest.update(piece)
            return digest.hexdigest()
    except ValueError as error:  # a null in the path
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path)) from error


def open_untrusted(path: Path | str) -> IO[bytes]:
    """A regular file that anybody may have made, open for reading.

    Raises:
        FileNotFoundError: There is none.
        OSError: It is a link, a folder, a pipe or a device, or cannot be read; its ``strerror``
            says which.
    """
    try:
        return _open_regular(path, _NO_LINK)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise OSError(errno.ELOOP, "it is a symbolic link", str(path)) from error
        raise


def _open_regular(path: Path | str, flags: int) -> IO[bytes]:
    handle = os.open(path, os.O_RDONLY | _NO_WAIT | _BINARY | flags)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(errno.EINVAL, "it is no regular file", str(path))
    return os.fdopen(handle, "rb")


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
