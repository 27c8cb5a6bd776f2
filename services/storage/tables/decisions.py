"""The decision journal."""

from __future__ import annotations

from sqlalchemy import JSON, Column, ForeignKey, Index, String, Table

from services.storage.tables.columns import Instant, metadata

decision_journal = Table(
    "decision_journal",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("mission_id", ForeignKey("missions.id"), nullable=False),
    Column("person_id", ForeignKey("people.id"), nullable=False),
    Column("source", String(96), nullable=False),
    Column("decided", String(16), nullable=False),
    Column("reason", String(32)),
    Column("trade_id", ForeignKey("trades.id")),
    Column("shown", JSON, nullable=False),
    Column("at", Instant, nullable=False),
    Column("changed_at", Instant),
    Index("ix_decision_journal_person_id_at", "person_id", "at"),
    Index("ix_decision_journal_mission_id", "mission_id"),
)
