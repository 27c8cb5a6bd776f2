"""Trades that wait for a second person and end without a venue ever hearing of them: who is told, and what is withdrawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from services.access import audience
from services.access.second_person import SecondPerson
from services.domain.approvals import ApprovalState, ApprovalSubject
from services.domain.cards import mission_card, trade_card
from services.domain.notices import Event, Priority
from services.domain.people import Actor
from services.domain.states import TradeState
from services.domain.trades import Trade
from services.storage import approvals, missions, outbox, people, terminals, trades
from services.storage.database import Unit

TAKEN_BACK = "CANCELED"


def take_back(unit: Unit, actor: Actor, trade: Trade, code: str = TAKEN_BACK) -> bool:
    """Cancel a trade that waits, with the question that it asks; tell whether it waited."""
    if trade.state is not TradeState.AWAITING_APPROVAL:
        return False
    asked = approvals.of_subject(unit, ApprovalSubject.TRADE, trade.id)
    if asked is not None and asked.state is ApprovalState.WAITING:
        SecondPerson.withdraw(unit, actor, asked, f"taken back by {actor.name}" if code == TAKEN_BACK else code)
    end(unit, actor, trade, TradeState.CANCELED, code)
    return True


def end(
    unit: Unit, actor: Actor, trade: Trade, state: TradeState, code: str, facts: Mapping[str, object] | None = None
) -> Trade:
    """End a trade that waits, whose question is decided, and tell its trader, unless they ended it themselves.

    ``facts`` say more about why, in the journal's row and in what is told.
    """
    after = replace(trade, state=state, closed_at=unit.now, close_reason=code)
    trades.save(unit, trade, after)
    told = dict(facts or {})
    unit.record(actor, f"trade.{state.value}", trade=trade.number, reason=code, **told)
    refresh(unit, trade)
    if actor.id != trade.person_id:
        tell(unit, after, code, {"by": actor.name, **told})
    return after


def refresh(unit: Unit, trade: Trade) -> None:
    """Show how a trade stands on its own card and its mission's."""
    outbox.refresh(unit, trade_card(trade.id), Priority.TAP)
    outbox.refresh(unit, mission_card(trade.mission_id))


def tell(unit: Unit, trade: Trade, code: str, facts: Mapping[str, object]) -> None:
    """Tell a trader what became of a trade that waited; where it came to nothing the mission may be looked at afresh."""
    person, terminal = people.find(unit, trade.person_id), terminals.find(unit, trade.terminal_id)
    mission = missions.find(unit, trade.mission_id)
    if person is None:
        return
    said = {
        "trade": trade.number,
        "symbol": trade.symbol,
        "side": trade.side.value,
        "mode": terminal.mode.value if terminal is not None else None,
        "mission": mission.number if mission is not None else None,
        "code": code,
        **facts,
    }
    audience.tell_person(unit, person, Event.FILL, "trade_answered", said, reply_to_card=trade_card(trade.id))
