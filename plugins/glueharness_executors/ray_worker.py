"""What runs on a node of a Ray cluster."""

from __future__ import annotations

import contextlib
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glueharness.run.parcel import pack
from glueharness.run.worker import do

if TYPE_CHECKING:
    from collections.abc import Mapping

    from glueharness.specs import NoteKind

Letter = tuple[str, str, dict[str, Any]]
_SECONDS_TO_KEEP = 86_400.0


class Mailbox:
    """An actor that takes the workers' notes until the driver asks for them."""

    def __init__(self) -> None:
        self._letters: list[Letter] = []

    def put(self, key: str, kind: str, value: dict[str, Any]) -> None:
        """Take one."""
        self._letters.append((key, kind, value))

    def take(self) -> list[Letter]:
        """Give all that came since the last call."""
        letters, self._letters = self._letters, []
        return letters


def work(key: str, request: Mapping[str, Any], mailbox: Any) -> tuple[str, dict[str, Any]]:
    """Do a work. Where this node does not see the driver's runs, their folders travel back.

    Returns:
        How it ended, see :class:`glueharness.run.worker.End`; with ``archives`` of run folders.
    """

    def send(kind: NoteKind, value: Mapping[str, Any]) -> None:
        mailbox.put.remote(key, kind, dict(value))

    end = do(request, send)
    value = dict(end.value)
    if end.kind == "done" and "folder" in value:
        store = Path(value["folder"])
        value["archives"] = {run: pack(store / run) for run in value["runs"]}
        _tidy(store, set(value["runs"]))
    return end.kind, value


def _tidy(store: Path, kept: set[str]) -> None:
    """Delete what drivers have had for a day."""
    now = time.time()
    for folder in store.iterdir():
        with contextlib.suppress(OSError):
            old = now - (folder / "run.json").stat().st_mtime > _SECONDS_TO_KEEP
            if old and folder.name not in kept:
                shutil.rmtree(folder, ignore_errors=True)
