"""The index: what listings need of each run, so that a large store is not read anew every time.

Only a cache of the run folders. It lies in the user's cache folder, one SQLite file per store, or
in the database that ``GLUEHARNESS_STORE`` names; either can be thrown away at any time. A row
counts while the run's ``run.json`` has the same size, times and inode as when it was read, and only
if this user wrote it with this code: each is sealed with a key of the user's, so that whatever else
stands in a shared database or a damaged file is passed over. What cannot be used is built again.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import stat
import time
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from glueharness.record.index_database import (
    add_or_replace,
    database_url,
    is_a_race,
    is_broken,
    open_engine,
    reason_of,
    runs_table,
)
from glueharness.record.index_place import INDEX_VARIABLE
from glueharness.record.index_seal import code_that_reads, user_key
from glueharness.system.user_folders import cache_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from sqlalchemy import Connection, Engine

_FEWEST = 2_000
"""Runs from which on opening the index takes less time than reading the run folders."""
_SECONDS_UNTIL_SETTLED = 2.0
"""A file that is younger may change again without another time: clocks of file systems tick."""
_ROWS_AT_ONCE = 500


_Result = TypeVar("_Result")


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

    Attributes:
        problem: Why a database that the user named is not used; empty if it is.
    """

    def __init__(self, folder: Path, key: bytes, address: str) -> None:
        self.problem = ""
        self._key = key
        self._owner = hashlib.blake2b(key, digest_size=16, person=b"owner").hexdigest()
        place = os.path.realpath(folder)
        text = f"{platform.node()}\0{place}".encode("utf-8", "surrogateescape")
        self._place = hashlib.blake2b(text, digest_size=16).hexdigest()
        self._file = None if address else cache_folder() / "runs" / f"{self._place}.sqlite"
        self._url = database_url(address) if address else None
        self._engine: Engine | None = None

    def load(self) -> dict[str, Row]:
        """The rows by name of the run folder; none if the index is new or cannot be used."""
        return self._guarded(self._load) or {}

    def change(self, rows: Mapping[str, Row], gone: Iterable[str]) -> None:
        """Add or replace rows, and remove those of folders that are gone."""
        # In one order for all processes, so that none waits for another that waits for it.
        kept = dict(sorted(rows.items()))
        names = sorted({*gone} - {*kept})
        if kept or names:
            self._guarded(lambda connection: self._change(connection, kept, names))

    def _load(self, connection: Connection) -> dict[str, Row]:
        from sqlalchemy import null, select, type_coerce

        table = runs_table()
        # As they are: to make bytes of what a damaged file says may take all the memory.
        columns = [
            type_coerce(column, null().type)
            for column in (table.c.name, table.c.signature, table.c.summary, table.c.seal)
        ]
        mine = (table.c.place == self._place) & (table.c.owner == self._owner)
        found: list[Any] = [*connection.execute(select(*columns).where(mine))]
        return {
            name: Row(signature, summary)
            for name, signature, summary, seal in found
            if isinstance(summary, bytes) and seal == self._seal(name, signature, summary)
        }

    def _change(self, connection: Connection, rows: Mapping[str, Row], gone: list[str]) -> None:
        from sqlalchemy import delete

        table = runs_table()
        mine = (table.c.place == self._place) & (table.c.owner == self._owner)
        for start in range(0, len(gone), _ROWS_AT_ONCE):
            some = gone[start : start + _ROWS_AT_ONCE]
            connection.execute(delete(table).where(mine & table.c.name.in_(some)))
        values = [
            {
                "place": self._place,
                "owner": self._owner,
                "name": name,
                "signature": row.signature,
                "summary": row.summary,
                "seal": self._seal(name, row.signature, row.summary),
            }
            for name, row in rows.items()
        ]
        if values:
            connection.execute(add_or_replace(connection.dialect.name), values)
        connection.commit()

    def _seal(self, name: str, signature: str, summary: bytes) -> bytes:
        facts = f"{self._place}\0{name}\0{signature}\0{code_that_reads()}\0"
        sealed = hashlib.blake2b(
            facts.encode("utf-8", "surrogateescape"), key=self._key, digest_size=16
        )
        sealed.update(summary)
        return sealed.digest()

    def _guarded(self, work: Callable[[Connection], _Result]) -> _Result | None:
        """Do something with the database; a broken file of ours is made anew, once."""
        from sqlalchemy.exc import SQLAlchemyError

        for last in (False, True):
            try:
                with self._connected() as connection:
                    return work(connection)
            except OSError as error:
                self._note(error.strerror or str(error))
                return None
            except (SQLAlchemyError, TypeError, ValueError, MemoryError) as error:
                if self._file is None:
                    if last or not is_a_race(error):
                        self._note(reason_of(error))
                        return None
                elif last or not is_broken(error):
                    return None
                else:
                    with contextlib.suppress(OSError):
                        self._file.unlink()
        return None

    @contextlib.contextmanager
    def _connected(self) -> Iterator[Connection]:
        from sqlalchemy.schema import CreateTable

        engine = self._engine = self._engine or open_engine(self._url, self._file)
        with engine.connect() as connection:
            connection.execute(CreateTable(runs_table(), if_not_exists=True))
            connection.commit()
            yield connection

    def _note(self, reason: str) -> None:
        if self._url is not None:
            shown = self._url.render_as_string(hide_password=True)
            self.problem = f"the index at {shown} is not used: {reason}"
