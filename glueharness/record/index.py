"""The index: what listings need of each run, so that a large store is not read anew every time.

Only a cache of the run folders. It lies in the user's cache folder, one SQLite file per store, or
in the database that ``GLUEHARNESS_STORE`` names; either can be thrown away at any time. A row
counts while the run's ``run.json`` has the same size, times and inode as when it was read, and only
if this user wrote it with this code: each is sealed with a key of the user's, so that whatever else
stands in a shared database or a damaged file is passed over. What cannot be used is built again.
"""

from __future__ import annotations

import hashlib
import os
import platform
import stat
import time
from typing import TYPE_CHECKING, NamedTuple

from glueharness.record.index_file import IndexFile
from glueharness.record.index_place import INDEX_VARIABLE
from glueharness.record.index_seal import code_that_reads, user_key
from glueharness.system.user_folders import cache_folder

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from glueharness.record.index_database import IndexDatabase

_FEWEST = 2_000
"""Runs from which on opening the index takes less time than reading the run folders."""
_SECONDS_UNTIL_SETTLED = 2.0
"""A file that is younger may change again without another time: clocks of file systems tick."""


class Row(NamedTuple):
    """What the index knows of a run.

    Attributes:
        signature: Size, times and inode of its ``run.json``.
        summary: What listings need, as bytes.
    """

    signature: str
    summary: bytes


def signature_of(path: str) -> str:
    """What changes when a file does: size, times and inode; empty if it is no regular file."""
    try:
        found = os.lstat(path)
    except OSError:
        return ""
    if not stat.S_ISREG(found.st_mode):
        return ""
    return f"{found.st_size} {found.st_mtime_ns} {found.st_ctime_ns} {found.st_ino}"


def is_settled(signature: str) -> bool:
    """Whether a file is old enough that another change would show in its signature."""
    _, changed, noted, _ = map(int, signature.split())
    return time.time() - max(changed, noted) / 1e9 > _SECONDS_UNTIL_SETTLED


def open_index(folder: Path, runs: int) -> Index | None:
    """The index of a store; None if reading the folders is quicker, or it has no place to be.

    Args:
        folder: The store.
        runs: How many run folders there are.

    Raises:
        ConfigError: The database that the user named cannot be one.
    """
    address = os.environ.get(INDEX_VARIABLE, "")
    if not address and runs < _FEWEST:
        return None
    key = user_key()
    return Index(folder, key, address) if key else None


class Index:
    """The rows of one store. No method raises for what is wrong with the database.

    Args:
        folder: The store.
        key: Seals the rows.
        address: URL of the database; empty for a file in the user's cache folder.
    """

    def __init__(self, folder: Path, key: bytes, address: str) -> None:
        self._key = key
        owner = hashlib.blake2b(key, digest_size=16, person=b"owner").hexdigest()
        place = os.path.realpath(folder)
        text = f"{platform.node()}\0{place}".encode("utf-8", "surrogateescape")
        self._place = hashlib.blake2b(text, digest_size=16).hexdigest()
        self._table = _table(self._place, owner, address)

    @property
    def problem(self) -> str:
        """Why a database that the user named is not used; empty if it is."""
        return self._table.problem

    def load(self) -> dict[str, Row]:
        """The rows by name of the run folder; none if the index is new or cannot be used."""
        return {
            name: Row(signature, summary)
            for name, signature, summary, seal in self._table.load()
            if isinstance(name, str) and isinstance(signature, str) and isinstance(summary, bytes)
            and seal == self._seal(name, signature, summary)
        }  # fmt: skip

    def change(self, rows: Mapping[str, Row], gone: Iterable[str]) -> None:
        """Add or replace rows, and remove those of folders that are gone."""
        # In one order for all processes, so that none waits for another that waits for it.
        values = [
            (name, row.signature, row.summary, self._seal(name, row.signature, row.summary))
            for name, row in sorted(rows.items())
        ]
        names = sorted({*gone} - {*rows})
        if values or names:
            self._table.change(values, names)

    def _seal(self, name: str, signature: str, summary: bytes) -> bytes:
        facts = f"{self._place}\0{name}\0{signature}\0{code_that_reads()}\0"
        sealed = hashlib.blake2b(
            facts.encode("utf-8", "surrogateescape"), key=self._key, digest_size=16
        )
        sealed.update(summary)
        return sealed.digest()


def _table(place: str, owner: str, address: str) -> IndexFile | IndexDatabase:
    """Where the rows are: in a file of the cache folder, or in the database that was named."""
    if not address:
        return IndexFile(cache_folder() / "runs" / f"{place}.sqlite", (place, owner))
    from glueharness.record.index_database import IndexDatabase

    return IndexDatabase(address, (place, owner))
