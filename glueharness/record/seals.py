"""Seals: checksums of a run's files in its record, so that changed files are noticed."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

from glueharness.errors import RunFolderError
from glueharness.record.record import MODEL_FOLDER, PREDICTIONS_FOLDER

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from glueharness.record.record import RunRecord

_OF_FILE_MANAGERS = frozenset({".DS_Store", "Thumbs.db", "desktop.ini", ".directory"})
_REMEDY = "Restore the file, or repeat the run: its numbers are no longer those of its record."


def seal(folder: Path) -> dict[str, str]:
    """The hash of each file of a run's predictions and model, by its path in the run folder."""
    return {name: _hash(folder / name) for name in sorted(_sealed_files(folder))}


def check_seal(folder: Path, record: RunRecord, name: str) -> None:
    """Make sure that a file is what it was when the run was completed.

    A run of schema 1 has no seals, and a file that came later (predictions of a test split) has
    none either: these pass. The dev predictions of a completed run are always sealed.

    Args:
        folder: The run folder.
        record: Its record.
        name: Path of the file in the folder, with forward slashes.

    Raises:
        RunFolderError: It has changed since, or its seal is gone.
    """
    expected = seal_of(record, name, folder)
    if expected is None:
        return
    path = folder / name
    try:
        found = _hash(path)
    except OSError as error:
        raise RunFolderError(
            f"a sealed file cannot be read: {error.strerror or error}", where=str(path)
        ) from error
    if found != expected:
        raise _broken(name, path)


def _always_sealed(record: RunRecord) -> set[str]:
    """The files that a run of today's schema seals when it is completed."""
    if record.computation is None or record.status != "completed":
        return set()
    return {f"{PREDICTIONS_FOLDER}/{name}.parquet" for name in record.dev_rows()}


def seal_of(record: RunRecord, name: str, folder: Path | str) -> str | None:
    """The hash that a file must have; None for one that has no seal (see :func:`check_seal`).

    Args:
        record: The run's record.
        name: Path of the file in the folder, with forward slashes.
        folder: The run folder, for the message.

    Raises:
        RunFolderError: The seal is gone.
    """
    found = record.seals.get(name)
    if found is None and name in _always_sealed(record):
        raise RunFolderError(
            f"the seal is broken: that of {name} is gone from the record",
            where=f"{folder}/{name}",
            remedy=_REMEDY,
        )
    return found


def check_content(seal: str | None, name: str, content: bytes, path: Path | str) -> None:
    """As :func:`check_seal`, for a file that was read already.

    Args:
        seal: As :func:`seal_of` gives it.
        name: Path of the file in the folder, with forward slashes.
        content: The file's content.
        path: The file, for the message.

    Raises:
        RunFolderError: It has changed since.
    """
    if seal is not None and hashlib.sha256(content).hexdigest() != seal:
        raise _broken(name, path)


def _broken(name: str, path: Path | str) -> RunFolderError:
    return RunFolderError(
        f"the seal is broken: {name} has changed since the run was completed",
        where=str(path),
        remedy=_REMEDY,
    )


def check_model_seal(folder: Path, record: RunRecord) -> None:
    """Make sure that a run's model is what it was when the run was completed.

    Raises:
        RunFolderError: A file of it has changed, is missing, or came later.
    """
    inside = f"{MODEL_FOLDER}/"
    sealed = {name for name in record.seals if name.startswith(inside)}
    if not record.seals:
        return
    for name in sorted(sealed):
        check_seal(folder, record, name)
    added = {
        name
        for name in _sealed_files(folder)
        if name.startswith(inside) and not _left_by_a_file_manager(name)
    } - sealed
    if added:
        raise RunFolderError(
            f"the seal is broken: {min(added)} was not there when the run was completed",
            where=str(folder),
            remedy="Delete what was added.",
        )


def broken_seals(folder: Path, record: RunRecord) -> list[RunFolderError]:
    """What is wrong with a run's sealed files; empty if nothing is."""
    found = []
    for name in sorted({*record.seals, *_always_sealed(record)}):
        try:
            check_seal(folder, record, name)
        except RunFolderError as error:
            found.append(error)
    if not found:
        try:
            check_model_seal(folder, record)
        except RunFolderError as error:
            found.append(error)
    return found


def _left_by_a_file_manager(name: str) -> bool:
    """Whether it is what a desktop or a network drive leaves in a folder that one looks at."""
    file = name.rpartition("/")[2]
    return file in _OF_FILE_MANAGERS or file.startswith(("._", ".nfs"))


def model_hash(folder: Path) -> str:
    """One hash of all files of a run's model.

    Args:
        folder: The run folder.
    """
    digest = hashlib.sha256()
    for name in sorted(_sealed_files(folder)):
        if name.startswith(f"{MODEL_FOLDER}/") and not _left_by_a_file_manager(name):
            text = f"{name}\0{_hash(folder / name)}\0"
            digest.update(text.encode("utf-8", "surrogateescape"))
    return f"files {digest.hexdigest()[:16]}"


def _sealed_files(folder: Path) -> Iterator[str]:
    for part in (PREDICTIONS_FOLDER, MODEL_FOLDER):
        for place, _, files in os.walk(folder / part):
            for file in files:
                if not file.endswith(".part"):
                    path = os.path.join(place, file)  # noqa: PTH118 - a walk over many files
                    yield os.path.relpath(path, folder).replace(os.sep, "/")


def _hash(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
