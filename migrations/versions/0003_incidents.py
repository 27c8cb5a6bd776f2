"""Incidents that somebody takes, that escalate, and that leave by a second channel."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.column_types import instant

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Move the schema one step on."""
    with op.batch_alter_table("incidents", schema=None) as batch_op:
        batch_op.add_column(sa.Column("person_id", sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column("taken_at", instant(), nullable=True))
        batch_op.add_column(sa.Column("taken_by", sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column("step", sa.Integer(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("waited_s", sa.Integer(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("refreshed_at", instant(), nullable=True))
        batch_op.create_index("ix_incidents_closed_at", ["closed_at"], unique=False)

    op.create_table(
        "outside_notices",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("incident_id", sa.String(length=32), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("created_at", instant(), nullable=False),
        sa.Column("not_before", instant(), nullable=True),
        sa.Column("answered_at", instant(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("error", sa.String(length=256), nullable=True),
        sa.ForeignKeyConstraint(["incident_id"], ["incidents.id"], name=op.f("fk_outside_notices_incident_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outside_notices")),
    )
    with op.batch_alter_table("outside_notices", schema=None) as batch_op:
        batch_op.create_index("ix_outside_notices_state", ["state"], unique=False)


def downgrade() -> None:
    """Take the step back."""
    with op.batch_alter_table("outside_notices", schema=None) as batch_op:
        batch_op.drop_index("ix_outside_notices_state")

    op.drop_table("outside_notices")
    with op.batch_alter_table("incidents", schema=None) as batch_op:
        batch_op.drop_index("ix_incidents_closed_at")
        batch_op.drop_column("refreshed_at")
        batch_op.drop_column("waited_s")
        batch_op.drop_column("step")
        batch_op.drop_column("taken_by")
        batch_op.drop_column("taken_at")
        batch_op.drop_column("person_id")
