"""The process and the journal."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Column, Index, Integer, String, Table, Text

from services.storage.tables.columns import Instant, id_column, metadata

duties = Table(
    "duties",
    metadata,
    Column("name", String(96), primary_key=True),
    Column("due_at", Instant, nullable=False),
    Column("done_at", Instant),
    Column("terms", JSON, nullable=False),
    Index("ix_duties_due_at", "due_at"),
)

requests = Table(
    "requests",
    metadata,
    id_column(),
    Column("kind", String(32), nullable=False),
    Column("terms", JSON, nullable=False),
    Column("actor", String(64), nullable=False),
    Column("correlation", String(64), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("done_at", Instant),
)

leases = Table(
    "leases",
    metadata,
    Column("role", String(64), primary_key=True),
    Column("owner", String(128), nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("expires_at", Instant, nullable=False),
)

stages = Table(
    "stages",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("period_s", Integer, nullable=False),
    Column("last_success", Instant),
    Column("next_run", Instant),
    Column("detail", String(160), nullable=False),
    Column("lag_ms", Integer),
)

counters = Table(
    "counters",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("value", BigInteger, nullable=False),
)

facts = Table(
    "facts",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("value", Text, nullable=False),
)

journal = Table(
    "journal",
    metadata,
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Instant, nullable=False),
    Column("actor", String(64), nullable=False),
    Column("kind", String(48), nullable=False),
    Column("correlation", String(64), nullable=False),
    Column("facts", Text, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    Index("ix_journal_correlation", "correlation"),
    Index("ix_journal_kind_sequence", "kind", "sequence"),
    Index("ix_journal_at_sequence", "at", "sequence"),
)
