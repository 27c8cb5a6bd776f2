"""What execution tells: the trader in private with money, the groups in R and percent only."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from services.access import audience
from services.domain.cards import handover_card, mission_card, trade_card
from services.domain.money import canonical
from services.domain.notices import Event, Priority, Topic
from services.domain.orders import OrderRole, VenueFill
from services.domain.people import Person
from services.domain.routes import CLOSED, SILENCE, UNLISTED
from services.domain.trades import Trade
from services.storage import handovers, outbox, people, terminals, trades
from services.storage.database import Unit

OWN_TAP = timedelta(seconds=30)
_UNFILLED = {
    SILENCE: "the venue took it back: it had not heard of the desk for too long",
    CLOSED: "its market was closed until its time was over",
    UNLISTED: "its instrument is not listed any more",
}


def refresh_cards(unit: Unit, trade: Trade) -> None:
    """Show a trade's state on its own card, on its mission's, and where its keeper sees it."""
    outbox.refresh(unit, trade_card(trade.id), Priority.TAP)
    outbox.refresh(unit, mission_card(trade.mission_id))
    outbox.refresh(unit, handover_card(trade.person_id))


def _manager(unit: Unit, trade: Trade) -> Person | None:
    """Return who looks after a trade: whoever keeps it, else its trader."""
    return people.find(unit, handovers.keeper_of(unit, trade.id) or trade.person_id)


def _mode(unit: Unit, trade: Trade) -> str | None:
    """Return whether the trade's money is real, which every message about it says first."""
    terminal = terminals.find(unit, trade.terminal_id)
    return terminal.mode.value if terminal is not None else None


def refresh_prices(unit: Unit) -> int:
    """Let the cards of open trades show the price as it is now; return how many there are."""
    held = [trade for trade in trades.live(unit) if trade.open_quantity > 0]
    for trade in held:
        outbox.refresh(unit, trade_card(trade.id), Priority.BULK)
    return len(held)


def fill(unit: Unit, trade: Trade, booked: VenueFill, role: OrderRole) -> None:
    """Tell of a fill: right after the trader's own tap the card is enough, later a message replies to it."""
    person = _manager(unit, trade)
    recent = role in (OrderRole.ENTRY, OrderRole.CLOSE) and booked.time - trade.tapped_at <= OWN_TAP
    # The last fill of a trade is told by its result.
    if person is not None and not recent and trade.open_quantity > 0:
        facts = {
            "trade": trade.number,
            "symbol": trade.symbol,
            "mode": _mode(unit, trade),
            "side": trade.side.value,
            "role": role.value,
            "quantity": canonical(booked.quantity),
            "price": canonical(booked.price),
            "remaining": canonical(trade.open_quantity),
        }
        audience.tell_person(unit, person, Event.FILL, "fill", facts, reply_to_card=trade_card(trade.id))


def opened(unit: Unit, trade: Trade) -> None:
    """Tell the groups that a trade is on."""
    person = people.find(unit, trade.person_id)
    facts = {
        "person": person.name if person else str(trade.person_id),
        "trade": trade.number,
        "symbol": trade.symbol,
        "mode": _mode(unit, trade),
        "side": trade.side.value,
        "price": canonical(trade.average_entry) if trade.average_entry is not None else None,
    }
    audience.tell_topic(unit, Topic.FILLS, "opened_group", facts, silent=True)


def closed(unit: Unit, trade: Trade, equity: Decimal | None) -> None:
    """Tell the result: to the trader with money, to the groups in R and percent."""
    r = trade.r_multiple(trade.realized)
    percent = trade.realized / equity * 100 if equity else None
    shared = {
        "trade": trade.number,
        "symbol": trade.symbol,
        "mode": _mode(unit, trade),
        "side": trade.side.value,
        "reason": trade.close_reason,
        "r": canonical(r.quantize(Decimal("0.01"))) if r is not None else None,
        "percent": canonical(percent.quantize(Decimal("0.01"))) if percent is not None else None,
        "price": canonical(trade.average_exit) if trade.average_exit is not None else None,
    }
    person, manager = people.find(unit, trade.person_id), _manager(unit, trade)
    if manager is not None:
        money = {"realized": canonical(trade.realized), "currency": trade.currency, "fees": canonical(trade.fees)}
        audience.tell_person(unit, manager, Event.CLOSED, "closed", shared | money, reply_to_card=trade_card(trade.id))
    if person is not None:
        shared = shared | {"person": person.name}
    audience.tell_topic(unit, Topic.FILLS, "closed_group", shared, silent=True)


def unfilled(unit: Unit, trade: Trade) -> None:
    """Tell the trader that an entry ended without a fill, and why, where the card alone would be missed."""
    code = trade.close_reason or "NOT_FILLED"
    not_sent(unit, trade, code, _UNFILLED.get(code, "nothing traded at the price or better"))


def not_sent(unit: Unit, trade: Trade, code: str, detail: str) -> None:
    """Tell the trader that an entry was never sent or not taken, where the card alone would be missed."""
    person = _manager(unit, trade)
    if person is None or unit.now - trade.tapped_at <= OWN_TAP:
        return
    facts = {
        "trade": trade.number,
        "symbol": trade.symbol,
        "mode": _mode(unit, trade),
        "side": trade.side.value,
        "code": code,
        "detail": detail,
    }
    audience.tell_person(unit, person, Event.FILL, "not_sent", facts, reply_to_card=trade_card(trade.id))
