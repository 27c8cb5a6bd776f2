"""Cards wait their turn from when they were asked for, not from when their message was new."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.column_types import instant

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Move the schema one step on."""
    op.add_column("cards", sa.Column("asked_at", instant(), nullable=True))
    op.execute("UPDATE cards SET asked_at = created_at")
    with op.batch_alter_table("cards", schema=None) as batch_op:
        batch_op.alter_column("asked_at", existing_type=instant(), nullable=False)


def downgrade() -> None:
    """Take the step back."""
    with op.batch_alter_table("cards", schema=None) as batch_op:
        batch_op.drop_column("asked_at")
