"""The kill switch's rows: one for each scope that was ever thrown."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import bindparam, select, tuple_

from services.domain.halts import Halt, HaltScope
from services.domain.states import HaltState
from services.storage.database import Unit
from services.storage.statements import upsert
from services.storage.tables import halts

DESK = "desk"
_THROWN = halts.c.state != HaltState.ACTIVE.value
_ALL_IN_FORCE = select(halts).where(_THROWN).order_by(halts.c.since)
_IN_FORCE = select(halts).where(tuple_(halts.c.scope, halts.c.subject).in_(bindparam("switches", expanding=True)), _THROWN)


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
    row = unit.first(select(halts).where(halts.c.scope == scope.value, halts.c.subject == subject))
    return _halt(row) if row else None


def in_force(unit: Unit, scopes: Iterable[tuple[HaltScope, str]]) -> list[Halt]:
    """Return the switches of these scopes that are not active."""
    keys = [(scope.value, subject) for scope, subject in scopes]
    return [_halt(row) for row in unit.all(_IN_FORCE, switches=keys)]


def all_in_force(unit: Unit) -> list[Halt]:
    """Return every switch that is not active, oldest first."""
    rows = unit.all(_ALL_IN_FORCE)
    return [_halt(row) for row in rows]


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
