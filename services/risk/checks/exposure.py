"""What the account and the desk would hold with this trade: every live trade at its worst, as shares of equity."""

from __future__ import annotations

from decimal import Decimal

from services.domain.limits import Limit
from services.domain.money import canonical
from services.domain.verdicts import Check, CheckCode, Unit
from services.risk.checks.answers import finite, missing, off, percent, share, state
from services.risk.context import GateContext
from services.risk.sizing import funds_needed


def leverage(c: GateContext) -> Check:
    """Check the value of the account's live trades, this one counted, against a multiple of its equity."""
    after = c.ledger.beside.account_value + _value(c)
    return share(CheckCode.LEVERAGE, c.limits[Limit.LEVERAGE], after, c.market.equity)


def instrument_share(c: GateContext) -> Check:
    """Check the value of the account's live trades on the instrument, this one counted."""
    limit = c.limits.get(Limit.INSTRUMENT_SHARE)
    if limit is None:
        return off(CheckCode.INSTRUMENT_SHARE)
    return share(CheckCode.INSTRUMENT_SHARE, limit, c.ledger.beside.instrument_value + _value(c), c.market.equity)


def gross(c: GateContext) -> Check:
    """Check the value of all live trades of the desk, this one counted, against the equity they stand on."""
    limit, wide = c.limits.get(Limit.GROSS_EXPOSURE), c.ledger.beside.wide
    if limit is None:
        return off(CheckCode.GROSS_EXPOSURE)
    after = wide.gross + _value(c) if wide is not None and wide.gross is not None else None
    return share(CheckCode.GROSS_EXPOSURE, limit, after, wide.equity if wide is not None else None)


def net(c: GateContext) -> Check:
    """Check what is left of the desk's values when long and short are set against each other."""
    limit, wide = c.limits.get(Limit.NET_EXPOSURE), c.ledger.beside.wide
    if limit is None:
        return off(CheckCode.NET_EXPOSURE)
    after = wide.net + _value(c) * c.plan.side.sign if wide is not None and wide.net is not None else None
    # What brings the desk nearer to flat is no worse than what stands already.
    leans = abs(after) if after is not None and after.is_finite() else None
    return share(CheckCode.NET_EXPOSURE, limit, leans, wide.equity if wide is not None else None)


def cash_reserve(c: GateContext) -> Check:
    """Check that the free funds left behind are a large enough share of equity."""
    limit = c.limits.get(Limit.CASH_RESERVE)
    if limit is None:
        return off(CheckCode.CASH_RESERVE)
    free, equity = finite(c.market.free), finite(c.market.equity)
    if free is None or equity is None or equity <= 0:
        return missing(CheckCode.CASH_RESERVE, canonical(limit.value), Unit.FRACTION, limit.named)
    left = free - funds_needed(c.plan.quantity, c.plan.worst_price, c.plan.costs)
    return Check(
        code=CheckCode.CASH_RESERVE,
        passed=left >= equity * limit.value,
        value=percent(left / equity),
        limit=canonical(limit.value),
        unit=Unit.FRACTION,
        scope=limit.named,
    )


def unusual_size(c: GateContext) -> Check:
    """Check the value against the person's median; a person without enough trades has none, and passes visibly."""
    limit, usual = c.limits.get(Limit.USUAL_MULTIPLE), c.ledger.beside.usual
    if limit is None:
        return off(CheckCode.UNUSUAL_SIZE)
    if usual is None or (usual.value is not None and not (usual.value.is_finite() and usual.value > 0)):
        return missing(CheckCode.UNUSUAL_SIZE, canonical(limit.value), Unit.COUNT, limit.named)
    if usual.value is None:
        return state(CheckCode.UNUSUAL_SIZE, True, "no data", canonical(limit.value), f"{usual.samples} trades are too few")
    multiple = _value(c) / usual.value
    return Check(
        code=CheckCode.UNUSUAL_SIZE,
        passed=_value(c) <= usual.value * limit.value,
        value=canonical(multiple.quantize(Decimal("0.01"))),
        limit=canonical(limit.value),
        unit=Unit.COUNT,
        use=multiple / limit.value,
        scope=limit.named,
    )


def _value(c: GateContext) -> Decimal:
    return c.plan.quantity * c.plan.worst_price
