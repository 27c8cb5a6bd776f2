"""Who keeps the trades of somebody who may not trade any more."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.column_types import instant

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Move the schema one step on."""
    op.create_table(
        "handovers",
        sa.Column("trade_id", sa.String(length=32), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("keeper_id", sa.BigInteger(), nullable=False),
        sa.Column("why", sa.String(length=24), nullable=False),
        sa.Column("at", instant(), nullable=False),
        sa.Column("answer", sa.String(length=8), nullable=True),
        sa.ForeignKeyConstraint(["trade_id"], ["trades.id"], name=op.f("fk_handovers_trade_id")),
        sa.PrimaryKeyConstraint("trade_id", name=op.f("pk_handovers")),
    )
    with op.batch_alter_table("handovers", schema=None) as batch_op:
        batch_op.create_index("ix_handovers_keeper_id", ["keeper_id"], unique=False)


def downgrade() -> None:
    """Take the step back."""
    with op.batch_alter_table("handovers", schema=None) as batch_op:
        batch_op.drop_index("ix_handovers_keeper_id")

    op.drop_table("handovers")
