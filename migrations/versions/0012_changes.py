"""Changes of what the desk may do, and the limits that they set over the settings."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.column_types import amount, instant

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Move the schema one step on."""
    op.create_table(
        "changes",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("subject", sa.String(length=128), nullable=False),
        sa.Column("before", sa.String(length=128), nullable=False),
        sa.Column("after", sa.String(length=128), nullable=False),
        sa.Column("tightens", sa.Boolean(), nullable=False),
        sa.Column("by", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("asked_at", instant(), nullable=False),
        sa.Column("effective_at", instant(), nullable=True),
        sa.Column("decided_at", instant(), nullable=True),
        sa.Column("evidence", sa.JSON(), nullable=True),
        sa.Column("reverses", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_changes")),
    )
    with op.batch_alter_table("changes", schema=None) as batch_op:
        batch_op.create_index("ix_changes_kind_subject", ["kind", "subject"], unique=False)
        batch_op.create_index("ix_changes_number", ["number"], unique=True)
        batch_op.create_index("ix_changes_state", ["state"], unique=False)
    op.create_table(
        "limit_values",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("scope", sa.String(length=16), nullable=False),
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("value", amount(), nullable=True),
        sa.Column("setting", amount(), nullable=True),
        sa.Column("change_id", sa.String(length=32), nullable=False),
        sa.Column("at", instant(), nullable=False),
        sa.ForeignKeyConstraint(["change_id"], ["changes.id"], name=op.f("fk_limit_values_change_id")),
        sa.PrimaryKeyConstraint("name", "scope", "subject", name=op.f("pk_limit_values")),
    )


def downgrade() -> None:
    """Take the step back."""
    op.drop_table("limit_values")
    with op.batch_alter_table("changes", schema=None) as batch_op:
        batch_op.drop_index("ix_changes_state")
        batch_op.drop_index("ix_changes_number")
        batch_op.drop_index("ix_changes_kind_subject")

    op.drop_table("changes")
