"""``RunStore``: the only way to stored runs."""

from __future__ import annotations

import errno
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from glueharness.errors import RunFolderError, UnknownNameError
from glueharness.record.annotations import ANNOTATIONS_FILE, NONE, read_annotations
from glueharness.record.best import choose_best
from glueharness.record.contents import read_contents, refuse_link
from glueharness.record.names import answers_to, new_run_id, short_names
from glueharness.record.record import CHECKPOINT_FOLDER, MODEL_FOLDER
from glueharness.record.run_file import RUN_FILE, read_record
from glueharness.system.locks import SPARE_SECONDS, holder_of, locked
from glueharness.system.user_files import first_link

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from datetime import datetime

    from glueharness.record.annotations import Annotations
    from glueharness.record.best import Choice, Wanted
    from glueharness.record.contents import Contents, Listener
    from glueharness.record.record import RunRecord
from glueharness.system.locks import Holder

LATEST = "latest"
LOCK_FILE = ".lock"
_CLAIMS = ".claims"
_TRIES = 100


class RunStore:
    """A folder of run folders. Each is read once; :meth:`refresh` forgets what was read.

    A run's id is the name of its folder, so that renamed and copied folders work under their new
    names. A store may come from anybody: what cannot be read is told and stops nothing, links are
    not followed.

    Args:
        folder: The folder; it need not be there.

    Attributes:
        listener: Told of each run, and of its folder, as its record is read from there and not
            known from the index: very much may be left to read by whoever wants more of it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.listener: Listener | None = None
        self._found: Contents | None = None
        self._said: dict[str, Annotations] | None = None

    @property
    def folders(self) -> tuple[Path, ...]:
        """The folders whose runs these are."""
        return (self.folder,)

    def refresh(self) -> None:
        """Read again when next asked: this or another process may have added runs."""
        self._found = self._said = None

    @property
    def name(self) -> str:
        """The folder, for messages."""
        return ", ".join(map(str, self.folders))

    def path(self, record: RunRecord) -> Path:
        """A run's folder."""
        return Path(self.place(record))

    def place(self, record: RunRecord) -> str:
        """A run's folder as text: ten thousand paths are a second's work."""
        return f"{self.folder}/{record.id}"

    def all(self) -> list[RunRecord]:
        """All runs, oldest first, each once however often its folder was copied."""
        return list(self._contents.records)

    @property
    def remembered(self) -> dict[str, bytes]:
        """By run id, what readers wish to know again of a run's files until :meth:`refresh`."""
        return self._contents.remembered

    @property
    def read_already(self) -> int:
        """How many runs are known by now; 0 before they are asked for."""
        return 0 if self._found is None else len(self._found.records)

    @property
    def _contents(self) -> Contents:
        if self._found is None:
            self._found = self._read()
        return self._found

    def _read(self) -> Contents:
        return read_contents(self.folder, self.listener)

    def listed(self) -> list[RunRecord]:
        """The runs that are not archived, oldest first."""
        said = self._annotations
        return [record for record in self.all() if not said.get(record.id, NONE).archived]

    def annotations(self, record: RunRecord) -> Annotations:
        """What users say of a run; nothing where it cannot be read, which listings tell."""
        if self._found is not None:
            return self._annotations.get(record.id, NONE)
        try:  # of one run: no need to look at the others
            return read_annotations(self.path(record))
        except RunFolderError:
            return NONE

    @property
    def _annotations(self) -> dict[str, Annotations]:
        """What is said of those runs of which something is said."""
        if self._said is None:
            self._said = {}
            for record in self._contents.records:
                folder = self.place(record)
                if os.access(f"{folder}/{ANNOTATIONS_FILE}", os.F_OK):
                    try:
                        self._said[record.id] = read_annotations(folder)
                    except RunFolderError as error:
                        self._contents.problems.append(error)
        return self._said

    def digest(self, record: RunRecord) -> str:
        """A hash of the whole ``run.json`` of a run among :meth:`all`."""
        return self._contents.digests[record.id]

    @property
    def originals(self) -> dict[str, str]:
        """What is of a run and of its copies alone (:func:`original_of`), to the run's id."""
        return dict(self._contents.originals)

    @property
    def notice(self) -> str:
        """Why the index that the user named is not used; empty if it is."""
        return self._contents.notice

    @property
    def problems(self) -> list[RunFolderError]:
        """What is wrong with the folders that cannot be read as runs."""
        return list(self._contents.problems)

    @property
    def copies(self) -> dict[str, str]:
        """Folders that hold a copy of another run here: their names, and that run's id."""
        return dict(self._contents.copies)

    def find(self, name: str) -> RunRecord:
        """The run with that id, or the only one whose id begins or ends with it, or ``latest``.

        Raises:
            UnknownNameError: There is none, or several match.
            RunFolderError: Its record cannot be read.
        """
        name = self._without_folder(name)
        path = self.folder / name
        if name not in {"", ".", ".."} and Path(name).name == name and is_there(path / RUN_FILE):
            refuse_link(path)
            return read_record(path)
        records = self.all()
        if name == LATEST and records:
            return self._again(records[-1])
        matches = [record for record in records if name and answers_to(record.id, name)]
        if len(matches) == 1:
            return self._again(matches[0])
        if len(matches) > 1:
            listing = ", ".join(record.id for record in matches)
            raise UnknownNameError(f"several runs match {name!r}", remedy=f"One of: {listing}.")
        raise UnknownNameError.among("run", name, [record.id for record in records])

    def _without_folder(self, name: str) -> str:
        """The run's id of what may be its folder's path, as a shell completes it."""
        path = Path(name)
        inside = path.name != name and path.parent.absolute() == self.folder.absolute()
        return path.name if inside else name

    def short_names(self) -> dict[str, str]:
        """For each run's id the shortest ending that finds it."""
        return short_names([record.id for record in self.all()])

    def best(self, wanted: Wanted) -> Choice:
        """The best run by the one rule of the project (see :mod:`glueharness.record.best`).

        Raises:
            RunFolderError: There is none.
        """
        choice = choose_best(self.listed(), wanted, has_model=self.has_model, where=self.folder)
        imported = self.annotations(choice.record).imported
        why = f"{choice.why}; it was imported, {imported}" if imported else choice.why
        again, folder = self._again(choice.record), self.path(choice.record)
        return replace(choice, record=again, folder=folder, why=why)

    def _again(self, record: RunRecord) -> RunRecord:
        """The record as its file has it now: what is done with a run relies on nothing else."""
        return read_record(self.path(record))

    def completed(self, identity: str) -> RunRecord | None:
        """The newest completed run of the same computation, with its model, if there is one.

        An evaluation keeps no model of its own. A reproduction serves where there is no other. What
        was imported does not count: nobody has seen it computed here.
        """
        newest = reversed(self.all())
        for record in sorted(newest, key=lambda record: record.reproduction_of is not None):
            same = record.status == "completed" and record.answers(identity)
            there = record.kind == "evaluation" or self.has_model(record)
            if same and there and not self.annotations(record).imported:
                return self._again(record)
        return None

    def unfinished(self, identity: str) -> RunRecord | None:
        """The newest run of the same computation that can be resumed; None if there is none."""
        for record in reversed(self.all()):
            repeats = record.reproduction_of is not None
            if repeats or record.identity != identity or not self.resumable(record):
                continue
            if self.holder(record) is None:  # what somebody repeats with --rerun is his
                return self._again(record)
        return None

    def resumable(self, record: RunRecord) -> bool:
        """Whether a run was stopped, or failed and left a checkpoint."""
        if record.status != "failed":
            # Stopped before its first checkpoint it begins anew, in the folder that it left.
            return record.status in {"running", "interrupted"}
        checkpoint = self.path(record) / CHECKPOINT_FOLDER
        return checkpoint.is_dir() and any(checkpoint.iterdir())

    def has_model(self, record: RunRecord) -> bool:
        """Whether a run's trained model is there."""
        return (self.path(record) / MODEL_FOLDER).is_dir()

    def holder(self, record: RunRecord) -> Holder | None:
        """Who works on a run; None if nobody does."""
        return holder_of(self.path(record) / LOCK_FILE)

    def state(self, record: RunRecord) -> str:
        """A run's status, ``stopped`` if it says that it is running and its process is gone."""
        if record.status == "running" and self.holder(record) is None:
            return "stopped"
        return record.status

    def create(self, task: str, model: str, now: datetime) -> Path:
        """Make the folder of a new run; its name is the run's id.

        Raises:
            OSError: It cannot be made.
        """
        for _ in range(_TRIES):
            folder = self.folder / new_run_id(task, model, now)
            try:
                folder.mkdir()
            except FileExistsError:  # another process drew the same id in the same second
                continue
            return folder
        raise FileExistsError(f"no new run folder could be made in {self.folder}")

    def working_on(self, record: RunRecord) -> AbstractContextManager[None]:
        """A region in which no other process works in a run's folder.

        Raises:
            RunFolderError: Another one does, or a link in the folder leads out of it.
        """
        self.refuse_links(record)
        return locked(self.path(record) / LOCK_FILE, "the run")

    def claim(
        self, identity: str, waiting: Callable[[Holder | None], None]
    ) -> AbstractContextManager[None]:
        """A region in which no other process begins or resumes the same computation.

        Args:
            identity: What is to be computed.
            waiting: Told who computes it, if somebody does; the call then waits.

        Raises:
            RunFolderError: There is a link or a file in the place of the claims' folder.
        """
        folder = self.folder / _CLAIMS
        try:
            if folder.is_symlink():
                raise NotADirectoryError(errno.ENOTDIR, "it is a symbolic link", str(folder))
            if not folder.is_dir():
                folder.mkdir(exist_ok=True)
                folder.chmod(self.folder.stat().st_mode & 0o777)  # for all users of the store
        except OSError as error:
            raise RunFolderError(
                f"what is being computed cannot be noted: {error.strerror or error}",
                where=str(folder),
                remedy="Delete it, or choose another folder of runs: --runs-dir",
            ) from error
        # The run's own lock lies within: where their holder is lost, it has to be free by then.
        path = folder / f"{identity}.lock"
        return locked(path, "this computation", waiting, spare=SPARE_SECONDS)

    def remove_checkpoint(self, record: RunRecord) -> None:
        """Delete a run's checkpoints; what cannot be deleted stays."""
        shutil.rmtree(self.path(record) / CHECKPOINT_FOLDER, ignore_errors=True)

    def refuse_links(self, record: RunRecord) -> None:
        """Make sure that what is written into a run's folder stays there.

        Raises:
            RunFolderError: There is a link in it.
        """
        link = first_link(self.path(record))
        if link is not None:
            raise RunFolderError(
                "there is a link in the run folder, and what is written would follow it",
                where=str(link),
                remedy="Put the file or folder itself in the place of the link.",
            )


def is_there(path: Path) -> bool:
    """Whether a file is there, whatever its name is like."""
    try:
        return path.is_file()
    except OSError:  # a name that is too long for a file is no run's
        return False
