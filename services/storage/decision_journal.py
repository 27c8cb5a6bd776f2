"""The decision journal: what each person did with each mission, and why."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select, update

from services.domain.decisions import Decided, Decision
from services.storage.database import Unit
from services.storage.statements import insert_once
from services.storage.tables import decision_journal, missions, offers, signals

_BY_ID = select(decision_journal).where(decision_journal.c.id == bindparam("decision"))
_REASON = (
    update(decision_journal)
    .where(decision_journal.c.id == bindparam("decision"))
    .values(reason=bindparam("why"), changed_at=bindparam("now"))
)
_OFFERED = select(offers.c.chat_id, offers.c.grouped).where(offers.c.mission_id == bindparam("mission"))


def keep(unit: Unit, decision: Decision) -> bool:
    """Store a decision once by its id; False when it is there already."""
    return insert_once(
        unit,
        decision_journal,
        {
            "id": decision.id,
            "mission_id": decision.mission_id,
            "person_id": decision.person_id,
            "source": decision.source,
            "decided": decision.decided.value,
            "reason": decision.reason,
            "trade_id": decision.trade_id,
            "shown": dict(decision.shown),
            "at": decision.at,
            "changed_at": decision.changed_at,
        },
    )


def give_reason(unit: Unit, decision_id: str, reason: str) -> None:
    """Set or change why something was decided."""
    unit.run(_REASON, {"decision": decision_id, "why": reason, "now": unit.now})


def find(unit: Unit, decision_id: str) -> Decision | None:
    """Return one decision, or None."""
    row = unit.first(_BY_ID, decision=decision_id)
    return _decision(row) if row is not None else None


def since(unit: Unit, moment: datetime, *, person_id: int | None = None) -> list[Decision]:
    """Return what one person, or everyone, decided since a time, oldest first."""
    statement = select(decision_journal).where(decision_journal.c.at >= moment)
    if person_id is not None:
        statement = statement.where(decision_journal.c.person_id == person_id)
    return [_decision(row) for row in unit.all(statement.order_by(decision_journal.c.at, decision_journal.c.id))]


def of_mission(unit: Unit, mission_id: str) -> list[Decision]:
    """Return what was decided about one mission, oldest first."""
    where = decision_journal.c.mission_id == mission_id
    rows = unit.all(select(decision_journal).where(where).order_by(decision_journal.c.at, decision_journal.c.id))
    return [_decision(row) for row in rows]


def sources(unit: Unit, since: datetime) -> dict[str, str]:
    """Return where each mission's signal came from, by the mission's id, of those opened since a time."""
    joined = select(missions.c.id, signals.c.source).join(signals, signals.c.id == missions.c.signal_id)
    return {row.id: row.source for row in unit.all(joined.where(missions.c.created_at >= since))}


def offered_in(unit: Unit, mission_id: str) -> dict[int, bool]:
    """Return the chats that a mission was offered in, each with whether it only stood in a grouped card there."""
    return {row.chat_id: row.grouped for row in unit.all(_OFFERED, mission=mission_id)}


def _decision(row: Any) -> Decision:
    return Decision(
        id=row.id,
        mission_id=row.mission_id,
        person_id=row.person_id,
        source=row.source,
        decided=Decided(row.decided),
        reason=row.reason,
        trade_id=row.trade_id,
        shown=row.shown,
        at=row.at,
        changed_at=row.changed_at,
    )
