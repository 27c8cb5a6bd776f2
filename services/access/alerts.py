"""Alerts: one incident is one message; each code says what the desk did and what to do next."""

from __future__ import annotations

from enum import StrEnum

from services.access import audience
from services.domain.cards import trade_card
from services.domain.notices import Event, Priority, Topic
from services.domain.people import Role
from services.domain.ports import Ids
from services.storage import desk, people
from services.storage.database import Unit


class AlertCode(StrEnum):
    """What can be wrong."""

    STAGE_SILENT = "STAGE_SILENT"
    STOP_NOT_PLACED = "STOP_NOT_PLACED"
    OUTCOME_UNKNOWN = "OUTCOME_UNKNOWN"
    POSITION_MISMATCH = "POSITION_MISMATCH"
    FOREIGN_ORDER = "FOREIGN_ORDER"
    ORDER_LOST = "ORDER_LOST"
    VENUE_UNREACHABLE = "VENUE_UNREACHABLE"
    CLOSE_REJECTED = "CLOSE_REJECTED"
    CANCEL_REJECTED = "CANCEL_REJECTED"
    POSITION_BARE = "POSITION_BARE"
    STOP_LATE = "STOP_LATE"
    STOP_WATCHED = "STOP_WATCHED"
    WATCH_STALE = "WATCH_STALE"
    LATE_FILL = "LATE_FILL"
    BACKUP_FAILED = "BACKUP_FAILED"


ADVICE: dict[AlertCode, tuple[str, str]] = {
    AlertCode.STAGE_SILENT: ("the stage is restarted; entries that need it are refused", "/status"),
    AlertCode.STOP_NOT_PLACED: ("the position is being closed at market", "/positions"),
    AlertCode.OUTCOME_UNKNOWN: ("the venue is being asked; nothing is re-sent, the instrument takes no new trade", "/resolve"),
    AlertCode.POSITION_MISMATCH: ("the instrument takes no new trade until it is decided or gone", "/resolve"),
    AlertCode.FOREIGN_ORDER: ("it is marked foreign and left alone; the instrument takes no new trade", "/resolve"),
    AlertCode.ORDER_LOST: ("nothing is sent again; the instrument takes no new trade until it is decided", "/resolve"),
    AlertCode.VENUE_UNREACHABLE: ("entries are refused; protection rests at the venue", "/doctor"),
    AlertCode.CLOSE_REJECTED: ("the position is protected again, and sold when it is asked for anew", "/positions"),
    AlertCode.CANCEL_REJECTED: ("the venue is asked again to take the exits away", "/orders"),
    AlertCode.POSITION_BARE: ("a stop is placed as soon as the venue takes it", "/positions"),
    AlertCode.STOP_LATE: ("what `protection.on_failure` says", "/positions"),
    AlertCode.STOP_WATCHED: ("the stop lives in the desk only: it works while the desk runs", "/positions"),
    AlertCode.WATCH_STALE: ("nothing is sold on an old price; what rests at the venue still works", "/status"),
    AlertCode.LATE_FILL: ("the trade is open again and its stop is being placed", "/positions"),
    AlertCode.BACKUP_FAILED: ("earlier backups stand; it is tried again every minute", "/status"),
}


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
    done, command = ADVICE[code]
    said = {"code": code.value, "subject": subject, "done": done, "next": command} | facts
    for person in told.values():
        reply = card if concerned is not None and person.id == concerned.id else None
        audience.tell_person(unit, person, Event.ALERT, template, said, reply_to_card=reply)
    group = {"code": code.value, "subject": subject, "done": done, "next": command}
    audience.tell_topic(unit, Topic.RISK, "alert_group", group, priority=Priority.URGENT)
    return True
