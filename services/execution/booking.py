"""Booking what the venue says: fills once each, order states by listed moves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

import structlog

from services.domain.market import Universe
from services.domain.measures import Meter, Timed, Unmeasured
from services.domain.money import ZERO
from services.domain.orders import (
    CLIENT_ID_BASE,
    Instruction,
    Order,
    OrderRole,
    VenueFill,
    VenueOrder,
    VenuePosition,
)
from services.domain.people import Actor
from services.domain.ports import Ids, QuoteSource
from services.domain.states import ORDER_MOVES, OrderState
from services.domain.trades import Terminal, Trade, apply_fill, position_change
from services.execution import telling
from services.execution.fees import FeeBook
from services.execution.proposing import Proposing
from services.execution.settling import Settling
from services.portfolio.accounts import AccountBoard
from services.risk.day_book import DayBook
from services.storage import desk, holdings, instructions, orders, terminals, trades
from services.storage.database import Unit

log = structlog.get_logger()
NAMED_BY_VENUE = "venue:"


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueReport:
    """One look at an account: order states first, then fills, so that a filled order's fills are in.

    ``lost`` are orders of ours that should work and that the venue does not know.
    """

    orders: Sequence[VenueOrder]
    fills: Sequence[VenueFill]
    positions: Sequence[VenuePosition]
    lost: Sequence[Order] = ()


class Booking:
    """Applies a venue's report to the desk's books inside one write unit."""

    def __init__(
        self,
        ids: Ids,
        accounts: AccountBoard,
        quotes: QuoteSource,
        zone: str,
        settling: Settling,
        meter: Meter | None = None,
    ) -> None:
        self._meter: Meter = meter or Unmeasured()
        self.days = DayBook(accounts, quotes, zone)
        self._fees = FeeBook(quotes)
        self.settling = settling
        self.proposing = Proposing(ids)

    def apply(self, unit: Unit, actor: Actor, terminal: Terminal, report: VenueReport) -> list[Trade]:
        """Book fills and order states, settle the trades they touch, and return those trades as they stand.

        What is booked for a trade is journalled under the correlation of the tap that fired it, not under that of this look.
        """
        live = trades.live(unit, terminal_id=terminal.id)
        universe = desk.universe_with(unit, [*(trade.symbol for trade in live), *(fill.symbol for fill in report.fills)])
        if universe is None:
            return []
        if report.fills:
            # The day begins with what is held before it changes.
            self.days.open(unit, terminal)
        touched = dict.fromkeys(self._book_fills(unit, actor, terminal, report.fills, universe))
        reordered = dict.fromkeys(self._book_order(unit, actor, terminal, reported) for reported in report.orders)
        touched |= reordered | dict.fromkeys(trade.id for trade in live)
        settled = []
        for trade_id in touched:
            found = trades.find(unit, trade_id) if trade_id is not None else None
            if found is None:
                continue
            settled.append(self.settling.settle(unit, replace(actor, correlation=found.correlation), found, universe))
            if trade_id in reordered:
                telling.refresh_cards(unit, found)
        return settled

    def settle_again(self, unit: Unit, actor: Actor, trade_id: str) -> Trade | None:
        """Settle one trade whose books were changed otherwise than by a report."""
        found = trades.find(unit, trade_id)
        universe = desk.universe_with(unit, [found.symbol]) if found is not None else None
        if found is None or universe is None:
            return None
        return self.settling.settle(unit, replace(actor, correlation=found.correlation), found, universe)

    def convert_fees(self, unit: Unit, actor: Actor, terminal: Terminal) -> None:
        """Count fees in a third currency for which there was no rate when they were booked and is one now."""
        universe = desk.current_universe(unit)
        for row in orders.fees_waiting(unit, terminal.id) if universe is not None else ():
            trade = trades.find(unit, row.trade_id)
            counted = self._fees.of_row(row, universe, unit.now) if universe is not None else None
            if trade is None or counted is None:
                continue
            orders.count_fee(unit, terminal.id, row.venue_fill_id, counted.amount, counted.rate)
            after = replace(trade, fees=trade.fees + counted.amount)
            trades.save(unit, trade, after)
            self.days.add(unit, terminal, after.realized - trade.realized)
            unit.record(
                replace(actor, correlation=trade.correlation),
                "fee.counted",
                trade=trade.number,
                fill=row.venue_fill_id,
                fee=row.fee,
                currency=row.fee_currency,
                counted=counted.amount,
                rate=counted.rate,
                age_s=counted.age_s,
            )
            telling.refresh_cards(unit, after)

    def _book_fills(
        self, unit: Unit, actor: Actor, terminal: Terminal, told: Sequence[VenueFill], universe: Universe
    ) -> list[str | None]:
        """Book what is new; a fill that cannot be told to be ours or not yet keeps those after it for the next look."""
        touched: list[str | None] = []
        upto: int | None = None
        for fill in sorted(told, key=lambda each: each.sequence):
            named = _named(unit, terminal.id, fill)
            if named.client_id is None and _may_be_ours(unit, terminal.id, fill):
                upto = fill.sequence - 1
                break
            touched.append(self._book_fill(unit, actor, terminal, named, universe))
            upto = fill.sequence
        if upto is not None and upto > terminals.fill_sequence(unit, terminal.id):
            terminals.set_fill_sequence(unit, terminal.id, upto)
        return touched

    def _book_fill(self, unit: Unit, actor: Actor, terminal: Terminal, fill: VenueFill, universe: Universe) -> str | None:
        instrument = universe.find(fill.symbol)
        if instrument is None:
            # No universe ever had it, so no trade of the desk can be in it.
            log.info("fill.outside", terminal=terminal.name, symbol=fill.symbol, fill=fill.venue_fill_id)
            return None
        instruction = instructions.find(unit, (fill.client_id or "")[:CLIENT_ID_BASE])
        trade = trades.find(unit, instruction.trade_id) if instruction and instruction.trade_id else None
        fee = self._fees.of_fill(fill, instrument, universe, unit.now)
        trade_id = trade.id if trade else None
        counted, rate = (fee.amount, fee.rate or None) if fee is not None else (None, None)
        if not orders.add_fill(unit, terminal.id, fill, trade_id, counted=counted, rate=rate):
            return None
        change = position_change(fill, instrument)
        if fill.fee_currency not in (instrument.base, instrument.quote):
            _pay_from_holdings(unit, terminal.id, fill, universe)
        count_in_order(unit, terminal.id, fill.client_id)
        if trade is None or instruction is None:
            if instruction is not None:
                self.proposing.own_fill(unit, actor, terminal, fill, instruction.id, change)
            else:
                self.proposing.foreign_fill(unit, actor, terminal, fill, change)
            return None
        held = terminals.position(unit, terminal.id, fill.symbol)
        terminals.set_position(unit, terminal.id, fill.symbol, held + change)
        self._book_for(unit, actor, terminal, trade, instruction, fill, fee.amount if fee is not None else ZERO)
        return trade.id

    def _book_for(
        self,
        unit: Unit,
        actor: Actor,
        terminal: Terminal,
        trade: Trade,
        instruction: Instruction,
        fill: VenueFill,
        fee: Decimal,
    ) -> None:
        after = apply_fill(trade, fill, fee)
        trades.save(unit, trade, after)
        if trade.opened_at is None and trade.route is None:
            # A fill that comes before its order's acknowledgement took no time at all.
            self._meter.time(Timed.ACK_TO_FILL, (unit.now - (trade.acknowledged_at or unit.now)).total_seconds())
        self.days.add(unit, terminal, after.realized - trade.realized)
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
            fee_currency=fill.fee_currency,
        )

    def _book_order(self, unit: Unit, actor: Actor, terminal: Terminal, reported: VenueOrder) -> str | None:
        known = orders.find(unit, terminal.id, name_of(reported))
        if known is None:
            return self._adopt_order(unit, actor, terminal, reported)
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

    def _adopt_order(self, unit: Unit, actor: Actor, terminal: Terminal, reported: VenueOrder) -> str | None:
        instruction = instructions.find(unit, (reported.client_id or "")[:CLIENT_ID_BASE])
        if instruction is not None:
            add_reported(unit, instruction, reported)
            return instruction.trade_id
        order = to_order(reported, terminal.id, OrderRole.FOREIGN, None, None)
        if orders.add(unit, order):
            self.proposing.foreign_order(unit, actor, terminal, order)
        return None


def add_reported(unit: Unit, instruction: Instruction, reported: VenueOrder) -> None:
    """Store an order of an instruction as the venue reports it, with what is booked of it already."""
    requested = next((each for each in instruction.orders if each.client_id == reported.client_id), None)
    role = requested.role if requested is not None else OrderRole.FOREIGN
    orders.add(unit, to_order(reported, instruction.terminal_id, role, instruction.id, instruction.trade_id))
    count_in_order(unit, instruction.terminal_id, reported.client_id)


def name_of(reported: VenueOrder) -> str:
    """Return what the desk calls a venue's order: its client id, or else the venue's own."""
    return reported.client_id or f"{NAMED_BY_VENUE}{reported.venue_id}"


def count_in_order(unit: Unit, terminal_id: str, client_id: str | None) -> None:
    """Count the booked fills of an order in it at once: the venue's report on the order may be older than they are."""
    known = orders.find(unit, terminal_id, client_id) if client_id else None
    if known is None:
        return
    filled = max(known.filled, orders.filled_by_fills(unit, terminal_id, known.client_id))
    if filled == ZERO:
        return
    wanted = OrderState.FILLED if filled >= known.quantity else OrderState.PARTIAL
    state = wanted if wanted in ORDER_MOVES[known.state] and known.state is not OrderState.PENDING_CANCEL else known.state
    if (filled, state) != (known.filled, known.state):
        orders.save(unit, known, replace(known, filled=filled, state=state))


