"""The moves of a trade that booked facts call for; nothing is written here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from services.domain.money import ZERO
from services.domain.orders import Instruction, Order, OrderRole, Purpose
from services.domain.proposals import ELSEWHERE
from services.domain.routes import entry_continues
from services.domain.states import LIVE_ORDER_STATES, TradeState
from services.domain.trades import Trade

OVER = frozenset({TradeState.CANCELED, TradeState.FAILED, TradeState.CLOSED})
DUST = "DUST"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the books say of a trade.

    ``entry_done`` tells that no entry works or waits for an answer, ``reported`` what the venue says that entries filled.
    ``selling`` tells that a close is asked for or under way, ``dust`` that the venue would not take what is left, ``gone`` that
    the position is not there any more although the trade counts some.
    """

    entry_done: bool
    reported: Decimal
    selling: bool
    dust: bool
    gone: bool
    placed: Sequence[Order]


def entry_facts(placed: Sequence[Order], pending: Sequence[Instruction]) -> tuple[bool, Decimal]:
    """Return whether the entry is over, and what the venue says that it filled."""
    entries = [order for order in placed if order.role is OrderRole.ENTRY]
    waiting = any(each.purpose is Purpose.ENTRY for each in pending)
    done = not waiting and all(order.state not in LIVE_ORDER_STATES for order in entries)
    return done, sum((order.filled for order in entries), ZERO)


def moved(trade: Trade, facts: Facts, now: datetime) -> Trade:
    """Return the trade as it should stand; the same one when the facts call for no move."""
    after = trade
    entry_done = facts.entry_done and not entry_continues(trade.route)
    if trade.state is TradeState.WORKING or trade.state in OVER:
        if trade.open_quantity > 0:
            after = replace(trade, state=TradeState.OPEN, opened_at=now, closed_at=None, close_reason=None)
        elif trade.state is TradeState.WORKING and _entered(facts) and entry_done and facts.reported == 0:
            return replace(trade, state=TradeState.CANCELED, closed_at=now, close_reason="NOT_FILLED")
    if after.state not in (TradeState.OPEN, TradeState.CLOSING) or trade.entry_quantity < facts.reported:
        return after
    if entry_done and (after.open_quantity == 0 or facts.dust):
        # Where a person decided that somebody else's execution ended it, that stands already.
        return _closed(after, now, after.close_reason or _reason(facts))
    if facts.selling:
        return after
    if entry_done and facts.gone:
        # Orders that are not the desk's have taken the position: what the trade still counts is not there any more.
        return _closed(after, now, ELSEWHERE)
    return replace(after, state=TradeState.OPEN) if after.state is TradeState.CLOSING else after


def _entered(facts: Facts) -> bool:
    return any(order.role is OrderRole.ENTRY for order in facts.placed)


def _closed(trade: Trade, now: datetime, reason: str) -> Trade:
    return replace(
        trade,
        state=TradeState.CLOSED,
        closed_at=now,
        dust=trade.dust + trade.open_quantity,
        close_reason=reason,
        closing=None,
        closing_at=None,
    )


def _reason(facts: Facts) -> str:
    """Name what closed a trade: the exit that was filled last."""
    exits = [order for order in facts.placed if order.role is not OrderRole.ENTRY and order.filled > 0]
    last = max(exits, key=lambda order: order.updated_at, default=None)
    if last is None:
        return ELSEWHERE if facts.gone else DUST if facts.dust else "CLOSE"
    return {OrderRole.STOP: "STOP", OrderRole.TARGET: "TARGET"}.get(last.role, "CLOSE")
