"""Read an untrusted zip: nothing is unpacked to the disk, and nothing is read beyond a limit."""

from __future__ import annotations

import io
import lzma
import re
import stat
import struct
import zipfile
import zlib
from typing import TYPE_CHECKING

from glueharness import SubmissionError
from glueharness_submission.entries import Contents, Entry, Unreadable, junk, tell_junk

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_LARGEST_ARCHIVE = 1 << 28
_LARGEST_DIRECTORY = 1 << 20
_LARGEST_RATIO = 200
_SMALL = 1 << 16
_CHUNK = 1 << 16
_ENCRYPTED = 0x1 | 0x40 | 0x2000
_READABLE = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
_METHODS = {zipfile.ZIP_BZIP2: "bzip2", zipfile.ZIP_LZMA: "LZMA", 9: "Deflate64", 93: "Zstandard"}
# All that the standard library raises for a malformed archive.
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    OSError,
    RuntimeError,
    ValueError,
    IndexError,
    OverflowError,
)
_OTHER_ARCHIVES = {
    b"\x1f\x8b": "a gzip file",
    b"BZh": "a bzip2 file",
    b"\xfd7zXZ": "an xz file",
    b"7z\xbc\xaf": "a 7-Zip archive",
    b"Rar!": "a RAR archive",
    b"(\xb5/\xfd": "a Zstandard file",
}


class _Bounded(io.FileIO):
    """A file that cannot be read in one piece, because an archive's directory is never so large."""

    def read(self, size: int | None = -1, /) -> bytes:
        limit = _LARGEST_DIRECTORY + 1
        data = super().read(limit if size is None or size < 0 else min(size, limit))
        if len(data) > _LARGEST_DIRECTORY:
            raise zipfile.BadZipFile("its directory is too large")
        return data


def looks_like_zip(path: Path, start: bytes) -> bool:
    """Whether a file is, or is meant to be, a zip."""
    return path.suffix.casefold() == ".zip" or start.startswith(b"PK\x03\x04")


def other_archive(start: bytes) -> str:
    """The kind of archive if a file is one of another kind than zip; else empty."""
    return next((what for mark, what in _OTHER_ARCHIVES.items() if start.startswith(mark)), "")


def zip_contents(path: Path) -> Contents:
    """What is in a zip.

    Raises:
        SubmissionError: It cannot be opened.
    """
    contents = Contents(opened=False)
    if path.stat().st_size > _LARGEST_ARCHIVE:
        what = f"{path.stat().st_size:,} bytes; no submission is so large"
        contents.tell(path.name, what)
        return contents
    try:
        stream = _Bounded(path)
    except OSError as error:
        what = f"the archive cannot be read: {error.strerror}"
        raise SubmissionError(what, where=str(path)) from error
    try:
        archive = zipfile.ZipFile(stream)
    except _DAMAGE as error:
        stream.close()
        contents.tell(path.name, f"the archive is damaged or not a zip: {error}")
        return contents
    contents.opened = True
    names: set[str] = set()
    for info in archive.infolist():
        _add(contents, archive, info, names)
    folders = {name for name in names if name.endswith("/")}
    for name in sorted(folders):
        if not any(other != name and other.startswith(name) for other in names):
            contents.tell(name, "an extra folder")
    return contents


def _add(
    contents: Contents, archive: zipfile.ZipFile, info: zipfile.ZipInfo, names: set[str]
) -> None:
    """Sort an entry of the archive into the files or the findings."""
    name = info.orig_filename
    twice = name in names
    names.add(name)
    owner = junk(name)
    if owner:
        if not name.endswith("/"):
            tell_junk(contents, name, owner)
    elif _leads_out(name):
        contents.tell(name, "the path leads out of the archive; it is not read")
    elif twice:
        contents.tell(name, "the archive holds this name twice")
    elif stat.S_ISLNK(info.external_attr >> 16):
        contents.tell(name, "a symbolic link; it must be a file of its own")
    elif not name.endswith("/"):
        contents.entries.append(Entry(path=name, read=_reader(archive, info)))


def _leads_out(name: str) -> bool:
    """Whether a name is a path that unpacking must not follow."""
    parts = re.split(r"[/\\]", name)
    absolute = name.startswith(("/", "\\")) or re.match(r"[A-Za-z]:", name) is not None
    return absolute or ".." in parts or "\0" in name or not name


def _reader(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Callable[[int], bytes]:
    def read(limit: int) -> bytes:
        _refuse(info, limit)
        parts, size = [], 0
        try:
            with archive.open(info) as stream:
                while size < limit and (part := stream.read(min(_CHUNK, limit - size))):
                    parts.append(part)
                    size += len(part)
        except _DAMAGE as error:
            raise Unreadable(f"the file is damaged in the archive: {error}") from error
        return b"".join(parts)

    return read


def _refuse(info: zipfile.ZipInfo, limit: int) -> None:
    """Refuse an entry that must not be read.

    Raises:
        Unreadable: It is encrypted, packed in an unusual way or far too large.
    """
    if info.flag_bits & _ENCRYPTED:
        raise Unreadable("the file is encrypted; the archive must not have a password")
    if info.compress_type not in _READABLE:
        method = _METHODS.get(info.compress_type, f"method {info.compress_type}")
        raise Unreadable(f"the file is packed with {method}; it must be deflated or stored")
    if info.file_size > limit:
        raise Unreadable(
            f"the file unpacks to {info.file_size:,} bytes; a good one has less than {limit:,}"
        )
    if info.file_size > _SMALL and info.file_size > _LARGEST_RATIO * info.compress_size:
        ratio = info.file_size // max(1, info.compress_size)
        raise Unreadable(f"the file unpacks to {ratio:,} times its size, as a zip bomb does")
