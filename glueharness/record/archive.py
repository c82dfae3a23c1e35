"""Archives of runs: one tar file with whole run folders, each file sealed by its SHA-256.

The first member, ``glueharness-archive.json``, lists the runs with every file's size and hash;
the files follow in that order. A hash of that list stands for all of the archive: whoever gets it
by another way can tell whether the archive is the one that was made. What it is not is a signature.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import os
import tarfile
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Annotated, Literal

import msgspec
from msgspec import Meta

from glueharness.errors import RunFolderError
from glueharness.record.annotations import ANNOTATIONS_FILE
from glueharness.record.record import MODEL_FOLDER, PREDICTIONS_FOLDER
from glueharness.record.run_file import RUN_FILE
from glueharness.record.seals import broken_seals
from glueharness.system import atomic

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from glueharness.record.record import RunRecord
    from glueharness.record.store import RunStore

LIST_NAME = "glueharness-archive.json"
LIST_BYTES = 64 * 1024 * 1024
WHOLE = frozenset({"completed", "failed"})
"""Statuses of runs that can be passed on: others would be resumed, without their checkpoint."""
Hash = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
Name = Annotated[str, Meta(min_length=1, max_length=255)]


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchivedFile:
    """A file of a run in an archive.

    Attributes:
        path: Its path in the run folder, with forward slashes.
        bytes: Its size.
        sha256: Its hash.
    """

    path: Annotated[str, Meta(min_length=1, max_length=1000)]
    bytes: Annotated[int, Meta(ge=0, le=2**50)]
    sha256: Hash


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchivedRun:
    """A run in an archive.

    Attributes:
        id: Its id, the name of its folder.
        files: Its files.
    """

    id: Name
    files: tuple[ArchivedFile, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveList:
    """What is in an archive.

    Attributes:
        runs: The runs.
        format: Version of this form.
    """

    runs: tuple[ArchivedRun, ...]
    format: Literal[1] = 1


_decoder = msgspec.json.Decoder(ArchiveList, strict=True)


def decode_list(content: bytes) -> ArchiveList:
    """The list of an archive from its bytes.

    Raises:
        ValueError: It is something else; it says what.
    """
    try:
        return _decoder.decode(content)
    except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
        newer = _format_of(content)
        said = f"it has format {newer}; this version reads 1" if newer > 1 else str(error)
        raise ValueError(said) from error


def _format_of(content: bytes) -> int:
    """The version of a list's form, whatever else is in it; 0 if it tells none."""
    try:
        return msgspec.json.decode(content, type=_AnyList).format
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        return 0


class _AnyList(msgspec.Struct):
    format: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """An archive that was written.

    Attributes:
        runs: Ids of its runs.
        bytes: Size of all files in it.
        seal: SHA-256 of its list, which stands for all of it.
    """

    runs: tuple[str, ...]
    bytes: int
    seal: str


def export_runs(store: RunStore, records: Sequence[RunRecord], path: Path) -> Exported:
    """Write runs to one file, whole or not at all.

    Raises:
        RunFolderError: A run is in use, its seals are broken, the file is there already, or it
            cannot be written.
    """
    if path.exists() or path.is_symlink():
        raise RunFolderError(
            "there is a file of that name", where=str(path), remedy="Choose another name."
        )
    try:
        with atomic.whole_file(path) as aside, aside.open("wb") as stream:
            return write_archive(store, records, stream)
    except OSError as error:
        raise RunFolderError(
            f"the archive cannot be written: {error.strerror or error}", where=str(path)
        ) from error


def write_archive(store: RunStore, records: Sequence[RunRecord], stream: IO[bytes]) -> Exported:
    """Write an archive to a stream, which need not be seekable.

    Raises:
        RunFolderError: A run is in use, its seals are broken, or it changes meanwhile.
        OSError: A file cannot be read, or the stream not be written to.
    """
    runs = tuple(_listed(store, record) for record in records)
    found = ArchiveList(runs=runs)
    content = (json.dumps(dataclasses.asdict(found), indent=1) + "\n").encode()
    with tarfile.open(fileobj=stream, mode="w|", format=tarfile.PAX_FORMAT) as tar:
        tar.addfile(_member(LIST_NAME, len(content)), io.BytesIO(content))
        for run in runs:
            for file in run.files:
                _add(tar, store.folder / run.id, run, file)
    return Exported(
        runs=tuple(run.id for run in runs),
        bytes=sum(file.bytes for run in runs for file in run.files),
        seal=hashlib.sha256(content).hexdigest(),
    )


def _listed(store: RunStore, record: RunRecord) -> ArchivedRun:
    """A run's files with their hashes, if it may be exported."""
    folder = store.path(record)
    store.refuse_links(record)
    holder = store.holder(record)
    if holder is not None:
        raise RunFolderError(
            f"the run is in use by {holder}", where=str(folder), remedy="Wait until it has ended."
        )
    if record.status not in WHOLE:
        raise RunFolderError(
            f"the run is not over: its status is {store.state(record)}", where=str(folder)
        )
    for problem in broken_seals(folder, record):
        raise problem
    files = []
    for name in names_of(folder):
        with (folder / name).open("rb") as stream:
            size = os.fstat(stream.fileno()).st_size
            seal = hashlib.file_digest(stream, "sha256").hexdigest()
        files.append(ArchivedFile(path=name, bytes=size, sha256=seal))
    return ArchivedRun(id=record.id, files=tuple(files))


def names_of(folder: Path) -> Iterator[str]:
    """The files of a run that are more than the state of its training, the record first."""
    yield RUN_FILE
    if (folder / ANNOTATIONS_FILE).is_file():
        yield ANNOTATIONS_FILE
    for part in (PREDICTIONS_FOLDER, MODEL_FOLDER):
        for path in sorted((folder / part).rglob("*")):
            inside = path.relative_to(folder)
            if path.is_file() and not any(word.startswith(".") for word in inside.parts):
                yield inside.as_posix()


def _add(tar: tarfile.TarFile, folder: Path, run: ArchivedRun, file: ArchivedFile) -> None:
    with (folder / file.path).open("rb") as stream:
        counted = HashingReader(stream)
        try:
            tar.addfile(_member(f"{run.id}/{file.path}", file.bytes), counted)
        except tarfile.ReadError:  # it has become shorter
            counted.done = -1
    if counted.done != file.bytes or counted.hash() != file.sha256:
        raise RunFolderError(
            "the file has changed while it was exported",
            where=str(folder / file.path),
            remedy="Export the run again when nobody writes to it.",
        )


def _member(name: str, size: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size, member.mode = size, 0o644
    return member


class HashingReader(io.RawIOBase):
    """A stream that hashes what is read from it.

    Args:
        stream: What is read.

    Attributes:
        done: Bytes that were read.
    """

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._digest = hashlib.sha256()
        self.done = 0

    def read(self, size: int = -1) -> bytes:
        """The next bytes."""
        content = self._stream.read(size)
        self._digest.update(content)
        self.done += len(content)
        return content

    def hash(self) -> str:
        """SHA-256 of what was read."""
        return self._digest.hexdigest()
