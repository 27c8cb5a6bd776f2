"""The account's reading, what lives there, and its day."""

from __future__ import annotations

from decimal import Decimal

from services.domain.limits import Effective, Limit
from services.domain.money import canonical
from services.domain.verdicts import Check, CheckCode
from services.risk.checks.answers import against, age, count, finite, optional, percent, state, unknown
from services.risk.context import GateContext


def equity_age(c: GateContext) -> Check:
    """Check the age of the account's reading; an account without money has none."""
    equity = finite(c.market.equity)
    at = c.market.equity_at if equity is not None and equity > 0 else None
    return age(c, Limit.EQUITY_AGE_S, at)


def open_positions(c: GateContext) -> Check:
    """Check how many trades are live at the terminal, this one counted."""
    return count(Limit.OPEN_POSITIONS, c.limits[Limit.OPEN_POSITIONS], c.ledger.live_trades + 1)


def weekend(c: GateContext) -> Check:
    """Check how many trades are live at the terminal when it is the weekend, this one counted."""

    def on_weekend(key: Limit, limit: Effective, is_weekend: bool) -> Check:
        if not is_weekend:
            return state(CheckCode.WEEKEND, True, "not the weekend", canonical(limit.value))
        return count(key, limit, c.ledger.live_trades + 1)

    return optional(c, Limit.WEEKEND_POSITIONS, c.ledger.beside.weekend, on_weekend)


def daily_loss(c: GateContext) -> Check:
    """Check the loss of the day; what exactly reaches the limit is a denial."""
    profit, opening, limit = finite(c.ledger.day_profit), finite(c.ledger.day_opening_equity), c.limits[Limit.DAILY_LOSS]
    if profit is None or opening is None or opening <= 0:
        return unknown(Limit.DAILY_LOSS, limit)
    loss = max(Decimal(0), -profit) / opening
    passed = loss < limit.value
    ends = None if passed else c.ledger.day_ends_at
    return against(Limit.DAILY_LOSS, limit, passed=passed, value=percent(loss), use=loss / limit.value, frees_at=ends)
