"""What is wrong: opened, counted, taken and closed, its card in every chat kept current."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, bindparam, func, insert, or_, select, update

from services.domain.cards import INCIDENTS, incident_card
from services.domain.incidents import Incident, Opening
from services.domain.notices import Priority
from services.storage import outbox
from services.storage.database import Unit
from services.storage.tables import cards, incidents
from services.storage.tables.columns import Instant

# What was over for less than this is the same incident again: one that comes and goes stays one message.
SAME_WITHIN = timedelta(minutes=10)
# A counter that runs is shown this often; the message would otherwise cost the chat its turn for others.
SHOWN_EVERY = timedelta(seconds=10)
# What has been wrong for a while is no news any more.
NEWS_FOR = timedelta(minutes=2)
SHOWN_LATER_EVERY = timedelta(minutes=1)

_SAME = (incidents.c.code == bindparam("what"), incidents.c.subject == bindparam("about"))
_COUNT = (
    update(incidents)
    .where(*_SAME, incidents.c.closed_at.is_(None))
    .values(last_at=bindparam("at"), count=incidents.c.count + 1, facts=bindparam("said", type_=incidents.c.facts.type))
)
_REOPEN = (
    update(incidents)
    .where(*_SAME, incidents.c.closed_at >= bindparam("since", type_=Instant))
    .values(
        closed_at=None,
        last_at=bindparam("at"),
        count=incidents.c.count + 1,
        facts=bindparam("said", type_=incidents.c.facts.type),
    )
)
_SHOW = (
    update(incidents)
    .where(incidents.c.id == bindparam("incident"))
    .where(
        or_(
            incidents.c.refreshed_at.is_(None),
            incidents.c.refreshed_at <= bindparam("long_before", type_=Instant),
            and_(
                incidents.c.refreshed_at <= bindparam("before", type_=Instant),
                incidents.c.opened_at > bindparam("news_since", type_=Instant),
            ),
        )
    )
    .values(refreshed_at=bindparam("at"))
)
_CLOSE = update(incidents).where(*_SAME, incidents.c.closed_at.is_(None)).values(closed_at=bindparam("at"))
_NEWEST = select(incidents).where(*_SAME).order_by(incidents.c.opened_at.desc()).limit(1)
_CALLED = (
    update(incidents)
    .where(incidents.c.id == bindparam("incident"))
    .values(step=bindparam("reached"), waited_s=bindparam("waited"))
)
_FIND = select(incidents).where(incidents.c.id == bindparam("incident"))
_OPEN = select(incidents).where(incidents.c.closed_at.is_(None)).order_by(incidents.c.opened_at, incidents.c.id)
_SINCE = (
    select(incidents)
    .where(incidents.c.last_at >= bindparam("since", type_=Instant))
    .order_by(incidents.c.last_at.desc(), incidents.c.id)
)
_REACHED = (
    select(cards.c.key)
    .where(cards.c.key.startswith(INCIDENTS), cards.c.chat_id > 0, cards.c.message_id.is_not(None))
    .group_by(cards.c.key)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """An incident after it was reported, and what the report came to."""

    incident: Incident
    opening: Opening


def open_incident(
    unit: Unit, incident_id: str, code: str, subject: str, facts: Mapping[str, object], person_id: int | None = None
) -> Opened:
    """Count an incident that is open, reopen one that was over a moment ago, or open it under ``incident_id``."""
    values = {"what": code, "about": subject, "at": unit.now, "said": dict(facts)}
    opening = Opening.REPEATED
    if not unit.run(_COUNT, values).rowcount:
        reopened = unit.run(_REOPEN, values | {"since": unit.now - SAME_WITHIN}).rowcount
        opening = Opening.REOPENED if reopened else Opening.NEW
    if opening is Opening.NEW:
        row = {"code": code, "subject": subject, "opened_at": unit.now, "last_at": unit.now, "facts": dict(facts)}
        unit.run(insert(incidents).values(id=incident_id, count=1, person_id=person_id, refreshed_at=unit.now, **row))
    found = unit.first(_NEWEST, what=code, about=subject)
    if opening is not Opening.NEW:
        _show_again(unit, found.id, opening)
    return Opened(incident=_incident(found), opening=opening)


def _show_again(unit: Unit, incident_id: str, opening: Opening) -> None:
    """Show the count from time to time; that it is back at once, in front of all else unless it comes and goes."""
    due = {
        "incident": incident_id,
        "at": unit.now,
        "before": unit.now - SHOWN_EVERY,
        "long_before": unit.now - SHOWN_LATER_EVERY,
        "news_since": unit.now - NEWS_FOR,
    }
    is_due = unit.run(_SHOW, due).rowcount > 0
    if opening is Opening.REOPENED:
        outbox.refresh(unit, incident_card(incident_id), Priority.URGENT if is_due else Priority.NORMAL)
    elif is_due:
        outbox.refresh(unit, incident_card(incident_id))


def close_incident(unit: Unit, code: str, subject: str) -> bool:
    """Close an open incident, which its cards then show; tell whether there was one."""
    if not unit.run(_CLOSE, {"what": code, "about": subject, "at": unit.now}).rowcount:
        return False
    outbox.refresh(unit, incident_card(unit.first(_NEWEST, what=code, about=subject).id))
    return True


def find(unit: Unit, incident_id: str) -> Incident | None:
    """Return an incident, open or over, or None."""
    row = unit.first(_FIND, incident=incident_id)
    return _incident(row) if row else None


def open_incidents(unit: Unit) -> list[Incident]:
    """Return what is wrong now, oldest first."""
    return [_incident(row) for row in unit.all(_OPEN)]


def incidents_since(unit: Unit, since: datetime) -> list[Incident]:
    """Return what was wrong since a time, newest first."""
    return [_incident(row) for row in unit.all(_SINCE, since=since)]


def count_since(unit: Unit, code: str, since: datetime) -> int:
    """Count the incidents of a code that were opened since a time."""
    where = (incidents.c.code == code, incidents.c.opened_at >= since)
    return int(unit.first(select(func.count().label("n")).select_from(incidents).where(*where)).n)


def take(unit: Unit, incident_id: str, person_id: int) -> bool:
    """Note who has an open incident, by compare-and-set; False when somebody has it already, or it is over."""
    free = (incidents.c.id == incident_id, incidents.c.taken_at.is_(None), incidents.c.closed_at.is_(None))
    if not unit.run(update(incidents).where(*free).values(taken_at=unit.now, taken_by=person_id)).rowcount:
        return False
    outbox.refresh(unit, incident_card(incident_id))
    return True


def called(unit: Unit, incident_id: str, *, step: int, waited_s: int) -> None:
    """Note how far the calls for an incident have come."""
    unit.run(_CALLED, {"incident": incident_id, "reached": step, "waited": waited_s})


def reached(unit: Unit) -> frozenset[str]:
    """Return the ids of the incidents whose card reached somebody in private."""
    return frozenset(row.key.removeprefix(INCIDENTS) for row in unit.all(_REACHED))


def _incident(row: Any) -> Incident:
    return Incident(
        id=row.id,
        code=row.code,
        subject=row.subject,
        opened_at=row.opened_at,
        last_at=row.last_at,
        count=row.count,
        closed_at=row.closed_at,
        facts=row.facts,
        person_id=row.person_id,
        taken_at=row.taken_at,
        taken_by=row.taken_by,
        step=row.step,
        waited_s=row.waited_s,
    )
