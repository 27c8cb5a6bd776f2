"""The end of a mission: its time is over, or the price went through its stop before anyone fired."""

from __future__ import annotations

from services.access import waiting_trades
from services.domain.cards import mission_card, preview_card
from services.domain.decisions import Decided
from services.domain.people import Actor, Role
from services.domain.ports import QuoteSource
from services.domain.signals import Mission, Side
from services.domain.states import MissionState
from services.domain.verdicts import CheckCode
from services.missions.decided import answered_by, audience_of, passed
from services.storage import decision_journal, missions, outbox, people, trades
from services.storage.database import Database, Unit


class ExpireMissions:
    """End missions that are over with the trades of theirs that still wait, and refresh the cards that offer them."""

    def __init__(self, database: Database, quotes: QuoteSource) -> None:
        self._database = database
        self._quotes = quotes

    async def __call__(self, actor: Actor) -> int:
        """Return how many missions ended."""
        over = await self._database.glance(self._over)
        return await self._database.write(lambda unit: self._end(unit, actor)) if over else 0

    def _over(self, unit: Unit) -> list[tuple[Mission, MissionState]]:
        ended = []
        for mission in missions.open_missions(unit):
            if mission.signal.expires_at <= unit.now:
                ended.append((mission, MissionState.EXPIRED))
            elif self._stopped(mission):
                ended.append((mission, MissionState.WITHDRAWN))
        return ended

    def _stopped(self, mission: Mission) -> bool:
        quote = self._quotes.latest(mission.signal.symbol)
        if quote is None:
            return False
        if mission.signal.side is Side.LONG:
            return quote.bid <= mission.signal.stop
        return quote.ask >= mission.signal.stop

    def _end(self, unit: Unit, actor: Actor) -> int:
        ended = self._over(unit)
        for mission, state in ended:
            missions.set_state(unit, mission, state)
            outbox.refresh(unit, mission_card(mission.id))
            for trade in trades.of_mission(unit, mission.id):
                waiting_trades.take_back(unit, actor, trade, CheckCode.DEADLINE.value)
            for person in people.everyone(unit):
                outbox.refresh(unit, preview_card(mission.id, person.id))
            unit.record(actor, f"mission.{state.value}", mission=mission.number, unanswered=_note_unanswered(unit, mission))
        return len(ended)


def _note_unanswered(unit: Unit, mission: Mission) -> list[int]:
    """Keep what each trader who had the mission's card and neither fired nor skipped was shown; return who that is."""
    answered, shown_to = answered_by(unit, mission), audience_of(unit, mission)
    silent = []
    for person in people.everyone(unit, Role.TRADER):
        card = shown_to.card_of(person.id)
        if card is None or person.id in answered:
            continue
        if decision_journal.keep(unit, passed(unit, mission, person.id, Decided.EXPIRED, None, card)):
            silent.append(person.id)
    return silent
