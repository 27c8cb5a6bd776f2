"""Limits: what each one bounds, in which unit, and which of its values holds where. The tightest wins."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from services.domain.verdicts import CheckCode, Unit


class Limit(StrEnum):
    """The gate's limits, by their keys in the settings."""

    PER_TRADE = "per_trade"
    MAX_NOTIONAL = "max_notional"
    CASH_RESERVE = "cash_reserve"
    MARGIN_LEFT = "margin_left"
    LEVERAGE = "leverage"
    INSTRUMENT_SHARE = "instrument_share"
    TIER_SHARE = "tier_share"
    GROUP_SHARE = "group_share"
    GROSS_EXPOSURE = "gross_exposure"
    NET_EXPOSURE = "net_exposure"
    USUAL_MULTIPLE = "usual_multiple"
    OPEN_POSITIONS = "open_positions"
    WEEKEND_POSITIONS = "weekend_positions"
    DESK_POSITIONS = "desk_positions"
    PERSON_POSITIONS = "person_positions"
    STRATEGY_POSITIONS = "strategy_positions"
    INSTRUMENT_POSITIONS = "instrument_positions"
    WRITES_PER_MINUTE = "writes_per_minute"
    TRADES_PER_HOUR = "trades_per_hour"
    INSTRUMENT_COOLDOWN_S = "instrument_cooldown_s"
    MIN_SCORE = "min_score"
    WEEKLY_LOSS = "weekly_loss"
    DAILY_LOSS = "daily_loss"
    MAX_SPREAD_BPS = "max_spread_bps"
    QUOTE_AGE_S = "quote_age_s"
    EQUITY_AGE_S = "equity_age_s"


class Bound(StrEnum):
    """Which way a limit bounds: the smaller of two MOST is the tighter one, the larger of two LEAST."""

    MOST = "at most"
    LEAST = "at least"


