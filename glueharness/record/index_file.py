"""The index in a SQLite file of the user's cache folder, by Python's own module.

A database that the user names is spoken to through SQLAlchemy; to import that takes longer than to
read ten thousand rows here.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Sequence
    from pathlib import Path

_Result = TypeVar("_Result")

Values = tuple[str, str, bytes, bytes]
"""A row: name of the run folder, signature, summary, seal."""

_SECONDS_FOR_A_LOCK = 5
_MOST_FILES = 50
_MAKE = """CREATE TABLE IF NOT EXISTS glueharness_runs (
place VARCHAR(32) NOT NULL, owner VARCHAR(32) NOT NULL, name VARCHAR(255) NOT NULL,
signature VARCHAR(100) NOT NULL, summary BLOB NOT NULL, seal BLOB NOT NULL,
PRIMARY KEY (place, owner, name))"""
_LOAD = "SELECT name, signature, summary, seal FROM glueharness_runs WHERE place = ? AND owner = ?"
_ADD = "INSERT OR REPLACE INTO glueharness_runs VALUES (?, ?, ?, ?, ?, ?)"
_REMOVE = "DELETE FROM glueharness_runs WHERE place = ? AND owner = ? AND name = ?"


class IndexFile:
    """The rows of one store and user. What cannot be used is made anew, and nothing is said.

    Args:
        path: The file, which is made if it is not there.
        mine: What the rows are known by: place of the store, and user.

    Attributes:
        problem: Always empty: the user named nothing.
    """

    problem = ""

    def __init__(self, path: Path, mine: tuple[str, str]) -> None:
        self._path, self._mine = path, mine

    def load(self) -> list[Any]:
        """The rows as they are, whatever a damaged file says; none if it cannot be read."""
        return self._guarded(lambda file: file.execute(_LOAD, self._mine).fetchall()) or []

    def change(self, rows: Sequence[Values], gone: Sequence[str]) -> None:
        """Add or replace rows, and remove some."""

        def work(file: sqlite3.Connection) -> None:
            with file:  # all of it or nothing
                file.executemany(_REMOVE, ((*self._mine, name) for name in gone))
                file.executemany(_ADD, ((*self._mine, *row) for row in rows))

        self._guarded(work)

    def _guarded(self, work: Callable[[sqlite3.Connection], _Result]) -> _Result | None:
        """Do something with the file; a broken one is made anew, once."""
        import sqlite3

        for last in (False, True):
            try:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                _remove_oldest(self._path.parent)
                with contextlib.closing(
                    sqlite3.connect(self._path, timeout=_SECONDS_FOR_A_LOCK)
                ) as file:
                    file.execute(_MAKE)
                    return work(file)
            except OSError:
                return None
            except (sqlite3.Error, TypeError, ValueError, MemoryError) as error:
                if last or not _is_broken(error):
                    return None
                with contextlib.suppress(OSError):
                    self._path.unlink()
        return None


def _is_broken(error: Exception) -> bool:
    """Whether the file is at fault, and not the moment or the place."""
    import sqlite3

    code = getattr(error, "sqlite_errorcode", None)
    passing = {
        sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_INTERRUPT, sqlite3.SQLITE_NOMEM,
    }  # fmt: skip
    return code is None or code & 0xFF not in passing


def _remove_oldest(folder: Path) -> None:
    """Let the indexes go that were not written for longest: their stores may be gone."""
    with contextlib.suppress(OSError):
        files = sorted(folder.glob("*.sqlite"), key=lambda path: path.stat().st_mtime)
        for path in files[:-_MOST_FILES]:
            path.unlink(missing_ok=True)
