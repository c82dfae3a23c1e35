"""A folder of runs behind a URL, through fsspec: SSH, S3 and what else it has.

Where a server has folders (SSH), a run is sent beside the runs and moved into its place. An object
store has none: there the record is sent last, and without it a folder is no run.
"""

from __future__ import annotations

import contextlib
import io
import os
import posixpath
import secrets
import tempfile
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from glueharness.errors import GlueharnessError, RunFolderError
from glueharness.record.contents import original_of
from glueharness.record.places import Found, PlaceError, TakenError, copy_stream
from glueharness.record.remote_listing import NO_FILE, is_file, runs_among, sizes_among
from glueharness.record.run_file import RUN_FILE, RUN_FILE_BYTES, stored_from
from glueharness.system.at_once import NoAnswerError, read_at_once
from glueharness.system.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from glueharness.record.places import Count

_BUFFER = 4 * 1024 * 1024
_ASIDE = ".sync-"
_SECONDS_TO_KEEP = 86_400.0
_GOES_ON = "What was copied stays. When that is mended, the same command goes on."


def words_of(error: BaseException) -> str:
    """An error of somebody else's library, in one line."""
    if isinstance(error, TimeoutError):
        return "there is no answer"
    text = (error.strerror if isinstance(error, OSError) else None) or str(error)
    if text == "Failure":  # all that SFTP has for a full disk
        return "the server cannot, and does not say why; its disk may be full"
    lines = text.strip().splitlines()
    return printable(lines[0]) if lines else type(error).__name__


@contextlib.contextmanager
def failures(name: str, what: str, remedy: str = "") -> Iterator[None]:
    """Whatever a file system raises is told as a failure of the place."""
    try:
        yield
    except (GlueharnessError, FileNotFoundError):
        raise
    except Exception as error:
        raise PlaceError(f"{what}: {words_of(error)}", where=name, remedy=remedy) from error


class _Told(io.RawIOBase):
    """A stream of somebody else's library, whose errors are told as a failure of the place."""

    def __init__(self, stream: Any, place: str, what: str) -> None:
        self._stream, self._place, self._what = stream, place, what

    def readable(self) -> bool:
        """As every stream that is read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read the next bytes into a buffer."""
        with failures(self._place, self._what, _GOES_ON):
            content = self._stream.read(len(buffer))
        buffer[: len(content)] = content
        return len(content)


