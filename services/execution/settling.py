"""What follows from what is booked: the trade's moves, the exits it should have, and the close of one that has none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from services.access import checklist
from services.access.alerts import AlertCode, alert
from services.domain.errors import Unavailable
from services.domain.market import Instrument, Universe
from services.domain.money import ZERO, canonical
from services.domain.orders import (
    Instruction,
    Order,
    OrderRole,
    Purpose,
)
from services.domain.people import Actor
from services.domain.ports import Ids
from services.domain.states import LIVE_ORDER_STATES, InstructionState, TradeState
from services.domain.trades import Terminal, Trade, is_dust
from services.execution import telling
from services.execution.protection import Exits, covers, live_exits, wanted_exits
from services.execution.writes import add_cancel, add_close, add_protection
from services.portfolio.accounts import AccountBoard
from services.storage import desk, instructions, orders, terminals, trades
from services.storage.database import Unit

MAX_PROTECT_REJECTIONS = 3
OVER = frozenset({TradeState.CANCELED, TradeState.FAILED, TradeState.CLOSED})
ENDS_WITH_THE_TRADE = (AlertCode.STOP_NOT_PLACED, AlertCode.CLOSE_REJECTED, AlertCode.LATE_FILL)
ELSEWHERE = "ELSEWHERE"
NOTHING_TO_REDUCE = frozenset({"REDUCE_ONLY"})


class Settling:
    """Brings a trade, its exits and what people are told in line with the books, inside one write unit."""

    def __init__(self, ids: Ids, accounts: AccountBoard) -> None:
        self._ids = ids
        self._accounts = accounts

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


def _reason(placed: Sequence[Order]) -> str:
    """Name what closed a trade: the exit that was filled last."""
    exits = [o for o in placed if o.role is not OrderRole.ENTRY and o.filled > 0]
    last = max(exits, key=lambda order: order.updated_at, default=None)
    if last is None:
        return "CLOSE"
    return {OrderRole.STOP: "STOP", OrderRole.TARGET: "TARGET"}.get(last.role, "CLOSE")
