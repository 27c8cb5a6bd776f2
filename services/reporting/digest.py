"""Digests on schedule: the next one of each chat is a stored duty, and a due one is finished and told in one commit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select

from config.groups import DeskSettings, DigestSettings
from services.access import audience
from services.domain.notices import Event, Loudness, Topic
from services.domain.people import Actor, Person, Role
from services.domain.schedule import A_DAY, next_time
from services.reporting.digest_content import digest_now, keep_anchor
from services.reporting.live import Live
from services.storage import chats, desk, outbox, people
from services.storage.chats import Place
from services.storage.database import Database, Unit
from services.storage.tables import duties

PREFIX = "digest:"


@dataclass(frozen=True, slots=True, kw_only=True)
class DueDigest:
    """A chat whose digest is due: its unfinished ``duties`` are one digest, covering everything ``since`` the last."""

    chat_id: int
    duties: tuple[str, ...]
    since: datetime


def ensure_digests(unit: Unit, settings: DigestSettings, zone: str) -> int:
    """Store the next digest of every chat that gets one, take back those that are no longer meant; return how many are new."""
    wanted = _wanted(unit, settings, zone)
    for chat_id, due_at in _ahead(unit) - wanted:
        unit.run(delete(duties).where(duties.c.name == _name(chat_id, due_at), duties.c.done_at.is_(None)))
    return sum(desk.schedule(unit, _name(chat_id, due_at), due_at, {"chat": chat_id}) for chat_id, due_at in wanted)


def _name(chat_id: int, due_at: datetime) -> str:
    return f"{PREFIX}{chat_id}:{due_at:%Y-%m-%dT%H%M}"


def _ahead(unit: Unit) -> set[tuple[int, datetime]]:
    return {(int(row.terms["chat"]), row.due_at) for row in desk.ahead(unit, PREFIX)}


def _wanted(unit: Unit, settings: DigestSettings, zone: str) -> set[tuple[int, datetime]]:
    """Return each chat that gets digests with the time of its next one."""
    if not settings.enabled:
        return set()
    places = [(place.chat_id, zone) for place in chats.bound(unit, Topic.DIGEST)]
    places += [(person.id, person.zone) for person in people.everyone(unit, Role.TRADER) if _wants(unit, person)]
    return {(chat_id, next_time(unit.now, settings.at, local)) for chat_id, local in places}


def _wants(unit: Unit, person: Person) -> bool:
    return person.reachable and audience.choice(unit, person, Event.DIGEST) in (Loudness.LOUD, Loudness.SILENT)


def due_digests(unit: Unit) -> list[DueDigest]:
    """Return the chats whose digest is due; after a long pause a chat has one, however many it missed."""
    by_chat: dict[int, list[str]] = {}
    for row in desk.due(unit, PREFIX):
        by_chat.setdefault(int(row.terms["chat"]), []).append(row.name)
    return [
        DueDigest(chat_id=chat_id, duties=tuple(names), since=_last(unit, chat_id) or unit.now - A_DAY)
        for chat_id, names in by_chat.items()
    ]


def _last(unit: Unit, chat_id: int) -> datetime | None:
    done = select(duties.c.done_at).where(duties.c.name.startswith(f"{PREFIX}{chat_id}:"), duties.c.done_at.is_not(None))
    at: datetime | None = unit.connection.scalar(done.order_by(duties.c.done_at.desc()).limit(1))
    return at


class SendDigests:
    """Tell the digests that are due, and store the next ones."""

    def __init__(
        self, database: Database, live: Callable[[], Live], settings: DigestSettings, desk_settings: DeskSettings
    ) -> None:
        self._database = database
        self._live = live
        self._settings = settings
        self._desk = desk_settings

    async def __call__(self, actor: Actor) -> int:
        """Return how many digests were told."""
        settings, zone = self._settings, self._desk.zone
        if await self._database.read(lambda unit: _ahead(unit) != _wanted(unit, settings, zone)):
            await self._database.write(lambda unit: ensure_digests(unit, settings, zone))
        due = await self._database.read(due_digests)
        told = 0
        for each in due:
            told += await self._send(actor, each)
        return told

    async def _send(self, actor: Actor, due: DueDigest) -> bool:
        # Reading a day and verifying the journal takes longer than a write unit should.
        facts = await self._database.read(
            lambda unit: digest_now(unit, due.chat_id, self._live(), self._desk.name, since=due.since)
        )

        def body(unit: Unit) -> bool:
            finished = [desk.finish_duty(unit, name) for name in due.duties]
            if not any(finished) or not self._tell(unit, due.chat_id, facts):
                return False
            keep_anchor(unit, facts)
            unit.record(actor, "digest.sent", chat=due.chat_id, since=due.since.isoformat())
            return True

        return await self._database.write(body)

    def _tell(self, unit: Unit, chat_id: int, facts: dict[str, object]) -> bool:
        """Tell a person as loudly as they like it, a group where its digests are bound now."""
        if chat_id > 0:
            person = people.find(unit, chat_id)
            return person is not None and audience.tell_person(unit, person, Event.DIGEST, "digest", facts)
        place: Place | None = next((each for each in chats.bound(unit, Topic.DIGEST) if each.chat_id == chat_id), None)
        if place is not None:
            outbox.tell(unit, chat_id, "digest", facts, thread_id=place.thread_id)
        return place is not None


__all__ = ["DueDigest", "SendDigests", "digest_now", "due_digests", "ensure_digests", "next_time"]
