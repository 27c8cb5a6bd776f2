"""The account's reading, what lives there, and its day."""

from __future__ import annotations

from decimal import Decimal

from services.domain.limits import Limit
from services.domain.money import canonical
from services.domain.verdicts import Check, CheckCode, Unit
from services.risk.checks.answers import age, count, finite, missing, percent
from services.risk.context import GateContext


def equity_age(c: GateContext) -> Check:
    """Check the age of the account's reading; an account without money has none."""
    equity = finite(c.market.equity)
    at = c.market.equity_at if equity is not None and equity > 0 else None
    return age(CheckCode.EQUITY_AGE, at, c.now, c.limits[Limit.EQUITY_AGE_S])


def open_positions(c: GateContext) -> Check:
    """Check how many trades are live at the terminal, this one counted."""
    return count(CheckCode.OPEN_POSITIONS, c.limits[Limit.OPEN_POSITIONS], c.ledger.live_trades + 1)


def daily_loss(c: GateContext) -> Check:
    """Check the loss of the day; what exactly reaches the limit is a denial."""
    profit, opening, limit = finite(c.ledger.day_profit), finite(c.ledger.day_opening_equity), c.limits[Limit.DAILY_LOSS]
    if profit is None or opening is None or opening <= 0:
        return missing(CheckCode.DAILY_LOSS, canonical(limit.value), Unit.FRACTION, limit.named)
    loss = max(Decimal(0), -profit) / opening
    passed = loss < limit.value
    return Check(
        code=CheckCode.DAILY_LOSS,
        passed=passed,
        value=percent(loss),
        limit=canonical(limit.value),
        unit=Unit.FRACTION,
        use=loss / limit.value,
        frees_at=None if passed else c.ledger.day_ends_at,
        scope=limit.named,
    )
