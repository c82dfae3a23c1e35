"""Taking runs out of an archive that anybody may have made.

Nothing in it is believed: it is unpacked beside the store, file by file as its list says, and moved
into the store when every file has its hash, every record is one, and every run's own seals hold.
A tar file can name any path, link or device; only plain files of a run's own folders are taken.
"""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from glueharness.errors import RunFolderError
from glueharness.record.archive import (
    LIST_BYTES,
    LIST_NAME,
    WHOLE,
    ArchivedFile,
    ArchiveList,
    HashingReader,
    decode_list,
)
from glueharness.record.contents import original_of
from glueharness.record.foreign import RefusedError, check_names, checked, mark_imported
from glueharness.system import atomic
from glueharness.system.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from glueharness.record.store import RunStore

_MOST_FILES = 100_000
_CHUNK = 1024 * 1024
_NOTHING = "Nothing of it was imported."


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What became of the runs of an archive.

    Attributes:
        added: Ids of the runs that are in the store now.
        known: Of the runs that were there already: their id in the archive, and that in the store.
        seal: SHA-256 of the archive's list, which stands for all of it.
    """

    added: tuple[str, ...]
    known: dict[str, str]
    seal: str


def import_runs(store: RunStore, path: Path) -> Imported:
    """Take the runs of an archive into a store: all of them or, if anything is wrong, none.

    Raises:
        RunFolderError: The archive is none, was changed, or holds what is no run; it names the
            file. Or the store has another run of the same id, or cannot be written to.
    """
    try:
        if not path.is_file():
            there = path.exists() or path.is_symlink()
            raise RunFolderError(
                "it is no regular file" if there else "there is no such file", where=str(path)
            )
        with path.open("rb") as stream:
            return read_archive(store, stream, str(path))
    except OSError as error:
        failed = str(error.filename or "")
        into = f" into {store.folder}" if failed.startswith(str(store.folder)) else ""
        raise RunFolderError(
            f"the archive cannot be imported{into}: {error.strerror or error}", where=str(path)
        ) from error


def read_archive(store: RunStore, stream: IO[bytes], where: str) -> Imported:
    """As :func:`import_runs`, from a stream, which need not be seekable.

    Args:
        store: Where the runs go.
        stream: The archive.
        where: What the archive is called in messages.

    Raises:
        RunFolderError: As there.
        OSError: The stream cannot be read, or the store not be written to.
    """
    store.folder.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(dir=store.folder, prefix=".import.", suffix=".part"))
    try:
        with _told(where), tarfile.open(fileobj=stream, mode="r|", errorlevel=2) as tar:
            found, seal = _list(tar)
            _unpack(tar, found, aside)
        return _take_in(store, found, seal, aside, where)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


@contextlib.contextmanager
def _told(where: str) -> Iterator[None]:
    try:
        yield
    except RefusedError as error:
        raise RunFolderError(
            f"the archive is refused: {error}", where=where, remedy=_NOTHING
        ) from error
    except (tarfile.TarError, ValueError, EOFError, RecursionError, MemoryError) as error:
        raise RunFolderError(
            f"this is no whole archive of runs: {printable(str(error)) or type(error).__name__}",
            where=where,
            remedy=f"{_NOTHING} `glueharness runs export` makes such archives.",
        ) from error


def _list(tar: tarfile.TarFile) -> tuple[ArchiveList, str]:
    """What the archive says is in it, checked, and the hash of that."""
    member = tar.next()
    if member is None or member.name != LIST_NAME or not _is_plain(member):
        raise ValueError(f"it does not begin with {LIST_NAME}")
    if member.size > LIST_BYTES:
        raise RefusedError(f"its list has more than {LIST_BYTES:,} bytes")
    stream = tar.extractfile(member)
    content = stream.read() if stream is not None else b""
    found = decode_list(content)
    files = [(run, file) for run in found.runs for file in run.files]
    if len(files) > _MOST_FILES:
        raise RefusedError(f"it has more than {_MOST_FILES:,} files")
    names = [f"{run.id}/{file.path}" for run, file in files]
    if len({name.casefold() for name in names}) < len(names):
        raise RefusedError("it lists a file twice")
    for run in found.runs:
        check_names(run.id, [file.path for file in run.files])
    return found, hashlib.sha256(content).hexdigest()


def _is_plain(member: tarfile.TarInfo) -> bool:
    """Whether it is a file with nothing special: no link, device, folder or sparse file."""
    return member.type in {tarfile.REGTYPE, tarfile.AREGTYPE} and not member.issparse()


def _unpack(tar: tarfile.TarFile, found: ArchiveList, aside: Path) -> None:
    """Write the files as the list says, in its order, and nothing else."""
    for run in found.runs:
        for file in run.files:
            name, member = f"{run.id}/{file.path}", tar.next()
            if member is None:
                raise RefusedError(f"{name} is missing")
            if member.name != name:
                raise RefusedError(f"{printable(member.name)!r} is not what its list says: {name}")
            if not _is_plain(member) or member.size != file.bytes:
                raise RefusedError(f"{name} is not the file that its list says")
            stream = tar.extractfile(member)
            if stream is None:
                raise RefusedError(f"{name} cannot be read")
            _write(stream, aside / run.id / file.path, file, name)
    extra = tar.next()
    if extra is not None:
        raise RefusedError(f"{printable(extra.name)!r} is not in its list")


def _write(stream: IO[bytes], path: Path, file: ArchivedFile, name: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    reader = HashingReader(stream)
    with path.open("xb") as target:
        shutil.copyfileobj(reader, target, _CHUNK)
    if reader.done != file.bytes or reader.hash() != file.sha256:
        raise RefusedError(f"the seal of {name} is broken: the file was changed")
    atomic.sync(path)


def _take_in(store: RunStore, found: ArchiveList, seal: str, aside: Path, where: str) -> Imported:
    """Check the runs that were unpacked, and move those that are new into the store."""
    there = store.originals
    new: list[str] = []
    known: dict[str, str] = {}
    for run in found.runs:
        stored = checked(aside / run.id, f"{where}: {run.id}", WHOLE, _NOTHING)
        mark_imported(aside / run.id, f"archive {seal[:16]}")
        original = original_of(stored.record, stored.own)
        if original in there:
            known[run.id] = there[original]
        elif (store.folder / run.id).exists() or (store.folder / run.id).is_symlink():
            raise RunFolderError(
                f"there is another run called {run.id}, which is not that of the archive",
                where=where,
                remedy=f"Rename the folder {store.folder / run.id}, and import again.",
            )
        else:
            new.append(run.id)
            there[original] = run.id
    for name in new:
        (aside / name).rename(store.folder / name)
    atomic.sync_folder(store.folder)
    store.refresh()
    return Imported(added=tuple(new), known=known, seal=seal)
