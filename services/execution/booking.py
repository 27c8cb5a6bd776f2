"""Booking what the venue says: fills once each, order states by listed moves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from services.access.alerts import AlertCode, alert
from services.domain.errors import Unavailable
from services.domain.market import Instrument, Universe
from services.domain.money import ZERO
from services.domain.orders import (
    CLIENT_ID_BASE,
    Order,
    OrderRole,
    VenueFill,
    VenueOrder,
    VenuePosition,
)
from services.domain.people import Actor
from services.domain.ports import Ids
from services.domain.states import ORDER_MOVES, OrderState
from services.domain.trades import Terminal, Trade, apply_fill, position_change
from services.execution import telling
from services.execution.settling import Settling
from services.portfolio.accounts import AccountBoard
from services.risk.days import day_of
from services.storage import desk, instructions, orders, terminals, trades
from services.storage.database import Unit

NAMED_BY_VENUE = "venue:"


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueReport:
    """One look at an account: order states first, then fills, so that a filled order's fills are in."""

    orders: Sequence[VenueOrder]
    fills: Sequence[VenueFill]
    positions: Sequence[VenuePosition]


class Booking:
    """Applies a venue's report to the desk's books inside one write unit."""

    def __init__(self, ids: Ids, accounts: AccountBoard, zone: str, settling: Settling) -> None:
        self._ids = ids
        self._accounts = accounts
        self._zone = zone
        self.settling = settling

    def apply(self, unit: Unit, actor: Actor, terminal: Terminal, report: VenueReport) -> list[Trade]:
        """Book fills and order states, settle the trades they touch, and return those trades as they stand.

        What is booked for a trade is journalled under the correlation of the tap that fired it, not under that of this look.
        """
        universe = desk.current_universe(unit)
        if universe is None:
            return []
        touched: dict[str, None] = {}
        for fill in sorted(report.fills, key=lambda each: each.sequence):
            trade_id = self._book_fill(unit, actor, terminal, fill, universe)
            if trade_id is not None:
                touched[trade_id] = None
        if report.fills:
            terminals.set_fill_sequence(unit, terminal.id, max(fill.sequence for fill in report.fills))
        reordered = dict.fromkeys(self._book_order(unit, terminal, reported) for reported in report.orders)
        touched |= dict.fromkeys(trade_id for trade_id in reordered if trade_id is not None)
        for trade in trades.live(unit, terminal_id=terminal.id):
            touched[trade.id] = None
        settled = []
        for trade_id in touched:
            found = trades.find(unit, trade_id)
            if found is not None:
                settled.append(self.settling.settle(unit, replace(actor, correlation=found.correlation), found, universe))
            if found is not None and trade_id in reordered:
                telling.refresh_cards(unit, found)
        return settled

    def _book_fill(self, unit: Unit, actor: Actor, terminal: Terminal, fill: VenueFill, universe: Universe) -> str | None:
        instrument = universe.find(fill.symbol)
        if instrument is None:
            raise Unavailable("INSTRUMENT", symbol=fill.symbol)
        instruction = instructions.find(unit, (fill.client_id or "")[:CLIENT_ID_BASE])
        trade = trades.find(unit, instruction.trade_id) if instruction and instruction.trade_id else None
        if not orders.add_fill(unit, terminal.id, fill, trade.id if trade else None):
            return None
        held = terminals.position(unit, terminal.id, fill.symbol)
        terminals.set_position(unit, terminal.id, fill.symbol, held + position_change(fill, instrument))
        if trade is None or instruction is None:
            facts: dict[str, object] = {"symbol": fill.symbol, "quantity": str(fill.quantity), "fill": fill.venue_fill_id}
            alert(unit, self._ids, AlertCode.FOREIGN_ORDER, f"{terminal.name}:{fill.symbol}", facts)
            return None
        after = apply_fill(trade, fill, fee_in_quote(fill, instrument))
        trades.save(unit, trade, after)
        _count_in_order(unit, terminal, fill)
        self._add_to_day(unit, terminal, after.realized - trade.realized)
        requested = next((o for o in instruction.orders if o.client_id == fill.client_id), None)
        role = requested.role if requested else OrderRole.FOREIGN
        telling.fill(unit, after, fill, role)
        unit.record(
            replace(actor, correlation=trade.correlation),
            "fill.booked",
            trade=trade.number,
            fill=fill.venue_fill_id,
            role=role.value,
            quantity=fill.quantity,
            price=fill.price,
            fee=fill.fee,
        )
        return trade.id

    def _add_to_day(self, unit: Unit, terminal: Terminal, change: Decimal) -> None:
        day = day_of(unit.now, self._zone)
        result = terminals.day_result(unit, terminal.id, day)
        if result is None:
            balance = self._accounts.latest(terminal.id)
            terminals.open_day(unit, terminal.id, day, balance.equity if balance else ZERO)
        realized = result.realized if result else ZERO
        terminals.set_day_realized(unit, terminal.id, day, realized + change)

    def _book_order(self, unit: Unit, terminal: Terminal, reported: VenueOrder) -> str | None:
        known = orders.find(unit, terminal.id, reported.client_id) if reported.client_id else None
        if known is None:
            return self._adopt_order(unit, terminal, reported)
        state = reported.state
        if state is not known.state and state not in ORDER_MOVES[known.state]:
            # An older report than what is booked; the venue's final word stands.
            return None
        after = replace(
            known,
            venue_id=reported.venue_id,
            quantity=reported.quantity,
            filled=max(known.filled, reported.filled),
            price=reported.price,
            stop_price=reported.stop_price,
            state=state,
            updated_at=reported.updated_at,
        )
        if after != known:
            orders.save(unit, known, after)
        return known.trade_id

    def _adopt_order(self, unit: Unit, terminal: Terminal, reported: VenueOrder) -> str | None:
        instruction = instructions.find(unit, (reported.client_id or "")[:CLIENT_ID_BASE])
        if instruction is not None:
            requested = next((o for o in instruction.orders if o.client_id == reported.client_id), None)
            role = requested.role if requested else OrderRole.FOREIGN
            orders.add(unit, to_order(reported, terminal.id, role, instruction.id, instruction.trade_id))
            return instruction.trade_id
        if orders.add(unit, to_order(reported, terminal.id, OrderRole.FOREIGN, None, None)):
            facts: dict[str, object] = {"symbol": reported.symbol, "order": reported.venue_id}
            alert(unit, self._ids, AlertCode.FOREIGN_ORDER, f"{terminal.name}:{reported.symbol}", facts)
        return None


