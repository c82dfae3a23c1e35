"""The two ends of a sync: a folder of runs here (:class:`LocalPlace`), or one behind a URL.

A place lists the runs that it has, hands one out file by file, and takes one in so that nobody
ever sees half of it. What it hands out is not believed; :mod:`glueharness.record.sync` checks it.
"""

from __future__ import annotations

import errno
import shutil
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, NoReturn, Protocol

from glueharness.errors import RunFolderError
from glueharness.record.archive import names_of
from glueharness.record.contents import refuse_link
from glueharness.record.foreign import RefusedError, check_names
from glueharness.record.run_file import RUN_FILE
from glueharness.record.store import RunStore
from glueharness.system import atomic
from glueharness.system.user_files import open_untrusted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    Count = Callable[[int, int], None]
    """Told how many bytes are done, and of how many."""

_CHUNK = 4 * 1024 * 1024
_PREFIX, _SUFFIX = ".sync.", ".part"
_SECONDS_TO_KEEP = 86_400.0
"""What a killed process left beside the runs is deleted after that time."""


class PlaceError(RunFolderError):
    """A place itself fails: its disk is full, its connection lost. No run can be copied now."""


class TakenError(RunFolderError):
    """There is something of a run's name at the place already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A run that a place has.

    Attributes:
        run: Its id.
        status: Its status.
        original: What it shares with its copies alone.
        digest: Hash of its ``run.json``.
        problem: Why it cannot be read; empty if it can.
        in_use: Who works on it; empty if nobody does.
    """

    run: str
    status: str = ""
    original: str = ""
    digest: str = ""
    problem: str = ""
    in_use: str = ""


class Place(Protocol):
    """One end of a sync.

    Attributes:
        name: What it is called in messages; no password is in it.
    """

    name: str

    def look(self, *, required: bool) -> list[Found]:
        """The runs that it has, oldest first where it can tell.

        Args:
            required: Whether the place must be there; else it is made when a run is added.

        Raises:
            RunFolderError: It is not there, or cannot be listed.
        """

    def find(self, run: str) -> Found | None:
        """The run of that id as it is now; None if there is none."""

    def fetch(self, run: str, aside: Path, count: Count) -> None:
        """Copy a run's files into the folder ``aside/<run>``.

        Raises:
            RunFolderError: This run cannot be copied: it says why.
            PlaceError: None can.
            OSError: They cannot be written.
        """

    def room(self) -> AbstractContextManager[Path]:
        """A folder on this machine where runs are laid down until they are checked."""

    def add(self, folder: Path, count: Count) -> None:
        """Take a run in, whole or not at all.

        Args:
            folder: The run's folder in :meth:`room`, of the name that it is to have.
            count: Told how far it is.

        Raises:
            TakenError: There is something of its name.
            PlaceError: It cannot be written.
        """


def copy_stream(source: IO[bytes], target: Path, size: int, name: str) -> None:
    """Write so many bytes of a stream to a new file.

    Raises:
        RunFolderError: The stream has fewer, or more, or cannot be read.
        OSError: They cannot be written.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    left = size
    with target.open("xb") as stream:
        while True:
            try:
                # One byte more, to see the end: whoever sends them may send without end.
                content = source.read(min(_CHUNK, left + 1))
            except OSError as error:
                raise RunFolderError(f"{name} cannot be read: {error.strerror or error}") from error
            if len(content) > left or (left and not content):
                raise RunFolderError(f"{name} changed while it was copied")
            if not content:
                break
            left -= len(content)
            stream.write(content)
    atomic.sync(target)


def refuse_run(place: str) -> NoReturn:
    """Say that an end of a sync is a run, and holds none.

    Raises:
        RunFolderError: Always.
    """
    raise RunFolderError(
        "this is a run, and no folder of runs",
        where=place,
        remedy="Name the folder that it lies in.",
    )


class LocalPlace:
    """A folder of runs on this machine.

    Args:
        folder: The folder.
    """

    def __init__(self, folder: Path) -> None:
        self.name = str(folder)
        self._folder = folder
        self._store = RunStore(folder)

    def look(self, *, required: bool) -> list[Found]:
        """As :meth:`Place.look`."""
        if required and not self._folder.is_dir():
            raise RunFolderError("there is no such folder of runs", where=self.name)
        if (self._folder / RUN_FILE).is_file():
            refuse_run(self.name)
        store = self._store
        store.refresh()
        originals = {run: original for original, run in store.originals.items()}
        found = []
        for record in store.all():
            holder = store.holder(record)
            found.append(
                Found(
                    run=record.id,
                    status=store.state(record),
                    original=originals[record.id],
                    digest=store.digest(record),
                    in_use=str(holder) if holder else "",
                )
            )
        found += [
            Found(run=self._run_of(problem), problem=problem.what) for problem in store.problems
        ]
        return found

    def _run_of(self, problem: RunFolderError) -> str:
        try:
            return Path(problem.where).relative_to(self._folder).parts[0]
        except (ValueError, IndexError):
            return problem.where

    def find(self, run: str) -> Found | None:
        """As :meth:`Place.find`."""
        return next((each for each in self.look(required=False) if each.run == run), None)

    def fetch(self, run: str, aside: Path, count: Count) -> None:
        """As :meth:`Place.fetch`."""
        folder = self._folder / run
        refuse_link(folder)
        self._store.refuse_links(self._store.find(run))
        names = list(names_of(folder))
        try:
            check_names(run, names)
            sizes = {name: (folder / name).stat(follow_symlinks=False).st_size for name in names}
        except RefusedError as error:
            raise RunFolderError(str(error)) from error
        except OSError as error:
            raise RunFolderError(f"it cannot be read: {error.strerror or error}") from error
        done, total = 0, sum(sizes.values())
        for name, size in sizes.items():
            count(done, total)
            try:
                stream = open_untrusted(folder / name)
            except OSError as error:
                raise RunFolderError(f"{name} cannot be read: {error.strerror or error}") from error
            with stream:
                copy_stream(stream, aside / run / name, size, name)
            done += size

    @contextmanager
    def room(self) -> Iterator[Path]:
        """As :meth:`Place.room`: beside the runs, so that one moves in at once."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._tidy()
            aside = Path(tempfile.mkdtemp(dir=self._folder, prefix=_PREFIX, suffix=_SUFFIX))
        except OSError as error:
            raise self._failure(error) from error
        try:
            yield aside
        finally:
            shutil.rmtree(aside, ignore_errors=True)

    def add(self, folder: Path, count: Count) -> None:
        """As :meth:`Place.add`."""
        target = self._folder / folder.name
        # What is there now may be an empty folder, which a move would replace.
        if target.exists() or target.is_symlink():
            raise _taken(folder.name)
        try:
            folder.rename(target)
            atomic.sync_folder(self._folder)
        except OSError as error:
            if error.errno in {errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR, errno.EISDIR}:
                raise _taken(folder.name) from error
            raise self._failure(error) from error
        count(1, 1)
        self._store.refresh()

    def _tidy(self) -> None:
        now = time.time()
        for left in self._folder.glob(f"{_PREFIX}*{_SUFFIX}"):
            if not left.is_symlink() and now - left.stat().st_mtime > _SECONDS_TO_KEEP:
                shutil.rmtree(left, ignore_errors=True)

    def _failure(self, error: OSError) -> PlaceError:
        return PlaceError(
            f"runs cannot be written here: {error.strerror or error}",
            where=self.name,
            remedy="When that is mended, the same command goes on.",
        )


def _taken(run: str) -> TakenError:
    return TakenError(f"there is something called {run} already")
