"""What is wrong, who has it, and what was said of it outside of the chat."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Column, ForeignKey, Index, Integer, String, Table

from services.storage.tables.columns import Instant, id_column, metadata

incidents = Table(
    "incidents",
    metadata,
    id_column(),
    Column("code", String(32), nullable=False),
    Column("subject", String(96), nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("last_at", Instant, nullable=False),
    Column("count", Integer, nullable=False),
    Column("closed_at", Instant),
    Column("facts", JSON, nullable=False),
    Column("person_id", BigInteger),
    Column("taken_at", Instant),
    Column("taken_by", BigInteger),
    # How often somebody was called, and how long the last call has gone unanswered by the desk's own monotonic time.
    Column("step", Integer, nullable=False, server_default="0"),
    Column("waited_s", Integer, nullable=False, server_default="0"),
    Column("refreshed_at", Instant),
    Index("ix_incidents_closed_at", "closed_at"),
)

outside_notices = Table(
    "outside_notices",
    metadata,
    id_column(),
    Column("incident_id", String(32), ForeignKey("incidents.id"), nullable=False),
    Column("place", Integer, nullable=False),
    Column("reason", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("not_before", Instant),
    Column("answered_at", Instant),
    Column("attempts", Integer, nullable=False),
    Column("error", String(256)),
    Index("ix_outside_notices_state", "state"),
)
