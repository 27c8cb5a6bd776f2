"""The gate: a pure function of a frozen context. Every check has a code, a limit and a value; a missing value is a denial."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from config.groups import RiskSettings
from services.domain.entries import AT_A_PRICE, EntryKind
from services.domain.halts import Halt, blocks_entries
from services.domain.market import Instrument, Quote
from services.domain.money import canonical, on_grid
from services.domain.signals import Side
from services.domain.states import MissionState
from services.domain.verdicts import Check, CheckCode, Unit, Verdict
from services.risk.sizing import Costs, funds_needed, loss_at_stop, touch_price


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketPart:
    """What the feeds keep current. ``equity`` and ``free`` are in the instrument's quote currency; None is missing.

    ``free`` is without what entries may take that the reading of the account cannot know of yet.
    """

    instrument: Instrument | None
    quote: Quote | None
    equity: Decimal | None
    free: Decimal | None
    equity_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerPart:
    """What is read inside the write unit.

    ``day_profit`` is realised and open profit since the day's start in the terminal's currency, None when it cannot be
    measured; ``doubtful`` counts instructions of unknown outcome and undecided differences on this terminal and instrument.
    """

    halts: tuple[Halt, ...]
    mission_state: MissionState
    reconciled_at: datetime | None
    doubtful: int
    can_long: bool
    can_short: bool
    live_trades: int
    same_instrument: bool
    day_profit: Decimal | None
    day_opening_equity: Decimal | None
    day_ends_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is asked for: a size in base units, entered at ``worst_price`` or better, with its stop.

    ``price`` is what the entry waits for, at most ``reach_bps`` from the quote; None where it takes or rests at the quote.
    """

    side: Side
    quantity: Decimal
    worst_price: Decimal
    stop: Decimal
    deadline: datetime
    costs: Costs
    kind: EntryKind = EntryKind.TAKE
    price: Decimal | None = None
    reach_bps: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class GateContext:
    """Everything the gate looks at."""

    now: datetime
    plan: Plan
    market: MarketPart
    ledger: LedgerPart
    limits: RiskSettings
    config_hash: str


def decide(context: GateContext) -> Verdict:
    """Apply every check in order and return them all; the first failure is the deciding one, and an error is a no."""
    checks = tuple(_applied(code, check, context) for code, check in _CHECKS.items())
    return Verdict(checks=checks, config_hash=context.config_hash, decided_at=context.now)


def _applied(code: CheckCode, check: Callable[[GateContext], Check], context: GateContext) -> Check:
    try:
        return check(context)
    except (ArithmeticError, ValueError) as error:
        note = f"not computable: {type(error).__name__}"
        return Check(code=code, passed=False, value=None, limit="computable", unit=Unit.STATE, note=note)


def _percent(value: Decimal) -> str:
    return canonical(value.quantize(Decimal("0.000001")))


def _state(code: CheckCode, passed: bool, value: str | None, limit: str, note: str = "") -> Check:
    return Check(code=code, passed=passed, value=value, limit=limit, unit=Unit.STATE, note=note)


def _missing(code: CheckCode, limit: str, unit: Unit) -> Check:
    return Check(code=code, passed=False, value=None, limit=limit, unit=unit, note="no data")


def _halt(c: GateContext) -> Check:
    halt = blocks_entries(c.ledger.halts)
    if halt is None:
        return _state(CheckCode.HALT, True, "active", "active")
    return _state(CheckCode.HALT, False, halt.state.value, "active", f"{halt.scope.value} by {halt.by_name}: {halt.reason}")


def _reconciled(c: GateContext) -> Check:
    value = "yes" if c.ledger.reconciled_at is not None else "not yet"
    return _state(CheckCode.RECONCILED, c.ledger.reconciled_at is not None, value, "yes")


def _in_doubt(c: GateContext) -> Check:
    return Check(
        code=CheckCode.IN_DOUBT, passed=c.ledger.doubtful == 0, value=str(c.ledger.doubtful), limit="0", unit=Unit.COUNT
    )


