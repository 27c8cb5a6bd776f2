"""A real exchange behind the desk: exits that lock, holdings, proposals, routes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.column_types import amount, instant

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Move the schema one step on."""
    op.create_table(
        "routes",
        sa.Column("venue", sa.String(length=32), nullable=False),
        sa.Column("symbol", sa.String(length=32), nullable=False),
        sa.Column("offset_bps", amount(), nullable=False),
        sa.Column("suggested_bps", amount(), nullable=True),
        sa.Column("quality", sa.String(length=16), nullable=False),
        sa.Column("sample", sa.Integer(), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("updated_at", instant(), nullable=False),
        sa.PrimaryKeyConstraint("venue", "symbol", name=op.f("pk_routes")),
    )
    op.create_table(
        "holdings",
        sa.Column("terminal_id", sa.String(length=32), nullable=False),
        sa.Column("symbol", sa.String(length=32), nullable=False),
        sa.Column("quantity", amount(), nullable=False),
        sa.Column("reason", sa.String(length=256), nullable=False),
        sa.Column("by_id", sa.BigInteger(), nullable=True),
        sa.Column("at", instant(), nullable=False),
        sa.ForeignKeyConstraint(["terminal_id"], ["terminals.id"], name=op.f("fk_holdings_terminal_id")),
        sa.PrimaryKeyConstraint("terminal_id", "symbol", name=op.f("pk_holdings")),
    )
    op.create_table(
        "proposals",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("terminal_id", sa.String(length=32), nullable=False),
        sa.Column("symbol", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("subject", sa.String(length=96), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("created_at", instant(), nullable=False),
        sa.Column("decided_at", instant(), nullable=True),
        sa.Column("decided_by", sa.BigInteger(), nullable=True),
        sa.Column("answer", sa.String(length=16), nullable=True),
        sa.Column("reason", sa.String(length=256), nullable=True),
        sa.ForeignKeyConstraint(["terminal_id"], ["terminals.id"], name=op.f("fk_proposals_terminal_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proposals")),
    )
    with op.batch_alter_table("proposals", schema=None) as batch_op:
        batch_op.create_index("ix_proposals_terminal_id_state", ["terminal_id", "state"], unique=False)

    with op.batch_alter_table("fills", schema=None) as batch_op:
        batch_op.add_column(sa.Column("maker", sa.Boolean(), nullable=True))
        batch_op.add_column(sa.Column("fee_counted", amount(), nullable=True))
        batch_op.add_column(sa.Column("fee_rate", sa.String(length=32), nullable=True))
        batch_op.add_column(sa.Column("taken", amount(), nullable=True))

    # The only venue before this step charged its fees in the quote currency.
    op.execute("UPDATE fills SET fee_counted = fee")

    with op.batch_alter_table("people", schema=None) as batch_op:
        batch_op.add_column(sa.Column("terminal_id", sa.String(length=32), nullable=True))

    with op.batch_alter_table("previews", schema=None) as batch_op:
        batch_op.add_column(sa.Column("route", sa.JSON(), nullable=True))

    with op.batch_alter_table("terminals", schema=None) as batch_op:
        batch_op.add_column(sa.Column("rank", sa.Integer(), server_default="100", nullable=False))

    with op.batch_alter_table("day_results", schema=None) as batch_op:
        batch_op.add_column(sa.Column("carried", amount(), server_default="0", nullable=False))

    with op.batch_alter_table("trades", schema=None) as batch_op:
        batch_op.add_column(sa.Column("closing", amount(), nullable=True))
        batch_op.add_column(sa.Column("closing_at", amount(), nullable=True))
        batch_op.add_column(sa.Column("bare_since", instant(), nullable=True))
        batch_op.add_column(sa.Column("keep", sa.JSON(), nullable=True))
        batch_op.add_column(sa.Column("route", sa.JSON(), nullable=True))


def downgrade() -> None:
    """Take the step back."""
    with op.batch_alter_table("trades", schema=None) as batch_op:
        batch_op.drop_column("route")
        batch_op.drop_column("keep")
        batch_op.drop_column("bare_since")
        batch_op.drop_column("closing_at")
        batch_op.drop_column("closing")

    with op.batch_alter_table("day_results", schema=None) as batch_op:
        batch_op.drop_column("carried")

    with op.batch_alter_table("terminals", schema=None) as batch_op:
        batch_op.drop_column("rank")

    with op.batch_alter_table("previews", schema=None) as batch_op:
        batch_op.drop_column("route")

    with op.batch_alter_table("people", schema=None) as batch_op:
        batch_op.drop_column("terminal_id")

    with op.batch_alter_table("fills", schema=None) as batch_op:
        batch_op.drop_column("taken")
        batch_op.drop_column("fee_rate")
        batch_op.drop_column("fee_counted")
        batch_op.drop_column("maker")

    with op.batch_alter_table("proposals", schema=None) as batch_op:
        batch_op.drop_index("ix_proposals_terminal_id_state")

    op.drop_table("proposals")
    op.drop_table("holdings")
    op.drop_table("routes")
