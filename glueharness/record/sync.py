"""Copying completed runs between two stores: ``glueharness runs sync``.

Each run is fetched into a folder aside, where it is what nobody else writes to; there its names,
its record and its own seals are checked, as for an archive that anybody may have made. Only then
it is added to the target, whole or not at all. So whatever cuts a sync leaves whole runs, and the
same command goes on with those that are missing.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from glueharness.errors import RunFolderError
from glueharness.record.contents import original_of
from glueharness.record.foreign import RefusedError, check_part, checked, mark_imported
from glueharness.record.places import Found, PlaceError, TakenError
from glueharness.system.printable import printable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from glueharness.record.places import Place

_COMPLETED = frozenset({"completed"})
_CHANGED = "the run changed while it was copied"


@dataclass(slots=True)
class Synced:
    """What became of the runs of a source.

    Attributes:
        copied: Runs that are at the target now, with their size in bytes.
        known: Runs that were there already, with their id there.
        left_out: Runs that are not completed or are in use, and which it is.
        refused: Runs that cannot be copied, and why.
    """

    copied: dict[str, int] = field(default_factory=dict)
    known: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)


class Listener:
    """Hears how a sync goes; this one does nothing."""

    def expect(self, runs: int) -> None:
        """So many runs are to be looked at."""

    def progress(self, run: str, what: str, done: int, total: int) -> None:
        """So many bytes of a run are ``fetched`` or ``sent``."""

    def over(self, run: str, what: str, why: str) -> None:
        """A run is ``copied``, ``known``, ``left out`` or ``refused``."""


def sync_runs(source: Place, target: Place, listener: Listener, synced: Synced) -> None:
    """Copy the completed runs of one place that another lacks; nothing is ever overwritten.

    Args:
        source: Where they are. Nothing of it is believed or changed.
        target: Where they go.
        listener: Hears how it goes.
        synced: Filled in on the way, so that it is known also of a sync that was cut.

    Raises:
        RunFolderError: There is no such source, or a place fails. What was copied stays.
    """
    _Sync(source, target, listener, synced).run()


class _Sync:
    """A sync that is under way."""

    def __init__(self, source: Place, target: Place, listener: Listener, synced: Synced) -> None:
        self._source, self._target = source, target
        self._listener, self._synced = listener, synced
        self._there: dict[str, Found] = {}
        self._taken: set[str] = set()

    def run(self) -> None:
        found = self._source.look(required=True)
        for each in self._target.look(required=False):
            self._taken.add(each.run)
            if not each.problem:
                self._there[each.original] = each
        self._listener.expect(len(found))
        missing = [each for each in found if not self._settled(each)]
        if not missing:
            return
        with self._target.room() as room:
            for each in missing:
                if not self._settled(each):  # the one before may have been its copy
                    self._copy(each, room)

    def _settled(self, each: Found) -> bool:
        """Whether it is clear without a copy what becomes of a run."""
        if each.problem:
            self._refuse(each.run, each.problem)
        elif each.status not in _COMPLETED:
            self._leave_out(each.run, f"it is {each.status}")
        elif each.in_use:
            self._leave_out(each.run, f"it is in use by {each.in_use}")
        elif each.original in self._there:
            self._compare(each, self._there[each.original])
        elif each.run in self._taken:
            self._refuse(each.run, _other_content(self._target))
        else:
            return False
        return True

    def _compare(self, each: Found, there: Found) -> None:
        if each.digest == there.digest:
            self._synced.known[printable(each.run)] = there.run
            self._listener.over(each.run, "known", there.run)
        else:
            self._refuse(
                each.run,
                f"{there.run} at {self._target.name} is the same run with another record: one of "
                "them was altered; nothing was overwritten",
            )

    def _copy(self, each: Found, room: Path) -> None:
        folder = room / "aside" / each.run
        try:
            check_part(each.run, each.run)
            size = self._fetch(each, folder)
            self._target.add(folder, self._counter(each.run, "sent"))
        except TakenError:
            self._meanwhile(each)
        except PlaceError:
            raise
        except RefusedError as error:
            self._refuse(each.run, str(error))
        except RunFolderError as error:
            self._refuse(each.run, error.what)
        except OSError as error:
            raise PlaceError(
                f"{each.run} cannot be written: {error.strerror or error}",
                where=str(room.parent),
                remedy="What was copied stays. When that is mended, the same command goes on.",
            ) from error
        else:
            self._there[each.original] = each
            self._taken.add(each.run)
            self._synced.copied[each.run] = size
            self._listener.over(each.run, "copied", f"{size / 1e6:,.1f} MB")
        finally:
            shutil.rmtree(room / "aside", ignore_errors=True)

    def _fetch(self, each: Found, folder: Path) -> int:
        """Lay a run down beside the target's and check it; returns its size in bytes."""
        self._source.fetch(each.run, folder.parent, self._counter(each.run, "fetched"))
        stored = checked(folder, "", _COMPLETED, "")
        same = stored.digest == each.digest
        if not same or original_of(stored.record, stored.own) != each.original:
            raise RunFolderError(_CHANGED)
        size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        mark_imported(folder, printable(self._source.name))
        return size

    def _meanwhile(self, each: Found) -> None:
        """What to say of a run of whose name there is something now: another sync, mostly."""
        there = self._target.find(each.run)
        if there is not None and not there.problem and there.original == each.original:
            self._there[each.original] = there
            self._compare(each, there)
        else:
            self._refuse(each.run, _other_content(self._target))

    def _counter(self, run: str, what: str) -> Callable[[int, int], None]:
        return lambda done, total: self._listener.progress(run, what, done, total)

    def _refuse(self, run: str, why: str) -> None:
        self._synced.refused[printable(run)] = printable(why)
        self._listener.over(run, "refused", why)

    def _leave_out(self, run: str, why: str) -> None:
        self._synced.left_out[printable(run)] = why
        self._listener.over(run, "left out", why)


def _other_content(target: Place) -> str:
    return (
        f"there is something else of this name at {target.name}, which stays as it is; rename "
        "one of the two folders to have both"
    )
