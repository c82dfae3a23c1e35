"""Folders of runs behind a URL, through fsspec: SSH, S3 and what else it has.

Where a server has folders (SSH), a run is sent beside the runs and moved into its place. An object
store has none: there the record is sent last, and without it a folder is no run.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import os
import posixpath
import secrets
import tempfile
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from glueharness.errors import ConfigError, GlueharnessError, RunFolderError
from glueharness.record.contents import original_of
from glueharness.record.foreign import (
    RefusedError,
    check_names,
    check_part,
    is_part_of_a_run,
)
from glueharness.record.places import Found, LocalPlace, PlaceError, TakenError, copy_stream
from glueharness.record.run_file import RUN_FILE, RUN_FILE_BYTES, stored_from
from glueharness.system.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from glueharness.record.places import Count, Place

_MARK = "://"
_SSH = frozenset({"ssh", "sftp"})
_EXTRAS = {
    **dict.fromkeys(("ssh", "sftp"), ("sshfs", "ssh")),
    **dict.fromkeys(("s3", "s3a"), ("s3fs", "s3")),
}
"""Of protocols that an extra is for: the library, and the extra."""
_READERS = 8
_BUFFER = 4 * 1024 * 1024
_ASIDE = ".sync-"
_SECONDS_TO_CONNECT, _SECONDS_BETWEEN_SIGNS = 30, 15
_SECONDS_TO_KEEP = 86_400.0
_MOST_FILES = 100_000


def open_place(text: str) -> Place:
    """One end of a sync: a folder of this machine, or what is behind a URL.

    Args:
        text: The folder, or the URL.

    Raises:
        ConfigError: Nothing here knows the protocol, or a library is missing.
        RunFolderError: Nobody answers there, or lets us in.
    """
    if not text.strip():
        raise ConfigError("an end of the sync has no name", remedy="Name a folder, or a URL.")
    if _MARK not in text:
        return LocalPlace(Path(text))
    protocol = text.partition(_MARK)[0].lower()
    if protocol in {"file", "local"}:
        return LocalPlace(Path(urllib.request.url2pathname(text.partition(_MARK)[2])))
    name = without_password(text)
    _require(protocol, name)
    if not text.partition(_MARK)[2].partition("/")[0]:
        raise ConfigError(
            "this URL names no host or bucket",
            where=name,
            remedy=f"Write {protocol}{_MARK}NAME/FOLDER.",
        )
    with _failures(name, "it cannot be reached", _help(protocol)):
        files, folder = _open_ssh(text) if protocol in _SSH else _open_other(text)
    if not folder.strip("/"):
        raise ConfigError(
            "this URL names no folder", where=name, remedy=f"Write {protocol}://…/FOLDER."
        )
    return RemotePlace(name, files, folder.rstrip("/"), moves=protocol in _SSH)


def without_password(url: str) -> str:
    """A URL for messages and marks."""
    protocol, _, rest = url.partition(_MARK)
    place, slash, folder = rest.partition("/")
    user, at, host = place.rpartition("@")
    name, colon, _ = user.partition(":")
    folder, question, _ = folder.partition("?")  # which may hold a key
    hidden = f"{protocol}{_MARK}{name}{colon and ':…'}{at}{host}{slash}{folder}"
    return printable(hidden + (question and "?…"))


def _require(protocol: str, name: str) -> None:
    """Make sure that the protocol is one, and its library there.

    Raises:
        ConfigError: It is not.
    """
    import fsspec
    from fsspec.registry import known_implementations

    if protocol not in {*fsspec.available_protocols(), *_EXTRAS}:
        raise ConfigError(
            f"{printable(protocol)!r} is no protocol for a folder of runs",
            where=name,
            remedy="Name a folder, or a URL: ssh://HOST/FOLDER, s3://BUCKET/FOLDER.",
        )
    if protocol in _EXTRAS:
        library, extra = _EXTRAS[protocol]
        package = f"'glueharness[{extra}]'"
    else:  # the library of one that others wrote is named as its module
        kind = known_implementations.get(protocol, {}).get("class", "fsspec")
        library = package = kind.partition(".")[0]
    if importlib.util.find_spec(library) is None:
        raise ConfigError(
            f"{protocol}{_MARK} needs {library}, which is not installed",
            remedy=f"Install it: pip install {package}",
        )


def _help(protocol: str) -> str:
    if protocol in _SSH:
        return "Log in with ssh once: its host key must be known, your key must open it."
    return "Address and credentials are those of the library: see its documentation."


def _open_ssh(url: str) -> tuple[Any, str]:
    """By sshfs, not by fsspec's own class, which trusts every host's key."""
    from sshfs import SSHFileSystem

    given = SSHFileSystem._get_kwargs_from_urls(url)  # noqa: SLF001 - as fsspec itself asks for it
    files = SSHFileSystem(
        **given,
        known_hosts=(),  # those of ~/.ssh; None would let everybody pretend to be the host
        connect_timeout=_SECONDS_TO_CONNECT,
        keepalive_interval=_SECONDS_BETWEEN_SIGNS,
        skip_instance_cache=True,
    )
    folder = str(SSHFileSystem._strip_protocol(url))  # noqa: SLF001
    return files, folder.removeprefix("/~/")


def _open_other(url: str) -> tuple[Any, str]:
    from fsspec.core import url_to_fs

    files, folder = url_to_fs(url)
    return files, str(folder)


_GOES_ON = "What was copied stays. When that is mended, the same command goes on."


def _words(error: BaseException) -> str:
    """An error of somebody else's library, in one line."""
    text = (error.strerror if isinstance(error, OSError) else None) or str(error)
    lines = text.strip().splitlines()
    return printable(lines[0]) if lines else type(error).__name__


