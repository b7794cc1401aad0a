"""The database: SQLite with the pragmas that durability rests on, or any other by its address."""

from __future__ import annotations

import json
import sqlite3
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from tower_sync_server.errors import OperatorError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

BUSY_S = 10.0
"""How long a writer waits for another."""


def sqlite_dsn(path: Path) -> str:
    """SQLAlchemy's address of a SQLite file."""
    return f"sqlite:///{path.absolute()}"


def connect(dsn: str) -> sa.Engine:
    """An engine; a connection is made when the first one is needed.

    Raises:
        OperatorError: there is no such database or driver.
    """
    try:
        url = sa.make_url(dsn)
        if url.get_backend_name() != "sqlite":
            return sa.create_engine(url, pool_pre_ping=True)
        engine = sa.create_engine(url, connect_args={"timeout": BUSY_S})
    except (sa.exc.ArgumentError, ModuleNotFoundError) as e:
        hint = "Set store.dsn to SQLAlchemy's address of a database whose driver is installed."
        raise OperatorError(f"The database can't be used: {e}", hint) from e
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def _prepare(connection: Any, _record: object) -> None:
    """Have SQLite sync every commit, and leave BEGIN to us."""
    assert isinstance(connection, sqlite3.Connection)  # noqa: S101 - for the type checker
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "journal_size_limit=16777216"):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: sa.Connection) -> None:
    """Take the write lock at once where something will be written: waiting works only then."""
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def writing(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A transaction: everything in it is durable at its end, or nothing is.

    Raises:
        UnavailableError: the database can't take it now: locked, full, or out of reach.
    """
    with (
        _translated(),
        engine.connect().execution_options(writes=True) as connection,
        connection.begin(),
    ):
        yield connection


@contextmanager
def reading(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A connection that sees one moment.

    Raises:
        UnavailableError: the database can't be reached now.
    """
    with _translated(), engine.connect() as connection:
        yield connection


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (sa.exc.OperationalError, sa.exc.InterfaceError, sa.exc.TimeoutError) as e:
        reason = str(getattr(e, "orig", None) or e)
        raise UnavailableError(f"The database can't be used now: {reason}", "Try again.") from e


def insert_unless_there(
    connection: sa.Connection, table: sa.Table, values: Mapping[str, Any]
) -> bool:
    """Insert a row unless one of its unique keys is taken; say whether it was inserted."""
    dialect = connection.dialect.name
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    statement = insert(table).values(dict(values)).on_conflict_do_nothing()
    # The row itself says so: not every driver counts rows here.
    return connection.execute(statement.returning(sa.literal(1))).first() is not None


def insert_missing(
    connection: sa.Connection,
    table: sa.Table,
    rows: Sequence[Mapping[str, Any]],
    *returning: sa.Column[Any],
) -> Sequence[sa.Row[Any]]:
    """Insert the rows whose unique keys are free; give `returning` of those that were inserted.

    Rows have to come in the order of their keys, so that two who insert the same wait for each
    other in one order.
    """
    if not rows:
        return ()
    statement = _insert_missing(connection.dialect.name, table, returning)
    return connection.execute(statement, [dict(row) for row in rows]).all()


@cache
def _insert_missing(
    dialect: str, table: sa.Table, returning: tuple[sa.Column[Any], ...]
) -> sa.Insert:
    """The statement, made once: making one takes longer than running it."""
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    return insert(table).on_conflict_do_nothing().returning(*returning)


class _EachOf(FunctionElement[Any]):
    """The elements of a JSON array, a row each: `value`."""

    inherit_cache = True


@compiles(_EachOf)
def _each(element: _EachOf, compiler: Any, **kw: Any) -> str:
    return f"json_each({compiler.process(element.clauses, **kw)})"


@compiles(_EachOf, "postgresql")
def _each_in_postgres(element: _EachOf, compiler: Any, **kw: Any) -> str:
    return f"json_array_elements(CAST({compiler.process(element.clauses, **kw)} AS json))"


def of_cases(
    device: sa.ColumnElement[Any], case_id: sa.ColumnElement[Any]
) -> sa.ColumnElement[bool]:
    """The condition for the rows of some cases, which `these` names.

    One look-up in an index a case. Of a list of pairs SQLite would read the whole table; of a list
    of devices and one of cases it looks up each with each.
    """
    pair = _EachOf(sa.bindparam("keys", type_=sa.Text)).table_valued("value").c.value
    named = [pair.op("->>")(sa.literal_column(str(at))) for at in range(2)]
    return sa.tuple_(device, case_id).in_(sa.select(*named))


def these(keys: Iterable[Sequence[Any]]) -> dict[str, str]:
    """The parameters of `of_cases` for keys that begin with a device and a case."""
    return {"keys": json.dumps(sorted({(key[0], key[1]) for key in keys}))}
