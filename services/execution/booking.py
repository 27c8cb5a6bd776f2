"""Booking what the venue says: fills once each, order states by listed moves, and what follows for the trade."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from services.access import checklist
from services.access.alerts import AlertCode, alert
from services.domain.errors import Unavailable
from services.domain.market import Instrument, Universe
from services.domain.money import ZERO, canonical
from services.domain.orders import (
    CLIENT_ID_BASE,
    Instruction,
    Order,
    OrderRole,
    Purpose,
    VenueFill,
    VenueOrder,
    VenuePosition,
)
from services.domain.people import Actor
from services.domain.ports import Ids
from services.domain.states import LIVE_ORDER_STATES, ORDER_MOVES, InstructionState, OrderState, TradeState
from services.domain.trades import Terminal, Trade, apply_fill, is_dust, position_change
from services.execution import telling
from services.execution.protection import Exits, covers, live_exits, wanted_exits
from services.execution.writes import add_cancel, add_close, add_protection
from services.portfolio.accounts import AccountBoard
from services.risk.days import day_of
from services.storage import desk, instructions, orders, terminals, trades
from services.storage.database import Unit

MAX_PROTECT_REJECTIONS = 3
OVER = frozenset({TradeState.CANCELED, TradeState.FAILED, TradeState.CLOSED})
ENDS_WITH_THE_TRADE = (AlertCode.STOP_NOT_PLACED, AlertCode.CLOSE_REJECTED, AlertCode.LATE_FILL)
ELSEWHERE = "ELSEWHERE"
NAMED_BY_VENUE = "venue:"
NOTHING_TO_REDUCE = frozenset({"REDUCE_ONLY"})


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueReport:
    """One look at an account: order states first, then fills, so that a filled order's fills are in."""

    orders: Sequence[VenueOrder]
    fills: Sequence[VenueFill]
    positions: Sequence[VenuePosition]


