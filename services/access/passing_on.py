"""Open trades of somebody who may not trade any more pass to a commander, with one card that lists them."""

from __future__ import annotations

from services.domain.cards import handover_card
from services.domain.notices import Priority
from services.domain.people import Actor, Person, Role
from services.storage import handovers, outbox, people, trades
from services.storage.database import Unit


def keeper_for(unit: Unit, actor: Actor, person_id: int, wanted: int | None = None) -> Person | None:
    """Return who takes the trades over: whoever was named, who acts, who gave the role, or any other commander.

    None when nobody else is commander.
    """
    others = {each.id: each for each in people.everyone(unit, Role.COMMANDER) if each.id != person_id}
    asked = (wanted, actor.id if actor.kind == "person" else None, people.granted_by(unit, person_id), *others)
    return next((others[each] for each in asked if each in others), None)


def pass_on(unit: Unit, actor: Actor, person_id: int, why: str, wanted: int | None = None) -> tuple[int, ...]:
    """Pass on what lives of a person, their own trades and those they keep; return the numbers of the trades.

    Call it before the role is taken: who gave it is asked for.
    """
    kept = [trade for each in handovers.live_with(unit, person_id) if (trade := trades.find(unit, each.trade_id))]
    own = [trade for trade in trades.live(unit, person_id=person_id) if handovers.keeper_of(unit, trade.id) is None]
    found = sorted({trade.id: trade for trade in [*own, *kept]}.values(), key=lambda trade: trade.number)
    keeper = keeper_for(unit, actor, person_id, wanted) if found else None
    if keeper is None:
        return ()
    for trade in found:
        handovers.give(unit, trade.id, person_id=trade.person_id, keeper_id=keeper.id, why=why)
    for owner in dict.fromkeys(trade.person_id for trade in found):
        outbox.refresh(unit, handover_card(owner))
        outbox.show(unit, handover_card(owner), keeper.id, priority=Priority.URGENT, anew=True)
    numbers = tuple(trade.number for trade in found)
    unit.record(actor, "trades.passed_on", person=person_id, keeper=keeper.id, trades=numbers, why=why)
    return numbers
