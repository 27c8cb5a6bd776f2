"""What follows a halt."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Boolean, Column, Index, Integer, String, Table

from services.storage.tables.columns import Instant, id_column, metadata

kills = Table(
    "kills",
    metadata,
    id_column(),
    Column("at", Instant, nullable=False),
    Column("by_id", BigInteger, nullable=False),
    Column("by_name", String(128), nullable=False),
    Column("channel", String(16), nullable=False),
    Column("reason", String(256), nullable=False),
    Column("correlation", String(64), nullable=False),
    Column("flatten", Boolean, nullable=False),
    Column("flatten_by", String(128)),
    Column("state", String(16), nullable=False),
    Column("working", Boolean, nullable=False),
    Column("phase_at", Instant, nullable=False),
    Column("done_at", Instant),
    Column("entries", JSON, nullable=False),
    Column("gone", Integer, nullable=False),
    Column("leftovers", JSON, nullable=False),
    Index("ix_kills_at", "at"),
)
