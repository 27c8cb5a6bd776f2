"""Alerts: one incident is one message; the runbook says what the desk did and what to do next."""

from __future__ import annotations

from services.access import audience
from services.access.runbooks import RUNBOOKS
from services.domain.cards import trade_card
from services.domain.incidents import AlertCode
from services.domain.notices import Event, Priority, Topic
from services.domain.people import Role
from services.domain.ports import Ids
from services.storage import desk, people
from services.storage.database import Unit

__all__ = ["AlertCode", "alert"]


def alert(
    unit: Unit,
    ids: Ids,
    code: AlertCode,
    subject: str,
    facts: dict[str, object],
    person_id: int | None = None,
    *,
    template: str = "alert",
) -> bool:
    """Open or count an incident; tell commanders, the person concerned and the risk chats when it is new.

    Returns whether it is new. ``facts`` may name ``trade_id``: the concerned person's message then replies to its card.
    """
    if not desk.open_incident(unit, ids.row(), code.value, subject, facts):
        return False
    told = {person.id: person for person in people.everyone(unit, Role.COMMANDER)}
    concerned = people.find(unit, person_id) if person_id is not None else None
    if concerned is not None:
        told[concerned.id] = concerned
    card = trade_card(str(facts["trade_id"])) if "trade_id" in facts else None
    page = RUNBOOKS[code]
    said = {"code": code.value, "subject": subject, "done": page.done, "next": page.next} | facts
    for person in told.values():
        reply = card if concerned is not None and person.id == concerned.id else None
        audience.tell_person(unit, person, Event.ALERT, template, said, reply_to_card=reply)
    group = {"code": code.value, "subject": subject, "done": page.done, "next": page.next}
    audience.tell_topic(unit, Topic.RISK, "alert_group", group, priority=Priority.URGENT)
    return True