class Scope(StrEnum):
    """What a limit's value is set for, from wide to narrow."""

    DESK = "desk"
    TERMINAL = "terminal"
    PERSON = "person"
    STRATEGY = "strategy"
    TIER = "tier"
    INSTRUMENT = "instrument"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What a limit is: its unit, which way it bounds, and the check that applies it."""

    code: CheckCode
    unit: Unit
    bound: Bound = Bound.MOST


RULES: Mapping[Limit, Rule] = {
    Limit.PER_TRADE: Rule(code=CheckCode.RISK_PER_TRADE, unit=Unit.FRACTION),
    Limit.MAX_NOTIONAL: Rule(code=CheckCode.NOTIONAL, unit=Unit.FRACTION),
    Limit.CASH_RESERVE: Rule(code=CheckCode.CASH_RESERVE, unit=Unit.FRACTION, bound=Bound.LEAST),
    Limit.MARGIN_LEFT: Rule(code=CheckCode.MARGIN, unit=Unit.FRACTION, bound=Bound.LEAST),
    Limit.LEVERAGE: Rule(code=CheckCode.LEVERAGE, unit=Unit.FRACTION),
    Limit.INSTRUMENT_SHARE: Rule(code=CheckCode.INSTRUMENT_SHARE, unit=Unit.FRACTION),
    Limit.TIER_SHARE: Rule(code=CheckCode.TIER_SHARE, unit=Unit.FRACTION),
    Limit.GROUP_SHARE: Rule(code=CheckCode.GROUP_SHARE, unit=Unit.FRACTION),
    Limit.GROSS_EXPOSURE: Rule(code=CheckCode.GROSS_EXPOSURE, unit=Unit.FRACTION),
    Limit.NET_EXPOSURE: Rule(code=CheckCode.NET_EXPOSURE, unit=Unit.FRACTION),
    Limit.USUAL_MULTIPLE: Rule(code=CheckCode.UNUSUAL_SIZE, unit=Unit.COUNT),
    Limit.OPEN_POSITIONS: Rule(code=CheckCode.OPEN_POSITIONS, unit=Unit.COUNT),
    Limit.WEEKEND_POSITIONS: Rule(code=CheckCode.WEEKEND, unit=Unit.COUNT),
    Limit.DESK_POSITIONS: Rule(code=CheckCode.DESK_POSITIONS, unit=Unit.COUNT),
    Limit.PERSON_POSITIONS: Rule(code=CheckCode.PERSON_POSITIONS, unit=Unit.COUNT),
    Limit.STRATEGY_POSITIONS: Rule(code=CheckCode.STRATEGY_POSITIONS, unit=Unit.COUNT),
    Limit.INSTRUMENT_POSITIONS: Rule(code=CheckCode.INSTRUMENT_POSITIONS, unit=Unit.COUNT),
    Limit.WRITES_PER_MINUTE: Rule(code=CheckCode.MESSAGE_RATE, unit=Unit.COUNT),
    Limit.TRADES_PER_HOUR: Rule(code=CheckCode.TRADES_PER_HOUR, unit=Unit.COUNT),
    Limit.INSTRUMENT_COOLDOWN_S: Rule(code=CheckCode.INSTRUMENT_COOLDOWN, unit=Unit.SECONDS, bound=Bound.LEAST),
    Limit.MIN_SCORE: Rule(code=CheckCode.MIN_SCORE, unit=Unit.COUNT, bound=Bound.LEAST),
    Limit.WEEKLY_LOSS: Rule(code=CheckCode.WEEKLY_LOSS, unit=Unit.FRACTION),
    Limit.DAILY_LOSS: Rule(code=CheckCode.DAILY_LOSS, unit=Unit.FRACTION),
    Limit.MAX_SPREAD_BPS: Rule(code=CheckCode.SPREAD, unit=Unit.BPS),
    Limit.QUOTE_AGE_S: Rule(code=CheckCode.DATA_AGE, unit=Unit.SECONDS),
    Limit.EQUITY_AGE_S: Rule(code=CheckCode.EQUITY_AGE, unit=Unit.SECONDS),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Effective:
    """A limit's value with where it was set: ``subject`` names the terminal, person ... of a scope below the desk."""

    value: Decimal
    scope: Scope = Scope.DESK
    subject: str = ""

    @property
    def named(self) -> str:
        """Return scope and subject in one word, as a check carries them."""
        return f"{self.scope.value}:{self.subject}" if self.subject else self.scope.value


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopedValue:
    """A limit's value for one terminal, person, strategy, tier or instrument."""

    limit: Limit
    scope: Scope
    subject: str
    value: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitBook:
    """Every value that is set; a limit that the desk does not set is off wherever no narrower scope sets it."""

    desk: Mapping[Limit, Decimal]
    scoped: tuple[ScopedValue, ...] = ()

    def at(self, where: Mapping[Scope, str]) -> Mapping[Limit, Effective]:
        """Return the limits in force where all of these subjects meet; one that is off is left out."""
        return effective(self.desk, self.scoped, where)


def effective(
    desk: Mapping[Limit, Decimal], scoped: Iterable[ScopedValue], where: Mapping[Scope, str]
) -> Mapping[Limit, Effective]:
    """Return the tightest value of each limit among the desk's and those of the scopes that apply, the wider on a tie."""
    found = {limit: Effective(value=value) for limit, value in desk.items()}
    order = list(Scope)
    for each in sorted(scoped, key=lambda value: order.index(value.scope)):
        if where.get(each.scope) != each.subject:
            continue
        kept = found.get(each.limit)
        if kept is None or tighter(each.limit, each.value, kept.value):
            found[each.limit] = Effective(value=each.value, scope=each.scope, subject=each.subject)
    return found


def tighter(limit: Limit, value: Decimal, than: Decimal) -> bool:
    """Tell whether a value lets less through than another."""
    return value < than if RULES[limit].bound is Bound.MOST else value > than
