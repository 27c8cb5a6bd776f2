"""A database that takes no writes: it is said without one, to the chat and the second channel, and kept once it can be.

Nothing has to be done for what it means: a fire, a claim and an answer are commits, so none happens. Updates stay at the
server, which brings them again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import structlog

from bot.answering import Straight
from bot.delivery import Envelope
from bot.second_channel import SecondChannel
from handlers.telegram.views.incidents import render_unstored
from handlers.telegram.views.message import Rendered
from services.access import audience
from services.domain.errors import Unavailable
from services.domain.incidents import AlertCode
from services.domain.notices import Event, Topic
from services.domain.people import Actor, Role
from services.domain.ports import Clock, Ids, Nursery
from services.operations.stages import DATABASE, SAVE_EVERY_S, Stages
from services.storage import chats, incidents, outside, people
from services.storage.counters import set_fact
from services.storage.database import Database, Unit

log = structlog.get_logger()
SUBJECT = "database"
TRIED = "database.tried"
INSIST_S = 90.0
LOOK_EVERY_S = 2.0
# The stages are stored every few seconds; one that comes late is reason enough to try.
SUSPICIOUS_AFTER_S = SAVE_EVERY_S + 2.0


class WatchWrites:
    """Tries a write when none succeeded for a while; ``commanders`` are told when not even that can be read who is one."""

    def __init__(
        self,
        database: Database,
        stages: Stages,
        straight: Straight,
        nursery: Nursery,
        clock: Clock,
        ids: Ids,
        commanders: Sequence[int],
        outside: SecondChannel | None = None,
    ) -> None:
        self._database = database
        self._stages = stages
        self._straight = straight
        self._nursery = nursery
        self._clock = clock
        self._ids = ids
        self._commanders = commanders
        self._outside = outside
        self._heard: set[int] = set()
        self._since: datetime | None = None
        self._reason = ""

    async def run(self) -> None:
        """Look for ever."""
        while True:
            await self._clock.sleep(LOOK_EVERY_S)
            await self.look()

    async def look(self) -> None:
        """Look once."""
        age = self._stages.age(DATABASE)
        if self._since is None and (age is None or age.total_seconds() < SUSPICIOUS_AFTER_S):
            return
        try:
            await self._database.write(self._book, urgent=True)
        except Unavailable as error:
            await self._broken(str(error.values.get("reason", error.code)))
        else:
            self._since = None

    async def _broken(self, reason: str) -> None:
        if self._since is not None:
            return
        self._since, self._reason = self._clock.now(), reason
        log.error("database.unwritable", reason=reason)
        if self._outside is not None:
            self._cry(self._outside)
        for chat_id, thread_id in (await self._recipients()).items():
            envelope = Envelope(chat_id=chat_id, thread_id=thread_id)
            self._nursery.spawn(f"unwritable {chat_id}", self._say(envelope, self._alert(private=chat_id > 0)))

    def _cry(self, outside: SecondChannel) -> None:
        """Tell the second channel too: nothing can be stored that would call on there."""
        since, heard = self._since, set[int]()
        self._heard = heard
        cry = outside.insist(AlertCode.DATABASE_UNWRITABLE, SUBJECT, self._reason, lambda: self._since is since, heard)
        self._nursery.spawn("unwritable outside", cry)

    async def _say(self, envelope: Envelope, rendered: Rendered) -> None:
        await self._straight.insist(envelope, rendered, INSIST_S)

    def _alert(self, *, private: bool) -> Rendered:
        return render_unstored(AlertCode.DATABASE_UNWRITABLE, SUBJECT, self._reason if private else "")

    async def _recipients(self) -> Mapping[int, int | None]:
        try:
            return await self._database.read(_told)
        except Unavailable:
            return dict.fromkeys(self._commanders)

    def _book(self, unit: Unit) -> None:
        """Note that a write succeeded; after a time without, keep the incident and tell that it is over."""
        set_fact(unit, TRIED, unit.now.isoformat())
        if self._since is None:
            return
        seconds = round((unit.now - self._since).total_seconds())
        facts: dict[str, object] = {"seconds": seconds, "detail": self._reason}
        opened = incidents.open_incident(unit, self._ids.row(), AlertCode.DATABASE_UNWRITABLE.value, SUBJECT, facts)
        outside.was_said(unit, self._ids, opened.incident.id, self._heard)
        incidents.close_incident(unit, AlertCode.DATABASE_UNWRITABLE.value, SUBJECT)
        actor = Actor.job("storage", f"storage-{self._ids.row()}")
        unit.record(actor, "database.writable", since=self._since.isoformat(), **facts)
        audience.tell_topic(unit, Topic.RISK, "writable_again", facts)
        for person in people.everyone(unit, Role.COMMANDER):
            audience.tell_person(unit, person, Event.ALERT, "writable_again", facts)


def _told(unit: Unit) -> dict[int, int | None]:
    bound: dict[int, int | None] = {place.chat_id: place.thread_id for place in chats.bound(unit, Topic.RISK)}
    return bound | {person.id: None for person in people.everyone(unit, Role.COMMANDER)}
