"""A strategy is enabled, sandboxed or disabled; the switch that there was becomes the first or the last of these."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_STRATEGIES = sa.table("strategies", sa.column("enabled", sa.Boolean()), sa.column("state", sa.String()))


def upgrade() -> None:
    """Move the schema one step on."""
    with op.batch_alter_table("strategies", schema=None) as batch_op:
        batch_op.add_column(sa.Column("state", sa.String(length=16), nullable=True))
    now = sa.case((_STRATEGIES.c.enabled, "enabled"), else_="disabled")
    op.execute(_STRATEGIES.update().values(state=now))
    with op.batch_alter_table("strategies", schema=None) as batch_op:
        batch_op.alter_column("state", existing_type=sa.String(length=16), nullable=False)
        batch_op.drop_column("enabled")


def downgrade() -> None:
    """Take the step back; a sandboxed strategy offers nothing, so it is switched off."""
    with op.batch_alter_table("strategies", schema=None) as batch_op:
        batch_op.add_column(sa.Column("enabled", sa.Boolean(), nullable=True))
    op.execute(_STRATEGIES.update().values(enabled=_STRATEGIES.c.state == "enabled"))
    with op.batch_alter_table("strategies", schema=None) as batch_op:
        batch_op.alter_column("enabled", existing_type=sa.Boolean(), nullable=False)
        batch_op.drop_column("state")
