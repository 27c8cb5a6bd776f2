"""Everything that a command or a tap could change, to be compared before and after."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from services.storage import tables
from services.storage.database import Unit
from tests.chat.rig import ChatRig

# What time, the market and the desk's own jobs change; strangers may leave their name and the time of their last knock.
OF_ITSELF = frozenset(
    {
        "access_requests",
        "cards",
        "counters",
        "day_results",
        "duties",
        "facts",
        "incidents",
        "journal",
        "kills",
        "leases",
        "notices",
        "offers",
        "outside_notices",
        "peaks",
        "positions",
        "routes",
        "signals",
        "stages",
        "terminals",
        "universes",
        "updates",
    }
)
TABLES = tuple(table for name, table in sorted(tables.metadata.tables.items()) if name not in OF_ITSELF)


async def state(rig: ChatRig) -> dict[str, list[str]]:
    """Return the rows of every such table, and what the journal says that people did."""

    def body(unit: Unit) -> dict[str, list[Any]]:
        rows = {table.name: sorted(map(repr, unit.all(select(table)))) for table in TABLES}
        journal = select(tables.journal.c.kind).where(tables.journal.c.actor.startswith("person:"))
        return rows | {"journal": [row.kind for row in unit.all(journal)]}

    found: dict[str, list[str]] = await rig.read(body)
    return found


async def changed(rig: ChatRig, before: dict[str, list[str]]) -> list[str]:
    """Return what is not as it was."""
    after = await state(rig)
    return [
        f"{name}: {[row for row in rows if row not in before[name]]}" for name, rows in after.items() if rows != before[name]
    ]
