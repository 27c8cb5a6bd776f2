"""Taking an entry back: what was not sent is withdrawn, what works is cancelled, and nothing follows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from services.access import waiting_trades
from services.domain.orders import Instruction, Order, OrderRole, Purpose
from services.domain.people import Actor
from services.domain.ports import Ids
from services.domain.routes import RoutePhase, Then, load_route
from services.domain.states import LIVE_ORDER_STATES, InstructionState, TradeState
from services.domain.trades import Trade
from services.execution import telling
from services.execution.writes import add_cancel
from services.storage import instructions, orders, trades
from services.storage.database import Unit


def take_back_entry(unit: Unit, actor: Actor, ids: Ids, trade: Trade) -> bool:
    """Withdraw an unsent entry, or one that waits for approval, or commit the cancel of a working one; tell whether any was."""
    if waiting_trades.take_back(unit, actor, trade):
        return True
    pending = instructions.pending_of_trade(unit, trade.id)
    entries = [each for each in pending if each.purpose is Purpose.ENTRY]
    unsent = [each for each in entries if each.state is InstructionState.INTENT]
    placed = [order for order in orders.of_trade(unit, trade.id) if order.role is OrderRole.ENTRY]
    working = [order for order in placed if order.state in LIVE_ORDER_STATES]
    route = load_route(trade.route)
    open_route = route is not None and route.open
    if not unsent and not working and not open_route:
        return False
    for each in unsent:
        instructions.set_state(unit, each, InstructionState.EXPIRED, answer="CANCELED")
    nothing_out = len(unsent) == len(entries) and not working and all(order.filled == 0 for order in placed)
    if trade.state is TradeState.WORKING and nothing_out and not trade.entry_quantity:
        _cancel(unit, actor, trade)
        return True
    _ask(unit, actor, ids, trade, _not_asked(working, pending))
    return True


def without_route(unit: Unit, trade: Trade, reason: str) -> Trade:
    """Return the trade with its route ended, at once where nothing is out, else when what rests is off the book."""
    route = load_route(trade.route)
    if route is None or not route.open:
        return trade
    if route.phase is RoutePhase.ARMED:
        return replace(trade, route=route.moved(RoutePhase.ENDED, unit.now, reason=reason).dump())
    return replace(trade, route=route.moved(RoutePhase.CLEARING, unit.now, then=Then.END, reason=reason).dump())


def _not_asked(working: Sequence[Order], pending: Sequence[Instruction]) -> list[Order]:
    asked = {client_id for each in pending for client_id in each.cancels}
    return [order for order in working if order.client_id not in asked]


def _cancel(unit: Unit, actor: Actor, trade: Trade) -> None:
    after = replace(trade, state=TradeState.CANCELED, closed_at=unit.now, close_reason="CANCELED")
    route = load_route(trade.route)
    if route is not None and route.open:
        after = replace(after, route=route.moved(RoutePhase.ENDED, unit.now, reason="CANCELED").dump())
    trades.save(unit, trade, after)
    unit.record(actor, "trade.canceled", trade=trade.number)
    telling.refresh_cards(unit, after)


def _ask(unit: Unit, actor: Actor, ids: Ids, trade: Trade, working: Sequence[Order]) -> None:
    after = without_route(unit, trade, "CANCELED")
    if after != trade:
        trades.save(unit, trade, after)
        unit.wake("entries")
    if working:
        add_cancel(unit, ids, trade, working)
    unit.record(actor, "trade.cancel_asked", trade=trade.number)
