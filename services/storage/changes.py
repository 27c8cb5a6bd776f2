"""Changes of what the desk may do: stored with every move, and the limits that they have set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from sqlalchemy import bindparam, delete, insert, or_, select, update

from services.domain.changes import CHANGE_MOVES, PENDING, Change, ChangeKind, ChangeState, Evidence
from services.domain.limits import Limit, Scope
from services.domain.states import move
from services.storage.database import Unit
from services.storage.statements import upsert
from services.storage.tables import changes, limit_values
from services.storage.tables.columns import Instant

_ROW = insert(changes)
_BY_ID = select(changes).where(changes.c.id == bindparam("change"))
_BY_NUMBER = select(changes).where(changes.c.number == bindparam("typed"))
_OF = (
    select(changes)
    .where(changes.c.kind == bindparam("what"), changes.c.subject == bindparam("about"))
    .order_by(changes.c.number.desc())
)
_NEWEST = select(changes).order_by(changes.c.number.desc()).limit(bindparam("most"))
_DUE = (
    select(changes)
    .where(
        changes.c.state == ChangeState.SCHEDULED.value,
        or_(changes.c.effective_at.is_(None), changes.c.effective_at <= bindparam("now", type_=Instant)),
    )
    .order_by(changes.c.effective_at, changes.c.number)
)
_STANDING = (
    select(changes)
    .where(changes.c.kind == bindparam("what"), changes.c.state == ChangeState.IN_FORCE.value)
    .order_by(changes.c.number)
)
_MOVE = update(changes).where(changes.c.id == bindparam("change"))
_KNOWN = frozenset(Limit)
_VALUES = select(limit_values).order_by(limit_values.c.name, limit_values.c.scope, limit_values.c.subject)


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitValue:
    """A limit's stored value; ``value`` None switches it off, ``setting`` is what the settings said there when it was set."""

    limit: Limit
    scope: Scope
    subject: str
    value: Decimal | None
    setting: Decimal | None
    change_id: str


def _change(row: Any) -> Change:
    return Change(
        id=row.id,
        number=row.number,
        kind=ChangeKind(row.kind),
        subject=row.subject,
        before=row.before,
        after=row.after,
        tightens=row.tightens,
        by=row.by,
        reason=row.reason,
        state=ChangeState(row.state),
        asked_at=row.asked_at,
        effective_at=row.effective_at,
        decided_at=row.decided_at,
        evidence=Evidence.load(row.evidence) if row.evidence else None,
        reverses=row.reverses,
    )


def add(unit: Unit, change: Change) -> None:
    """Store a fresh change."""
    unit.run(
        _ROW,
        {
            "id": change.id,
            "number": change.number,
            "kind": change.kind.value,
            "subject": change.subject,
            "before": change.before,
            "after": change.after,
            "tightens": change.tightens,
            "by": change.by,
            "reason": change.reason,
            "state": change.state.value,
            "asked_at": change.asked_at,
            "effective_at": change.effective_at,
            "decided_at": change.decided_at,
            "evidence": change.evidence.dump() if change.evidence is not None else None,
            "reverses": change.reverses,
        },
    )


def set_state(unit: Unit, change: Change, state: ChangeState, reason: str | None = None) -> Change:
    """Make a listed move; raise IllegalMove for any other. A reason replaces the one that stands there."""
    move(CHANGE_MOVES, change.state, state)
    after = replace(change, state=state, decided_at=unit.now, reason=reason or change.reason)
    unit.run(_MOVE, {"change": change.id, "state": state.value, "decided_at": unit.now, "reason": after.reason})
    return after


def find(unit: Unit, change_id: str) -> Change | None:
    """Return a change, or None."""
    row = unit.first(_BY_ID, change=change_id)
    return _change(row) if row else None


def by_number(unit: Unit, number: int) -> Change | None:
    """Return a change by the number that people type, or None."""
    row = unit.first(_BY_NUMBER, typed=number)
    return _change(row) if row else None


def newest(unit: Unit, most: int) -> list[Change]:
    """Return the latest changes, the newest first."""
    return [_change(row) for row in unit.all(_NEWEST, most=most)]


def due(unit: Unit) -> list[Change]:
    """Return what was let through and whose time has come, in the order of their times."""
    return [_change(row) for row in unit.all(_DUE, now=unit.now)]


def pending(unit: Unit, kind: ChangeKind, subject: str) -> list[Change]:
    """Return what waits, or is scheduled, for one subject, the newest first."""
    return [each for each in _of(unit, kind, subject) if each.state in PENDING]


def in_force(unit: Unit, kind: ChangeKind, subject: str) -> Change | None:
    """Return the change that stands for one subject, or None where only the settings do."""
    return next((each for each in _of(unit, kind, subject) if each.state is ChangeState.IN_FORCE), None)


def standing(unit: Unit, kind: ChangeKind) -> list[Change]:
    """Return every change of a kind that is in force, in the order of their numbers."""
    return [_change(row) for row in unit.all(_STANDING, what=kind.value)]


def _of(unit: Unit, kind: ChangeKind, subject: str) -> list[Change]:
    return [_change(row) for row in unit.all(_OF, what=kind.value, about=subject)]


def limit_rows(unit: Unit) -> Sequence[LimitValue]:
    """Return every stored limit, in a fixed order."""
    return [
        LimitValue(
            limit=Limit(row.name),
            scope=Scope(row.scope),
            subject=row.subject,
            value=row.value,
            setting=row.setting,
            change_id=row.change_id,
        )
        for row in unit.all(_VALUES)
        if row.name in _KNOWN
    ]


def set_limit(unit: Unit, stored: LimitValue) -> None:
    """Store a limit's value in place of the one that stands there."""
    keys = {"name": stored.limit.value, "scope": stored.scope.value, "subject": stored.subject}
    values = {"value": stored.value, "setting": stored.setting, "change_id": stored.change_id, "at": unit.now}
    upsert(unit, limit_values, keys, values)


def drop_limit(unit: Unit, stored: LimitValue) -> None:
    """Forget a stored value, so that the settings say what holds."""
    unit.run(
        delete(limit_values).where(
            limit_values.c.name == stored.limit.value,
            limit_values.c.scope == stored.scope.value,
            limit_values.c.subject == stored.subject,
        )
    )