class RemotePlace:
    """A folder of runs behind a URL.

    Args:
        name: What it is called in messages.
        files: The file system, of fsspec.
        folder: The folder in it.
        moves: Whether the server moves a folder with all that is in it in one step.
    """

    def __init__(self, name: str, files: Any, folder: str, *, moves: bool) -> None:
        self.name = name
        self._files, self._folder, self._moves = files, folder, moves

    def look(self, *, required: bool) -> list[Found]:
        """As :meth:`glueharness.record.places.Place.look`."""
        try:
            with failures(self.name, "the runs cannot be listed"):
                self._files.invalidate_cache()
                entries = self._files.ls(self._folder, detail=True)
        except FileNotFoundError as error:
            if not required:
                return []
            raise RunFolderError("there is no such folder of runs", where=self.name) from error
        runs, refused = runs_among(entries, self._folder, self.name)
        return [*refused, *self._read(runs)]

    def _read(self, runs: Sequence[str]) -> list[Found]:
        """The records of runs, several at a time.

        Raises:
            PlaceError: The server is there, and does not answer.
        """
        found: list[Found] = []
        for each in read_at_once(self.find, runs):
            if isinstance(each, NoAnswerError):
                raise PlaceError("there is no answer any more", where=self.name, remedy=_GOES_ON)
            if isinstance(each, BaseException):
                raise each
            found += [each] if each is not None else []
        return found

    def find(self, run: str) -> Found | None:
        """As :meth:`glueharness.record.places.Place.find`."""
        place = self._path(run, RUN_FILE)
        try:
            with failures(self.name, f"{run} cannot be read"):
                # What a server has there may be a pipe, which whoever opens it waits for.
                if self._moves and not is_file(self._files.ls(self._path(run), detail=True)):
                    return Found(run=run, problem=f"its {RUN_FILE} {NO_FILE}")
                with self._files.open(place) as stream:
                    content = stream.read(RUN_FILE_BYTES + 1)
        except FileNotFoundError:  # other folders may lie among the runs
            return None
        if len(content) > RUN_FILE_BYTES:
            return Found(run=run, problem=f"its record has more than {RUN_FILE_BYTES:,} bytes")
        try:
            stored = stored_from(content, run)
        except RunFolderError as error:
            return Found(run=run, problem=error.what)
        original = original_of(stored.record, stored.own)
        return Found(
            run=run, status=stored.record.status, original=original, digest=stored.digest
        )  # fmt: skip

    def fetch(self, run: str, aside: Path, count: Count) -> None:
        """As :meth:`glueharness.record.places.Place.fetch`."""
        sizes = self._listed(run)
        done, total = 0, sum(sizes.values())
        for name, size in sizes.items():
            count(done, total)
            with self._opened(run, name) as stream:
                copy_stream(stream, aside / run / name, size, name)
            done += size

    @contextlib.contextmanager
    def _opened(self, run: str, name: str) -> Iterator[IO[bytes]]:
        """A file of a run, whose errors are those of this place."""
        what = f"{run}/{name} cannot be read"
        try:
            with failures(self.name, what, _GOES_ON):
                stream = self._files.open(self._path(run, name), "rb")
        except FileNotFoundError as error:
            raise RunFolderError(f"{name} is gone") from error
        try:
            yield io.BufferedReader(_Told(stream, self.name, what), _BUFFER)
        finally:
            with contextlib.suppress(Exception):
                stream.close()

    def _listed(self, run: str) -> dict[str, int]:
        """The files of a run that are passed on, with their sizes.

        Raises:
            RunFolderError: There is a link among them, or a name that leads elsewhere.
        """
        prefix = self._path(run)
        try:
            with failures(self.name, f"{run} cannot be listed", _GOES_ON):
                self._files.invalidate_cache()
                listing = self._files.find(prefix, detail=True)
        except FileNotFoundError as error:
            raise RunFolderError("it is gone") from error
        return sizes_among(listing, prefix, run)

    @contextlib.contextmanager
    def room(self) -> Iterator[Path]:
        """As :meth:`glueharness.record.places.Place.room`: where temporary files are."""
        with tempfile.TemporaryDirectory(prefix="glueharness-sync-") as name:
            yield Path(name)

    def add(self, folder: Path, count: Count) -> None:
        """As :meth:`glueharness.record.places.Place.add`."""
        try:
            with failures(self.name, f"{folder.name} cannot be written", _GOES_ON):
                if self._moves:
                    self._move_in(folder, count)
                else:
                    self._record_last(folder, count)
        except FileNotFoundError as error:
            raise PlaceError(
                f"{folder.name} cannot be written: {words_of(error)}",
                where=self.name,
                remedy=_GOES_ON,
            ) from error

    def _move_in(self, folder: Path, count: Count) -> None:
        """Send a run beside the runs, and move it into its place."""
        target = self._path(folder.name)
        aside = self._path(f"{_ASIDE}{secrets.token_hex(6)}")
        try:
            self._files.makedirs(aside, exist_ok=True)
        except Exception as error:
            # It says so of a folder that it could not make, whatever the reason, and that nobody
            # named. Of a lost connection it says other things.
            if not str(error).endswith("is not a directory"):
                raise
            raise PlaceError(
                "no folder can be made there",
                where=self.name,
                remedy="See whether it may be written, is full, or has a file in its way.",
            ) from error
        try:
            self._tidy(aside)
            self._send(folder, posixpath.join(aside, folder.name), count)
            self._refuse_taken(target)
            try:
                self._files.mv(posixpath.join(aside, folder.name), target)
            except Exception:
                self._refuse_taken(target)
                raise
        finally:
            with contextlib.suppress(Exception):
                self._files.rm(aside, recursive=True)

    def _refuse_taken(self, place: str) -> None:
        if self._files.exists(place):
            raise TakenError(f"there is {place} already")

    def _tidy(self, mine: str) -> None:
        """Delete what a killed process left, by the server's clock."""
        now = self._files.info(mine).get("mtime")
        for entry in self._files.ls(self._folder, detail=True):
            name = posixpath.basename(str(entry["name"]).rstrip("/"))
            left = name.startswith(_ASIDE) and entry["type"] == "directory"
            if left and now and (now - entry["mtime"]).total_seconds() > _SECONDS_TO_KEEP:
                self._files.rm(self._path(name), recursive=True)

    def _record_last(self, folder: Path, count: Count) -> None:
        """Send a run file by file; it is one when its record is there."""
        record = self._path(folder.name, RUN_FILE)
        self._files.invalidate_cache()
        self._refuse_taken(record)
        self._send(folder, self._path(folder.name), count, leave_out=RUN_FILE)
        self._files.invalidate_cache()
        self._refuse_taken(record)
        self._files.pipe_file(record, (folder / RUN_FILE).read_bytes())

    def _send(self, folder: Path, target: str, count: Count, leave_out: str = "") -> None:
        from fsspec.callbacks import Callback

        names = sorted(
            path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()
        )
        sizes = {name: (folder / name).stat().st_size for name in names if name != leave_out}
        done, total = 0, sum(sizes.values())
        for name, size in sizes.items():

            def tell(_size: int, value: int, *, before: int = done, **_: Any) -> None:
                count(before + value, total)

            self._files.put_file(
                os.fspath(folder / name),
                posixpath.join(target, name),
                callback=Callback(hooks={"count": tell}),
            )
            done += size
            count(done, total)

    def _path(self, *parts: str) -> str:
        return posixpath.join(self._folder, *parts)
