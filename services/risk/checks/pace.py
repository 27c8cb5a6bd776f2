"""How many trades there are, how fast they follow each other, how good the call is, and what the week brought."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from services.domain.limits import Limit
from services.domain.money import canonical
from services.domain.verdicts import Check, CheckCode, Unit
from services.risk.checks.answers import count, finite, missing, off, percent, state
from services.risk.context import GateContext
from services.risk.surroundings import HOUR, DeskWide


def desk_positions(c: GateContext) -> Check:
    """Check how many trades of the desk are live, this one counted."""
    wide = c.ledger.beside.wide
    return _positions(c, CheckCode.DESK_POSITIONS, Limit.DESK_POSITIONS, wide, wide.positions if wide is not None else 0)


def person_positions(c: GateContext) -> Check:
    """Check how many trades of the person are live, wherever."""
    wide = c.ledger.beside.wide
    return _positions(c, CheckCode.PERSON_POSITIONS, Limit.PERSON_POSITIONS, wide, wide.of_person if wide is not None else 0)


def strategy_positions(c: GateContext) -> Check:
    """Check how many trades of the call's strategy are live, of all its versions."""
    wide = c.ledger.beside.wide
    live = wide.of_strategy if wide is not None else 0
    return _positions(c, CheckCode.STRATEGY_POSITIONS, Limit.STRATEGY_POSITIONS, wide, live)


def instrument_positions(c: GateContext) -> Check:
    """Check how many trades of the desk are live on the instrument."""
    wide = c.ledger.beside.wide
    live = wide.on_instrument if wide is not None else 0
    return _positions(c, CheckCode.INSTRUMENT_POSITIONS, Limit.INSTRUMENT_POSITIONS, wide, live)


def _positions(c: GateContext, code: CheckCode, key: Limit, wide: DeskWide | None, live: int) -> Check:
    limit = c.limits.get(key)
    if limit is None:
        return off(code)
    return missing(code, canonical(limit.value), Unit.COUNT, limit.named) if wide is None else count(code, limit, live + 1)


def trades_per_hour(c: GateContext) -> Check:
    """Check how many entries the person confirmed within the hour, this one counted."""
    limit = c.limits.get(Limit.TRADES_PER_HOUR)
    if limit is None:
        return off(CheckCode.TRADES_PER_HOUR)
    if c.ledger.beside.hour is None:
        return missing(CheckCode.TRADES_PER_HOUR, canonical(limit.value), Unit.COUNT, limit.named)
    recent = [at for at in c.ledger.beside.hour if at > c.now - HOUR]
    checked = count(CheckCode.TRADES_PER_HOUR, limit, len(recent) + 1)
    if checked.passed:
        return checked
    # As many must grow old as stand above what the limit lets stand before one more.
    return replace(checked, frees_at=recent[len(recent) - int(limit.value)] + HOUR)


def instrument_cooldown(c: GateContext) -> Check:
    """Check that the instrument's last trade at the terminal was closed long enough ago."""
    limit, last = c.limits.get(Limit.INSTRUMENT_COOLDOWN_S), c.ledger.beside.last_close
    if limit is None:
        return off(CheckCode.INSTRUMENT_COOLDOWN)
    if last is None:
        return state(CheckCode.INSTRUMENT_COOLDOWN, True, "no close yet", canonical(limit.value))
    since = (c.now - last).total_seconds()
    passed = since >= limit.value
    return Check(
        code=CheckCode.INSTRUMENT_COOLDOWN,
        passed=passed,
        value=f"{since:.1f}",
        limit=canonical(limit.value),
        unit=Unit.SECONDS,
        frees_at=None if passed else last + timedelta(seconds=float(limit.value)),
        scope=limit.named,
    )


def min_score(c: GateContext) -> Check:
    """Check that the call's score is high enough."""
    limit = c.limits.get(Limit.MIN_SCORE)
    if limit is None:
        return off(CheckCode.MIN_SCORE)
    return Check(
        code=CheckCode.MIN_SCORE,
        passed=c.ledger.beside.score >= limit.value,
        value=str(c.ledger.beside.score),
        limit=canonical(limit.value),
        unit=Unit.COUNT,
        scope=limit.named,
    )


def weekly_loss(c: GateContext) -> Check:
    """Check the loss since Monday; what exactly reaches the limit is a denial."""
    limit, week = c.limits.get(Limit.WEEKLY_LOSS), c.ledger.beside.week
    if limit is None:
        return off(CheckCode.WEEKLY_LOSS)
    profit = finite(week.profit) if week is not None else None
    equity = finite(week.equity) if week is not None else None
    if profit is None or equity is None or equity <= 0:
        return missing(CheckCode.WEEKLY_LOSS, canonical(limit.value), Unit.FRACTION, limit.named)
    loss = max(Decimal(0), -profit) / equity
    return Check(
        code=CheckCode.WEEKLY_LOSS,
        passed=loss < limit.value,
        value=percent(loss),
        limit=canonical(limit.value),
        unit=Unit.FRACTION,
        use=loss / limit.value,
        scope=limit.named,
    )
