"""Gives works to an executor: in order, each once, again if a worker is lost, stopped by Ctrl-C."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import secrets
import time
from typing import TYPE_CHECKING

from glueharness.errors import RunFolderError
from glueharness.run.worker import WORK_FOLDER
from glueharness.specs import ENDS, Note
from glueharness.system import atomic
from glueharness.system.interrupts import interruptible
from glueharness.system.user_files import check_writable, read_untrusted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from glueharness.specs import Executor, Work

    Hear = Callable[[Work, Note], None]

RETRIES = 2
"""How often a work is given away again whose worker was lost."""
_SECONDS_BETWEEN_LOOKS = 0.2
_SECONDS_TO_DIE = 10.0
_HANDLE_BYTES = 65536


@contextlib.contextmanager
def work_folder(runs_dir: Path) -> Iterator[tuple[Path, str]]:
    """The folder of the works that are under way, and a token in it that workers look for.

    A worker that sees the token sees the folder of the runs.

    Raises:
        RunFolderError: It cannot be written.
    """
    check_writable(runs_dir)
    folder = runs_dir.absolute() / WORK_FOLDER
    token = f"driver-{secrets.token_hex(8)}"
    try:
        if folder.is_symlink():
            raise NotADirectoryError(20, "it is a symbolic link")
        folder.mkdir(exist_ok=True)
        (folder / token).touch()
    except OSError as error:
        raise RunFolderError(
            f"what workers do cannot be noted: {error.strerror or error}",
            where=str(folder),
            remedy="Delete it, or choose another folder of runs: --runs-dir",
        ) from error
    try:
        yield folder, token
    finally:
        with contextlib.suppress(OSError):
            (folder / token).unlink()
            folder.rmdir()  # if nobody else has works there


class Dispatcher:
    """Follows works from their submission to their end.

    Args:
        executor: Who does them.
        folder: Where handles of works are kept that outlive this process.
        token: What workers look for, see :func:`work_folder`.
        hear: Told every note; it may add works, or stop some.
    """

    def __init__(self, executor: Executor, folder: Path, token: str, hear: Hear) -> None:
        self.ends: dict[str, Note] = {}
        self._executor, self._folder, self._token = executor, folder, token
        self._hear = hear
        self._works: dict[str, Work] = {}
        self._waiting: list[Work] = []
        self._tries: dict[str, int] = {}
        self._runs: dict[str, str] = {}
        self._stopping: set[str] = set()
        self._over = False

    def add(self, works: Sequence[Work]) -> None:
        """Take works; one that is there already is not taken twice.

        None is taken any more once the user has stopped it: of a search, the end of one run asks
        for the next.
        """
        for work in works:
            if self._over or work.key in self._works:
                continue
            request = {**work.request, "token": self._token}
            self._works[work.key] = fresh = dataclasses.replace(work, request=request)
            self._waiting.append(fresh)

    def stop(self, key: str) -> None:
        """Let one work end."""
        if key not in self._stopping and key not in self.ends:
            self._stopping.add(key)
            self._executor.stop(key)

    def run(self) -> bool:
        """Follow all works to their end; returns whether the user stopped it before."""
        with interruptible() as asked:
            try:
                while len(self.ends) < len(self._works):
                    if asked() and not self._over:
                        self._stop_all()
                    self._submit_ready()
                    for note in self._executor.poll(_SECONDS_BETWEEN_LOOKS):
                        self._take(note)
            except KeyboardInterrupt:
                self._over = True
                self._kill_all()
            except BaseException:
                self._kill_all()
                raise
        return self._over

    def _submit_ready(self) -> None:
        ready = [work for work in self._waiting if self._may_begin(work)]
        if not ready:
            return
        self._waiting = [work for work in self._waiting if work not in ready]
        found = [work for work in ready if self._attached(work)]
        fresh = [work for work in ready if work not in found]
        if not fresh:
            return
        handles = self._executor.submit(fresh)
        for work, handle in zip(fresh, handles, strict=True):
            if handle:
                atomic.write_text(self._handle_file(work.key), json.dumps({"handle": handle}))

    def _may_begin(self, work: Work) -> bool:
        return all(key in self.ends or key not in self._works for key in work.after)

    def _attached(self, work: Work) -> bool:
        """Whether an earlier process submitted it, and it is still there."""
        if self._tries.get(work.key):
            return False
        try:
            content = read_untrusted(self._handle_file(work.key), _HANDLE_BYTES)
            handle = json.loads(content)["handle"]
        except (OSError, ValueError, KeyError, TypeError):
            return False
        return isinstance(handle, str) and self._executor.attach(work, handle)

    def _take(self, note: Note) -> None:
        work = self._works.get(note.key)
        if work is None or note.key in self.ends:
            return
        if note.kind == "started":
            self._runs[note.key] = str(note.value.get("run", ""))
        if note.kind in ENDS:
            with contextlib.suppress(OSError):
                self._handle_file(note.key).unlink()
            if self._goes_again(work, note):
                return
            if note.kind == "lost" and note.key in self._stopping:
                note = dataclasses.replace(note, kind="stopped")
            self.ends[note.key] = note
        self._hear(work, note)

    def _goes_again(self, work: Work, note: Note) -> bool:
        """Whether a work is given away again: its worker is gone, and nobody asked for that."""
        if note.kind not in {"lost", "stopped"} or self._over or note.key in self._stopping:
            return False
        tries = self._tries.get(work.key, 0)
        if tries >= RETRIES:
            return False
        self._tries[work.key] = tries + 1
        self._hear(work, dataclasses.replace(note, kind="told", value={
            **note.value, "line": f"{_why(note)}: it is given to another worker",
        }))  # fmt: skip
        run, request = self._runs.get(work.key, ""), work.request
        if request["rerun"] and run:  # begun anew it would be a third run
            request = {**request, "rerun": False, "resume": run}
        again = dataclasses.replace(work, request=request)
        self._works[work.key] = again
        self._waiting.append(again)
        return True

    def _stop_all(self) -> None:
        self._over = True
        for work in self._waiting:
            self.ends[work.key] = Note(key=work.key, kind="stopped")
        self._waiting = []
        for key in self._works:
            self.stop(key)

    def _kill_all(self) -> None:
        for key in self._works:
            if key not in self.ends:
                self._executor.stop(key, now=True)
        end = time.monotonic() + _SECONDS_TO_DIE
        waiting = {work.key for work in self._waiting}
        with contextlib.suppress(KeyboardInterrupt):
            while time.monotonic() < end:
                for note in self._executor.poll(_SECONDS_BETWEEN_LOOKS):
                    if note.kind in ENDS and note.key in self._works:
                        self.ends.setdefault(note.key, note)
                if all(key in self.ends or key in waiting for key in self._works):
                    break

    def _handle_file(self, key: str) -> Path:
        return self._folder / f"{key}.handle"


def _why(note: Note) -> str:
    if note.kind == "stopped":
        return "its worker was stopped"
    return f"its worker is gone ({note.value.get('why') or 'it said nothing'})"
