"""Questions that wait for a second person, and the answers: one for each person."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, String, Table, Text

from services.storage.tables.columns import Instant, id_column, metadata

approvals = Table(
    "approvals",
    metadata,
    id_column(),
    Column("number", Integer, nullable=False),
    Column("subject", String(16), nullable=False),
    Column("subject_id", String(32), nullable=False),
    Column("kind", String(24), nullable=False),
    Column("asked_by", BigInteger, nullable=False),
    Column("needed", Integer, nullable=False),
    Column("solo", Boolean, nullable=False),
    Column("phrase", String(64)),
    Column("ready_at", Instant),
    Column("asked_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("state", String(16), nullable=False),
    Column("decided_at", Instant),
    Column("reason", Text),
    Index("ix_approvals_number", "number", unique=True),
    Index("ix_approvals_state", "state"),
    Index("ix_approvals_subject_id", "subject_id"),
)

approval_answers = Table(
    "approval_answers",
    metadata,
    Column("approval_id", ForeignKey("approvals.id"), primary_key=True),
    Column("person_id", BigInteger, primary_key=True),
    Column("yes", Boolean, nullable=False),
    Column("reason", Text),
    Column("at", Instant, nullable=False),
)
