"""News: headlines, what is known of each feed, and the calendar that was read last."""

from __future__ import annotations

from sqlalchemy import Column, Float, Index, Integer, String, Table, Text

from services.storage.tables.columns import Instant, id_column, metadata

news_items = Table(
    "news_items",
    metadata,
    id_column(),
    Column("feed", String(24), nullable=False),
    Column("link_key", String(32), unique=True),
    Column("link", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("published_at", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False),
    Column("score", Float, nullable=False),
    Index("ix_news_items_published_at", "published_at"),
)

news_feeds = Table(
    "news_feeds",
    metadata,
    Column("name", String(24), primary_key=True),
    Column("url", Text, nullable=False),
    Column("etag", Text, nullable=False),
    Column("modified", Text, nullable=False),
    Column("tried_at", Instant, nullable=False),
    Column("read_at", Instant),
    Column("trouble", String(24), nullable=False),
    Column("detail", Text, nullable=False),
    Column("reads", Integer, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("items", Integer, nullable=False),
    Column("repeated", Integer, nullable=False),
    Column("dropped", Integer, nullable=False),
)

calendars = Table(
    "calendars",
    metadata,
    Column("source", Text, primary_key=True),
    Column("document", Text, nullable=False),
    Column("read_at", Instant, nullable=False),
)
