"""Statements that both databases write alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.dml import Insert

from services.storage.database import Unit


def upsert(unit: Unit, table: Table, keys: Mapping[str, Any], values: Mapping[str, Any]) -> None:
    """Insert the row, or set ``values`` on the one that has these primary ``keys``."""
    statement = _insert(unit, table).values(**keys, **values)
    unit.run(statement.on_conflict_do_update(index_elements=list(keys), set_=dict(values)))


def insert_once(unit: Unit, table: Table, row: Mapping[str, Any]) -> bool:
    """Insert the row unless a unique rule says it exists; tell whether it was inserted."""
    return unit.run(_insert(unit, table).values(**row).on_conflict_do_nothing()).rowcount == 1


def _insert(unit: Unit, table: Table) -> Any:
    dialect = unit.connection.dialect.name
    builder: type[Insert] = sqlite.Insert if dialect == "sqlite" else postgresql.Insert
    return builder(table)
