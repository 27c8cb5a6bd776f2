"""Where to start the market so that the first mission comes soon and can be fired: the desk's own functions, run ahead.

A bar is a good start when its close brings a signal that the desk will offer whatever the clock then shows (candles five times
as long lie on the clock's boundaries, and the hour counts, so each of their five positions is tried), and that a newcomer with
an untouched account can fire. Among the first such bars one is preferred whose trade is not stopped out at once.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from bot.demo.series import Bars, Stretch
from config.groups import PaperSettings, SignalSettings
from config.limits import RiskSettings
from services.domain.market import CandleSeries, Quote
from services.domain.money import Price, Quantity, ceil_to, floor_to
from services.domain.ports import Strategy
from services.domain.signals import Side, Signal, malformed
from services.risk.limits import book_of
from services.risk.sizing import Costs, loss_per_unit, offered_sizes, size_caps, worst_entry
from services.signals.calls import calls_of, to_signal

LEAD_S = 26.0
"""From the desk's first look at candles, which comes about two seconds before it is ready, to the first mission."""

PHASES = 5
CALM_S = 300
LEAST_CALM_BARS = 3
MOST_CALM_BARS = 18
LOOK_FURTHER_BARS = 120
_SPREAD_BPS = Decimal(2)
_SPREAD_PER_RANGE = Decimal("0.03")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What the desk will decide by."""

    strategies: Sequence[Strategy]
    history: int
    signals: SignalSettings
    risk: RiskSettings
    paper: PaperSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """The bar to be open at the first look, how long until it closes, and what the first mission will be."""

    index: int
    close_in_s: float
    signal_index: int
    symbol: str
    side: Side


@dataclass(frozen=True, slots=True, kw_only=True)
class _Find:
    start: Start
    calm: int


def find_start(stretch: Stretch, first: int, rules: Rules, now: datetime, *, quote_currency: str) -> Start | None:
    """Return the best early start from bar ``first`` on, or None when no bar of the stretch brings a fireable signal.

    Only instruments quoted in ``quote_currency`` count: those are the ones that the desk watches.
    """
    lead = bars_ahead(stretch.bar_seconds)
    wanted = min(MOST_CALM_BARS, max(LEAST_CALM_BARS, math.ceil(CALM_S / stretch.bar_seconds)))
    best: _Find | None = None
    for find in _finds(stretch, first + lead, rules, now, quote_currency):
        if best is None or find.calm > best.calm:
            best = find
        if best.calm >= wanted or find.start.signal_index - best.start.signal_index > LOOK_FURTHER_BARS:
            break
    return best.start if best is not None else None


def bars_ahead(bar_seconds: int) -> int:
    """Return how many bars before the signal's own the market opens: bars shorter than the lead pass within it."""
    return math.ceil(LEAD_S / bar_seconds) - 1


def close_in(bar_seconds: int) -> float:
    """Return how long the bar that is open at the first look lasts, in seconds, so that the signal comes after the lead."""
    return LEAD_S - bars_ahead(bar_seconds) * bar_seconds


def _finds(stretch: Stretch, first: int, rules: Rules, now: datetime, quote_currency: str) -> Iterator[_Find]:
    watched = [bars for bars in stretch.bars if bars.instrument.quote == quote_currency]
    quiet_for = bars_ahead(stretch.bar_seconds) + 1
    offered: dict[str, int] = {}
    for index in range(max(first, stretch.minimum_start), stretch.last - MOST_CALM_BARS):
        for bars in watched:
            if bars.at(index) is None:
                continue
            signal = _sure_signal(stretch, bars, index, rules, now)
            symbol = bars.instrument.symbol
            if signal is None:
                continue
            blocked = index - offered.get(symbol, -quiet_for) <= quiet_for - 1
            offered[symbol] = index
            if signal.score >= rules.signals.min_score and not blocked and _fireable(bars, index, signal, rules):
                yield _Find(start=_start(stretch, index, signal), calm=_calm_bars(bars, index, signal))


def _start(stretch: Stretch, index: int, signal: Signal) -> Start:
    return Start(
        index=index - bars_ahead(stretch.bar_seconds),
        close_in_s=close_in(stretch.bar_seconds),
        signal_index=index,
        symbol=signal.symbol,
        side=signal.side,
    )


