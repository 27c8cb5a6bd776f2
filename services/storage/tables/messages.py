"""Updates in, messages out."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Boolean, Column, Index, Integer, String, Table, Text

from services.storage.tables.columns import Instant, metadata

updates = Table(
    "updates",
    metadata,
    Column("update_id", BigInteger, primary_key=True, autoincrement=False),
    Column("state", String(16), nullable=False),
    Column("payload", Text, nullable=False),
    Column("received_at", Instant, nullable=False),
    Index("ix_updates_state", "state"),
)

notices = Table(
    "notices",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("chat_id", BigInteger, nullable=False),
    Column("thread_id", BigInteger),
    Column("template", String(48), nullable=False),
    Column("facts", JSON, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("silent", Boolean, nullable=False),
    Column("state", String(16), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("not_before", Instant),
    Column("reply_to_card", String(96)),
    Column("attempts", Integer, nullable=False),
    Column("message_id", BigInteger),
    Column("answered_at", Instant),
    Column("error", String(256)),
    Index("ix_notices_state_priority", "state", "priority"),
)

cards = Table(
    "cards",
    metadata,
    Column("key", String(96), primary_key=True),
    Column("chat_id", BigInteger, primary_key=True),
    Column("thread_id", BigInteger),
    Column("message_id", BigInteger),
    Column("wanted", Integer, nullable=False),
    Column("shown", Integer, nullable=False),
    Column("silent", Boolean, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("reply_to_card", String(96)),
    Column("digest", String(64)),
    Column("has_photo", Boolean, nullable=False),
    Column("stale", Boolean, nullable=False),
    Column("created_at", Instant, nullable=False),
    # Since when it waits for its turn: what changes all the time goes behind what waited in the meantime.
    Column("asked_at", Instant, nullable=False),
    # A card is due when more changes were asked for than shown; `stale` keeps that in one indexed column.
    Index("ix_cards_stale_priority", "stale", "priority"),
)
