"""Statements that both databases write alike.

A statement is built once for a table and its columns: to build it again for each call costs several times what running it does.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.dml import Insert

from services.storage.database import Unit


def upsert(unit: Unit, table: Table, keys: Mapping[str, Any], values: Mapping[str, Any]) -> None:
    """Insert the row, or set ``values`` on the one that has these primary ``keys``."""
    unit.run(_upsert(unit.connection.dialect.name, table, tuple(keys), tuple(values)), {**keys, **values})


def insert_once(unit: Unit, table: Table, row: Mapping[str, Any]) -> bool:
    """Insert the row unless a unique rule says it exists; tell whether it was inserted."""
    return unit.run(_insert_once(unit.connection.dialect.name, table), dict(row)).rowcount == 1


@cache
def _upsert(dialect: str, table: Table, keys: tuple[str, ...], columns: tuple[str, ...]) -> Insert:
    statement = _insert(dialect, table)
    changes = {name: statement.excluded[name] for name in columns}
    built: Insert = statement.on_conflict_do_update(index_elements=list(keys), set_=changes)
    return built


@cache
def _insert_once(dialect: str, table: Table) -> Insert:
    built: Insert = _insert(dialect, table).on_conflict_do_nothing()
    return built


def _insert(dialect: str, table: Table) -> Any:
    builder: type[Insert] = sqlite.Insert if dialect == "sqlite" else postgresql.Insert
    return builder(table)
