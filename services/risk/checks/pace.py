"""How many trades there are, how fast they follow each other, how good the call is, and what the week brought."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from services.domain.limits import Effective, Limit
from services.domain.money import canonical
from services.domain.verdicts import Check, CheckCode
from services.risk.checks.answers import against, count, finite, optional, percent, state, unknown
from services.risk.context import GateContext
from services.risk.surroundings import HOUR, Week


def desk_positions(c: GateContext) -> Check:
    """Check how many trades of the desk are live, this one counted."""
    wide = c.ledger.beside.wide
    return _one_more(c, Limit.DESK_POSITIONS, wide.positions if wide is not None else None)


def person_positions(c: GateContext) -> Check:
    """Check how many trades of the person are live, wherever."""
    wide = c.ledger.beside.wide
    return _one_more(c, Limit.PERSON_POSITIONS, wide.of_person if wide is not None else None)


def strategy_positions(c: GateContext) -> Check:
    """Check how many trades of the call's strategy are live, of all its versions."""
    wide = c.ledger.beside.wide
    return _one_more(c, Limit.STRATEGY_POSITIONS, wide.of_strategy if wide is not None else None)


def instrument_positions(c: GateContext) -> Check:
    """Check how many trades of the desk are live on the instrument."""
    wide = c.ledger.beside.wide
    return _one_more(c, Limit.INSTRUMENT_POSITIONS, wide.on_instrument if wide is not None else None)


def _one_more(c: GateContext, key: Limit, live: int | None) -> Check:
    return optional(c, key, live, lambda key, limit, live: count(key, limit, live + 1))


def message_rate(c: GateContext) -> Check:
    """Check how many writes went to the terminal's venue within the minute or wait to, this one counted."""
    return _one_more(c, Limit.WRITES_PER_MINUTE, c.ledger.beside.writes)


def trades_per_hour(c: GateContext) -> Check:
    """Check how many entries the person confirmed within the hour, this one counted."""

    def within(key: Limit, limit: Effective, confirmed: Sequence[datetime]) -> Check:
        recent = [at for at in confirmed if at > c.now - HOUR]
        checked = count(key, limit, len(recent) + 1)
        # As many must grow old as stand above what the limit lets stand before one more.
        return checked if checked.passed else replace(checked, frees_at=recent[len(recent) - int(limit.value)] + HOUR)

    return optional(c, Limit.TRADES_PER_HOUR, c.ledger.beside.hour, within)


def instrument_cooldown(c: GateContext) -> Check:
    """Check that the instrument's last trade at the terminal was closed long enough ago."""
    limit, last = c.limits.get(Limit.INSTRUMENT_COOLDOWN_S), c.ledger.beside.last_close
    if limit is not None and last is None:
        return state(CheckCode.INSTRUMENT_COOLDOWN, True, "no close yet", canonical(limit.value))

    def rested(key: Limit, limit: Effective, last: datetime) -> Check:
        since = (c.now - last).total_seconds()
        passed = since >= limit.value
        ends = None if passed else last + timedelta(seconds=float(limit.value))
        return against(key, limit, passed=passed, value=f"{since:.1f}", frees_at=ends)

    return optional(c, Limit.INSTRUMENT_COOLDOWN_S, last, rested)


def min_score(c: GateContext) -> Check:
    """Check that the call's score is high enough."""

    def enough(key: Limit, limit: Effective, score: int) -> Check:
        return against(key, limit, passed=score >= limit.value, value=str(score))

    return optional(c, Limit.MIN_SCORE, c.ledger.beside.score, enough)


def weekly_loss(c: GateContext) -> Check:
    """Check the loss since Monday; what exactly reaches the limit is a denial."""

    def lost(key: Limit, limit: Effective, week: Week) -> Check:
        profit, equity = finite(week.profit), finite(week.equity)
        if profit is None or equity is None or equity <= 0:
            return unknown(key, limit)
        loss = max(Decimal(0), -profit) / equity
        return against(key, limit, passed=loss < limit.value, value=percent(loss), use=loss / limit.value)

    return optional(c, Limit.WEEKLY_LOSS, c.ledger.beside.week, lost)
