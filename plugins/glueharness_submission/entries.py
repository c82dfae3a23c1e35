"""The files found in a folder, in an archive, or given alone; their names are not trusted."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from glueharness import Finding, SubmissionError
from glueharness_submission.collector import FINDINGS_LISTED, plain
from glueharness_submission.form import ARCHIVE, MANIFEST

if TYPE_CHECKING:
    from collections.abc import Callable

_MOST_ENTRIES = 10_000
_JUNK = {".ds_store": "macOS", "thumbs.db": "Windows", "desktop.ini": "Windows"}
_MACOS_FOLDER = "__macosx"


class Unreadable(Exception):  # noqa: N818 - what is wrong is the file, told as a finding
    """A file's content cannot be read; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A regular file that was found.

    Attributes:
        path: Its path within the folder or archive, with ``/`` between its parts.
        read: Reads at most that many bytes.
    """

    path: str
    read: Callable[[int], bytes]

    @property
    def name(self) -> str:
        """The last part of the path."""
        return PurePosixPath(self.path).name

    @property
    def nested(self) -> bool:
        """Whether it is in a folder, not at the root."""
        return "/" in self.path

    @property
    def shown(self) -> str:
        """The path for a message."""
        return plain(self.path)


@dataclass(slots=True)
class Contents:
    """What is in a folder or an archive.

    Attributes:
        entries: The regular files.
        findings: The first few things in it that do not belong there.
        more: Number of further ones.
        opened: Whether it could be opened at all.
    """

    entries: list[Entry] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    more: int = 0
    opened: bool = True

    @property
    def full(self) -> bool:
        """Whether further findings are only counted."""
        return len(self.findings) >= FINDINGS_LISTED

    def tell(self, path: str, what: str, *, remedy: str = "") -> None:
        """Report something that does not belong there."""
        if self.full:
            self.more += 1
        else:
            self.findings.append(Finding(file=plain(path), what=what, remedy=remedy))


def junk(path: str) -> str:
    """The system whose leftover a file is, for instance macOS; empty if it is none."""
    parts = [part.casefold() for part in PurePosixPath(path).parts]
    if not parts:
        return ""
    if _MACOS_FOLDER in parts or parts[-1].startswith("._"):
        return "macOS"
    return _JUNK.get(parts[-1], "")


def tell_junk(contents: Contents, path: str, owner: str) -> None:
    """Report a file that an operating system left there."""
    contents.tell(
        path,
        f"an extra file that {owner} put there",
        remedy="Pack only the TSV files: zip -X submission.zip *.tsv",
    )


def single(path: Path) -> Entry:
    """One file.

    Raises:
        SubmissionError: It is not a regular file.
    """
    if not stat.S_ISREG(path.stat().st_mode):
        raise SubmissionError("this is not a regular file", where=str(path))
    return Entry(path=path.name, read=_reader(path))


def folder_contents(folder: Path) -> Contents:
    """The files in a folder; links are reported and not followed.

    Raises:
        SubmissionError: The folder, or one in it, cannot be read.
    """
    contents, count = Contents(), 0
    waiting = [folder]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as scan:
                found = sorted(scan, key=lambda item: item.name)
        except OSError as error:
            raise SubmissionError(
                f"the folder cannot be read: {error.strerror}", where=str(error.filename or folder)
            ) from error
        for item in found:
            count += 1
            if count > _MOST_ENTRIES:
                what = f"more than {_MOST_ENTRIES:,} files; this is not a submission"
                raise SubmissionError(what, where=str(folder))
            if item.is_dir(follow_symlinks=False):
                waiting.append(Path(item.path))
            else:
                _add(contents, item, Path(item.path).relative_to(folder).as_posix())
    return contents


def _add(contents: Contents, item: os.DirEntry[str], path: str) -> None:
    owner = junk(path)
    if owner:
        tell_junk(contents, path, owner)
    elif item.is_symlink():
        contents.tell(path, "a symbolic link; it must be a file of its own")
    elif not item.is_file(follow_symlinks=False):
        contents.tell(path, "not a regular file")
    elif path not in {ARCHIVE, MANIFEST}:
        contents.entries.append(Entry(path=path, read=_reader(Path(item.path))))


def _reader(path: Path) -> Callable[[int], bytes]:
    def read(limit: int) -> bytes:
        try:
            with path.open("rb") as stream:
                return stream.read(limit)
        except OSError as error:
            raise Unreadable(f"the file cannot be read: {error.strerror or error}") from error

    return read
