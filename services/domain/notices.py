"""Stored rows that someone must be told something."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, StrEnum

from services.domain.states import NoticeState


class Priority(IntEnum):
    """The sender's lanes, the most urgent first."""

    URGENT = 0
    TAP = 1
    NORMAL = 2
    BULK = 3


class Loudness(StrEnum):
    """How a person wants an event: with a sound, without, gathered in the digest, or not at all."""

    LOUD = "loud"
    SILENT = "silent"
    DIGEST = "digest"
    OFF = "off"


class Event(StrEnum):
    """What a person may be told of, as ``/notify`` lists it."""

    MISSION = "mission"
    FILL = "fill"
    CLOSED = "closed"
    REFUSAL = "refusal"
    HALT = "halt"
    ALERT = "alert"
    DIGEST = "digest"
    PEOPLE = "people"
    REMINDER = "reminder"


SAFETY_EVENTS = frozenset({Event.HALT, Event.ALERT})


class Topic(StrEnum):
    """What ``/bind`` can direct to a chat or forum topic."""

    MISSIONS = "missions"
    FILLS = "fills"
    RISK = "risk"
    DIGEST = "digest"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One event for one chat, rendered from ``facts`` as stored; never merged or dropped.

    ``template`` names the text; ``reply_to_card`` is the key of the card that the message belongs to.
    """

    id: int
    chat_id: int
    thread_id: int | None
    template: str
    facts: Mapping[str, object]
    priority: Priority
    silent: bool
    state: NoticeState
    created_at: datetime
    not_before: datetime | None
    reply_to_card: str | None
    attempts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One message that lives on in place: rendered from the state as it is when it is sent, so edits coalesce.

    ``wanted`` counts the changes asked for, ``shown`` those that the chat has seen; ``asked_at`` is since when it waits.
    """

    key: str
    chat_id: int
    thread_id: int | None
    message_id: int | None
    wanted: int
    shown: int
    silent: bool
    priority: Priority
    reply_to_card: str | None
    digest: str | None
    has_photo: bool
    created_at: datetime
    asked_at: datetime
