"""Senders outside, what they delivered, and what of it was turned away."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Boolean, Column, ForeignKey, Index, Integer, String, Table, UniqueConstraint

from services.storage.tables.columns import Amount, Instant, id_column, metadata

sources = Table(
    "sources",
    metadata,
    Column("name", String(24), primary_key=True),
    Column("owner_id", BigInteger),
    Column("state", String(8), nullable=False),
    Column("plain", Boolean, nullable=False),
    Column("sealed", String(256), nullable=False),
    Column("note", String(96), nullable=False),
    Column("judged_from", Instant, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("changed_by", BigInteger),
    Column("changed_at", Instant, nullable=False),
)

arrivals = Table(
    "arrivals",
    metadata,
    id_column(),
    Column("source", ForeignKey("sources.name"), nullable=False),
    Column("key", String(96), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("alert", JSON, nullable=False),
    Column("received_at", Instant, nullable=False),
    Column("state", String(8), nullable=False),
    Column("signal_id", ForeignKey("signals.id")),
    Column("drop_code", String(32)),
    Column("drop_note", String(256)),
    Column("decided_at", Instant),
    # What the call came to by the candles that followed, in R and before costs; unset while they do not tell.
    Column("result_r", Amount),
    # One delivery is one alert, however often it is repeated.
    UniqueConstraint("source", "key"),
    Index("ix_arrivals_source_received_at", "source", "received_at"),
    Index("ix_arrivals_state_received_at", "state", "received_at"),
)

# What signed a request once signs no other: kept for as long as its timestamp could pass.
nonces = Table(
    "nonces",
    metadata,
    Column("source", String(24), primary_key=True),
    Column("nonce", String(64), primary_key=True),
    Column("at", Instant, nullable=False),
    Index("ix_nonces_source_at", "source", "at"),
)

# Requests of known senders that were turned away or repeated, by day (UTC) and code: a number each, whatever is sent.
source_counts = Table(
    "source_counts",
    metadata,
    Column("source", String(24), primary_key=True),
    Column("day", String(10), primary_key=True),
    Column("code", String(16), primary_key=True),
    Column("n", Integer, nullable=False),
)
