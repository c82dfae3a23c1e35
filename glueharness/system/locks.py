"""Locks between processes: one works, the others wait or learn which one it is.

The lock itself is the operating system's, through filelock: it goes when its process ends, however
that ends. Where a folder is shared between machines, the system's lock may reach only its own; so
whoever holds a lock writes beside it who it is, and shows a sign of life every few seconds. Signs
are judged by the clock of the file system that they are on, since machines' clocks differ.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import platform
import tempfile
import threading
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from glueharness.errors import RunFolderError
from glueharness.system import atomic
from glueharness.system.user_files import read_untrusted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from filelock import BaseFileLock

_SECONDS_BETWEEN_SIGNS = 5.0
_SECONDS_WITHOUT_SIGN = 60.0
_SECONDS_BETWEEN_TRIES = 0.1
_SECONDS_FOR_A_LOOK = 0.5
_HOLDER_BYTES = 4096
_NAME_LENGTH = 255


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a lock.

    Attributes:
        process: Process id.
        host: Name of the machine.
        silent: Seconds since its last sign of life.
    """

    process: int
    host: str
    silent: float = 0.0

    def __str__(self) -> str:
        """In words."""
        silence = f", silent for {self.silent:.0f} s" if self.silent > _silence_told() else ""
        return f"process {self.process} on {self.host}{silence}"


def _silence_told() -> float:
    return 3 * _SECONDS_BETWEEN_SIGNS


SPARE_SECONDS = 2 * _SECONDS_BETWEEN_SIGNS
"""How much longer a lock is kept for a silent holder within which he holds others.

Their last signs are a few seconds apart. Were the outer lock free first, whoever takes it would
find the inner one still held, by nobody.
"""


@contextmanager
def locked(
    path: Path,
    what: str,
    waiting: Callable[[Holder | None], None] | None = None,
    *,
    spare: float = 0.0,
) -> Iterator[None]:
    """A region in which no other process holds the lock ``path``.

    Args:
        path: The lock's file; it stays when the lock goes, and its holder's file beside it not.
        what: What is locked, for the message.
        waiting: Told once who holds it, if it is to be waited for; None: do not wait.
        spare: Seconds that a silent holder on another machine is given besides, for instance
            :data:`SPARE_SECONDS`.

    Raises:
        RunFolderError: Another process holds it, or the path is not one that a lock can be at.
    """
    lock = _acquire(path, what, waiting, spare)
    try:
        with _signs_of_life(path, what):
            yield
    finally:
        # While it is still held: nobody may find a holder who is none. Another machine that took
        # us for dead has written its own name there, which stays.
        with contextlib.suppress(OSError):
            if _is_mine(_read(path)):
                _holder_file(path).unlink()
        lock.release()


def holder_of(path: Path) -> Holder | None:
    """Who holds a lock; None if nobody does."""
    # Whoever holds it has written who he is. To try the lock of a run that nobody works on would
    # keep others from it for that moment.
    if not path.exists() or not _holder_file(path).exists():
        return None
    try:
        lock = _try(path)
    except OSError:  # a folder that may only be read: what its holder says is all there is
        return _alive(path)
    if lock is None:
        return _read(path) or Holder(0, "an unknown machine")
    try:
        holder = _alive(path)
        if holder is None:
            # Left by a process that was killed; without it nobody needs to try the lock again.
            with contextlib.suppress(OSError):
                _holder_file(path).unlink()
        return holder
    finally:
        lock.release()


def _acquire(
    path: Path, what: str, waiting: Callable[[Holder | None], None] | None, spare: float
) -> BaseFileLock:
    told = False
    refused_at = time.monotonic() + _SECONDS_FOR_A_LOOK
    while True:
        try:
            lock = _try(path)
        except OSError as error:
            raise _cannot_be_locked(path, what, error) from error
        holder = _read(path) if lock is None else _alive(path, spare)
        if lock is not None and holder is None:
            return lock
        if lock is not None:
            lock.release()
        elif waiting is None and time.monotonic() < refused_at:
            time.sleep(_SECONDS_BETWEEN_TRIES)  # somebody may only look who holds it
            continue
        if waiting is None:
            raise RunFolderError(
                f"{what} is in use by {holder or 'another process'}",
                where=str(path.parent),
                remedy=_remedy(path, holder),
            )
        if not told:
            waiting(holder)
            told = True
        time.sleep(_SECONDS_BETWEEN_TRIES)


