"""What the account and the desk would hold with this trade: every live trade at its worst, as shares of equity."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from services.domain.correlations import Alike
from services.domain.limits import Effective, Limit
from services.domain.money import canonical
from services.domain.verdicts import Check, CheckCode
from services.risk.checks.answers import against, at_least, optional, share, state, unknown
from services.risk.context import GateContext
from services.risk.sizing import funds_needed, loss_at_stop
from services.risk.surroundings import Usual


def leverage(c: GateContext) -> Check:
    """Check the value of the account's live trades, this one counted, against a multiple of its equity."""
    after = c.ledger.beside.account_value + _value(c)
    return share(Limit.LEVERAGE, c.limits[Limit.LEVERAGE], after, c.market.equity)


def instrument_share(c: GateContext) -> Check:
    """Check the value of the account's live trades on the instrument, this one counted."""
    return _of_equity(c, Limit.INSTRUMENT_SHARE, c.ledger.beside.instrument_value)


def tier_share(c: GateContext) -> Check:
    """Check the value of the account's live trades on instruments of the same tier, this one counted."""
    return _of_equity(c, Limit.TIER_SHARE, c.ledger.beside.tier_value)


def group_share(c: GateContext) -> Check:
    """Check the value of the account's live trades on instruments that move with this one, this one counted."""

    def together(key: Limit, limit: Effective, alike: Alike) -> Check:
        held = alike.known_at(c.now)
        if held is not None or alike.required:
            checked = share(key, limit, held + _value(c) if held is not None else None, c.market.equity)
            return replace(checked, note=", ".join(alike.symbols)) if held is not None else checked
        return state(CheckCode.GROUP_SHARE, True, "no data", canonical(limit.value), "not measured lately")

    return optional(c, Limit.GROUP_SHARE, c.ledger.beside.alike, together)


def gross(c: GateContext) -> Check:
    """Check the value of all live trades of the desk, this one counted, against the equity they stand on."""
    wide = c.ledger.beside.wide
    after = wide.gross + _value(c) * wide.rate if wide is not None and wide.gross is not None and wide.rate > 0 else None
    return _of_desk(c, Limit.GROSS_EXPOSURE, after)


def net(c: GateContext) -> Check:
    """Check what is left of the desk's values when long and short are set against each other."""
    wide = c.ledger.beside.wide
    after = (
        wide.net + _value(c) * wide.rate * c.plan.side.sign
        if wide is not None and wide.net is not None and wide.rate > 0
        else None
    )
    # What brings the desk nearer to flat is no worse than what stands already.
    return _of_desk(c, Limit.NET_EXPOSURE, abs(after) if after is not None and after.is_finite() else None)


def cash_reserve(c: GateContext) -> Check:
    """Check that the free funds left behind are a large enough share of equity."""
    needed = funds_needed(c.plan.quantity, c.plan.worst_price, c.plan.costs)

    def left(key: Limit, limit: Effective, free: Decimal) -> Check:
        return at_least(key, limit, free - needed, c.market.equity)

    return optional(c, Limit.CASH_RESERVE, c.market.free, left)


def margin(c: GateContext) -> Check:
    """Check what stays free if every live stop were hit, this one's too, and nothing of the values came back."""
    plan = c.plan
    needed = funds_needed(plan.quantity, plan.worst_price, plan.costs)
    lost = loss_at_stop(plan.quantity, plan.worst_price, plan.stop, plan.costs)

    def left(key: Limit, limit: Effective, open_risk: Decimal) -> Check:
        free = c.market.free - needed - lost - open_risk if c.market.free is not None else None
        return at_least(key, limit, free, c.market.equity)

    return optional(c, Limit.MARGIN_LEFT, c.ledger.beside.open_risk, left)


def unusual_size(c: GateContext) -> Check:
    """Check the value against the person's median; a person without enough trades has none, and passes visibly."""

    def multiple(key: Limit, limit: Effective, usual: Usual) -> Check:
        median = usual.value
        if median is None:
            note = f"{usual.samples} trades are too few"
            return state(CheckCode.UNUSUAL_SIZE, True, "no data", canonical(limit.value), note)
        if not (median.is_finite() and median > 0):
            return unknown(key, limit)
        times = _value(c) / median
        shown = canonical(times.quantize(Decimal("0.01")))
        return against(key, limit, passed=_value(c) <= median * limit.value, value=shown, use=times / limit.value)

    return optional(c, Limit.USUAL_MULTIPLE, c.ledger.beside.usual, multiple)


def _of_equity(c: GateContext, key: Limit, held: Decimal | None) -> Check:
    """Check what the account holds of a kind, with this trade, against a share of its equity."""

    def after(key: Limit, limit: Effective, held: Decimal) -> Check:
        return share(key, limit, held + _value(c), c.market.equity)

    return optional(c, key, held, after)


def _of_desk(c: GateContext, key: Limit, after: Decimal | None) -> Check:
    wide = c.ledger.beside.wide
    equity = wide.equity if wide is not None else None

    def shared(key: Limit, limit: Effective, amount: Decimal) -> Check:
        checked = share(key, limit, amount, equity)
        return replace(checked, note="; ".join(wide.rates)) if wide is not None and checked.value is not None else checked

    return optional(c, key, after, shared)


def _value(c: GateContext) -> Decimal:
    return c.plan.quantity * c.plan.worst_price
