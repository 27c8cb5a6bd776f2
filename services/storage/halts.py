"""The kill switch's rows: one for each scope that was ever thrown."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select

from services.domain.halts import Halt, HaltScope, Rearm
from services.domain.states import HaltState
from services.storage import desk
from services.storage.database import Unit
from services.storage.statements import upsert
from services.storage.tables import duties, halts

DESK = "desk"
REARM = "rearm:"
_IN_FORCE = select(halts).where(halts.c.state != HaltState.ACTIVE.value).order_by(halts.c.since)
_WAIT = select(duties).where(duties.c.name.startswith(REARM), duties.c.done_at.is_(None)).order_by(duties.c.due_at).limit(1)
_ONE = select(halts).where(halts.c.scope == bindparam("kind"), halts.c.subject == bindparam("whom"))


def _halt(row: Any) -> Halt:
    return Halt(
        scope=HaltScope(row.scope),
        subject=row.subject,
        state=HaltState(row.state),
        by_id=row.by_id,
        by_name=row.by_name,
        reason=row.reason,
        since=row.since,
    )


def find(unit: Unit, scope: HaltScope, subject: str) -> Halt | None:
    """Return the scope's switch, or None when it was never thrown."""
    row = unit.first(_ONE, kind=scope.value, whom=subject)
    return _halt(row) if row else None


def in_force(unit: Unit, scopes: Iterable[tuple[HaltScope, str]]) -> list[Halt]:
    """Return the switches of these scopes that are not active, oldest first."""
    wanted = set(scopes)
    return [halt for halt in all_in_force(unit) if (halt.scope, halt.subject) in wanted]


def all_in_force(unit: Unit) -> list[Halt]:
    """Return every switch that is not active, oldest first."""
    return [_halt(row) for row in unit.all(_IN_FORCE)]


def save(unit: Unit, halt: Halt) -> None:
    """Set a scope's switch."""
    upsert(
        unit,
        halts,
        {"scope": halt.scope.value, "subject": halt.subject},
        {
            "state": halt.state.value,
            "by_id": halt.by_id,
            "by_name": halt.by_name,
            "reason": halt.reason,
            "since": halt.since,
        },
    )


def begin_rearm(unit: Unit, rearm: Rearm) -> None:
    """Store when the desk's halt is to be lifted."""
    terms = {
        "by_id": rearm.by_id,
        "by_name": rearm.by_name,
        "since": rearm.since.isoformat(),
        "correlation": rearm.correlation,
    }
    desk.schedule(unit, f"{REARM}{rearm.id}", rearm.due_at, terms)
    unit.wake("halt")


def rearm(unit: Unit) -> Rearm | None:
    """Return the wait that goes on or is over now, or None."""
    row = unit.first(_WAIT)
    if row is None:
        return None
    return Rearm(
        id=row.name.removeprefix(REARM),
        due_at=row.due_at,
        by_id=row.terms["by_id"],
        by_name=row.terms["by_name"],
        since=datetime.fromisoformat(row.terms["since"]),
        correlation=row.terms["correlation"],
    )


def rearm_and_time(unit: Unit) -> tuple[Rearm, datetime] | None:
    """Return the wait with the time that it is looked at, or None."""
    found = rearm(unit)
    return (found, unit.now) if found is not None else None


def end_rearm(unit: Unit, rearm: Rearm) -> None:
    """End a wait: the halt was lifted, or it was called off."""
    desk.finish_duty(unit, f"{REARM}{rearm.id}")
