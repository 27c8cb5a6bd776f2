"""From a stored signal to a mission, offered once per chat; beyond the quota a chat gets one silent, grouped card."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from config.groups import SignalSettings
from services.access import audience
from services.domain.cards import grouped_card, mission_card
from services.domain.notices import Event, Loudness, Priority, Topic
from services.domain.people import Actor, Role
from services.domain.ports import Ids
from services.domain.signals import DropCode, Mission, Signal
from services.risk.days import day_of
from services.storage import chats, missions, outbox, people
from services.storage.database import Database, Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    chat_id: int
    thread_id: int | None
    silent: bool


class OfferMissions:
    """Open a mission for each waiting signal and offer it where missions go."""

    def __init__(self, database: Database, settings: SignalSettings, ids: Ids, zone: str) -> None:
        self._database = database
        self._settings = settings
        self._ids = ids
        self._zone = zone

    async def __call__(self, actor: Actor) -> int:
        """Offer what waits and return how many missions were opened."""
        if not await self._database.glance(missions.waiting_signals):
            return 0
        return await self._database.write(lambda unit: self._offer_waiting(unit, actor))

    def _offer_waiting(self, unit: Unit, actor: Actor) -> int:
        opened = 0
        for signal in missions.waiting_signals(unit):
            if signal.expires_at <= unit.now:
                missions.drop_signal(unit, signal.id, DropCode.STALE, "expired before it was offered")
                continue
            self.open(unit, actor, signal)
            opened += 1
        return opened

    def open(self, unit: Unit, actor: Actor, signal: Signal) -> Mission:
        """Open one mission inside a unit and offer it everywhere."""
        mission = missions.add(unit, self._ids.row(), signal)
        for place in self._places(unit):
            self._offer(unit, mission, place)
        unit.record(
            actor,
            "mission.opened",
            mission=mission.number,
            signal=signal.id,
            source=signal.source,
            symbol=signal.symbol,
            side=signal.side.value,
            score=signal.score,
        )
        return mission

    def _places(self, unit: Unit) -> list[_Place]:
        groups = [
            _Place(chat_id=place.chat_id, thread_id=place.thread_id, silent=False)
            for place in chats.bound(unit, Topic.MISSIONS)
        ]
        private = []
        for person in people.everyone(unit, Role.TRADER):
            level = audience.choice(unit, person, Event.MISSION)
            if level in (Loudness.LOUD, Loudness.SILENT) and person.reachable:
                private.append(_Place(chat_id=person.id, thread_id=None, silent=level is Loudness.SILENT))
        return groups + private

    def _offer(self, unit: Unit, mission: Mission, place: _Place) -> None:
        settings = self._settings
        in_hour = missions.count_offers(unit, place.chat_id, unit.now - timedelta(hours=1))
        in_day = missions.count_offers(unit, place.chat_id, unit.now - timedelta(days=1))
        grouped = in_hour >= settings.offers_per_hour or in_day >= settings.offers_per_day
        if not missions.add_offer(unit, mission.id, place.chat_id, grouped=grouped):
            return
        key = grouped_card(day_of(unit.now, self._zone)) if grouped else mission_card(mission.id)
        outbox.show(
            unit,
            key,
            place.chat_id,
            thread_id=place.thread_id,
            silent=grouped or place.silent,
            priority=Priority.BULK if grouped else Priority.NORMAL,
        )