def _cannot_be_locked(path: Path, what: str, error: OSError) -> RunFolderError:
    full = error.errno in {errno.ENOSPC, errno.EDQUOT}
    if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return RunFolderError(
            f"{what} cannot be changed: {error.strerror}",
            where=str(path.parent),
            remedy="Only who may write in that folder can; it can be read all the same.",
        )
    return RunFolderError(
        f"{what} cannot be locked: {'the disk is full' if full else error.strerror or error}",
        where=str(path),
        remedy="Free some space (or some files, if their number is limited)."
        if full
        else "A lock is a regular file in a folder that can be written to; "
        "delete what stands in its place.",
    )


def _remedy(path: Path, holder: Holder | None) -> str:
    if holder is None or holder.host == platform.node():
        return "Wait for it or stop it."
    return (
        f"Wait for it or stop it. If that machine is gone, the lock is free "
        f"{_SECONDS_WITHOUT_SIGN:.0f} s after its last sign of life; to free it now, delete "
        f"{_holder_file(path)}."
    )


def _try(path: Path) -> BaseFileLock | None:
    """The lock, if the operating system gives it to this process.

    Raises:
        OSError: There is a link or something else than a file, or it cannot be written.
    """
    from filelock import FileLock, Timeout

    if path.is_symlink() or (path.exists() and not path.is_file()):
        raise OSError("something else than a file is in the lock's place")
    # As open as the user's other files: the store may be one of several users.
    lock = FileLock(path, timeout=0, mode=0o666 & ~atomic.umask())
    try:
        lock.acquire()
    except Timeout:
        return None
    return lock


def _holder_file(path: Path) -> Path:
    return path.with_name(f"{path.name}.holder")


def _alive(path: Path, spare: float = 0.0) -> Holder | None:
    """The holder on another machine that the system's lock did not reach, while it shows signs.

    On this machine the system's lock is right: whoever left his name here is gone.
    """
    holder = _read(path)
    if holder is None or holder.host == platform.node():
        return None
    if holder.silent > _SECONDS_WITHOUT_SIGN + spare:
        return None
    return holder


def _read(path: Path) -> Holder | None:
    """What the holder wrote of himself; None if nothing that can be read."""
    file = _holder_file(path)
    try:
        found = json.loads(read_untrusted(file, _HOLDER_BYTES))
        process, host = found["process"], found["host"]
        if not isinstance(process, int) or not isinstance(host, str) or len(host) > _NAME_LENGTH:
            return None
        return Holder(process, host, max(0.0, _file_system_time(path.parent) - _time_of(file)))
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return None


def _time_of(file: Path) -> float:
    return file.stat(follow_symlinks=False).st_mtime


def _file_system_time(folder: Path) -> float:
    """The time by the clock that stamps the files in a folder: of a server, if it lies on one."""
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".clock") as probe:
            os.utime(probe.name)
            return os.stat(probe.name).st_mtime  # noqa: PTH116
    except OSError:  # a folder that may only be read
        return time.time()


def _is_mine(holder: Holder | None) -> bool:
    return holder is not None and (holder.process, holder.host) == (os.getpid(), platform.node())


@contextmanager
def _signs_of_life(path: Path, what: str) -> Iterator[None]:
    file = _holder_file(path)
    try:
        atomic.write_text(file, json.dumps(_facts(Holder(os.getpid(), platform.node()))))
    except OSError as error:
        raise _cannot_be_locked(file, what, error) from error
    over = threading.Event()

    def show() -> None:
        while not over.wait(_SECONDS_BETWEEN_SIGNS):
            try:
                os.utime(file)
            except FileNotFoundError:
                return
            except OSError:  # a network drive that is away for a moment
                continue

    thread = threading.Thread(target=show, daemon=True, name="lock's signs of life")
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _facts(holder: Holder) -> dict[str, object]:
    return {name: value for name, value in asdict(holder).items() if name != "silent"}
