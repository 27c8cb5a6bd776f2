"""Why a trade was fired, said by its trader after the fact: one tap, changed for an hour, never in the way of the order."""

from __future__ import annotations

from services.access.authority import require
from services.domain.cards import trade_card
from services.domain.decisions import EXPLAINED_FOR, FIRE_REASONS, fired_id
from services.domain.errors import NotAllowed, NotFound, Refused
from services.domain.notices import Priority
from services.domain.people import Actor, Role
from services.domain.trades import Trade
from services.storage import decision_journal, outbox, trades
from services.storage.database import Database, Unit


class ExplainFire:
    """Store the reason of a fire."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def __call__(self, actor: Actor, trade_id: str, reason: str) -> Trade:
        """Return the trade that was explained.

        Raise NotAllowed for anybody but its trader, Refused for a word that is no reason and for one that comes too late.
        """

        def body(unit: Unit) -> Trade:
            person = require(unit, actor, Role.TRADER)
            trade = trades.find(unit, trade_id)
            kept = decision_journal.find(unit, fired_id(trade_id))
            if trade is None or kept is None:
                raise NotFound("TRADE", reference=trade_id)
            if trade.person_id != person.id:
                raise NotAllowed("NOT_YOURS")
            if reason not in FIRE_REASONS:
                raise Refused("REASON", value=reason)
            if not kept.may_be_explained(unit.now):
                raise Refused("REASON_LATE", trade=trade.number, limit_s=int(EXPLAINED_FOR.total_seconds()))
            if kept.reason != reason:
                decision_journal.give_reason(unit, kept.id, reason)
                unit.record(actor, "decision.explained", trade=trade.number, before=kept.reason, reason=reason)
                outbox.refresh(unit, trade_card(trade.id), Priority.TAP)
            return trade

        return await self._database.write(body)