def _deadline(c: GateContext) -> Check:
    left = (c.plan.deadline - c.now).total_seconds()
    is_open = c.ledger.mission_state is MissionState.OPEN
    return Check(
        code=CheckCode.DEADLINE,
        passed=left > 0 and is_open,
        value=f"{left:.1f}" if is_open else c.ledger.mission_state.value,
        limit="0",
        unit=Unit.SECONDS,
    )


def _finite(value: Decimal | None) -> Decimal | None:
    """Return an amount that can be measured against; NaN and infinity are as good as missing."""
    return value if value is not None and value.is_finite() else None


def _age(code: CheckCode, at: datetime | None, now: datetime, limit_s: float) -> Check:
    if at is None:
        return _missing(code, f"{limit_s:g}", Unit.SECONDS)
    # A stamp from the future is a broken clock, not a fresh value.
    age = (now - at).total_seconds()
    passed = -1 <= age <= limit_s
    return Check(
        code=code,
        passed=passed,
        value=f"{age:.1f}",
        limit=f"{limit_s:g}",
        unit=Unit.SECONDS,
        use=Decimal(str(max(age, 0.0))) / Decimal(str(limit_s)),
    )


def _data_age(c: GateContext) -> Check:
    quote = c.market.quote
    at = None if quote is None else min(quote.feed_time, quote.received_at)
    return _age(CheckCode.DATA_AGE, at, c.now, c.limits.quote_age_s)


def _equity_age(c: GateContext) -> Check:
    equity = _finite(c.market.equity)
    at = c.market.equity_at if equity is not None and equity > 0 else None
    return _age(CheckCode.EQUITY_AGE, at, c.now, c.limits.equity_age_s)


def _universe(c: GateContext) -> Check:
    listed = c.market.instrument is not None
    return _state(CheckCode.UNIVERSE, listed, "listed" if listed else "not listed", "listed")


def _terminal_side(c: GateContext) -> Check:
    able = c.ledger.can_long if c.plan.side is Side.LONG else c.ledger.can_short
    return _state(CheckCode.TERMINAL_SIDE, able, c.plan.side.value if able else f"no {c.plan.side.value}", c.plan.side.value)


def _stop_side(c: GateContext) -> Check:
    quote = c.market.quote
    if quote is None:
        return _missing(CheckCode.STOP_SIDE, "beyond the price", Unit.PRICE)
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


def _spread(c: GateContext) -> Check:
    quote, limit = c.market.quote, c.limits.max_spread_bps
    if quote is None:
        return _missing(CheckCode.SPREAD, canonical(limit), Unit.BPS)
    sane = 0 < quote.bid < quote.ask
    value = quote.spread_bps if quote.mid > 0 else None
    if value is None or not sane:
        return _missing(CheckCode.SPREAD, canonical(limit), Unit.BPS)
    return Check(
        code=CheckCode.SPREAD,
        passed=value <= limit,
        value=canonical(value.quantize(Decimal("0.01"))),
        limit=canonical(limit),
        unit=Unit.BPS,
        use=value / limit if limit else None,
    )


def _collar(c: GateContext) -> Check:
    quote = c.market.quote
    if quote is None:
        return _missing(CheckCode.PRICE_COLLAR, canonical(c.plan.worst_price), Unit.PRICE)
    touch = touch_price(quote, c.plan.side)
    if c.plan.kind in AT_A_PRICE:
        if c.plan.price is None:
            return _missing(CheckCode.PRICE_COLLAR, "a price to wait for", Unit.PRICE)
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


def _grid(c: GateContext) -> Check:
    instrument = c.market.instrument
    if instrument is None:
        return _missing(CheckCode.GRID, "tick and step", Unit.STATE)
    fits = (
        on_grid(c.plan.quantity, instrument.step)
        and on_grid(c.plan.worst_price, instrument.tick)
        and on_grid(c.plan.stop, instrument.tick)
        and (c.plan.price is None or on_grid(c.plan.price, instrument.tick))
    )
    return _state(CheckCode.GRID, fits, "on grid" if fits else "off grid", "on grid")


def _min_size(c: GateContext) -> Check:
    instrument = c.market.instrument
    if instrument is None:
        return _missing(CheckCode.MIN_SIZE, "the venue's minimum", Unit.QUANTITY)
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


