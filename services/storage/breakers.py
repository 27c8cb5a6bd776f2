"""Circuit breakers as rows, what their rules count, and each terminal's highest equity."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import and_, bindparam, delete, func, or_, select

from services.domain.breakers import Breaker, BreakerKind, BreakerScope, BreakerState
from services.domain.states import InstructionState
from services.storage.database import Unit
from services.storage.statements import upsert
from services.storage.tables import breakers, instructions, peaks

_ROWS = select(breakers).order_by(breakers.c.opened_at, breakers.c.kind, breakers.c.subject)
_IN_FORCE = _ROWS.where(breakers.c.state != BreakerState.CLOSED.value)


def _of(scope: BreakerScope, name: str) -> Any:
    return and_(breakers.c.scope == scope.value, breakers.c.subject == bindparam(name))


_FOR_ENTRY = _IN_FORCE.where(
    or_(
        _of(BreakerScope.PERSON, "person"),
        _of(BreakerScope.TERMINAL, "terminal"),
        _of(BreakerScope.INSTRUMENT, "instrument"),
    )
)
_ONE = select(breakers).where(breakers.c.kind == bindparam("which"), breakers.c.subject == bindparam("whose"))
_BY_ID = select(breakers).where(breakers.c.id == bindparam("opening"))
_PEAK = select(peaks.c.equity).where(peaks.c.terminal_id == bindparam("terminal"))
_FORGET = delete(peaks).where(peaks.c.terminal_id == bindparam("terminal"))
_WENT_WRONG = (InstructionState.REJECTED.value, InstructionState.UNKNOWN.value)
_ERRORS = select(func.count().label("n")).where(
    instructions.c.terminal_id == bindparam("terminal"),
    instructions.c.state.in_(_WENT_WRONG),
    instructions.c.answered_at > bindparam("since"),
)


def _breaker(row: Any) -> Breaker:
    return Breaker(
        id=row.id,
        kind=BreakerKind(row.kind),
        subject=row.subject,
        state=BreakerState(row.state),
        opened_at=row.opened_at,
        reason=row.reason,
        closes_at=row.closes_at,
        by=row.by_name,
        trial=row.trial,
        counted_from=row.counted_from,
    )


def everything(unit: Unit) -> list[Breaker]:
    """Return every breaker that was ever opened, oldest opening first."""
    return [_breaker(row) for row in unit.all(_ROWS)]


def in_force(unit: Unit) -> list[Breaker]:
    """Return the breakers that are not closed, oldest first."""
    return [_breaker(row) for row in unit.all(_IN_FORCE)]


def for_entry(unit: Unit, *, person_id: int, terminal_id: str, symbol: str) -> tuple[Breaker, ...]:
    """Return the breakers not closed that bear on an entry of this person, terminal and instrument."""
    rows = unit.all(_FOR_ENTRY, person=str(person_id), terminal=terminal_id, instrument=symbol)
    return tuple(_breaker(row) for row in rows)


def find(unit: Unit, kind: BreakerKind, subject: str) -> Breaker | None:
    """Return the breaker of a kind and subject, or None when it never opened."""
    row = unit.first(_ONE, which=kind.value, whose=subject)
    return _breaker(row) if row else None


def by_id(unit: Unit, breaker_id: str) -> Breaker | None:
    """Return the breaker whose present opening has this id, or None."""
    row = unit.first(_BY_ID, opening=breaker_id)
    return _breaker(row) if row else None


def save(unit: Unit, breaker: Breaker) -> None:
    """Store a breaker as it stands."""
    upsert(
        unit,
        breakers,
        {"kind": breaker.kind.value, "subject": breaker.subject},
        {
            "scope": breaker.scope.value,
            "id": breaker.id,
            "state": breaker.state.value,
            "opened_at": breaker.opened_at,
            "reason": breaker.reason,
            "closes_at": breaker.closes_at,
            "by_name": breaker.by,
            "trial": breaker.trial,
            "counted_from": breaker.counted_from,
        },
    )


def errors_since(unit: Unit, terminal_id: str, since: datetime) -> int:
    """Count a terminal's writes that were refused or are of unknown outcome, answered after a time."""
    return int(unit.first(_ERRORS, terminal=terminal_id, since=since).n)


def peak(unit: Unit, terminal_id: str) -> Decimal | None:
    """Return the terminal's highest equity since its drawdown was last dealt with, or None before the first reading."""
    row = unit.first(_PEAK, terminal=terminal_id)
    return row.equity if row else None


def set_peak(unit: Unit, terminal_id: str, equity: Decimal) -> None:
    """Note a terminal's highest equity."""
    upsert(unit, peaks, {"terminal_id": terminal_id}, {"equity": equity, "at": unit.now})


def forget_peak(unit: Unit, terminal_id: str) -> None:
    """Let the highest equity be counted anew from the next reading."""
    unit.run(_FORGET, {"terminal": terminal_id})
