"""What is open, what that risks, and which share of equity: over some terminals, with no number where a reading is missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from services.domain.money import ZERO, Money
from services.domain.orders import OrderRole
from services.domain.states import LIVE_ORDER_STATES, TradeState
from services.domain.trades import Terminal, Trade
from services.portfolio.results import by_currency
from services.reporting.live import Live
from services.storage import orders, trades
from services.storage.database import Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """Open and working trades of some terminals, those that wait for approval included.

    ``risk`` is lost if every stop fills at its price, by currency; ``risk_r`` the same in R. ``equity`` and
    ``risk_percent`` are None when a balance is missing or the terminals have different currencies; ``equity_at`` is the
    oldest reading that counted.
    """

    live: int
    waiting: int
    open: int
    protected: int
    risk: tuple[Money, ...]
    risk_r: Decimal
    equity: Money | None
    equity_at: datetime | None
    risk_percent: Decimal | None


def exposure(unit: Unit, accounts: Sequence[Terminal], live: Live) -> Exposure:
    """Add up what is live on these terminals."""
    held = [trade for terminal in accounts for trade in trades.live(unit, terminal_id=terminal.id)]
    stops = {o.trade_id for o in orders.live(unit) if o.role is OrderRole.STOP and o.state in LIVE_ORDER_STATES}
    opened = [trade for trade in held if trade.open_quantity > 0]
    risk = by_currency(Money(trade.open_risk, trade.currency) for trade in held)
    equity, at = equity_of(accounts, live)
    known = equity is not None and equity.amount > 0 and all(money.currency == equity.currency for money in risk)
    total = sum((money.amount for money in risk), ZERO)
    return Exposure(
        live=len(held),
        waiting=sum(trade.state is TradeState.AWAITING_APPROVAL for trade in held),
        open=len(opened),
        protected=sum(trade.id in stops for trade in opened),
        risk=risk,
        risk_r=sum((risk_in_r(trade) for trade in held), ZERO),
        equity=equity,
        equity_at=at,
        risk_percent=total / equity.amount * 100 if known and equity is not None else None,
    )


def equity_of(accounts: Sequence[Terminal], live: Live) -> tuple[Money | None, datetime | None]:
    """Return the terminals' equity together and the oldest reading's time, or None twice when it cannot be said."""
    readings = [live.balance(terminal.id) for terminal in accounts]
    known = [reading for reading in readings if reading is not None]
    currencies = {reading.currency for reading in known}
    if not known or len(known) < len(readings) or len(currencies) != 1:
        return None, None
    total = sum((reading.equity for reading in known), ZERO)
    return Money(total, currencies.pop()), min(reading.received_at for reading in known)


def risk_in_r(trade: Trade) -> Decimal:
    """Return what a trade loses if its stop fills at its price, in its own R."""
    unit_risk = trade.risk_per_unit * (trade.entry_quantity or trade.quantity)
    return trade.open_risk / unit_risk if unit_risk else ZERO
