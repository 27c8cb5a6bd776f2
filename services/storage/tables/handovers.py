"""Trades passed on: one row for each, as its last hand left it."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, String, Table

from services.storage.tables.columns import Instant, metadata

handovers = Table(
    "handovers",
    metadata,
    Column("trade_id", ForeignKey("trades.id"), primary_key=True),
    Column("person_id", BigInteger, nullable=False),
    Column("keeper_id", BigInteger, nullable=False),
    Column("why", String(24), nullable=False),
    Column("at", Instant, nullable=False),
    Column("answer", String(8)),
    Index("ix_handovers_keeper_id", "keeper_id"),
)
