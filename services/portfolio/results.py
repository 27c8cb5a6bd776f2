"""Results over closed trades: what was won, how sure that is, and what execution cost. No number stands without its sample."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from services.domain.money import ZERO, Money
from services.domain.trades import Trade

Z_95 = 1.959963984540054
BPS = Decimal(10_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class WinRate:
    """``wins`` of ``n``; ``low`` and ``high`` bound the true share (0 to 1) with 95 % confidence, None without a trade.

    ``least`` is the smallest sample that a rate is named by.
    """

    wins: int
    n: int
    low: Decimal | None
    high: Decimal | None
    least: int

    @property
    def enough(self) -> bool:
        """Tell whether the sample is large enough to name a rate."""
        return self.n >= self.least

    @property
    def rate(self) -> Decimal | None:
        """Return the share of wins, or None without a trade."""
        return Decimal(self.wins) / self.n if self.n else None


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeResult:
    """One closed trade in a word: its number, instrument and result; ``r`` is None when nothing was filled."""

    number: int
    symbol: str
    r: Decimal | None
    money: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """What a set of closed trades came to.

    ``total_r`` and ``expectancy_r`` count the ``n_r`` trades whose R is known; ``slippage_bps`` is the mean against the
    decision price over ``n_slippage`` entries, positive when worse. Money and fees stand by currency.
    """

    n: int
    win_rate: WinRate
    n_r: int
    total_r: Decimal
    expectancy_r: Decimal | None
    money: tuple[Money, ...]
    fees: tuple[Money, ...]
    best: TradeResult | None
    worst: TradeResult | None
    slippage_bps: Decimal | None
    n_slippage: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """Results since a time, with the words for it."""

    name: str
    since: datetime
    results: Results


def win_rate(wins: int, n: int, least: int) -> WinRate:
    """Return a win rate with Wilson's score interval (Wilson 1927, without continuity correction)."""
    if n == 0:
        return WinRate(wins=0, n=0, low=None, high=None, least=least)
    share, square = wins / n, Z_95 * Z_95
    middle = share + square / (2 * n)
    spread = Z_95 * math.sqrt(share * (1 - share) / n + square / (4 * n * n))
    low, high = (middle - spread) / (1 + square / n), (middle + spread) / (1 + square / n)
    return WinRate(wins=wins, n=n, low=_share(low), high=_share(high), least=least)


def _share(value: float) -> Decimal:
    return Decimal(str(round(min(1.0, max(0.0, value)), 6)))


def slippage_bps(trade: Trade) -> Decimal | None:
    """Return the entry's mean price against the decision price in bps, positive when worse; None before a fill."""
    average = trade.average_entry
    if average is None or not trade.decision_price:
        return None
    return (average - trade.decision_price) / trade.decision_price * trade.side.sign * BPS


def result_of(trade: Trade) -> TradeResult:
    """Return one trade's result after fees."""
    return TradeResult(
        number=trade.number,
        symbol=trade.symbol,
        r=trade.r_multiple(trade.realized),
        money=Money(trade.realized, trade.currency),
    )


def results_of(closed: Sequence[Trade], least: int) -> Results:
    """Return the results of closed trades, in any order; a win rate needs at least so many."""
    each = [result_of(trade) for trade in closed]
    rated = sorted((one.r, one.number, one) for one in each if one.r is not None)
    slips = [slip for trade in closed if (slip := slippage_bps(trade)) is not None]
    total_r = sum((r for r, _, _ in rated), ZERO)
    return Results(
        n=len(each),
        win_rate=win_rate(sum(one.money.amount > 0 for one in each), len(each), least),
        n_r=len(rated),
        total_r=total_r,
        expectancy_r=total_r / len(rated) if rated else None,
        money=by_currency(one.money for one in each),
        fees=by_currency(Money(trade.fees, trade.currency) for trade in closed),
        best=rated[-1][2] if rated else None,
        worst=rated[0][2] if rated else None,
        slippage_bps=sum(slips, ZERO) / len(slips) if slips else None,
        n_slippage=len(slips),
    )


def by_currency(amounts: Iterable[Money]) -> tuple[Money, ...]:
    """Add amounts up by currency, in the order of the currencies' names."""
    totals: dict[str, Decimal] = {}
    for money in amounts:
        totals[money.currency] = totals.get(money.currency, ZERO) + money.amount
    return tuple(Money(total, currency) for currency, total in sorted(totals.items()))


def periods(closed: Sequence[Trade], *, day_start: datetime, now: datetime, least: int) -> tuple[Period, ...]:
    """Return the results of today, the last 7 days and the last 30 days; ``day_start`` is the trading day's begin."""
    spans = (
        ("today", day_start),
        ("7 days", now - timedelta(days=7)),
        ("30 days", now - timedelta(days=30)),
    )
    return tuple(
        Period(
            name=name,
            since=since,
            results=results_of([trade for trade in closed if trade.closed_at is not None and trade.closed_at >= since], least),
        )
        for name, since in spans
    )
