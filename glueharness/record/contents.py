"""What is in a folder of runs: every record, read from the run folders or known from the index."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from glueharness.errors import RunFolderError
from glueharness.record.index import Row, is_settled, open_index, signature_of
from glueharness.record.run_file import RUN_FILE, Stored, read_stored
from glueharness.system.collection import without_collection

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from glueharness.record.record import RunRecord

    Listener: TypeAlias = "Callable[[RunRecord, str], None]"


@dataclass(slots=True, kw_only=True)
class Contents:
    """What was found in a folder of runs.

    Attributes:
        records: The runs, oldest first, each once however often its folder was copied.
        digests: By run id: a hash of its ``run.json``.
        problems: What is wrong with the folders that cannot be read as runs.
        originals: What is of a run and of its copies alone, to the run's id.
        copies: Folders that hold a copy of another run here: their names, and that run's id.
        remembered: By run id: what readers wish to know again of its files.
        notice: Why an index that the user named is not used; empty if it is.
    """

    records: list[RunRecord] = field(default_factory=list)
    digests: dict[str, str] = field(default_factory=dict)
    problems: list[RunFolderError] = field(default_factory=list)
    originals: dict[str, str] = field(default_factory=dict)
    copies: dict[str, str] = field(default_factory=dict)
    remembered: dict[str, bytes] = field(default_factory=dict)
    notice: str = ""


class _Found(NamedTuple):
    record: RunRecord
    digest: str
    original: str
    own: str


@without_collection()
def read_contents(folder: Path, listener: Listener | None = None) -> Contents:
    """Read a folder of runs; what cannot be read is told and stops nothing.

    Args:
        folder: The folder.
        listener: Told of each run, and of its folder, as its record is read from there.

    Raises:
        RunFolderError: The folder itself cannot be listed.
    """
    contents = Contents()
    names = run_folders(folder)
    index = open_index(folder, len(names))
    known = index.load() if index is not None else {}
    found: list[_Found] = []
    new: dict[str, Row] = {}
    place = str(folder)  # ten thousand paths are a second's work
    for name, is_link in names:
        signature = signature_of(f"{place}/{name}/{RUN_FILE}") if index and not is_link else ""
        row = known.get(name)
        if row is not None and row.signature == signature:
            found.append(_indexed(row, folder))
            continue
        try:
            if is_link:
                refuse_link(folder / name)
            found.append(_from_file(read_stored(f"{place}/{name}")))
            if listener is not None:
                listener(found[-1].record, f"{place}/{name}")
        except RunFolderError as error:
            if not _is_no_run(error, folder / name):
                contents.problems.append(error)
            continue
        # A name that is no text has no form in a database: such a run is read each time.
        if signature and is_settled(signature) and name.isprintable():
            new[name] = _row(signature, found[-1])
    if index is not None:
        index.change(new, known.keys() - {each.record.id for each in found})
        contents.notice = index.problem
    contents.copies = _copies(found)
    kept = [each for each in found if each.record.id not in contents.copies]
    contents.records = [each.record for each in kept]
    contents.records.sort(key=lambda record: record.began)
    contents.originals = {each.original: each.record.id for each in kept}
    contents.digests = {each.record.id: each.digest for each in kept}
    return contents


def run_folders(folder: Path) -> list[tuple[str, bool]]:
    """The folders among which the runs are, by name, and whether each is a link.

    Raises:
        RunFolderError: They cannot be listed.
    """
    try:
        with os.scandir(folder) as entries:
            return sorted(
                (entry.name, entry.is_symlink())
                for entry in entries
                if not entry.name.startswith(".") and entry.is_dir()
            )
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise RunFolderError(
            f"the runs cannot be listed: {error.strerror or error}", where=str(folder)
        ) from error


def refuse_link(path: Path) -> None:
    """Make sure that a run folder is one itself.

    Raises:
        RunFolderError: It is a link.
    """
    if path.is_symlink():
        raise RunFolderError(
            "the run folder is a link",
            where=str(path),
            remedy="Name the folder of runs that it leads to: --runs-dir",
        )


def _from_file(stored: Stored) -> _Found:
    record = stored.record
    return _Found(record, stored.digest, original_of(record, stored.own), stored.own)


def _indexed(row: Row, store: Path) -> _Found:
    from glueharness.record.summary import IndexedRecord, decode

    summary = decode(row.summary)
    record = IndexedRecord.of(summary, store)
    return _Found(record, summary.digest, summary.original, summary.own)


def _row(signature: str, found: _Found) -> Row:
    from glueharness.record.summary import encode

    return Row(signature, encode(found.record, found.digest, found.original, found.own))


def original_of(record: RunRecord, own: str) -> str:
    """What two folders share only if one is a copy of the other."""
    facts = (own, record.started, record.finished, record.identity, record.seed)
    text = repr((*facts, sorted(record.seals.items())))
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _copies(found: Iterable[_Found]) -> dict[str, str]:
    """Of folders with one and the same run all but that which has kept its name, or the first."""
    first: dict[str, str] = {}
    copies: dict[str, str] = {}
    for each in sorted(found, key=lambda each: each.record.id != each.own):
        original = first.setdefault(each.original, each.record.id)
        if original != each.record.id:
            copies[each.record.id] = original
    return copies


def _is_no_run(error: RunFolderError, path: Path) -> bool:
    """Whether the folder never held a run: other folders may lie among the runs."""
    return isinstance(error.__cause__, FileNotFoundError) and not (path / RUN_FILE).is_symlink()
