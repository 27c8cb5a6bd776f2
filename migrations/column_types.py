"""The column types that revisions name; a revision must not change when the application's own types do."""

from __future__ import annotations

from typing import Any

from sqlalchemy import DateTime, Numeric, String
from sqlalchemy.types import TypeEngine


def amount() -> TypeEngine[Any]:
    """Return an exact decimal: text on SQLite, NUMERIC without a scale, which would round, on PostgreSQL."""
    return String(64).with_variant(Numeric(), "postgresql")


def instant() -> TypeEngine[Any]:
    """Return a time: ISO text on SQLite, timestamptz on PostgreSQL."""
    return String(32).with_variant(DateTime(timezone=True), "postgresql")
