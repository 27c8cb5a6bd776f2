"""Lists of people and chats, and what someone chose for themselves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from services.access import audience
from services.domain.notices import SAFETY_EVENTS, Event, Loudness, Topic
from services.domain.people import Person
from services.domain.trades import Terminal
from services.reporting.live import Live
from services.reporting.viewer import Viewer
from services.storage import chats, people, terminals
from services.storage.chats import Chat
from services.storage.database import Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class PeopleList:
    """Everyone with a role, the highest first."""

    rows: tuple[Person, ...]
    private: bool
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatLine:
    """A group with what it is told."""

    chat: Chat
    topics: tuple[Topic, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatsList:
    """Every group that the desk was ever added to."""

    rows: tuple[ChatLine, ...]
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifyList:
    """How loudly a person hears of each event; ``fixed`` ones safety keeps loud."""

    rows: tuple[tuple[Event, Loudness], ...]
    fixed: frozenset[Event]
    quiet_from: str | None
    quiet_to: str | None
    zone: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsList:
    """What is kept of a person; ``terminal`` is None for someone who may not trade."""

    person: Person
    terminal: Terminal | None
    at: datetime


def people_list(unit: Unit, viewer: Viewer, live: Live) -> PeopleList:
    """Return everyone with a role; ids are shown in private only, which ``private`` tells."""
    return PeopleList(rows=tuple(people.everyone(unit)), private=viewer.private, at=live.now)


def chats_list(unit: Unit, live: Live) -> ChatsList:
    """Return all groups with what they are told."""
    rows = tuple(
        ChatLine(chat=chat, topics=tuple(topic for topic, _ in chats.bindings_of(unit, chat.id)))
        for chat in chats.everywhere(unit)
    )
    return ChatsList(rows=rows, at=live.now)


def notify_list(unit: Unit, viewer: Viewer, live: Live) -> NotifyList | None:
    """Return a person's choices with the defaults filled in, or None for someone unknown."""
    person = people.find(unit, viewer.person_id)
    if person is None:
        return None
    chosen = people.loudness(unit, person.id)
    levels = {
        event: Loudness.LOUD if event in SAFETY_EVENTS else chosen.get(event, audience.DEFAULT_LOUDNESS[event])
        for event in Event
    }
    return NotifyList(
        rows=tuple(levels.items()),
        fixed=SAFETY_EVENTS,
        quiet_from=person.quiet_from,
        quiet_to=person.quiet_to,
        zone=person.zone,
        at=live.now,
    )


def settings_list(unit: Unit, viewer: Viewer, live: Live) -> SettingsList | None:
    """Return what is kept of a person, or None for someone unknown."""
    person = people.find(unit, viewer.person_id)
    if person is None:
        return None
    return SettingsList(person=person, terminal=terminals.of_person(unit, person.id), at=live.now)
