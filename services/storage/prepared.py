"""Statements that run again and again, on SQLite straight through its driver.

SQLAlchemy writes a statement's text and knows how the values of each column are stored and read back. That is asked once; to
have it execute every time as well costs several times what SQLite does (see docs/decisions/0010-prepared-statements.md).
"""

from __future__ import annotations

import sqlite3
from collections import namedtuple
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol
from weakref import WeakKeyDictionary

from sqlalchemy import Dialect, Executable
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import ClauseElement
from sqlalchemy.sql.selectable import ReturnsRows

Convert = Callable[[Any], Any]
Values = Mapping[str, Any]


class Result(Protocol):
    """What a statement did: how many rows it changed, or those that it returned."""

    @property
    def rowcount(self) -> int:
        """Return how many rows it changed."""
        ...

    def first(self) -> Any:
        """Return the first row, or None."""
        ...

    def all(self) -> Sequence[Any]:
        """Return all rows."""
        ...


class Prepared:
    """One statement with one set of parameters: its text, how each parameter is written, and how a row is read."""

    __slots__ = ("_parameters", "_readers", "_row", "columns", "text")

    def __init__(self, compiled: SQLCompiler, dialect: Dialect, columns: Sequence[Any]) -> None:
        given = {name: None for name, bind in compiled.binds.items() if bind.required}
        state = compiled.construct_expanded_state(given)
        self.text = state.statement
        self._parameters = [
            _Parameter(compiled, dialect, name, state.parameters, given=name in given) for name in state.positiontup or ()
        ]
        readers = [column.type.dialect_impl(dialect).result_processor(dialect, None) for column in columns]
        self._readers = [(index, reader) for index, reader in enumerate(readers) if reader is not None]
        self.columns = tuple(column.name for column in columns)
        self._row = _row_type(self.columns)

    def bind(self, values: Values) -> list[Any]:
        """Return the parameters in their order."""
        return [each.of(values) for each in self._parameters]

    def read(self, found: Sequence[Any]) -> Any:
        """Return one row with its values as the columns' types have them."""
        if not self._readers:
            return self._row._make(found)
        values = list(found)
        for index, reader in self._readers:
            values[index] = reader(values[index])
        return self._row._make(values)


class _Parameter:
    """A value that is given with each call, or one that stands in the statement."""

    __slots__ = ("_fixed", "_name", "_write")

    def __init__(self, compiled: SQLCompiler, dialect: Dialect, name: str, fixed: Values, *, given: bool) -> None:
        bind = compiled.binds.get(name)
        # The members of a list that stands in the statement have names that only the text knows; they are plain texts.
        self._write: Convert | None = bind.type.dialect_impl(dialect).bind_processor(dialect) if bind is not None else None
        self._name = name if given else None
        self._fixed = None if given else self._written(fixed[name])

    def of(self, values: Values) -> Any:
        return self._fixed if self._name is None else self._written(values[self._name])

    def _written(self, value: Any) -> Any:
        return value if self._write is None else self._write(value)


class _Done:
    """The result of a prepared statement."""

    __slots__ = ("_cursor", "_prepared")

    def __init__(self, prepared: Prepared, cursor: sqlite3.Cursor) -> None:
        self._prepared = prepared
        self._cursor = cursor

    @property
    def rowcount(self) -> int:
        return self._cursor.rowcount

    def first(self) -> Any:
        try:
            found = self._cursor.fetchone()
        except sqlite3.Error as error:
            raise as_sqlalchemy(self._prepared, error) from error
        # An unfinished cursor would keep the statement, and with it the snapshot, open.
        self._cursor.close()
        return None if found is None else self._prepared.read(found)

    def all(self) -> Sequence[Any]:
        try:
            rows = self._cursor.fetchall()
        except sqlite3.Error as error:
            raise as_sqlalchemy(self._prepared, error) from error
        return [self._prepared.read(found) for found in rows]


# By the statement itself: one that was built for a single call is gone after it, and never prepared.
_Known = dict[tuple[str, ...], Prepared | None]
_seen: WeakKeyDictionary[Executable, _Known] = WeakKeyDictionary()


def driver_of(connection: Connection) -> sqlite3.Connection | None:
    """Return SQLite's own connection, None on another database."""
    raw = connection.connection.dbapi_connection if connection.dialect.name == "sqlite" else None
    return raw if isinstance(raw, sqlite3.Connection) else None


def execute(connection: Connection, driver: sqlite3.Connection, statement: Executable, values: Any) -> Result | None:
    """Execute a statement that came by before; return None for one that SQLAlchemy should take.

    ``values`` are the parameters by name, or a sequence of such for many rows. What SQLite refuses is raised as SQLAlchemy
    raises it, whichever of the two took the statement.
    """
    rows: Sequence[Values] | None = None if isinstance(values, Mapping) else values
    named: Values = values if isinstance(values, Mapping) else values[0]
    known = _seen.get(statement)
    if known is None:
        _seen[statement] = {}
        return None
    names = tuple(named)
    if names not in known:
        known[names] = prepare(statement, names, connection.dialect)
    prepared = known[names]
    if prepared is None:
        return None
    try:
        if rows is not None:
            return _Done(prepared, driver.executemany(prepared.text, map(prepared.bind, rows)))
        return _Done(prepared, driver.execute(prepared.text, prepared.bind(named)))
    except sqlite3.Error as error:
        raise as_sqlalchemy(prepared, error) from error


def as_sqlalchemy(prepared: Prepared, error: sqlite3.Error) -> BaseException:
    """Return SQLAlchemy's error for one of the driver's, without the values."""
    return DBAPIError.instance(prepared.text, None, error, sqlite3.Error, hide_parameters=True)


def prepare(statement: Executable, names: Sequence[str], dialect: Dialect) -> Prepared | None:
    """Return a statement for these parameters, or None for one whose text differs from call to call."""
    if not isinstance(statement, ClauseElement) or not isinstance(statement, ReturnsRows):
        return None
    compiled = statement.compile(dialect=dialect, column_keys=None if statement.is_select else list(names))
    columns = list(statement.exported_columns)
    if not isinstance(compiled, SQLCompiler) or any(_varies(compiled)) or not _are_fields([each.name for each in columns]):
        return None
    return Prepared(compiled, dialect, columns)


def _row_type(names: Sequence[str]) -> Any:
    return namedtuple("Row", names)


def _varies(compiled: SQLCompiler) -> Iterator[bool]:
    """Tell of each parameter whether its length is known only with the call."""
    for bind in compiled.binds.values():
        yield bind.expanding and bind.required


def _are_fields(names: Sequence[str]) -> bool:
    return len(set(names)) == len(names) and all(name.isidentifier() and not name.startswith("_") for name in names)
