"""Grades, and roles with an end."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.column_types import instant

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Move the schema one step on."""
    op.create_table(
        "grades",
        sa.Column("name", sa.String(length=16), nullable=False),
        sa.Column("terms", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_grades")),
    )
    with op.batch_alter_table("people", schema=None) as batch_op:
        batch_op.add_column(sa.Column("grade", sa.String(length=16), server_default="regular", nullable=False))
        batch_op.add_column(sa.Column("lease_until", instant(), nullable=True))
        batch_op.add_column(sa.Column("lease_told", sa.Boolean(), server_default=sa.false(), nullable=False))


def downgrade() -> None:
    """Take the step back."""
    with op.batch_alter_table("people", schema=None) as batch_op:
        batch_op.drop_column("lease_told")
        batch_op.drop_column("lease_until")
        batch_op.drop_column("grade")

    op.drop_table("grades")
