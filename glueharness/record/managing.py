"""Changing what lies in a store: what users say of a run, and removing one."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from glueharness.errors import RunFolderError
from glueharness.record.annotations import read_annotations, write_annotations
from glueharness.record.contents import refuse_link
from glueharness.system.locks import locked

if TYPE_CHECKING:
    from collections.abc import Callable

    from glueharness.record.annotations import Annotations
    from glueharness.record.record import RunRecord
    from glueharness.record.store import RunStore
    from glueharness.system.locks import Holder

_REMOVED = ".removed."


def annotate(
    store: RunStore, record: RunRecord, change: Callable[[Annotations], Annotations]
) -> Annotations:
    """Change what is said of a run; a run that is being trained, too.

    Args:
        store: The store.
        record: The run.
        change: Makes the new annotations of those that there are.

    Raises:
        RunFolderError: The folder is a link, or the annotations cannot be read or written.
    """
    folder = store.path(record)
    refuse_link(folder)
    # Not the run's own lock: whoever trains it holds that one for hours.
    with locked(store.folder / ".annotations.lock", "the runs' annotations", _wait):
        before = read_annotations(folder)
        after = change(before)
        if after != before:
            write_annotations(folder, after)
    store.refresh()
    return after


def _wait(_: Holder | None) -> None:
    """Another process writes a few lines: it is soon done."""


def remove_run(store: RunStore, record: RunRecord) -> None:
    """Delete a run's folder. A link in it is deleted itself, and what it leads to stays.

    Raises:
        RunFolderError: The run is in use, its folder is a link, or it cannot be deleted.
    """
    folder = store.path(record)
    refuse_link(folder)
    try:
        with locked(folder / ".lock", "the run"):
            # Away at once, so that nobody finds half of a run.
            aside = Path(tempfile.mkdtemp(dir=store.folder, prefix=_REMOVED))
            folder.rename(aside / folder.name)
        store.refresh()
        for left in store.folder.glob(f"{_REMOVED}*"):  # of a process that was killed, too
            shutil.rmtree(left)
    except OSError as error:
        raise RunFolderError(
            f"the run cannot be removed: {error.strerror or error}", where=str(folder)
        ) from error
