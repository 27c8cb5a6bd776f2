"""Alerts: one incident is one message in each chat, with a counter; the runbook says what to do about it."""

from __future__ import annotations

from collections.abc import Sequence

from services.access import audience
from services.access.runbooks import severity_of
from services.domain.cards import incident_card, trade_card
from services.domain.incidents import AlertCode, Incident, Opening, Severity
from services.domain.notices import Priority, Topic
from services.domain.people import Person, Role
from services.domain.ports import Ids
from services.storage import chats, incidents, outbox, people
from services.storage.database import Unit

__all__ = ["AlertCode", "alert", "call", "in_order"]


def alert(unit: Unit, ids: Ids, code: AlertCode, subject: str, facts: dict[str, object], person_id: int | None = None) -> bool:
    """Open or count an incident; tell commanders, the person concerned and the risk chats when it is new.

    An urgent one calls the person concerned and the first commander on duty; the others get it without a sound, until it is
    their turn. A routine one lets everybody sleep. Returns whether it is new, or back after a moment. ``facts`` may name
    ``trade_id``, whose card the concerned person's message replies to, and ``done`` and ``next`` in place of the runbook's.
    """
    opened = incidents.open_incident(unit, ids.row(), code.value, subject, facts, person_id)
    incident = opened.incident
    if opened.opening is not Opening.NEW:
        # One that comes and goes stays one message: its counter runs, and so do its calls while nobody has it.
        return opened.opening is Opening.REOPENED
    order = in_order(unit)
    urgent = severity_of(code.value) is Severity.URGENT
    called = {person.id for person in order[:1]} | {person_id}
    for person in _told(unit, order, person_id):
        loud = person.id in called if urgent else not audience.in_quiet_hours(person, unit.now)
        _show(unit, incident, person, loud=loud)
    for place in chats.bound(unit, Topic.RISK):
        key = incident_card(incident.id)
        outbox.show(unit, key, place.chat_id, thread_id=place.thread_id, priority=Priority.URGENT)
    return True


def call(unit: Unit, incident: Incident, called: Sequence[Person]) -> None:
    """Send an incident's card to these people once more, at the end of their chat and with a sound."""
    for person in called:
        _show(unit, incident, person, loud=True)


def in_order(unit: Unit) -> list[Person]:
    """Return the commanders in the order in which they are called: who is on duty first, those in quiet hours last.

    A person's quiet hours are their word for when they are off; among equals the id decides, so that the order stays the same.
    """
    commanders = sorted(people.everyone(unit, Role.COMMANDER), key=lambda person: person.id)
    return sorted(commanders, key=lambda person: (not person.reachable, audience.in_quiet_hours(person, unit.now)))


def _told(unit: Unit, order: Sequence[Person], person_id: int | None) -> list[Person]:
    concerned = people.find(unit, person_id) if person_id is not None else None
    others = [person for person in order if concerned is None or person.id != concerned.id]
    return [concerned, *others] if concerned is not None and concerned.role is not Role.STRANGER else others


def _show(unit: Unit, incident: Incident, person: Person, *, loud: bool) -> None:
    trade_id = incident.facts.get("trade_id")
    reply = trade_card(str(trade_id)) if trade_id is not None and person.id == incident.person_id else None
    outbox.show(
        unit,
        incident_card(incident.id),
        person.id,
        priority=Priority.URGENT,
        silent=not loud,
        reply_to_card=reply,
        anew=True,
    )
