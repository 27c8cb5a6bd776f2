"""Changes of what the desk may do, and the values of limits that changes have set over those of the settings."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Boolean, Column, ForeignKey, Index, Integer, String, Table, Text

from services.storage.tables.columns import Amount, Instant, id_column, metadata

changes = Table(
    "changes",
    metadata,
    id_column(),
    Column("number", Integer, nullable=False),
    Column("kind", String(24), nullable=False),
    Column("subject", String(128), nullable=False),
    Column("before", String(128), nullable=False),
    Column("after", String(128), nullable=False),
    Column("tightens", Boolean, nullable=False),
    Column("by", BigInteger, nullable=False),
    Column("reason", Text),
    Column("state", String(16), nullable=False),
    Column("asked_at", Instant, nullable=False),
    Column("effective_at", Instant),
    Column("decided_at", Instant),
    Column("evidence", JSON),
    Column("reverses", Integer),
    Index("ix_changes_number", "number", unique=True),
    Index("ix_changes_kind_subject", "kind", "subject"),
    Index("ix_changes_state", "state"),
)

# ``setting`` is what the settings said where the value was set; ``value`` is missing where the limit was switched off.
limit_values = Table(
    "limit_values",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("scope", String(16), primary_key=True),
    Column("subject", String(64), primary_key=True),
    Column("value", Amount),
    Column("setting", Amount),
    Column("change_id", ForeignKey("changes.id"), nullable=False),
    Column("at", Instant, nullable=False),
)
