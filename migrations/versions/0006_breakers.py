"""Circuit breakers, and the highest equity of each terminal."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.column_types import amount, instant

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Move the schema one step on."""
    op.create_table(
        "breakers",
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("scope", sa.String(length=16), nullable=False),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("opened_at", instant(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("closes_at", instant(), nullable=True),
        sa.Column("by_name", sa.String(length=128), nullable=False),
        sa.Column("trial", sa.String(length=32), nullable=True),
        sa.Column("counted_from", instant(), nullable=True),
        sa.PrimaryKeyConstraint("kind", "subject", name=op.f("pk_breakers")),
    )
    with op.batch_alter_table("breakers", schema=None) as batch_op:
        batch_op.create_index("ix_breakers_state", ["state"], unique=False)
    op.create_table(
        "peaks",
        sa.Column("terminal_id", sa.String(length=32), nullable=False),
        sa.Column("equity", amount(), nullable=False),
        sa.Column("at", instant(), nullable=False),
        sa.ForeignKeyConstraint(["terminal_id"], ["terminals.id"], name=op.f("fk_peaks_terminal_id")),
        sa.PrimaryKeyConstraint("terminal_id", name=op.f("pk_peaks")),
    )


def downgrade() -> None:
    """Take the step back."""
    op.drop_table("peaks")
    with op.batch_alter_table("breakers", schema=None) as batch_op:
        batch_op.drop_index("ix_breakers_state")

    op.drop_table("breakers")
