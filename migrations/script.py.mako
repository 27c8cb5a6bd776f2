<%!
    def plain(body):
        lines = [line for line in (body or "pass").splitlines() if not line.lstrip().startswith("# ###")]
        return "\n".join(lines).strip()
%>"""${message}."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
${imports if imports else ""}
revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = ${repr(branch_labels)}
depends_on = ${repr(depends_on)}


def upgrade() -> None:
    """Move the schema one step on."""
    ${plain(upgrades)}


def downgrade() -> None:
    """Take the step back."""
    ${plain(downgrades)}
