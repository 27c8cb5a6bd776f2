"""The market and the prices that the entry is bound to."""

from __future__ import annotations

from decimal import Decimal

from services.domain.entries import AT_A_PRICE, EntryKind
from services.domain.limits import Limit
from services.domain.money import canonical
from services.domain.signals import Side
from services.domain.verdicts import Check, CheckCode, Unit
from services.risk.checks.answers import against, age, missing, unknown
from services.risk.context import GateContext
from services.risk.sizing import touch_price


def data_age(c: GateContext) -> Check:
    """Check the quote's age by the older of its two stamps."""
    quote = c.market.quote
    at = None if quote is None else min(quote.feed_time, quote.received_at)
    return age(c, Limit.QUOTE_AGE_S, at)


def stop_side(c: GateContext) -> Check:
    """Check that the stop lies beyond both the market and the worst entry."""
    quote = c.market.quote
    if quote is None:
        return missing(CheckCode.STOP_SIDE, "beyond the price", Unit.PRICE)
    near = quote.bid if c.plan.side is Side.LONG else quote.ask
    distance = min(
        (near - c.plan.stop) * c.plan.side.sign,
        (c.plan.worst_price - c.plan.stop) * c.plan.side.sign,
    )
    return Check(
        code=CheckCode.STOP_SIDE,
        passed=c.plan.stop > 0 and distance > 0,
        value=canonical(c.plan.stop),
        limit=canonical(near),
        unit=Unit.PRICE,
    )


def spread(c: GateContext) -> Check:
    """Check the spread; a crossed or empty quote has none."""
    quote, limit = c.market.quote, c.limits[Limit.MAX_SPREAD_BPS]
    if quote is None or not 0 < quote.bid < quote.ask:
        return unknown(Limit.MAX_SPREAD_BPS, limit)
    value = quote.spread_bps
    use = value / limit.value if limit.value else None
    measured = canonical(value.quantize(Decimal("0.01")))
    return against(Limit.MAX_SPREAD_BPS, limit, passed=value <= limit.value, value=measured, use=use)


def collar(c: GateContext) -> Check:
    """Check that the market is within the bound that was confirmed."""
    quote = c.market.quote
    if quote is None:
        return missing(CheckCode.PRICE_COLLAR, canonical(c.plan.worst_price), Unit.PRICE)
    touch = touch_price(quote, c.plan.side)
    if c.plan.kind in AT_A_PRICE:
        if c.plan.price is None:
            return missing(CheckCode.PRICE_COLLAR, "a price to wait for", Unit.PRICE)
        return _awaited(c, touch, c.plan.price)
    return Check(
        code=CheckCode.PRICE_COLLAR,
        passed=(c.plan.worst_price - touch) * c.plan.side.sign >= 0,
        value=canonical(touch),
        limit=canonical(c.plan.worst_price),
        unit=Unit.PRICE,
    )


def _awaited(c: GateContext, touch: Decimal, price: Decimal) -> Check:
    """Check a price that an entry waits for: within reach of the market, and a trigger not passed yet."""
    reach = touch * c.plan.reach_bps / 10_000
    away = (price - touch) * c.plan.side.sign
    passed_trigger = c.plan.kind is EntryKind.STOP and away <= 0
    return Check(
        code=CheckCode.PRICE_COLLAR,
        passed=abs(away) <= reach and not passed_trigger,
        value=canonical(touch),
        limit=canonical(price),
        unit=Unit.PRICE,
        note="the trigger is passed" if passed_trigger else "" if abs(away) <= reach else "too far from the market",
    )
