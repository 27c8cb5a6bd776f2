"""News: headlines, feeds, and the calendar that was read last."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.column_types import instant

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Move the schema one step on."""
    op.create_table(
        "calendars",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("read_at", instant(), nullable=False),
        sa.PrimaryKeyConstraint("source", name=op.f("pk_calendars")),
    )
    op.create_table(
        "news_feeds",
        sa.Column("name", sa.String(length=24), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("etag", sa.Text(), nullable=False),
        sa.Column("modified", sa.Text(), nullable=False),
        sa.Column("tried_at", instant(), nullable=False),
        sa.Column("read_at", instant(), nullable=True),
        sa.Column("trouble", sa.String(length=24), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("reads", sa.Integer(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("items", sa.Integer(), nullable=False),
        sa.Column("repeated", sa.Integer(), nullable=False),
        sa.Column("dropped", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_news_feeds")),
    )
    op.create_table(
        "news_items",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("feed", sa.String(length=24), nullable=False),
        sa.Column("link_key", sa.String(length=32), nullable=True),
        sa.Column("link", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("published_at", instant(), nullable=False),
        sa.Column("seen_at", instant(), nullable=False),
        sa.Column("score", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_news_items")),
        sa.UniqueConstraint("link_key", name=op.f("uq_news_items_link_key")),
    )
    with op.batch_alter_table("news_items", schema=None) as batch_op:
        batch_op.create_index("ix_news_items_published_at", ["published_at"], unique=False)


def downgrade() -> None:
    """Take the step back."""
    with op.batch_alter_table("news_items", schema=None) as batch_op:
        batch_op.drop_index("ix_news_items_published_at")

    op.drop_table("news_items")
    op.drop_table("news_feeds")
    op.drop_table("calendars")
