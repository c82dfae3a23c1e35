"""Run folders as one archive, for workers that do not see the folder of the runs."""

from __future__ import annotations

import io
import tarfile
from typing import TYPE_CHECKING

from glueharness.errors import RunFolderError
from glueharness.record.record import CHECKPOINT_FOLDER
from glueharness.record.run_file import read_record
from glueharness.record.seals import broken_seals
from glueharness.record.store import LOCK_FILE
from glueharness.system.atomic import whole_folder
from glueharness.system.user_files import first_link

if TYPE_CHECKING:
    from pathlib import Path

    from glueharness.record.record import RunRecord

_LEFT_OUT = frozenset({CHECKPOINT_FOLDER, LOCK_FILE, f"{LOCK_FILE}.holder"})


def pack(folder: Path) -> bytes:
    """A run folder as a tar archive, without what belongs to the worker's machine alone."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for path in sorted(folder.iterdir()):
            if path.name not in _LEFT_OUT and not path.is_symlink():
                archive.add(path, arcname=path.name)
    return stream.getvalue()


def unpack(content: bytes, run: str, store: Path) -> RunRecord:
    """Put a run folder that was packed elsewhere into a store, whole or not at all.

    Args:
        content: The archive.
        run: The run's id.
        store: The folder of the runs.

    Returns:
        The run's record.

    Raises:
        RunFolderError: It is damaged, or is not what its record says.
    """
    target = store / run
    if target.parent != store or run.startswith("."):
        raise RunFolderError(f"a worker sent a run of the name {run!r}", where=str(store))
    if not target.exists():
        try:
            with whole_folder(target) as aside:
                _unpack(content, aside)
                _check(aside, run)
        except OSError as error:
            raise RunFolderError(
                f"run {run} came from a worker and cannot be kept: {error.strerror or error}",
                where=str(store),
                remedy="When that is mended, the same command fetches or repeats it.",
            ) from error
    return read_record(target)


def _unpack(content: bytes, folder: Path) -> None:
    try:
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:") as archive:
            archive.extractall(folder, filter="data")
    except (tarfile.TarError, EOFError) as error:
        raise RunFolderError(f"what a worker sent is damaged: {error}") from error


def _check(folder: Path, run: str) -> None:
    """Refuse what is not the completed run that it claims to be.

    Raises:
        RunFolderError: It says what is wrong.
    """
    link = first_link(folder)
    if link is not None:
        raise RunFolderError(f"a worker sent a link in run {run}: {link.name}")
    record = read_record(folder)
    if record.status != "completed":
        raise RunFolderError(f"a worker sent run {run}, which is {record.status}")
    for problem in broken_seals(folder, record):
        raise RunFolderError(f"a worker sent run {run}, which is not whole: {problem.what}")
