"""The database that holds the index: SQLite in a file, or PostgreSQL."""

from __future__ import annotations

import contextlib
import functools
from typing import TYPE_CHECKING

from glueharness.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import URL, Engine, Insert, Table

_FORMS = "Write postgresql://USER@HOST/DATABASE or sqlite:////FOLDER/FILE, or leave it out."
_SECONDS_FOR_A_LOCK = 5
_MOST_FILES = 50


def open_engine(url: URL | None, file: Path | None) -> Engine:
    """An engine that connects when it is asked to.

    Args:
        url: The database that the user named; None for the file.
        file: SQLite's file, which is made if it is not there.

    Raises:
        OSError: The file's folder cannot be made.
    """
    from sqlalchemy import URL, create_engine
    from sqlalchemy.pool import NullPool

    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        _remove_oldest(file.parent)
    place = url or URL.create("sqlite", database=str(file))
    options: dict[str, object] = {"timeout": _SECONDS_FOR_A_LOCK}
    if place.get_backend_name() == "postgresql":
        # A server without an encoding of its own would hand texts out as bytes.
        options = {"connect_timeout": _SECONDS_FOR_A_LOCK, "client_encoding": "utf8"}
    return create_engine(place, poolclass=NullPool, connect_args=options)


def database_url(address: str) -> URL:
    """The database's URL.

    Raises:
        ConfigError: It is no URL, of another kind of database, or its driver is not installed.
    """
    from importlib.util import find_spec

    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        url = make_url(address)
    except (ArgumentError, ValueError) as error:
        raise ConfigError("what --store names is no URL of a database", remedy=_FORMS) from error
    kind = url.get_backend_name()
    if kind == "postgresql":
        if find_spec("psycopg") is None:
            raise ConfigError(
                "an index in PostgreSQL needs its driver, psycopg",
                remedy="pip install 'glueharness[postgresql]'",
            )
        return url.set(drivername="postgresql+psycopg")
    if kind == "sqlite" and url.database:
        return url.set(drivername="sqlite")
    raise ConfigError(f"the index cannot be kept in a database of the kind {kind!r}", remedy=_FORMS)


@functools.cache
def runs_table() -> Table:
    """The only table: a row per run, of any number of stores and users."""
    from sqlalchemy import Column, LargeBinary, MetaData, String, Table

    return Table(
        "glueharness_runs",
        MetaData(),
        Column("place", String(32), primary_key=True),
        Column("owner", String(32), primary_key=True),
        Column("name", String(255), primary_key=True),
        Column("signature", String(100), nullable=False),
        Column("summary", LargeBinary, nullable=False),
        Column("seal", LargeBinary, nullable=False),
    )


def add_or_replace(dialect: str) -> Insert:
    """The statement that adds rows or, where another process was quicker, replaces them.

    Args:
        dialect: ``sqlite`` or ``postgresql``; both know it by the same name.
    """
    from sqlalchemy.dialects import postgresql, sqlite

    table = runs_table()
    statement = (postgresql if dialect == "postgresql" else sqlite).insert(table)
    values = {
        column.name: statement.excluded[column.name]
        for column in table.columns
        if not column.primary_key
    }
    found: Insert = statement.on_conflict_do_update(
        index_elements=[*table.primary_key], set_=values
    )
    return found


def is_broken(error: Exception) -> bool:
    """Whether a SQLite file is at fault, and not the moment or the place."""
    import sqlite3

    code = getattr(getattr(error, "orig", None), "sqlite_errorcode", None)
    passing = {
        sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_INTERRUPT, sqlite3.SQLITE_NOMEM,
    }  # fmt: skip
    return code is None or code & 0xFF not in passing


def is_a_race(error: Exception) -> bool:
    """Whether another process made the table, or wrote the same rows, in that very moment."""
    from sqlalchemy.exc import IntegrityError, ProgrammingError

    return isinstance(error, IntegrityError | ProgrammingError)


def reason_of(error: Exception) -> str:
    """What a database says is wrong, in one line."""
    lines = str(getattr(error, "orig", None) or error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def _remove_oldest(folder: Path) -> None:
    """Let the indexes go that were not written for longest: their stores may be gone."""
    with contextlib.suppress(OSError):
        files = sorted(folder.glob("*.sqlite"), key=lambda path: path.stat().st_mtime)
        for path in files[:-_MOST_FILES]:
            path.unlink(missing_ok=True)