def _share_of_equity(c: GateContext, code: CheckCode, amount: Decimal, limit: Decimal) -> Check:
    equity = _finite(c.market.equity)
    if equity is None or equity <= 0:
        return _missing(code, canonical(limit), Unit.FRACTION)
    return Check(
        code=code,
        passed=amount <= equity * limit,
        value=_percent(amount / equity),
        limit=canonical(limit),
        unit=Unit.FRACTION,
        use=amount / (equity * limit),
    )


def _risk_per_trade(c: GateContext) -> Check:
    loss = loss_at_stop(c.plan.quantity, c.plan.worst_price, c.plan.stop, c.plan.costs)
    return _share_of_equity(c, CheckCode.RISK_PER_TRADE, loss, c.limits.per_trade)


def _notional(c: GateContext) -> Check:
    return _share_of_equity(c, CheckCode.NOTIONAL, c.plan.quantity * c.plan.worst_price, c.limits.max_notional)


def _free_funds(c: GateContext) -> Check:
    free, needed = _finite(c.market.free), funds_needed(c.plan.quantity, c.plan.worst_price, c.plan.costs)
    if free is None:
        return _missing(CheckCode.FREE_FUNDS, canonical(needed), Unit.MONEY)
    return Check(
        code=CheckCode.FREE_FUNDS,
        passed=needed <= free,
        value=canonical(needed.quantize(Decimal("0.00000001"))),
        limit=canonical(free),
        unit=Unit.MONEY,
        use=needed / free if free > 0 else None,
    )


def _open_positions(c: GateContext) -> Check:
    after = c.ledger.live_trades + 1
    return Check(
        code=CheckCode.OPEN_POSITIONS,
        passed=after <= c.limits.open_positions,
        value=str(after),
        limit=str(c.limits.open_positions),
        unit=Unit.COUNT,
        use=Decimal(after) / c.limits.open_positions,
    )


def _duplicate(c: GateContext) -> Check:
    value = "a trade is live" if c.ledger.same_instrument else "none"
    return _state(CheckCode.DUPLICATE, not c.ledger.same_instrument, value, "none")


def _daily_loss(c: GateContext) -> Check:
    profit, opening, limit = _finite(c.ledger.day_profit), _finite(c.ledger.day_opening_equity), c.limits.daily_loss
    if profit is None or opening is None or opening <= 0:
        return _missing(CheckCode.DAILY_LOSS, canonical(limit), Unit.FRACTION)
    loss = max(Decimal(0), -profit) / opening
    passed = loss < limit
    return Check(
        code=CheckCode.DAILY_LOSS,
        passed=passed,
        value=_percent(loss),
        limit=canonical(limit),
        unit=Unit.FRACTION,
        use=loss / limit,
        frees_at=None if passed else c.ledger.day_ends_at,
    )


_CHECKS: Mapping[CheckCode, Callable[[GateContext], Check]] = {
    CheckCode.HALT: _halt,
    CheckCode.RECONCILED: _reconciled,
    CheckCode.IN_DOUBT: _in_doubt,
    CheckCode.DEADLINE: _deadline,
    CheckCode.DATA_AGE: _data_age,
    CheckCode.EQUITY_AGE: _equity_age,
    CheckCode.UNIVERSE: _universe,
    CheckCode.TERMINAL_SIDE: _terminal_side,
    CheckCode.STOP_SIDE: _stop_side,
    CheckCode.SPREAD: _spread,
    CheckCode.PRICE_COLLAR: _collar,
    CheckCode.GRID: _grid,
    CheckCode.MIN_SIZE: _min_size,
    CheckCode.RISK_PER_TRADE: _risk_per_trade,
    CheckCode.NOTIONAL: _notional,
    CheckCode.FREE_FUNDS: _free_funds,
    CheckCode.OPEN_POSITIONS: _open_positions,
    CheckCode.DUPLICATE: _duplicate,
    CheckCode.DAILY_LOSS: _daily_loss,
}

SIZE_CODES = frozenset({CheckCode.RISK_PER_TRADE, CheckCode.NOTIONAL, CheckCode.FREE_FUNDS})
REFRESH_CODES = frozenset({CheckCode.PRICE_COLLAR})
