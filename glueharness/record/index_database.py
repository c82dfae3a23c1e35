"""The index in a database that the user named: PostgreSQL, or SQLite in a file of his."""

from __future__ import annotations

import contextlib
import functools
from typing import TYPE_CHECKING, Any, TypeVar

from glueharness.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sqlalchemy import URL, ColumnElement, Connection, Engine, Insert, Table

    from glueharness.record.index_file import Values

_Result = TypeVar("_Result")

_FORMS = "Write postgresql://USER@HOST/DATABASE or sqlite:////FOLDER/FILE, or leave it out."
_SECONDS_FOR_A_LOCK = 5
_ROWS_AT_ONCE = 500


class IndexDatabase:
    """The rows of one store and user. No method raises for what is wrong with the database.

    Args:
        address: URL of the database.
        mine: What the rows are known by: place of the store, and user.

    Attributes:
        problem: Why it is not used; empty if it is.

    Raises:
        ConfigError: It is no URL, of another kind of database, or its driver is not installed.
    """

    def __init__(self, address: str, mine: tuple[str, str]) -> None:
        self.problem = ""
        self._url, self._mine = database_url(address), mine
        self._engine: Engine | None = None

    def load(self) -> list[Any]:
        """The rows as they are, whatever a database says; none if it cannot be read."""
        return self._guarded(self._load) or []

    def change(self, rows: Sequence[Values], gone: Sequence[str]) -> None:
        """Add or replace rows, and remove some."""
        self._guarded(lambda connection: self._change(connection, rows, gone))

    def _of_mine(self) -> ColumnElement[bool]:
        place, owner = self._mine
        return (_runs_table().c.place == place) & (_runs_table().c.owner == owner)

    def _load(self, connection: Connection) -> list[Any]:
        from sqlalchemy import null, select, type_coerce

        table = _runs_table()
        # As they are: to make bytes of what a damaged file says may take all the memory.
        columns = [
            type_coerce(column, null().type)
            for column in (table.c.name, table.c.signature, table.c.summary, table.c.seal)
        ]
        return [*connection.execute(select(*columns).where(self._of_mine()))]

    def _change(self, connection: Connection, rows: Sequence[Values], gone: Sequence[str]) -> None:
        from sqlalchemy import delete

        table = _runs_table()
        for start in range(0, len(gone), _ROWS_AT_ONCE):
            some = gone[start : start + _ROWS_AT_ONCE]
            connection.execute(delete(table).where(self._of_mine() & table.c.name.in_(some)))
        names = [column.name for column in table.columns]
        values = [dict(zip(names, (*self._mine, *row), strict=True)) for row in rows]
        if values:
            connection.execute(_add_or_replace(connection.dialect.name), values)
        connection.commit()

    def _guarded(self, work: Callable[[Connection], _Result]) -> _Result | None:
        from sqlalchemy.exc import SQLAlchemyError

        for last in (False, True):
            try:
                with self._connected() as connection:
                    return work(connection)
            except OSError as error:
                self._note(error.strerror or str(error))
                return None
            except (SQLAlchemyError, TypeError, ValueError, MemoryError) as error:
                if last or not _is_a_race(error):
                    self._note(_reason_of(error))
                    return None
        return None

    @contextlib.contextmanager
    def _connected(self) -> Iterator[Connection]:
        from sqlalchemy.schema import CreateTable

        engine = self._engine = self._engine or _open_engine(self._url)
        with engine.connect() as connection:
            connection.execute(CreateTable(_runs_table(), if_not_exists=True))
            connection.commit()
            yield connection

    def _note(self, reason: str) -> None:
        shown = self._url.render_as_string(hide_password=True)
        self.problem = f"the index at {shown} is not used: {reason}"


def _open_engine(url: URL) -> Engine:
    """An engine that connects when it is asked to."""
    from sqlalchemy import create_engine
    from sqlalchemy.pool import NullPool

    options: dict[str, object] = {"timeout": _SECONDS_FOR_A_LOCK}
    if url.get_backend_name() == "postgresql":
        # A server without an encoding of its own would hand texts out as bytes.
        options = {"connect_timeout": _SECONDS_FOR_A_LOCK, "client_encoding": "utf8"}
    return create_engine(url, poolclass=NullPool, connect_args=options)


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
def _runs_table() -> Table:
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


def _add_or_replace(dialect: str) -> Insert:
    """The statement that adds rows or, where another process was quicker, replaces them.

    Args:
        dialect: ``sqlite`` or ``postgresql``; both know it by the same name.
    """
    from sqlalchemy.dialects import postgresql, sqlite

    table = _runs_table()
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


def _is_a_race(error: Exception) -> bool:
    """Whether another process made the table, or wrote the same rows, in that very moment."""
    from sqlalchemy.exc import IntegrityError, ProgrammingError

    return isinstance(error, IntegrityError | ProgrammingError)


def _reason_of(error: Exception) -> str:
    """What a database says is wrong, in one line."""
    lines = str(getattr(error, "orig", None) or error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
