"""Questions that wait for a second person: stored, answered once by each person, decided by listed moves."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, insert, select, update

from services.domain.approvals import APPROVAL_MOVES, Answer, Approval, ApprovalState, ApprovalSubject
from services.domain.states import move
from services.storage.database import Unit
from services.storage.statements import insert_once
from services.storage.tables import approval_answers, approvals
from services.storage.tables.columns import Instant

_ROW = insert(approvals)
_BY_ID = select(approvals).where(approvals.c.id == bindparam("approval"))
_BY_NUMBER = select(approvals).where(approvals.c.number == bindparam("typed"))
_OF_SUBJECT = (
    select(approvals)
    .where(approvals.c.subject == bindparam("what"), approvals.c.subject_id == bindparam("which"))
    .order_by(approvals.c.asked_at.desc(), approvals.c.number.desc())
    .limit(1)
)
_WAITING = (
    select(approvals).where(approvals.c.state == ApprovalState.WAITING.value).order_by(approvals.c.asked_at, approvals.c.number)
)
_DUE = _WAITING.where(approvals.c.expires_at <= bindparam("now", type_=Instant))
_CHANGE = update(approvals).where(
    approvals.c.id == bindparam("approval"), approvals.c.state == bindparam("before", type_=approvals.c.state.type)
)
_ANSWERS = (
    select(approval_answers)
    .where(approval_answers.c.approval_id == bindparam("approval"))
    .order_by(approval_answers.c.at, approval_answers.c.person_id)
)


def _approval(row: Any) -> Approval:
    return Approval(
        id=row.id,
        number=row.number,
        subject=ApprovalSubject(row.subject),
        subject_id=row.subject_id,
        kind=row.kind,
        asked_by=row.asked_by,
        needed=row.needed,
        solo=row.solo,
        phrase=row.phrase,
        ready_at=row.ready_at,
        asked_at=row.asked_at,
        expires_at=row.expires_at,
        state=ApprovalState(row.state),
        decided_at=row.decided_at,
        reason=row.reason,
    )


def add(unit: Unit, approval: Approval) -> None:
    """Store a fresh question."""
    unit.run(
        _ROW,
        {
            "id": approval.id,
            "number": approval.number,
            "subject": approval.subject.value,
            "subject_id": approval.subject_id,
            "kind": approval.kind,
            "asked_by": approval.asked_by,
            "needed": approval.needed,
            "solo": approval.solo,
            "phrase": approval.phrase,
            "ready_at": approval.ready_at,
            "asked_at": approval.asked_at,
            "expires_at": approval.expires_at,
            "state": approval.state.value,
            "decided_at": approval.decided_at,
            "reason": approval.reason,
        },
    )


def decide(unit: Unit, approval: Approval, state: ApprovalState, reason: str | None = None) -> Approval:
    """Move a question out of waiting, by compare-and-set; raise IllegalMove for any other move."""
    move(APPROVAL_MOVES, approval.state, state)
    after = replace(approval, state=state, decided_at=unit.now, reason=reason)
    values = {"state": state.value, "decided_at": unit.now, "reason": reason}
    return _changed(unit, approval, after, values)


def hand_over(unit: Unit, approval: Approval, needs: int) -> Approval:
    """Let others answer what one person was to decide alone."""
    after = replace(approval, solo=False, phrase=None, ready_at=None, needed=needs)
    values = {"solo": False, "phrase": None, "ready_at": None, "needed": needs}
    return _changed(unit, approval, after, values)


def leave_alone(unit: Unit, approval: Approval, *, phrase: str, ready_at: datetime, expires_at: datetime) -> Approval:
    """Let its asker decide alone what others were to answer."""
    after = replace(approval, solo=True, phrase=phrase, ready_at=ready_at, expires_at=expires_at, needed=1)
    values = {"solo": True, "phrase": phrase, "ready_at": ready_at, "expires_at": expires_at, "needed": 1}
    return _changed(unit, approval, after, values)


def _changed(unit: Unit, before: Approval, after: Approval, values: dict[str, Any]) -> Approval:
    done = unit.run(_CHANGE, {"approval": before.id, "before": before.state.value, **values})
    if done.rowcount != 1:
        raise RuntimeError(f"approval {before.id} is not {before.state.value} any more")
    return after


def find(unit: Unit, approval_id: str) -> Approval | None:
    """Return a question, or None."""
    row = unit.first(_BY_ID, approval=approval_id)
    return _approval(row) if row else None


def by_number(unit: Unit, number: int) -> Approval | None:
    """Return a question by the number that people type, or None."""
    row = unit.first(_BY_NUMBER, typed=number)
    return _approval(row) if row else None


def of_subject(unit: Unit, subject: ApprovalSubject, subject_id: str) -> Approval | None:
    """Return the newest question about a subject, decided or not, or None."""
    row = unit.first(_OF_SUBJECT, what=subject.value, which=subject_id)
    return _approval(row) if row else None


def waiting(unit: Unit) -> list[Approval]:
    """Return what waits for an answer, oldest first; what is past its time counts until it is booked as expired."""
    return [_approval(row) for row in unit.all(_WAITING)]


def due(unit: Unit, now: datetime) -> list[Approval]:
    """Return what waits and is past its time."""
    return [_approval(row) for row in unit.all(_DUE, now=now)]


def answer(unit: Unit, given: Answer) -> bool:
    """Store a person's answer; False when they have given one before."""
    row = {
        "approval_id": given.approval_id,
        "person_id": given.person_id,
        "yes": given.yes,
        "reason": given.reason,
        "at": given.at,
    }
    return insert_once(unit, approval_answers, row)


def answers(unit: Unit, approval_id: str) -> list[Answer]:
    """Return who answered what, in the order in which they did."""
    rows = unit.all(_ANSWERS, approval=approval_id)
    return [
        Answer(approval_id=row.approval_id, person_id=row.person_id, yes=row.yes, reason=row.reason, at=row.at) for row in rows
    ]
