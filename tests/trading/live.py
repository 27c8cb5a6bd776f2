"""A terminal whose money counts as real, in the rig without a chat: what the start found of it, and what was decided."""

from __future__ import annotations

from typing import cast

from sqlalchemy import update

from bot.system import SystemIds
from services.domain.changes import Change, ChangeKind, ChangeState
from services.domain.live_facts import EXITS_ONLY, LiveGround
from services.storage import changes, tables
from services.storage.counters import next_number
from services.storage.database import Unit
from tests.trading.rig import ANN, CARL, Rig

TERMINAL = f"paper-{ANN}"
GROUND = LiveGround(venue="mine", host="api.binance.com", account="0a1b2c3d")


async def make_live(rig: Rig, ground: LiveGround | None = GROUND) -> None:
    """Let Ann's terminal be live, standing on a ground as the start found it; None for facts that do not hold."""
    found = cast(dict[str, LiveGround], rig.trading.desk.rules.grounds)
    found.pop(TERMINAL, None)
    if ground is not None:
        found[TERMINAL] = ground
    await rig.trading.database.write(
        lambda unit: unit.run(update(tables.terminals).where(tables.terminals.c.id == TERMINAL).values(mode="live"))
    )


async def decide(rig: Rig, after: str = GROUND.written) -> Change:
    """Store a decision about Ann's terminal as one in force."""

    def body(unit: Unit) -> Change:
        before = changes.in_force(unit, ChangeKind.TERMINAL_MODE, TERMINAL)
        if before is not None:
            changes.set_state(unit, before, ChangeState.SUPERSEDED)
        change = Change(
            id=SystemIds().row(),
            number=next_number(unit, "change"),
            kind=ChangeKind.TERMINAL_MODE,
            subject=TERMINAL,
            before=before.after if before is not None else EXITS_ONLY,
            after=after,
            tightens=after == EXITS_ONLY,
            by=CARL,
            reason=None,
            state=ChangeState.IN_FORCE,
            asked_at=unit.now,
        )
        changes.add(unit, change)
        return change

    return await rig.trading.database.write(body)
