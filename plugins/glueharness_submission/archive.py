"""The zip of a submission: the same files give the same bytes at any time on any system."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_EARLIEST = (1980, 1, 1, 0, 0, 0)  # zip knows no earlier time
_UNIX = 3
_PLAIN_FILE = 0o100644


def write_zip(path: Path, files: Mapping[str, bytes]) -> None:
    """Write an archive with every file at its root, sorted by name.

    Owner, time and system are fixed, so that two archives of equal files are equal.
    """
    with zipfile.ZipFile(path, "w") as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, _EARLIEST)
            entry.create_system = _UNIX
            entry.external_attr = _PLAIN_FILE << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, files[name], compresslevel=6)
