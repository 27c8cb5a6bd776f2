"""What went to a terminal's venue within a time is found by its index."""

from __future__ import annotations

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Move the schema one step on."""
    with op.batch_alter_table("instructions", schema=None) as batch_op:
        batch_op.create_index("ix_instructions_terminal_id_sent_at", ["terminal_id", "sent_at"], unique=False)


def downgrade() -> None:
    """Take the step back."""
    with op.batch_alter_table("instructions", schema=None) as batch_op:
        batch_op.drop_index("ix_instructions_terminal_id_sent_at")