@contextlib.contextmanager
def _failures(name: str, what: str, remedy: str = "") -> Iterator[None]:
    """Whatever a file system raises is told as a failure of the place."""
    try:
        yield
    except (GlueharnessError, FileNotFoundError):
        raise
    except Exception as error:
        raise PlaceError(f"{what}: {_words(error)}", where=name, remedy=remedy) from error


class _Told(io.RawIOBase):
    """A stream of somebody else's library, whose errors are told as a failure of the place."""

    def __init__(self, stream: Any, place: str, what: str) -> None:
        self._stream, self._place, self._what = stream, place, what

    def readable(self) -> bool:
        """As every stream that is read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read the next bytes into a buffer."""
        with _failures(self._place, self._what, _GOES_ON):
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
            with _failures(self.name, "the runs cannot be listed"):
                self._files.invalidate_cache()
                entries = self._files.ls(self._folder, detail=True)
        except FileNotFoundError as error:
            if not required:
                return []
            raise RunFolderError("there is no such folder of runs", where=self.name) from error
        runs: list[str] = []
        found: list[Found] = []
        for entry in entries:
            name, kind = str(entry["name"]).rstrip("/"), entry["type"]
            run = name.removeprefix(f"{self._folder}/")
            if kind == "file" or name == self._folder or (run.startswith(".") and "/" not in run):
                continue
            try:
                check_part(run, run)
            except RefusedError as error:
                found.append(Found(run=run, problem=str(error)))
                continue
            if kind == "directory":
                runs.append(run)
            else:
                found.append(Found(run=run, problem="it is no folder but a link, or a device"))
        with ThreadPoolExecutor(_READERS) as pool:
            found += [each for each in pool.map(self.find, sorted(runs)) if each is not None]
        return found

    def find(self, run: str) -> Found | None:
        """As :meth:`glueharness.record.places.Place.find`."""
        place = self._path(run, RUN_FILE)
        try:
            with _failures(self.name, f"{run} cannot be read"), self._files.open(place) as stream:
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
            with _failures(self.name, what, _GOES_ON):
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
            with _failures(self.name, f"{run} cannot be listed", _GOES_ON):
                self._files.invalidate_cache()
                listing = self._files.find(prefix, detail=True)
        except FileNotFoundError as error:
            raise RunFolderError("it is gone") from error
        sizes: dict[str, int] = {}
        for place, info in listing.items():
            inside = str(place).removeprefix(f"{prefix}/")
            if inside == place:
                raise RunFolderError(f"{printable(inside)!r} is no file of its folder")
            hidden = any(part.startswith(".") and part != ".." for part in inside.split("/"))
            if hidden or not is_part_of_a_run(inside):
                continue
            if info["type"] != "file":
                raise RunFolderError(f"{printable(inside)} is no file but a link, or a device")
            sizes[inside] = int(info["size"] or 0)
        if len(sizes) > _MOST_FILES:
            raise RunFolderError(f"it has more than {_MOST_FILES:,} files")
        try:
            check_names(run, sizes)
        except RefusedError as error:
            raise RunFolderError(str(error)) from error
        return sizes

    @contextlib.contextmanager
    def room(self) -> Iterator[Path]:
        """As :meth:`glueharness.record.places.Place.room`: where temporary files are."""
        with tempfile.TemporaryDirectory(prefix="glueharness-sync-") as name:
            yield Path(name)

    def add(self, folder: Path, count: Count) -> None:
        """As :meth:`glueharness.record.places.Place.add`."""
        try:
            with _failures(self.name, f"{folder.name} cannot be written", _GOES_ON):
                if self._moves:
                    self._move_in(folder, count)
                else:
                    self._record_last(folder, count)
        except FileNotFoundError as error:
            raise PlaceError(
                f"{folder.name} cannot be written: {_words(error)}",
                where=self.name,
                remedy=_GOES_ON,
            ) from error

    def _move_in(self, folder: Path, count: Count) -> None:
        """Send a run beside the runs, and move it into its place."""
        target = self._path(folder.name)
        aside = self._path(f"{_ASIDE}{secrets.token_hex(6)}")
        self._files.makedirs(aside, exist_ok=True)
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
