"""One process to a run folder: a lock that dies with its process, and says whose it is.

The operating system drops the lock when the process ends, however it ends, so one that is left
behind on this machine is never mistaken for a live one. Where a folder is shared between machines
the system's lock may reach only its own; there the holder shows signs of life.
"""

from __future__ import annotations

import json
import os
import platform
import threading
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import IO, TYPE_CHECKING, Any

from glueharness.errors import RunFolderError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LOCK_FILE = ".lock"
_SECONDS_BETWEEN_SIGNS = 20.0
_SECONDS_WITHOUT_SIGN = 120.0


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a lock.

    Attributes:
        process: Process id.
        host: Name of the machine.
    """

    process: int
    host: str

    def __str__(self) -> str:
        """In words."""
        return f"process {self.process} on {self.host}"


@contextmanager
def run_lock(folder: Path) -> Iterator[None]:
    """A region in which no other process works in ``folder``.

    Raises:
        RunFolderError: Another one does; the message names it.
    """
    path = folder / LOCK_FILE
    stream = _acquire(path)
    try:
        stream.seek(0)
        stream.truncate()
        json.dump(asdict(Holder(os.getpid(), platform.node())), stream)
        stream.flush()
        with _signs_of_life(path):
            yield
    finally:
        # Removed while it is still held, so that nobody can take a file that is about to go.
        path.unlink(missing_ok=True)
        stream.close()


def holder_of(folder: Path) -> Holder | None:
    """Who works in a run folder; None if nobody does."""
    try:
        stream = _acquire(folder / LOCK_FILE, create=False)
    except FileNotFoundError:
        return None
    except RunFolderError:
        return _read(folder / LOCK_FILE) or Holder(0, "unknown")
    stream.close()
    return None


def _acquire(path: Path, *, create: bool = True) -> IO[str]:
    while True:
        stream = path.open("a+" if create else "r+", encoding="utf-8")
        try:
            locked = _try_lock(stream)
            present = path.exists() and os.path.samestat(os.fstat(stream.fileno()), path.stat())
        except BaseException:
            stream.close()
            raise
        if locked and not present:
            stream.close()  # its last holder removed it in between: try the new one
            if not create:
                raise FileNotFoundError(path)
            continue
        holder = _read(path)
        if locked and not _lives_elsewhere(path, holder):
            return stream
        stream.close()
        raise RunFolderError(
            f"the run is in use by {holder or 'another process'}",
            where=str(path.parent),
            remedy=f"Wait for it or stop it. If it is gone for certain, delete {path}.",
        )


def _try_lock(stream: IO[str]) -> bool:
    """Whether the operating system gives this process the lock."""
    system: Any
    try:
        if os.name == "nt":
            import msvcrt

            system = msvcrt
            stream.seek(0)
            system.locking(stream.fileno(), system.LK_NBLCK, 1)
        else:
            import fcntl

            system = fcntl
            system.flock(stream, system.LOCK_EX | system.LOCK_NB)
    except OSError:
        return False
    return True


def _lives_elsewhere(path: Path, holder: Holder | None) -> bool:
    if holder is None or holder.host == platform.node():
        return False
    return time.time() - path.stat().st_mtime < _SECONDS_WITHOUT_SIGN


def _read(path: Path) -> Holder | None:
    try:
        return Holder(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


@contextmanager
def _signs_of_life(path: Path) -> Iterator[None]:
    over = threading.Event()

    def show() -> None:
        while not over.wait(_SECONDS_BETWEEN_SIGNS):
            try:
                os.utime(path)
            except OSError:
                return

    thread = threading.Thread(target=show, daemon=True, name="run lock")
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
