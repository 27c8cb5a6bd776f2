"""Senders outside: who they are, what they delivered, and what of it was turned away."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.column_types import amount, instant

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Move the schema one step on."""
    op.create_table(
        "sources",
        sa.Column("name", sa.String(length=24), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("plain", sa.Boolean(), nullable=False),
        sa.Column("sealed", sa.String(length=256), nullable=False),
        sa.Column("note", sa.String(length=96), nullable=False),
        sa.Column("judged_from", instant(), nullable=False),
        sa.Column("created_at", instant(), nullable=False),
        sa.Column("changed_by", sa.BigInteger(), nullable=True),
        sa.Column("changed_at", instant(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_sources")),
    )
    op.create_table(
        "nonces",
        sa.Column("source", sa.String(length=24), nullable=False),
        sa.Column("nonce", sa.String(length=64), nullable=False),
        sa.Column("at", instant(), nullable=False),
        sa.PrimaryKeyConstraint("source", "nonce", name=op.f("pk_nonces")),
    )
    op.create_index("ix_nonces_source_at", "nonces", ["source", "at"], unique=False)
    op.create_table(
        "source_counts",
        sa.Column("source", sa.String(length=24), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("code", sa.String(length=16), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("source", "day", "code", name=op.f("pk_source_counts")),
    )
    _create_arrivals()


def _create_arrivals() -> None:
    op.create_table(
        "arrivals",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("source", sa.String(length=24), nullable=False),
        sa.Column("key", sa.String(length=96), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("alert", sa.JSON(), nullable=False),
        sa.Column("received_at", instant(), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("signal_id", sa.String(length=32), nullable=True),
        sa.Column("drop_code", sa.String(length=32), nullable=True),
        sa.Column("drop_note", sa.String(length=256), nullable=True),
        sa.Column("decided_at", instant(), nullable=True),
        sa.Column("result_r", amount(), nullable=True),
        sa.ForeignKeyConstraint(["source"], ["sources.name"], name=op.f("fk_arrivals_source")),
        sa.ForeignKeyConstraint(["signal_id"], ["signals.id"], name=op.f("fk_arrivals_signal_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_arrivals")),
        sa.UniqueConstraint("source", "key", name=op.f("uq_arrivals_source_key")),
    )
    op.create_index("ix_arrivals_source_received_at", "arrivals", ["source", "received_at"], unique=False)
    op.create_index("ix_arrivals_state_received_at", "arrivals", ["state", "received_at"], unique=False)


def downgrade() -> None:
    """Take the step back."""
    op.drop_index("ix_arrivals_state_received_at", table_name="arrivals")
    op.drop_index("ix_arrivals_source_received_at", table_name="arrivals")
    op.drop_table("arrivals")
    op.drop_table("source_counts")
    op.drop_index("ix_nonces_source_at", table_name="nonces")
    op.drop_table("nonces")
    op.drop_table("sources")