def _sure_signal(stretch: Stretch, bars: Bars, index: int, rules: Rules, now: datetime) -> Signal | None:
    """Return the signal with the lowest score that the clock may give it, or None when no strategy calls at this close."""
    signals = []
    for phase in range(PHASES):
        series = _series(stretch, bars, index, rules, now, phase)
        best = _best_signal(series, quote_at_close(bars, index, now), rules, now)
        if best is None:
            # A call does not depend on the clock, its score does: without one here, there is none in the other positions.
            return None
        signals.append(best)
    return min(signals, key=lambda signal: signal.score)


def _series(stretch: Stretch, bars: Bars, index: int, rules: Rules, now: datetime, phase: int) -> CandleSeries:
    bar = timedelta(seconds=stretch.bar_seconds)
    closes_at = now + timedelta(seconds=LEAD_S) + phase * bar
    return bars.closed(index, rules.history, timeframe=stretch.timeframe, opened_at=closes_at - bar, bar=bar)


def _best_signal(series: CandleSeries, quote: Quote, rules: Rules, now: datetime) -> Signal | None:
    for call in calls_of(rules.strategies, series, quote):
        signal = to_signal(call, series, rules.signals, signal_id="plan", now=now)
        if malformed(signal) is None:
            return signal
    return None


def quote_at_close(bars: Bars, index: int, now: datetime) -> Quote:
    """Return a quote around a bar's close with a spread that the exchange's own rarely exceeds."""
    row, instrument = bars.at(index), bars.instrument
    if row is None:
        raise ValueError(f"{instrument.symbol} has no bar {index}")
    close = Decimal(repr(row[3]))
    reach = Decimal(repr(row[1])) - Decimal(repr(row[2]))
    half = max(instrument.tick, close * _SPREAD_BPS / 10_000, reach * _SPREAD_PER_RANGE) / 2
    bid = floor_to(close - half, instrument.tick)
    return Quote(
        symbol=instrument.symbol,
        bid=Price(bid),
        ask=Price(max(ceil_to(close + half, instrument.tick), bid + instrument.tick)),
        bid_size=Quantity(instrument.step),
        ask_size=Quantity(instrument.step),
        feed_time=now,
        received_at=now,
    )


def _fireable(bars: Bars, index: int, signal: Signal, rules: Rules) -> bool:
    """Tell whether an untouched account at the exchange gets half a size that it takes, at a spread the gate takes."""
    instrument, paper, quote = bars.instrument, rules.paper, quote_at_close(bars, index, signal.created_at)
    entry = worst_entry(quote, signal.side, signal.stop, instrument, rules.risk)
    costs = Costs(fee=paper.taker_bps / 10_000, slippage=paper.slippage_bps / 10_000)
    usual = paper.start_balance * rules.risk.default_per_trade / loss_per_unit(entry, signal.stop, costs)
    sizes = offered_sizes(
        entry=entry,
        stop=signal.stop,
        instrument=instrument,
        costs=costs,
        caps=size_caps(paper.start_balance, paper.start_balance, book_of(rules.risk).at({}), usual),
    )
    # Half of the half is what is left to close when someone halves the smaller size.
    least = sizes.half / 2
    # The account at the exchange can hold nothing short.
    able = signal.side is Side.LONG
    worth = least * min(quote.bid, signal.stop)
    return (
        able
        and least >= instrument.min_quantity
        and worth >= instrument.min_notional
        and (quote.spread_bps <= rules.risk.max_spread_bps)
    )


def _calm_bars(bars: Bars, index: int, signal: Signal) -> int:
    """Count the bars after the signal's in which the price reaches neither the stop nor the first target."""
    stop, target = float(signal.stop), float(signal.targets[0].price) if signal.targets else None
    following = bars.after(index, MOST_CALM_BARS)
    for calm, (_, high, low, *_rest) in enumerate(following):
        against, favour = (low, high) if signal.side is Side.LONG else (high, low)
        if (against - stop) * signal.side.sign <= 0 or (target is not None and (favour - target) * signal.side.sign >= 0):
            return calm
    return len(following)
