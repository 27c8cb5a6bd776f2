"""Circuit breakers: one row for each that was ever opened, as its last move left it, and each terminal's highest equity."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, String, Table, Text

from services.storage.tables.columns import Amount, Instant, metadata

breakers = Table(
    "breakers",
    metadata,
    Column("kind", String(24), primary_key=True),
    Column("subject", String(64), primary_key=True),
    Column("scope", String(16), nullable=False),
    Column("id", String(32), nullable=False),
    Column("state", String(16), nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("reason", Text, nullable=False),
    Column("closes_at", Instant),
    Column("by_name", String(128), nullable=False),
    Column("trial", String(32)),
    Column("counted_from", Instant),
    Index("ix_breakers_state", "state"),
)

peaks = Table(
    "peaks",
    metadata,
    Column("terminal_id", ForeignKey("terminals.id"), primary_key=True),
    Column("equity", Amount, nullable=False),
    Column("at", Instant, nullable=False),
)
