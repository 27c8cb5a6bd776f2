"""Verdicts found by their trade: every claim of an entry looks for the one that allows it."""

from __future__ import annotations

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Move the schema one step on."""
    with op.batch_alter_table("verdicts", schema=None) as batch_op:
        batch_op.create_index("ix_verdicts_trade_id", ["trade_id"], unique=False)


def downgrade() -> None:
    """Take the step back."""
    with op.batch_alter_table("verdicts", schema=None) as batch_op:
        batch_op.drop_index("ix_verdicts_trade_id")
