"""Results that took a while, kept by what they were computed from.

A cache only: it lies in the user's cache folder, anything in it can be deleted at any time, and
what cannot be read is computed again. A result's key holds everything that it depends on: the
version of the method, the records, and size and time of every file of predictions.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glueharness.record.record import PREDICTIONS_FOLDER
from glueharness.system import atomic

if TYPE_CHECKING:
    from collections.abc import Iterable

    from glueharness.record.record import RunRecord
    from glueharness.record.store import RunStore

METHOD = 4
"""Another number makes every result be computed again: for when the statistics change."""

_MOST_FILES = 200


def cache_folder() -> Path:
    """The folder for what can be made again: in ``GLUEHARNESS_CACHE``, or the platform's."""
    if chosen := os.environ.get("GLUEHARNESS_CACHE"):
        return Path(chosen).expanduser() / "statistics"
    from platformdirs import user_cache_path

    return user_cache_path("glueharness", appauthor=False) / "statistics"


def key_of(what: object, runs: Iterable[RunRecord], store: RunStore) -> str:
    """A key that changes whenever what a result was computed from does.

    It needs no record's details, which an index does not know.

    Args:
        what: What was asked, as JSON takes it.
        runs: The runs that it is about, of those in the store.
        store: The store.
    """
    text = json.dumps([METHOD, what], sort_keys=True, default=str)
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass"))
    known = store.remembered
    for run in runs:
        facts = known.get(run.id)
        if facts is None:
            text = f"\0{run.id}\0{store.digest(run)}\0{_files(run, store)}"
            facts = known[run.id] = text.encode("utf-8", "surrogatepass")
        digest.update(facts)
    return digest.hexdigest()


def _files(run: RunRecord, store: RunStore) -> list[tuple[object, ...]]:
    """Place, size, time and kind of each file of a run's predictions."""
    # Texts, for ten thousand paths are a second's work.
    folder = f"{store.place(run)}/{PREDICTIONS_FOLDER}"
    files: list[tuple[object, ...]] = []
    for split in run.dev_splits:
        path = f"{folder}/{split}.parquet"
        try:
            found = os.stat(path)  # noqa: PTH116
        except OSError:
            files.append((path, os.path.isdir(folder)))  # noqa: PTH112
        else:
            files.append(
                (path, found.st_size, found.st_mtime_ns, found.st_ino, stat.S_IFMT(found.st_mode))
            )
    return files


def load(key: str) -> Any | None:
    """A result that is known by that key; None if there is none."""
    try:
        return json.loads((cache_folder() / f"{key}.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def keep(key: str, result: Any) -> None:
    """Keep a result, if the folder can be written to, and let the oldest ones go."""
    with contextlib.suppress(OSError, ValueError):
        folder = cache_folder()
        folder.mkdir(parents=True, exist_ok=True)
        atomic.write_text(folder / f"{key}.json", json.dumps(result, allow_nan=False))
        files = sorted(folder.glob("*.json"), key=lambda path: path.stat().st_mtime)
        for path in files[:-_MOST_FILES]:
            path.unlink(missing_ok=True)
