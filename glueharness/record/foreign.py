"""Runs that come from elsewhere: what their files may be called, and what they must be.

Nothing of them is believed. They are unpacked or copied beside a store, looked at here, and only
then moved into it.
"""

from __future__ import annotations

import dataclasses
from datetime import datetime
from typing import TYPE_CHECKING

from glueharness.errors import RunFolderError
from glueharness.record.annotations import (
    ANNOTATIONS_FILE,
    Annotations,
    read_annotations,
    write_annotations,
)
from glueharness.record.record import MODEL_FOLDER, PREDICTIONS_FOLDER
from glueharness.record.run_file import RUN_FILE, Stored, read_stored
from glueharness.record.seals import broken_seals
from glueharness.system.printable import printable

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

_DEEPEST, _LONGEST_NAME, _LONGEST_MARK = 8, 255, 500
_ONLY = frozenset({RUN_FILE, ANNOTATIONS_FILE})
_INSIDE = frozenset({PREDICTIONS_FOLDER, MODEL_FOLDER})
_REFUSED = frozenset('\\:*?"<>|')
"""Signs that lead elsewhere on some system, or cannot be in a name there."""


class RefusedError(Exception):
    """Why something from elsewhere is refused."""


def is_part_of_a_run(path: str) -> bool:
    """Whether a file of a run folder, by its path in it, is passed on: no checkpoint, no lock."""
    return path in _ONLY or path.partition("/")[0] in _INSIDE


def check_names(run: str, files: Collection[str]) -> None:
    """Make sure that what is written stays in the run's folder, and is part of a run.

    Args:
        run: The run's id.
        files: Paths in its folder, with forward slashes.

    Raises:
        RefusedError: A name leads elsewhere, or could on another system.
    """
    check_part(run, run)
    if RUN_FILE not in files:
        raise RefusedError(f"{run} has no {RUN_FILE}")
    if len({file.casefold() for file in files}) < len(files):
        raise RefusedError(f"{run} has two files whose names differ in nothing but capitals")
    for file in files:
        name = f"{run}/{file}"
        parts = file.split("/")
        for part in parts:
            check_part(part, name)
        if len(parts) > _DEEPEST:
            raise RefusedError(f"{name} lies too deep")
        if file not in _ONLY and (len(parts) < 2 or parts[0] not in _INSIDE):
            raise RefusedError(f"{name} is no file of a run")


def check_part(part: str, name: str) -> None:
    """Make sure that a name is that of one file or folder, and harmless everywhere.

    Args:
        part: The name.
        name: What it is part of, for the message.

    Raises:
        RefusedError: It is not.
    """
    odd = part != printable(part) or _REFUSED & {*part} or part != part.rstrip(". ")
    long = len(part.encode("utf-8", "surrogateescape")) > _LONGEST_NAME
    if not part or "/" in part or part.startswith(".") or odd or long:
        raise RefusedError(f"{printable(name)!r} is no name for a file of a run")


def checked(folder: Path, where: str, statuses: Collection[str], remedy: str) -> Stored:
    """The record of a run that came from elsewhere, if it is one and its own seals hold.

    Args:
        folder: Where it was unpacked.
        where: What it is called in messages.
        statuses: Those that a run may have to be taken.
        remedy: What to say besides.

    Raises:
        RunFolderError: It says what is wrong.
    """
    try:
        stored = read_stored(folder)
        read_annotations(folder)
        problems = broken_seals(folder, stored.record)
    except RunFolderError as error:
        problems = [error]
    for problem in problems:
        raise RunFolderError(problem.what, where=where, remedy=remedy)
    if stored.record.status not in statuses:
        raise RunFolderError(
            f"the run is not over: its status is {stored.record.status}", where=where, remedy=remedy
        )
    return stored


def mark_imported(folder: Path, source: str) -> None:
    """Say of a run that it came from elsewhere; tags and note stay."""
    said = read_annotations(folder)
    when = datetime.now().astimezone().isoformat(timespec="seconds")
    kept = Annotations(tags=said.tags, note=said.note)
    mark = f"{when} from {source}"[:_LONGEST_MARK]
    write_annotations(folder, dataclasses.replace(kept, imported=mark))
