"""How people and strategies come to entries, and what was fired, or tried, without a tap."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, String, Table

from services.storage.tables.columns import Instant, metadata

modes = Table(
    "modes",
    metadata,
    Column("scope", String(16), primary_key=True),
    Column("subject", String(64), primary_key=True),
    Column("mode", String(8), nullable=False),
    Column("by_id", BigInteger, nullable=False),
    Column("at", Instant, nullable=False),
)

auto_fires = Table(
    "auto_fires",
    metadata,
    Column("mission_id", ForeignKey("missions.id"), primary_key=True),
    Column("person_id", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Instant, nullable=False),
    Column("outcome", String(24)),
)