def _named(unit: Unit, terminal_id: str, fill: VenueFill) -> VenueFill:
    """Return the fill with its order's client id, where the venue names only its own order id in executions."""
    if fill.client_id is not None:
        return fill
    known = orders.named_by_venue(unit, terminal_id, fill.venue_order_id)
    return fill if known is None else replace(fill, client_id=known.client_id)


def _may_be_ours(unit: Unit, terminal_id: str, fill: VenueFill) -> bool:
    """Tell whether a fill without a client id may belong to a write that has no answer yet."""
    if orders.fill_row(unit, terminal_id, fill.venue_fill_id) is not None:
        return False
    return bool(instructions.doubtful(unit, terminal_id=terminal_id, symbol=fill.symbol))


def _pay_from_holdings(unit: Unit, terminal_id: str, fill: VenueFill, universe: Universe) -> None:
    """Take a fee in a third currency off what the account holds of it, where that is an instrument of the desk's."""
    for instrument in universe.instruments:
        if instrument.base == fill.fee_currency and instrument.symbol != fill.symbol:
            holdings.change(unit, terminal_id, instrument.symbol, -fill.fee, "fees paid", None)


def to_order(
    reported: VenueOrder, terminal_id: str, role: OrderRole, instruction_id: str | None, trade_id: str | None
) -> Order:
    """Write a venue's order as the desk keeps it; one without a client id is known by the venue's own."""
    return Order(
        client_id=name_of(reported),
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
