"""Several folders of runs, read as one store."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from glueharness.errors import RunFolderError, UnknownNameError
from glueharness.record.contents import Contents, read_contents, refuse_link
from glueharness.record.names import answers_to
from glueharness.record.run_file import RUN_FILE, read_record
from glueharness.record.store import LATEST, RunStore, is_there

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glueharness.record.record import RunRecord

_REMEDY = "Rename one of the two folders if they are different runs, or delete one."


def store_of(folders: Sequence[Path]) -> RunStore:
    """The store in a folder, or in several that are read as one.

    Args:
        folders: The folders, at least one; what is there twice counts where it is named first.
    """
    apart: dict[str, Path] = {}
    for folder in folders:
        apart.setdefault(os.path.realpath(folder), folder)
    return RunStore(folders[0]) if len(apart) == 1 else JoinedStore([*apart.values()])


class JoinedStore(RunStore):
    """Several folders of runs. It is only read: nothing says into which of them to write.

    A run that lies in several folders is there once. Two runs of one id cannot both be named: the
    later one is left out and told, and to name that id is an error.

    Args:
        folders: The folders, each another one; they need not be there.
    """

    def __init__(self, folders: Sequence[Path]) -> None:
        super().__init__(folders[0])
        self._folders = tuple(folders)
        self._homes: dict[str, Path] = {}
        self._doubtful: dict[str, list[str]] = {}

    @property
    def folders(self) -> tuple[Path, ...]:
        """The folders whose runs these are."""
        return self._folders

    def place(self, record: RunRecord) -> str:
        """A run's folder as text."""
        if not self._homes:
            self.all()
        return f"{self._homes.get(record.id, self.folder)}/{record.id}"

    def find(self, name: str) -> RunRecord:
        """As in one folder; a path names the run in that folder.

        Raises:
            UnknownNameError: There is none, several match, or two runs have that id.
            RunFolderError: Its record cannot be read.
        """
        records = {record.id: record for record in self.all()}
        place = self._inside(name)
        run = place.name if place is not None else name
        self._refuse_doubtful(run)
        if run in records:
            return self._again(records[run])
        if Path(run).name == run and run not in {".", ".."}:
            for each in [place] if place is not None else [one / run for one in self.folders]:
                if original := self._contents.copies.get(str(each)):
                    return self._again(records[original])
                if is_there(each / RUN_FILE):
                    refuse_link(each)
                    return read_record(each)  # which says what is wrong with it
        if name == LATEST and records:
            return self._again([*records.values()][-1])
        matches = [each for each in records if name and answers_to(each, name)]
        if len(matches) == 1:
            self._refuse_doubtful(matches[0])
            return self._again(records[matches[0]])
        if matches:
            listing = ", ".join(matches)
            raise UnknownNameError(f"several runs match {name!r}", remedy=f"One of: {listing}.")
        raise UnknownNameError.among("run", name, list(records))

    def _inside(self, name: str) -> Path | None:
        """The run's folder if the name is its path."""
        path = Path(name)
        if path.name == name:
            return None
        parent = os.path.realpath(path.parent)
        for folder in self.folders:
            if os.path.realpath(folder) == parent:
                return folder / path.name
        return None

    def _refuse_doubtful(self, run: str) -> None:
        places = self._doubtful.get(run)
        if places:
            raise UnknownNameError(
                f"there are two runs {run!r}: {' and '.join(places)}", remedy=_REMEDY
            )

    def _read(self) -> Contents:
        joined = Contents()
        self._homes, self._doubtful = {}, {}
        for folder in self.folders:
            self._join(joined, folder, read_contents(folder, self.listener))
        joined.records.sort(key=lambda record: record.began)
        return joined

    def _join(self, joined: Contents, folder: Path, found: Contents) -> None:
        originals = {run: original for original, run in found.originals.items()}
        joined.problems += found.problems
        joined.notice = joined.notice or found.notice
        for record in found.records:
            place, original = f"{folder}/{record.id}", originals[record.id]
            if original in joined.originals:
                joined.copies[place] = joined.originals[original]
                continue
            if record.id in self._homes:
                other = f"{self._homes[record.id]}/{record.id}"
                self._doubtful.setdefault(record.id, [other]).append(place)
                error = RunFolderError(
                    f"another run has this id, too, and this one is left out: {other}",
                    where=place,
                    remedy=_REMEDY,
                )
                joined.problems.append(error)
                continue
            joined.records.append(record)
            joined.digests[record.id] = found.digests[record.id]
            joined.originals[original] = record.id
            self._homes[record.id] = folder
        joined.copies |= {
            f"{folder}/{copy}": joined.originals[originals[run]]
            for copy, run in found.copies.items()
            if originals[run] in joined.originals
        }
