"""From signal to decision."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Boolean, Column, ForeignKey, Index, Integer, String, Table, Text, UniqueConstraint

from services.storage.tables.columns import Amount, Instant, id_column, metadata

universes = Table(
    "universes",
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("digest", String(64), nullable=False),
    Column("instruments", JSON, nullable=False),
    Column("created_at", Instant, nullable=False),
)

strategies = Table(
    "strategies",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("state", String(16), nullable=False),
    Column("changed_by", BigInteger),
    Column("changed_at", Instant, nullable=False),
)

signals = Table(
    "signals",
    metadata,
    id_column(),
    Column("source", String(96), nullable=False),
    Column("symbol", String(32), nullable=False),
    Column("timeframe", String(8), nullable=False),
    Column("side", String(8), nullable=False),
    Column("entry_low", Amount, nullable=False),
    Column("entry_high", Amount, nullable=False),
    Column("stop", Amount, nullable=False),
    Column("targets", JSON, nullable=False),
    Column("score", Integer, nullable=False),
    Column("score_parts", JSON, nullable=False),
    Column("reason", Text, nullable=False),
    Column("facts", JSON, nullable=False),
    Column("candle_time", Instant),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("drop_code", String(32)),
    Column("drop_note", String(256)),
    # One candle calls once, whatever is repeated after a restart.
    UniqueConstraint("source", "symbol", "timeframe", "candle_time"),
)

missions = Table(
    "missions",
    metadata,
    id_column(),
    Column("number", Integer, nullable=False, unique=True),
    Column("signal_id", ForeignKey("signals.id"), nullable=False, unique=True),
    Column("symbol", String(32), nullable=False),
    Column("side", String(8), nullable=False),
    Column("state", String(16), nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("closed_at", Instant),
    Index("ix_missions_state_expires_at", "state", "expires_at"),
)

offers = Table(
    "offers",
    metadata,
    Column("mission_id", ForeignKey("missions.id"), primary_key=True),
    Column("chat_id", BigInteger, primary_key=True),
    Column("grouped", Boolean, nullable=False),
    Column("offered_at", Instant, nullable=False),
    Index("ix_offers_chat_id_offered_at", "chat_id", "offered_at"),
)

decisions = Table(
    "decisions",
    metadata,
    Column("mission_id", ForeignKey("missions.id"), primary_key=True),
    Column("person_id", ForeignKey("people.id"), primary_key=True),
    Column("decision", String(16), nullable=False),
    Column("reason", String(32)),
    Column("at", Instant, nullable=False),
)

previews = Table(
    "previews",
    metadata,
    Column("mission_id", ForeignKey("missions.id"), primary_key=True),
    Column("person_id", ForeignKey("people.id"), primary_key=True),
    Column("terminal_id", ForeignKey("terminals.id"), nullable=False),
    Column("state", String(16), nullable=False),
    Column("token_id", String(32)),
    Column("size", String(8), nullable=False),
    Column("quantity", Amount, nullable=False),
    Column("half", Amount, nullable=False),
    Column("full", Amount, nullable=False),
    Column("largest", Amount, nullable=False),
    Column("decision_price", Amount, nullable=False),
    Column("worst_price", Amount, nullable=False),
    Column("loss", Amount, nullable=False),
    Column("equity", Amount),
    Column("checks", JSON, nullable=False),
    Column("note", String(64), nullable=False),
    Column("route", JSON(none_as_null=True)),
    Column("proof", JSON(none_as_null=True)),
    Column("good_until", Instant, nullable=False),
    Column("at", Instant, nullable=False),
)
