"""The decision journal, and the journal found by correlation, kind and time."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.column_types import instant

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Move the schema one step on."""
    op.create_table(
        "decision_journal",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("mission_id", sa.String(length=32), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.String(length=96), nullable=False),
        sa.Column("decided", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=True),
        sa.Column("trade_id", sa.String(length=32), nullable=True),
        sa.Column("shown", sa.JSON(), nullable=False),
        sa.Column("at", instant(), nullable=False),
        sa.Column("changed_at", instant(), nullable=True),
        sa.ForeignKeyConstraint(["mission_id"], ["missions.id"], name=op.f("fk_decision_journal_mission_id")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_decision_journal_person_id")),
        sa.ForeignKeyConstraint(["trade_id"], ["trades.id"], name=op.f("fk_decision_journal_trade_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decision_journal")),
    )
    with op.batch_alter_table("decision_journal", schema=None) as batch_op:
        batch_op.create_index("ix_decision_journal_person_id_at", ["person_id", "at"], unique=False)
        batch_op.create_index("ix_decision_journal_mission_id", ["mission_id"], unique=False)
    with op.batch_alter_table("journal", schema=None) as batch_op:
        batch_op.create_index("ix_journal_correlation", ["correlation"], unique=False)
        batch_op.create_index("ix_journal_kind_sequence", ["kind", "sequence"], unique=False)
        batch_op.create_index("ix_journal_at_sequence", ["at", "sequence"], unique=False)


def downgrade() -> None:
    """Take the step back."""
    with op.batch_alter_table("journal", schema=None) as batch_op:
        batch_op.drop_index("ix_journal_at_sequence")
        batch_op.drop_index("ix_journal_kind_sequence")
        batch_op.drop_index("ix_journal_correlation")
    with op.batch_alter_table("decision_journal", schema=None) as batch_op:
        batch_op.drop_index("ix_decision_journal_mission_id")
        batch_op.drop_index("ix_decision_journal_person_id_at")

    op.drop_table("decision_journal")
