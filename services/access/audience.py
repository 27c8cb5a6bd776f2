"""Who is told: a person by their choice and quiet hours, a topic in the chats bound to it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time
from types import MappingProxyType
from zoneinfo import ZoneInfo

from sqlalchemy import func, select

from services.domain.notices import SAFETY_EVENTS, Event, Loudness, Priority, Topic
from services.domain.people import Person, Role
from services.storage import chats, outbox, people
from services.storage.database import Unit
from services.storage.tables import notices

DEFAULT_LOUDNESS: Mapping[Event, Loudness] = MappingProxyType(
    {
        Event.MISSION: Loudness.LOUD,
        Event.FILL: Loudness.LOUD,
        Event.CLOSED: Loudness.LOUD,
        Event.REFUSAL: Loudness.SILENT,
        Event.HALT: Loudness.LOUD,
        Event.ALERT: Loudness.LOUD,
        Event.DIGEST: Loudness.LOUD,
        Event.PEOPLE: Loudness.SILENT,
        Event.REMINDER: Loudness.LOUD,
    }
)
LOUD_PER_TRADE = 3


def choice(unit: Unit, person: Person, event: Event) -> Loudness:
    """Return how this person hears of an event now: their choice, softened in quiet hours; safety overrides both."""
    if event in SAFETY_EVENTS:
        return Loudness.LOUD
    level = people.loudness(unit, person.id).get(event, DEFAULT_LOUDNESS[event])
    return Loudness.SILENT if level is Loudness.LOUD and in_quiet_hours(person, unit.now) else level


def in_quiet_hours(person: Person, now: datetime) -> bool:
    """Tell whether it is quiet time where the person is; the span may cross midnight."""
    if person.quiet_from is None or person.quiet_to is None:
        return False
    start, end = time.fromisoformat(person.quiet_from), time.fromisoformat(person.quiet_to)
    local = now.astimezone(ZoneInfo(person.zone)).time()
    return start <= local < end if start <= end else local >= start or local < end


def tell_person(
    unit: Unit,
    person: Person,
    event: Event,
    template: str,
    facts: Mapping[str, object],
    *,
    reply_to_card: str | None = None,
    priority: Priority | None = None,
    not_before: datetime | None = None,
) -> bool:
    """Store the event for a person's private chat as loudly as they want it; tell whether it was stored."""
    level = choice(unit, person, event)
    if level in (Loudness.OFF, Loudness.DIGEST) or person.role is Role.STRANGER:
        return False
    silent = level is Loudness.SILENT
    safety = event in SAFETY_EVENTS
    if not silent and not safety and reply_to_card is not None:
        silent = _loud_replies(unit, person.id, reply_to_card) >= LOUD_PER_TRADE
    outbox.tell(
        unit,
        person.id,
        template,
        facts,
        priority=priority if priority is not None else (Priority.URGENT if safety else Priority.NORMAL),
        silent=silent,
        reply_to_card=reply_to_card,
        not_before=not_before,
    )
    return True


def _loud_replies(unit: Unit, chat_id: int, card_key: str) -> int:
    where = (notices.c.chat_id == chat_id, notices.c.reply_to_card == card_key, notices.c.silent.is_(False))
    return int(unit.first(select(func.count().label("n")).where(*where)).n)


def tell_role(unit: Unit, at_least: Role, event: Event, template: str, facts: Mapping[str, object]) -> int:
    """Store the event for everyone of a role or above; return how many get it."""
    return sum(tell_person(unit, person, event, template, facts) for person in people.everyone(unit, at_least))


def tell_topic(
    unit: Unit,
    topic: Topic,
    template: str,
    facts: Mapping[str, object],
    *,
    silent: bool = False,
    priority: Priority = Priority.NORMAL,
    reply_to_card: str | None = None,
) -> int:
    """Store the event for every chat bound to a topic; facts for groups carry no money. Return how many chats get it."""
    places = chats.bound(unit, topic)
    for place in places:
        outbox.tell(
            unit,
            place.chat_id,
            template,
            facts,
            thread_id=place.thread_id,
            silent=silent,
            priority=priority,
            reply_to_card=reply_to_card,
        )
    return len(places)
