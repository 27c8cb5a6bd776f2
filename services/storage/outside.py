"""What is to be said outside of the chat: one row for each incident and address, until it was said or is not needed."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, func, insert, select, update

from services.domain.incidents import Incident
from services.domain.ports import Ids
from services.storage import incidents
from services.storage.database import Unit
from services.storage.tables import incidents as incident_rows
from services.storage.tables import outside_notices as rows
from services.storage.tables.columns import Instant

# ``over`` was never said, ``ended`` was said and so was its end.
PENDING, SENT, OVER, ENDED = "pending", "sent", "over", "ended"
UNSTORED = "unstored"
# What is back within moments is not told as over.
END_AFTER = timedelta(minutes=1)
END_WITHIN = timedelta(days=1)
_DUE = (
    select(rows)
    .where(rows.c.state == PENDING)
    .where(rows.c.not_before.is_(None) | (rows.c.not_before <= bindparam("now", type_=Instant)))
    .order_by(rows.c.id)
)
_ENDED = (
    select(rows)
    .join(incident_rows, incident_rows.c.id == rows.c.incident_id)
    .where(rows.c.state == SENT)
    .where(rows.c.not_before.is_(None) | (rows.c.not_before <= bindparam("now", type_=Instant)))
    .where(incident_rows.c.closed_at.between(bindparam("since", type_=Instant), bindparam("until", type_=Instant)))
    .order_by(rows.c.id)
)
_NEEDED = select(incident_rows.c.id).where(incident_rows.c.closed_at.is_(None), incident_rows.c.taken_at.is_(None))


@dataclass(frozen=True, slots=True, kw_only=True)
class OutsideNotice:
    """One incident that one address, by its place in the settings, is to be told, and why there."""

    id: str
    incident: Incident
    place: int
    reason: str
    attempts: int


def want(unit: Unit, ids: Ids, incident_id: str, places: int, reason: str) -> None:
    """Ask for an incident to be said at every address."""
    for place in range(places):
        row = {"id": ids.row(), "incident_id": incident_id, "place": place, "reason": reason, "state": PENDING}
        unit.run(insert(rows).values(created_at=unit.now, attempts=0, **row))
    unit.wake("outside")


def was_said(unit: Unit, ids: Ids, incident_id: str, places: Collection[int]) -> None:
    """Note that addresses were told of an incident before it could be stored: they will hear of its end."""
    for place in sorted(places):
        row = {"id": ids.row(), "incident_id": incident_id, "place": place, "reason": UNSTORED, "state": SENT}
        unit.run(insert(rows).values(created_at=unit.now, answered_at=unit.now, attempts=1, **row))


def asked(unit: Unit, incident_id: str, reason: str) -> bool:
    """Tell whether an incident was to be said outside for this reason since it began, or began again."""
    where = (rows.c.incident_id == incident_id, rows.c.reason == reason, rows.c.state != ENDED)
    return int(unit.first(select(func.count().label("n")).select_from(rows).where(*where)).n) > 0


def due(unit: Unit) -> list[OutsideNotice]:
    """Return what is to be said now, oldest first."""
    return [notice for row in unit.all(_DUE, now=unit.now) if (notice := _notice(unit, row)) is not None]


def ends(unit: Unit) -> list[OutsideNotice]:
    """Return what was said and is over, oldest first."""
    found = unit.all(_ENDED, now=unit.now, since=unit.now - END_WITHIN, until=unit.now - END_AFTER)
    return [notice for row in found if (notice := _notice(unit, row)) is not None]


def end_said(unit: Unit, done: Sequence[OutsideNotice]) -> None:
    """Note that an address knows that these are over."""
    unit.run(update(rows).where(rows.c.id.in_([each.id for each in done])).values(state=ENDED))


def end_not_said(unit: Unit, failed: Sequence[OutsideNotice], error: str, not_before: datetime) -> None:
    """Note a failed try to tell an end."""
    values = {"not_before": not_before, "error": error[:256]}
    unit.run(update(rows).where(rows.c.id.in_([each.id for each in failed])).values(attempts=rows.c.attempts + 1, **values))


def drop_needless(unit: Unit) -> int:
    """Take back what waits about incidents that are over or that somebody has; return how many there were."""
    gone = update(rows).where(rows.c.state == PENDING, rows.c.incident_id.not_in(_NEEDED))
    return int(unit.run(gone.values(state=OVER, answered_at=unit.now)).rowcount)


def said(unit: Unit, done: Sequence[OutsideNotice]) -> None:
    """Note that an address took these."""
    which = rows.c.id.in_([each.id for each in done])
    unit.run(update(rows).where(which).values(state=SENT, answered_at=unit.now, attempts=rows.c.attempts + 1))


def not_said(unit: Unit, failed: Sequence[OutsideNotice], error: str, not_before: datetime | None) -> None:
    """Note a failed try; without a time for the next one it was the last."""
    values = {"state": PENDING if not_before is not None else OVER, "not_before": not_before, "error": error[:256]}
    which = rows.c.id.in_([each.id for each in failed])
    unit.run(update(rows).where(which).values(attempts=rows.c.attempts + 1, **values))


def _notice(unit: Unit, row: Any) -> OutsideNotice | None:
    incident = incidents.find(unit, row.incident_id)
    if incident is None:
        return None
    return OutsideNotice(id=row.id, incident=incident, place=row.place, reason=row.reason, attempts=row.attempts)
