"""People, their preferences, and strangers who ask."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, select, update

from services.domain.notices import Event, Loudness
from services.domain.people import Person, Role
from services.storage.database import Unit
from services.storage.statements import insert_once, upsert
from services.storage.tables import access_requests, checklist, people, preferences

_EVERYONE = select(people)
_BY_ID = select(people).where(people.c.id == bindparam("person_id"))
_ROLE = select(people.c.role, people.c.lease_until).where(people.c.id == bindparam("person_id"))
_LEASED = select(people).where(people.c.lease_until.is_not(None)).order_by(people.c.lease_until, people.c.id)
_TOLD = update(people).where(people.c.id == bindparam("person"))
_GRANTER = select(people.c.granted_by).where(people.c.id == bindparam("person_id"))
_LOUDNESS = select(preferences).where(preferences.c.person_id == bindparam("person"))
_TICKED = select(checklist.c.item).where(checklist.c.person_id == bindparam("person"))


def _now(role: str, lease_until: datetime | None, now: datetime) -> Role:
    """Return what a stored role comes to: a lease that is over leaves none, whether anybody has noticed yet or not."""
    return Role.STRANGER if lease_until is not None and lease_until <= now else Role(role)


def _person(row: Any, role: Role) -> Person:
    return Person(
        id=row.id,
        name=row.name,
        username=row.username,
        role=role,
        zone=row.zone,
        locale=row.locale,
        quiet_from=row.quiet_from,
        quiet_to=row.quiet_to,
        reachable=row.reachable,
        grade=row.grade,
        lease_until=row.lease_until,
    )


def find(unit: Unit, person_id: int) -> Person | None:
    """Return the person of that Telegram id, or None."""
    row = unit.first(_BY_ID, person_id=person_id)
    return _person(row, _now(row.role, row.lease_until, unit.now)) if row else None


def stored(unit: Unit, person_id: int) -> Person | None:
    """Return the person with the role that was given last, even when its lease is over; what it comes to is ``find``'s."""
    row = unit.first(_BY_ID, person_id=person_id)
    return _person(row, Role(row.role)) if row else None


def role_of(unit: Unit, person_id: int) -> Role:
    """Return the person's role as it stands in this unit; someone unknown is a stranger."""
    row = unit.first(_ROLE, person_id=person_id)
    return _now(row.role, row.lease_until, unit.now) if row else Role.STRANGER


def everyone(unit: Unit, at_least: Role = Role.OBSERVER) -> list[Person]:
    """Return people of that role or above, highest role first, then by name."""
    found = [_person(row, _now(row.role, row.lease_until, unit.now)) for row in unit.all(_EVERYONE)]
    return sorted((p for p in found if p.role >= at_least), key=lambda p: (-p.role.rank, p.name))


def leased(unit: Unit) -> list[tuple[Person, bool]]:
    """Return everybody whose stored role has an end, the first to end first, and whether they were told that it nears."""
    return [(_person(row, Role(row.role)), row.lease_told) for row in unit.all(_LEASED)]


def set_lease_told(unit: Unit, person_id: int) -> None:
    """Note that somebody was told that their role is about to end."""
    unit.run(_TOLD, {"person": person_id, "lease_told": True})


def granted_by(unit: Unit, person_id: int) -> int | None:
    """Return who gave a person their role last, or None where it was nobody in the chat."""
    row = unit.first(_GRANTER, person_id=person_id)
    return row.granted_by if row else None


def save_role(unit: Unit, person: Person, granted_by: int | None) -> None:
    """Insert the person, or change role, grade, lease and name of the one who is there."""
    upsert(
        unit,
        people,
        {"id": person.id},
        {
            "name": person.name,
            "username": person.username,
            "role": person.role.value,
            "zone": person.zone,
            "locale": person.locale,
            "quiet_from": person.quiet_from,
            "quiet_to": person.quiet_to,
            "reachable": person.reachable,
            "granted_by": granted_by,
            "created_at": unit.now,
            "grade": person.grade,
            "lease_until": person.lease_until,
            "lease_told": False,
        },
    )


def rename(unit: Unit, person_id: int, name: str, username: str | None) -> None:
    """Keep the name current; identity is the id alone."""
    unit.run(update(people).where(people.c.id == person_id).values(name=name, username=username))


def set_reachable(unit: Unit, person_id: int, reachable: bool) -> None:
    """Note whether the bot may write to this person."""
    unit.run(update(people).where(people.c.id == person_id).values(reachable=reachable))


def set_quiet_hours(unit: Unit, person_id: int, start: str | None, end: str | None) -> None:
    """Set quiet hours as local times of day, or none."""
    unit.run(update(people).where(people.c.id == person_id).values(quiet_from=start, quiet_to=end))


def set_zone(unit: Unit, person_id: int, zone: str) -> None:
    """Set the person's time zone."""
    unit.run(update(people).where(people.c.id == person_id).values(zone=zone))


def loudness(unit: Unit, person_id: int) -> dict[Event, Loudness]:
    """Return what the person chose; events that are not there have their default."""
    rows = unit.all(_LOUDNESS, person=person_id)
    return {Event(row.event): Loudness(row.loudness) for row in rows}


def set_loudness(unit: Unit, person_id: int, event: Event, level: Loudness) -> None:
    """Store how the person wants one event."""
    upsert(unit, preferences, {"person_id": person_id, "event": event.value}, {"loudness": level.value})


def tick(unit: Unit, person_id: int, item: str) -> bool:
    """Tick a checklist item; tell whether it was new."""
    return insert_once(unit, checklist, {"person_id": person_id, "item": item, "done_at": unit.now})


def ticked(unit: Unit, person_id: int) -> set[str]:
    """Return the items this person has done."""
    return {row.item for row in unit.all(_TICKED, person=person_id)}


def find_request(unit: Unit, person_id: int) -> Any:
    """Return a stranger's request row, or None."""
    return unit.first(select(access_requests).where(access_requests.c.person_id == person_id))


def save_request(unit: Unit, person_id: int, **values: object) -> None:
    """Insert or change a stranger's request."""
    upsert(unit, access_requests, {"person_id": person_id}, values)


def drop_request(unit: Unit, person_id: int) -> None:
    """Forget a request that was granted."""
    unit.run(delete(access_requests).where(access_requests.c.person_id == person_id))
