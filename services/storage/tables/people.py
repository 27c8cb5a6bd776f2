"""People, what they chose, groups and their buttons."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Boolean, Column, ForeignKey, Index, String, Table, false

from services.storage.tables.columns import Instant, metadata

people = Table(
    "people",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("name", String(128), nullable=False),
    Column("username", String(64)),
    Column("role", String(16), nullable=False),
    Column("zone", String(64), nullable=False),
    Column("locale", String(16), nullable=False),
    Column("quiet_from", String(5)),
    Column("quiet_to", String(5)),
    Column("reachable", Boolean, nullable=False),
    Column("granted_by", BigInteger),
    Column("created_at", Instant, nullable=False),
    Column("terminal_id", String(32)),
    Column("grade", String(16), nullable=False, server_default="regular"),
    Column("lease_until", Instant),
    Column("lease_told", Boolean, nullable=False, server_default=false()),
)

# What the settings said of each grade when the desk was started last.
grades = Table(
    "grades",
    metadata,
    Column("name", String(16), primary_key=True),
    Column("terms", JSON, nullable=False),
)

preferences = Table(
    "preferences",
    metadata,
    Column("person_id", ForeignKey("people.id"), primary_key=True),
    Column("event", String(16), primary_key=True),
    Column("loudness", String(8), nullable=False),
)

access_requests = Table(
    "access_requests",
    metadata,
    Column("person_id", BigInteger, primary_key=True, autoincrement=False),
    Column("name", String(128), nullable=False),
    Column("username", String(64)),
    Column("state", String(16), nullable=False),
    Column("asked_at", Instant, nullable=False),
    Column("told_at", Instant),
)

checklist = Table(
    "checklist",
    metadata,
    Column("person_id", ForeignKey("people.id"), primary_key=True),
    Column("item", String(24), primary_key=True),
    Column("done_at", Instant, nullable=False),
)

chats = Table(
    "chats",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("title", String(256), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("added_by", BigInteger),
    Column("updated_at", Instant, nullable=False),
)

bindings = Table(
    "bindings",
    metadata,
    Column("topic", String(16), primary_key=True),
    Column("chat_id", BigInteger, primary_key=True),
    Column("thread_id", BigInteger),
    Column("bound_by", BigInteger),
)

tokens = Table(
    "tokens",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("act", String(16), nullable=False),
    Column("person_id", BigInteger),
    Column("chat_id", BigInteger),
    Column("terms", JSON, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("used_at", Instant),
    Index("ix_tokens_expires_at", "expires_at"),
)
