"""What a preview's verdict was made from is kept beside it, so that the hash that was shown can be recomputed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Move the schema one step on."""
    with op.batch_alter_table("previews", schema=None) as batch_op:
        batch_op.add_column(sa.Column("proof", sa.JSON(none_as_null=True), nullable=True))


def downgrade() -> None:
    """Take the step back."""
    with op.batch_alter_table("previews", schema=None) as batch_op:
        batch_op.drop_column("proof")
