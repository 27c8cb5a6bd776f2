"""Modes of people and strategies, and what was fired without a tap."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.column_types import instant

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Move the schema one step on."""
    op.create_table(
        "modes",
        sa.Column("scope", sa.String(length=16), nullable=False),
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("mode", sa.String(length=8), nullable=False),
        sa.Column("by_id", sa.BigInteger(), nullable=False),
        sa.Column("at", instant(), nullable=False),
        sa.PrimaryKeyConstraint("scope", "subject", name=op.f("pk_modes")),
    )
    op.create_table(
        "auto_fires",
        sa.Column("mission_id", sa.String(length=32), nullable=False),
        sa.Column("person_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", instant(), nullable=False),
        sa.Column("outcome", sa.String(length=24), nullable=True),
        sa.ForeignKeyConstraint(["mission_id"], ["missions.id"], name=op.f("fk_auto_fires_mission_id")),
        sa.PrimaryKeyConstraint("mission_id", "person_id", name=op.f("pk_auto_fires")),
    )


def downgrade() -> None:
    """Take the step back."""
    op.drop_table("auto_fires")
    op.drop_table("modes")