class Booking:
    """Applies a venue's report to the desk's books inside one write unit."""

    def __init__(self, ids: Ids, accounts: AccountBoard, zone: str) -> None:
        self._ids = ids
        self._accounts = accounts
        self._zone = zone

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
                settled.append(self.settle(unit, replace(actor, correlation=found.correlation), found, universe))
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

    def settle(self, unit: Unit, actor: Actor, trade: Trade, universe: Universe) -> Trade:
        """Make the moves that the booked facts call for, and commit protection that is missing."""
        instrument = universe.find(trade.symbol)
        if instrument is None:
            raise Unavailable("INSTRUMENT", symbol=trade.symbol)
        placed = orders.of_trade(unit, trade.id)
        pending = instructions.pending_of_trade(unit, trade.id)
        after = self._moved(unit, trade, placed, {each.purpose for each in pending}, instrument)
        if after != trade:
            trades.save(unit, trade, after)
            self._announce(unit, actor, trade, after)
        if after.state is TradeState.OPEN:
            self._protect(unit, actor, after, placed, {each.purpose for each in pending}, instrument)
        elif after.state is TradeState.CLOSED:
            self._take_exits_away(unit, after, placed, pending)
        return after

    def unsettled(self, unit: Unit, terminal: Terminal) -> bool:
        """Tell whether a live trade calls for a move or for other exits although its venue has nothing new to say."""
        universe = desk.current_universe(unit)
        return universe is not None and any(
            self._calls_for_more(unit, trade, universe) for trade in trades.live(unit, terminal_id=terminal.id)
        )

    def _calls_for_more(self, unit: Unit, trade: Trade, universe: Universe) -> bool:
        instrument = universe.find(trade.symbol)
        if instrument is None:
            return False
        placed = orders.of_trade(unit, trade.id)
        pending = {each.purpose for each in instructions.pending_of_trade(unit, trade.id)}
        moved = self._moved(unit, trade, placed, pending, instrument)
        return moved != trade or _missing_exits(trade, placed, pending, instrument) is not None

    def _take_exits_away(self, unit: Unit, trade: Trade, placed: Sequence[Order], pending: Sequence[Instruction]) -> None:
        """Cancel what still works for a closed trade: left alone it would reduce whatever is opened next."""
        asked = {client_id for each in pending for client_id in each.cancels}
        left = [order for order in live_exits(placed) if order.client_id not in asked]
        if left:
            add_cancel(unit, self._ids, trade, left)

    def _moved(self, unit: Unit, trade: Trade, placed: Sequence[Order], pending: set[Purpose], instrument: Instrument) -> Trade:
        entries = [order for order in placed if order.role is OrderRole.ENTRY]
        entry_done = Purpose.ENTRY not in pending and all(o.state not in LIVE_ORDER_STATES for o in entries)
        reported = sum((order.filled for order in entries), ZERO)
        after = trade
        if trade.state is TradeState.WORKING or trade.state in OVER:
            if trade.open_quantity > 0:
                after = replace(trade, state=TradeState.OPEN, opened_at=unit.now, closed_at=None, close_reason=None)
            elif trade.state is TradeState.WORKING and entries and entry_done and reported == 0:
                return replace(trade, state=TradeState.CANCELED, closed_at=unit.now, close_reason="NOT_FILLED")
        if after.state not in (TradeState.OPEN, TradeState.CLOSING) or trade.entry_quantity < reported:
            return after
        if entry_done and after.open_quantity == 0:
            return replace(after, state=TradeState.CLOSED, closed_at=unit.now, close_reason=_reason(placed))
        if entry_done and after.exit_quantity > 0 and is_dust(after.open_quantity, instrument):
            dust = after.dust + after.open_quantity
            return replace(after, state=TradeState.CLOSED, closed_at=unit.now, dust=dust, close_reason=_reason(placed))
        if Purpose.CLOSE in pending or any(o.role is OrderRole.CLOSE and o.state in LIVE_ORDER_STATES for o in placed):
            return after
        if entry_done and terminals.position(unit, trade.terminal_id, trade.symbol) * trade.side.sign <= 0:
            # Orders that are not the desk's have taken the position: what the trade still counts is not there any more.
            gone = after.dust + after.open_quantity
            return replace(after, state=TradeState.CLOSED, closed_at=unit.now, dust=gone, close_reason=ELSEWHERE)
        return replace(after, state=TradeState.OPEN) if after.state is TradeState.CLOSING else after

    def _announce(self, unit: Unit, actor: Actor, before: Trade, after: Trade) -> None:
        telling.refresh_cards(unit, after)
        if after.state is before.state:
            return
        unit.record(
            actor,
            f"trade.{after.state.value}",
            trade=after.number,
            reason=after.close_reason,
            entry=after.entry_quantity,
            exit=after.exit_quantity,
            realized=after.realized,
        )
        if before.state in OVER:
            self._alert_late(unit, before, after)
        if after.state is TradeState.OPEN and before.opened_at is None:
            telling.opened(unit, after)
        if after.state is TradeState.CLOSED:
            for code in ENDS_WITH_THE_TRADE:
                desk.close_incident(unit, code.value, f"trade {after.number}")
            balance = self._accounts.latest(after.terminal_id)
            telling.closed(unit, after, balance.equity if balance else None)
            checklist.tick(unit, after.person_id, "close")
        if after.state is TradeState.CANCELED:
            telling.not_sent(unit, after, "NOT_FILLED", "nothing traded at the price or better")

    def _alert_late(self, unit: Unit, before: Trade, after: Trade) -> None:
        facts: dict[str, object] = {
            "trade": after.number,
            "trade_id": after.id,
            "symbol": after.symbol,
            "quantity": canonical(after.open_quantity),
            "detail": f"a fill came after the trade was {before.state.value}",
        }
        alert(unit, self._ids, AlertCode.LATE_FILL, f"trade {after.number}", facts, after.person_id)

    def _protect(
        self,
        unit: Unit,
        actor: Actor,
        trade: Trade,
        placed: Sequence[Order],
        pending: set[Purpose],
        instrument: Instrument,
    ) -> None:
        wanted = _missing_exits(trade, placed, pending, instrument)
        if wanted is None:
            return
        if rejections(unit, trade.id) >= MAX_PROTECT_REJECTIONS:
            if _nothing_to_close(unit, trade.id):
                # The venue says that it holds nothing: the comparison of both books alarms, more writes would not help.
                return
            self.close_unprotected(unit, actor, trade, "the venue refused the stop again and again")
            return
        instruction = add_protection(unit, self._ids, trade, wanted, live_exits(placed))
        unit.record(
            actor,
            "protection.planned",
            trade=trade.number,
            instruction=instruction.id,
            stop=wanted.stop,
            quantity=wanted.quantity,
        )

    def close_unprotected(self, unit: Unit, actor: Actor, trade: Trade, reason: str) -> None:
        """Alert and commit the close of a trade whose stop cannot be placed."""
        facts: dict[str, object] = {
            "trade": trade.number,
            "trade_id": trade.id,
            "symbol": trade.symbol,
            "quantity": str(trade.open_quantity),
            "detail": reason,
        }
        alert(unit, self._ids, AlertCode.STOP_NOT_PLACED, f"trade {trade.number}", facts, trade.person_id)
        if trade.open_quantity > 0 and trade.state is TradeState.OPEN:
            trades.save(unit, trade, replace(trade, state=TradeState.CLOSING))
            add_close(unit, self._ids, trade, trade.open_quantity)
            unit.record(actor, "trade.closing", trade=trade.number, reason="STOP_NOT_PLACED")
            telling.refresh_cards(unit, trade)


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


def _missing_exits(trade: Trade, placed: Sequence[Order], pending: set[Purpose], instrument: Instrument) -> Exits | None:
    """Return the exits that have to be placed now, or None when they stand, are under way or are not called for."""
    if trade.state is not TradeState.OPEN or trade.open_quantity <= 0 or pending & {Purpose.PROTECT, Purpose.CLOSE}:
        return None
    wanted = wanted_exits(trade, placed, instrument)
    return None if covers(wanted, live_exits(placed)) else wanted


def rejections(unit: Unit, trade_id: str) -> int:
    """Count the trade's protective instructions that the venue refused in a row, the newest backwards."""
    count = 0
    for each in reversed([i for i in instructions.of_trade(unit, trade_id) if i.purpose is Purpose.PROTECT]):
        if each.state is not InstructionState.REJECTED:
            break
        count += 1
    return count


def _nothing_to_close(unit: Unit, trade_id: str) -> bool:
    closes = [each for each in instructions.of_trade(unit, trade_id) if each.purpose is Purpose.CLOSE]
    return bool(closes) and closes[-1].answer in NOTHING_TO_REDUCE


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


def _reason(placed: Sequence[Order]) -> str:
    """Name what closed a trade: the exit that was filled last."""
    exits = [o for o in placed if o.role is not OrderRole.ENTRY and o.filled > 0]
    last = max(exits, key=lambda order: order.updated_at, default=None)
    if last is None:
        return "CLOSE"
    return {OrderRole.STOP: "STOP", OrderRole.TARGET: "TARGET"}.get(last.role, "CLOSE")
