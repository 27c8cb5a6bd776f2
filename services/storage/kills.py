"""Kills: one row for each, written when it is thrown and as it comes along."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, insert, select, update

from services.domain.kills import KILL_MOVES, Kill, KillState, Leftover, LeftoverKind
from services.domain.orders import InstructionKind
from services.domain.states import InstructionState, move
from services.storage.database import Unit
from services.storage.tables import instructions, kills

_ROW = insert(kills)
_NEWEST = select(kills).order_by(kills.c.at.desc(), kills.c.id.desc()).limit(1)
_WORKING = select(kills).where(kills.c.working).order_by(kills.c.at.desc(), kills.c.id.desc()).limit(1)
_BY_ID = select(kills).where(kills.c.id == bindparam("kill"))
_CHANGE = update(kills).where(kills.c.id == bindparam("kill"))
_CANCELS_SINCE = select(
    instructions.c.cancels, instructions.c.state, instructions.c.answer, instructions.c.answered_at, instructions.c.terminal_id
).where(
    instructions.c.kind == InstructionKind.CANCEL.value,
    instructions.c.answered_at >= bindparam("since", type_=instructions.c.answered_at.type),
)


def _dump(leftover: Leftover) -> dict[str, Any]:
    return {
        "kind": leftover.kind.value,
        "terminal_id": leftover.terminal_id,
        "terminal": leftover.terminal,
        "name": leftover.name,
        "symbol": leftover.symbol,
        "reason": leftover.reason,
        "entry": leftover.entry,
        "may_end": leftover.may_end,
    }


def _kill(row: Any) -> Kill:
    return Kill(
        id=row.id,
        at=row.at,
        by_id=row.by_id,
        by_name=row.by_name,
        channel=row.channel,
        reason=row.reason,
        correlation=row.correlation,
        flatten=row.flatten,
        flatten_by=row.flatten_by,
        state=KillState(row.state),
        working=row.working,
        phase_at=row.phase_at,
        done_at=row.done_at,
        entries=tuple(row.entries),
        gone=row.gone,
        leftovers=tuple(Leftover(**each | {"kind": LeftoverKind(each["kind"])}) for each in row.leftovers),
    )


def _changing(kill: Kill) -> dict[str, Any]:
    return {
        "flatten": kill.flatten,
        "flatten_by": kill.flatten_by,
        "state": kill.state.value,
        "working": kill.working,
        "phase_at": kill.phase_at,
        "done_at": kill.done_at,
        "entries": list(kill.entries),
        "gone": kill.gone,
        "leftovers": [_dump(each) for each in kill.leftovers],
    }


def add(unit: Unit, kill: Kill) -> None:
    """Store a fresh kill and let its stage look at it."""
    fixed = {
        "id": kill.id,
        "at": kill.at,
        "by_id": kill.by_id,
        "by_name": kill.by_name,
        "channel": kill.channel,
        "reason": kill.reason,
        "correlation": kill.correlation,
    }
    unit.run(_ROW, fixed | _changing(kill))
    unit.wake("kill")


def save(unit: Unit, before: Kill, after: Kill) -> None:
    """Store how far a kill has come; its state changes by a listed move."""
    if after.state is not before.state:
        move(KILL_MOVES, before.state, after.state)
    unit.run(_CHANGE, {"kill": after.id, **_changing(after)})


def find(unit: Unit, kill_id: str) -> Kill | None:
    """Return a kill, or None."""
    row = unit.first(_BY_ID, kill=kill_id)
    return _kill(row) if row else None


def newest(unit: Unit) -> Kill | None:
    """Return the kill that was thrown last, or None before the first."""
    row = unit.first(_NEWEST)
    return _kill(row) if row else None


def working(unit: Unit) -> Kill | None:
    """Return the kill about which something is still being done, or None."""
    row = unit.first(_WORKING)
    return _kill(row) if row else None


def cancels_answered(unit: Unit, since: datetime) -> dict[tuple[str, str], str | None]:
    """Return by terminal and client id which cancels were answered since a time: the refusal's code, None when accepted."""
    found: dict[tuple[str, str], str | None] = {}
    for row in sorted(unit.all(_CANCELS_SINCE, since=since), key=lambda each: each.answered_at):
        code = row.answer if row.state == InstructionState.REJECTED.value else None
        found |= {(row.terminal_id, name): code for name in row.cancels}
    return found


def end(unit: Unit, kill: Kill) -> None:
    """Take a kill's work away from it: another took over, or the halt that it followed was lifted."""
    done_at = kill.done_at or unit.now
    save(unit, kill, replace(kill, state=KillState.DONE, working=False, done_at=done_at))
