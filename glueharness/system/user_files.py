"""Files that the user names: read up to a limit, written where the name leads.

A name may lead to what is no file: a pipe that never ends, a device, a link to elsewhere.
"""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING

from glueharness.system.atomic import whole_file

if TYPE_CHECKING:
    from pathlib import Path

_NO_WAIT = getattr(os, "O_NONBLOCK", 0)
_BINARY = getattr(os, "O_BINARY", 0)
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)


def read_within(path: Path, limit: int, *, links: bool = True) -> bytes:
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
    with os.fdopen(handle, "rb") as stream:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, "it is no regular file", str(path))
        content = stream.read(limit + 1)
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
