"""The folder through which a driver and a worker process talk: the request, the notes, the log."""

from __future__ import annotations

import json
import os
import secrets
import shutil
from typing import TYPE_CHECKING, Any

from glueharness.specs import Note, Work
from glueharness.system import atomic
from glueharness.system.user_files import read_untrusted

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_REQUEST, _NOTES = "work.json", "notes.jsonl"
LOG = "worker.log"
"""What a worker prints, in its run folder."""
_BYTES = 16 * 1024 * 1024
_TAIL = 2000


class WorkFolder:
    """One work's folder.

    Args:
        path: The folder; it is there, or :meth:`make` makes it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._read = 0

    @classmethod
    def make(cls, work: Work, parent: Path) -> WorkFolder:
        """The folder of a work that is submitted now.

        Raises:
            OSError: It cannot be written.
        """
        made = cls(parent / f"{work.key}-{secrets.token_hex(3)}")
        made.path.mkdir(parents=True)
        # Whoever sees this folder sees that of the runs, also when the driver is gone.
        request = {**work.request, "token": f"{made.path.name}/{_REQUEST}"}
        text = json.dumps({"key": work.key, "request": request})
        atomic.write_text(made.path / _REQUEST, text)
        return made

    def request(self) -> tuple[str, Mapping[str, Any]]:
        """The work's key, and what is asked for.

        Raises:
            OSError: It cannot be read.
            ValueError: It is damaged.
        """
        values = json.loads(read_untrusted(self.path / _REQUEST, _BYTES))
        return values["key"], values["request"]

    def write(self, note: Note) -> None:
        """Add a note, in one piece: whoever reads meanwhile sees all of it or nothing."""
        line = json.dumps({"kind": note.kind, "value": note.value}, default=str) + "\n"
        handle = os.open(self.path / _NOTES, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
        try:
            os.write(handle, line.encode("utf-8", "surrogateescape"))
        finally:
            os.close(handle)

    def read(self, key: str) -> list[Note]:
        """The notes since the last call; what is damaged is left out."""
        try:
            with (self.path / _NOTES).open("rb") as stream:
                stream.seek(self._read)
                content = stream.read()
        except OSError:
            return []
        whole = content[: content.rfind(b"\n") + 1]
        self._read += len(whole)
        notes = []
        for line in whole.splitlines():
            try:
                found = json.loads(line)
                notes.append(Note(key=key, kind=found["kind"], value=found["value"]))
            except (ValueError, KeyError, TypeError):
                continue
        return notes

    def remove(self) -> None:
        """Delete it; what cannot be deleted stays."""
        shutil.rmtree(self.path, ignore_errors=True)


def last_words(log: Path) -> str:
    """The last line that a worker printed into a log; empty if there is none."""
    try:
        text = log.read_bytes()[-_TAIL:].decode("utf-8", "replace")
    except OSError:
        return ""
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "")
