"""Kills: what follows a halt, worked off from its row."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.column_types import instant

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Move the schema one step on."""
    op.create_table(
        "kills",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("at", instant(), nullable=False),
        sa.Column("by_id", sa.BigInteger(), nullable=False),
        sa.Column("by_name", sa.String(length=128), nullable=False),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=256), nullable=False),
        sa.Column("correlation", sa.String(length=64), nullable=False),
        sa.Column("flatten", sa.Boolean(), nullable=False),
        sa.Column("flatten_by", sa.String(length=128), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("working", sa.Boolean(), nullable=False),
        sa.Column("phase_at", instant(), nullable=False),
        sa.Column("done_at", instant(), nullable=True),
        sa.Column("entries", sa.JSON(), nullable=False),
        sa.Column("gone", sa.Integer(), nullable=False),
        sa.Column("leftovers", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_kills")),
    )
    with op.batch_alter_table("kills", schema=None) as batch_op:
        batch_op.create_index("ix_kills_at", ["at"], unique=False)


def downgrade() -> None:
    """Take the step back."""
    with op.batch_alter_table("kills", schema=None) as batch_op:
        batch_op.drop_index("ix_kills_at")

    op.drop_table("kills")