def _count_in_order(unit: Unit, terminal: Terminal, fill: VenueFill) -> None:
    """Count a booked fill in its order at once: the venue's report on the order may be older than the fill."""
    known = orders.find(unit, terminal.id, fill.client_id) if fill.client_id else None
    if known is None:
        return
    filled = max(known.filled, orders.filled_by_fills(unit, terminal.id, known.client_id))
    wanted = OrderState.FILLED if filled >= known.quantity else OrderState.PARTIAL
    state = wanted if wanted in ORDER_MOVES[known.state] and known.state is not OrderState.PENDING_CANCEL else known.state
    if (filled, state) != (known.filled, known.state):
        orders.save(unit, known, replace(known, filled=filled, state=state, updated_at=max(known.updated_at, fill.time)))


def to_order(
    reported: VenueOrder, terminal_id: str, role: OrderRole, instruction_id: str | None, trade_id: str | None
) -> Order:
    """Write a venue's order as the desk keeps it; one without a client id is known by the venue's own."""
    return Order(
        client_id=reported.client_id or f"{NAMED_BY_VENUE}{reported.venue_id}",
        venue_id=reported.venue_id,
        instruction_id=instruction_id,
        trade_id=trade_id,
        terminal_id=terminal_id,
        symbol=reported.symbol,
        role=role,
        side=reported.side,
        type=reported.type,
        quantity=reported.quantity,
        filled=reported.filled,
        price=reported.price,
        stop_price=reported.stop_price,
        state=reported.state,
        updated_at=reported.updated_at,
    )


def fee_in_quote(fill: VenueFill, instrument: Instrument) -> Decimal:
    """Return a fill's fee in the quote currency; raise Unavailable for a third currency."""
    if fill.fee == 0 or fill.fee_currency == instrument.quote:
        return fill.fee
    if fill.fee_currency == instrument.base:
        return fill.fee * fill.price
    raise Unavailable("FEE_CURRENCY", currency=fill.fee_currency, symbol=fill.symbol)
