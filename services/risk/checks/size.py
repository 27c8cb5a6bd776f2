"""The size that is asked for, against the venue's grid and the account."""

from __future__ import annotations

from decimal import Decimal

from services.domain.limits import Limit
from services.domain.money import canonical, on_grid
from services.domain.verdicts import Check, CheckCode, Unit
from services.risk.checks.answers import finite, missing, share_of_equity, state
from services.risk.context import GateContext
from services.risk.sizing import funds_needed, loss_at_stop


def grid(c: GateContext) -> Check:
    """Check that size and prices are on the venue's grid."""
    instrument = c.market.instrument
    if instrument is None:
        return missing(CheckCode.GRID, "tick and step", Unit.STATE)
    fits = (
        on_grid(c.plan.quantity, instrument.step)
        and on_grid(c.plan.worst_price, instrument.tick)
        and on_grid(c.plan.stop, instrument.tick)
        and (c.plan.price is None or on_grid(c.plan.price, instrument.tick))
    )
    return state(CheckCode.GRID, fits, "on grid" if fits else "off grid", "on grid")


def min_size(c: GateContext) -> Check:
    """Check the size against the venue's minimums, at the entry and at the stop."""
    instrument = c.market.instrument
    if instrument is None:
        return missing(CheckCode.MIN_SIZE, "the venue's minimum", Unit.QUANTITY)
    # The exit at the stop must be large enough too, or the venue would not take the protection.
    at_stop = c.plan.quantity * min(c.plan.worst_price, c.plan.stop)
    enough = c.plan.quantity >= max(instrument.min_quantity, instrument.step) and at_stop >= instrument.min_notional
    return Check(
        code=CheckCode.MIN_SIZE,
        passed=c.plan.quantity > 0 and enough,
        value=canonical(c.plan.quantity),
        limit=f"{canonical(instrument.min_quantity)} and {canonical(instrument.min_notional)} {instrument.quote}",
        unit=Unit.QUANTITY,
    )


def max_size(c: GateContext) -> Check:
    """Check the size against the most that the venue takes in one order; one that names no maximum takes any."""
    instrument = c.market.instrument
    if instrument is None:
        return missing(CheckCode.MAX_SIZE, "the venue's maximum", Unit.QUANTITY)
    most = instrument.max_quantity
    return Check(
        code=CheckCode.MAX_SIZE,
        passed=most is None or (most.is_finite() and c.plan.quantity <= most),
        value=canonical(c.plan.quantity),
        limit="none named" if most is None else canonical(most),
        unit=Unit.QUANTITY,
    )


def risk_per_trade(c: GateContext) -> Check:
    """Check the loss at the stop, with costs, against its share of equity."""
    loss = loss_at_stop(c.plan.quantity, c.plan.worst_price, c.plan.stop, c.plan.costs)
    limit = c.limits[Limit.PER_TRADE]
    return share_of_equity(c, CheckCode.RISK_PER_TRADE, loss, limit.value, limit.named)


def notional(c: GateContext) -> Check:
    """Check the value of the trade against its share of equity."""
    limit = c.limits[Limit.MAX_NOTIONAL]
    return share_of_equity(c, CheckCode.NOTIONAL, c.plan.quantity * c.plan.worst_price, limit.value, limit.named)


def free_funds(c: GateContext) -> Check:
    """Check that the account can pay for the entry."""
    free, needed = finite(c.market.free), funds_needed(c.plan.quantity, c.plan.worst_price, c.plan.costs)
    if free is None:
        return missing(CheckCode.FREE_FUNDS, canonical(needed), Unit.MONEY)
    return Check(
        code=CheckCode.FREE_FUNDS,
        passed=needed <= free,
        value=canonical(needed.quantize(Decimal("0.00000001"))),
        limit=canonical(free),
        unit=Unit.MONEY,
        use=needed / free if free > 0 else None,
    )
