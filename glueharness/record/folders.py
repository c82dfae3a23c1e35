"""The folder of run folders: make one, list them, find one by its id."""

from __future__ import annotations

import errno
import os
import re
import secrets
import shutil
import tempfile
from bisect import bisect_left
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from glueharness.errors import GlueharnessError, RunFolderError, UnknownNameError
from glueharness.record.record import RUN_FILE, RunRecord, read_record

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

_PROBE_BYTES = 4 * 1024 * 1024


def new_run_id(task: str, model: str, now: datetime) -> str:
    """A readable id that sorts by time: ``qnli-bert-tiny-20261122-164512-1f3a``."""
    name = re.sub(r"[^A-Za-z0-9.]+", "-", Path(model.replace(":", "/")).name).strip("-.") or "model"
    return f"{task}-{name[:40]}-{now:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


def check_writable(folder: Path, *, what: str = "runs", option: str = "--runs-dir") -> None:
    """Make sure that ``folder`` can be written to, before any work is done for it.

    Args:
        folder: The folder; it is made if it is not there.
        what: What is to be written, for the message.
        option: The option that gives another folder, for the message.

    Raises:
        RunFolderError: It cannot be made, is read-only, or its disk is full.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder, prefix=".probe") as probe:  # gone even if killed
            probe.write(b"\0" * _PROBE_BYTES)
            probe.flush()
            os.fsync(probe.fileno())
    except OSError as error:
        full = error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
        reason = "the disk is full" if full else (error.strerror or str(error))
        raise RunFolderError(
            f"{what} cannot be written here: {reason}",
            where=str(folder),
            remedy=f"{'Free some space or choose' if full else 'Choose'} another folder with "
            f"{option}.",
        ) from error


def list_runs(folder: Path) -> tuple[list[RunRecord], list[GlueharnessError]]:
    """All runs in a folder, oldest first, and what is wrong with those that cannot be read."""
    records, problems = [], []
    if folder.is_dir():
        with os.scandir(folder) as entries:
            names = sorted(entry.name for entry in entries if not entry.name.startswith("."))
        for name in names:
            path = folder / name
            if not (path / RUN_FILE).is_file():
                continue
            try:
                records.append(read_record(path))
            except RunFolderError as error:
                problems.append(error)
    records.sort(key=lambda record: record.started)
    return records, list(problems)


def find_run(folder: Path, run: str) -> tuple[Path, RunRecord]:
    """The run with that id, or the only one whose id begins or ends with it, or ``latest``.

    Raises:
        UnknownNameError: There is none, or several match.
        RunFolderError: Its record cannot be read.
    """
    if (folder / run / RUN_FILE).is_file():
        return folder / run, read_record(folder / run)
    records, _ = list_runs(folder)
    if run == "latest" and records:
        return folder / records[-1].id, records[-1]
    matches = [record for record in records if _answers_to(record.id, run)]
    if len(matches) == 1:
        return folder / matches[0].id, matches[0]
    if len(matches) > 1:
        listing = ", ".join(record.id for record in matches)
        raise UnknownNameError(f"several runs match {run!r}", remedy=f"One of: {listing}.")
    raise UnknownNameError.among("run", run, [record.id for record in records])


def short_names(ids: Collection[str]) -> dict[str, str]:
    """For each run id the shortest ending, in whole words, that :func:`find_run` finds it by."""
    endings = Counter(ending for run in ids for ending in _endings(run))
    in_order = sorted(ids)

    def begins_another(ending: str, run: str) -> bool:
        place = bisect_left(in_order, ending)
        return any(
            found.startswith(ending) and found != run for found in in_order[place : place + 2]
        )

    return {
        run: next(
            (
                ending
                for ending in _endings(run)
                if endings[ending] == 1 and not begins_another(ending, run)
            ),
            run,
        )
        for run in ids
    }


def _endings(run: str) -> list[str]:
    words = run.split("-")
    return ["-".join(words[start:]) for start in range(len(words) - 1, -1, -1)]


def _answers_to(run: str, name: str) -> bool:
    return run.startswith(name) or run.endswith(f"-{name}")


def remove_folder(folder: Path) -> None:
    """Delete a folder if it is there; what cannot be deleted stays."""
    shutil.rmtree(folder, ignore_errors=True)
