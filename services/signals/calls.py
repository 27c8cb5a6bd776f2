"""From what a strategy says on closed candles to signals of the desk: on the grid, scored, with an end.

Pure, so that a scan, a backtest and whoever plans a replay get the same signals from the same candles.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from config.groups import SignalSettings
from services.domain.market import CandleSeries, Instrument, Quote, timeframe_seconds
from services.domain.money import Price, ceil_to, floor_to, nearest_to
from services.domain.ports import Strategy, StrategySignal
from services.domain.signals import Side, Signal, Target, targets_of
from services.signals.score import score
from services.signals.windows import Windows
from services.strategies.calls import FromCalls
from services.strategies.indicators import Bars, tails

BAND_SHARE = Decimal("0.1")
REACH = 64
"""How many candles of each instrument strategies go through together at least: the same for many saves work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What one strategy says of one instrument on its last closed candle, with its score.

    ``sandboxed`` tells that it is recorded and not offered.
    """

    source: str
    signal: StrategySignal
    score: int
    score_parts: dict[str, int]
    sandboxed: bool = False


def calls_of(
    strategies: Sequence[Strategy], series: CandleSeries, quote: Quote | None, sandboxed: Sequence[Strategy] = ()
) -> list[Call]:
    """Ask every strategy that is warm about the last closed candle; return the calls, the best first.

    What sandboxed ones say weighs on no other call's score.
    """
    said = [
        (strategy, signal)
        for strategy in (*strategies, *sandboxed)
        if len(series.candles) >= strategy.warm_up
        for signal in strategy.signals(series)
    ]
    return _scored(said, series, quote, sandboxed)


def calls_on(
    strategies: Sequence[Strategy],
    batch: Sequence[tuple[CandleSeries, Quote | None]],
    sandboxed: Sequence[Strategy],
    windows: Windows,
) -> list[list[Call]]:
    """Do the same for many instruments; return each one's calls, in their order.

    Strategies that answer over columns are asked about all instruments in one go, others one by one.
    """
    bars = [windows.bars(series) for series, _ in batch]
    said: list[list[tuple[Strategy, StrategySignal]]] = [[] for _ in batch]
    joined: dict[int, _Joined] = {}
    for strategy in (*strategies, *sandboxed):
        together = None
        if isinstance(strategy, FromCalls):
            reach = max(REACH, strategy.reach)
            together = joined.get(reach) or joined.setdefault(reach, _join(bars, reach))
            for number, signal in together.said(strategy):
                said[number].append((strategy, signal))
        for number, (series, _) in enumerate(batch):
            if (together is None or number not in together.numbers) and len(series.candles) >= strategy.warm_up:
                said[number] += [(strategy, signal) for signal in strategy.signals(series)]
    return [
        _scored(each, *asked, sandboxed, bars[number]) for number, (each, asked) in enumerate(zip(said, batch, strict=True))
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Joined:
    """The newest candles of those instruments of a batch, by number, that have enough of them."""

    numbers: Mapping[int, int]
    bars: Bars | None

    def said(self, strategy: FromCalls) -> list[tuple[int, StrategySignal]]:
        """Return what a strategy calls on the last candle of each instrument."""
        if self.bars is None:
            return []
        told, reach = strategy.calls(self.bars), self.bars.reach
        rows = {number: (place + 1) * reach - 1 for number, place in self.numbers.items()}
        calling = told.side != 0
        return [(number, call) for number, row in rows.items() if calling[row] and (call := told.at(row)) is not None]


def _join(bars: Sequence[Bars], reach: int) -> _Joined:
    numbers = [number for number, each in enumerate(bars) if len(each) >= reach]
    tail = tails([bars[number] for number in numbers], reach) if numbers else None
    return _Joined(numbers={number: place for place, number in enumerate(numbers)}, bars=tail)


def _scored(
    said: Sequence[tuple[Strategy, StrategySignal]],
    series: CandleSeries,
    quote: Quote | None,
    sandboxed: Sequence[Strategy],
    bars: Bars | None = None,
) -> list[Call]:
    calls = []
    for strategy, signal in said:
        others = [other for who, other in said if who is not strategy and who not in sandboxed]
        total, parts = score(signal, series, quote, others, bars)
        source = f"strategy:{strategy.name}@{strategy.version}"
        apart = strategy in sandboxed
        calls.append(Call(source=source, signal=signal, score=total, score_parts=dict(parts), sandboxed=apart))
    return sorted(calls, key=lambda call: (-call.score, call.source))


def to_signal(call: Call, series: CandleSeries, settings: SignalSettings, *, signal_id: str, now: datetime) -> Signal:
    """Put a call on the instrument's grid and give it its end."""
    said, instrument = call.signal, series.instrument
    low, high = entry_band(Decimal(repr(said.entry)), Decimal(repr(said.stop)), instrument)
    return Signal(
        id=signal_id,
        source=call.source,
        symbol=instrument.symbol,
        timeframe=series.timeframe,
        side=said.side,
        entry_low=low,
        entry_high=high,
        stop=stop_on_grid(Decimal(repr(said.stop)), said.side, instrument),
        targets=targets_on_grid([Decimal(repr(price)) for price in said.targets], said.side, instrument),
        score=call.score,
        score_parts=call.score_parts,
        created_at=now,
        expires_at=expiry(now, series.timeframe, settings),
        candle_time=series.candles[-1].time,
        reason=said.reason,
        facts=dict(said.facts),
    )


def entry_band(entry: Decimal, stop: Decimal, instrument: Instrument) -> tuple[Price, Price]:
    """Return the prices around ``entry`` at which the call still holds: a tenth of the stop distance to each side."""
    room = abs(entry - stop) * BAND_SHARE
    return Price(floor_to(entry - room, instrument.tick)), Price(ceil_to(entry + room, instrument.tick))


def stop_on_grid(stop: Decimal, side: Side, instrument: Instrument) -> Price:
    """Round a stop toward the entry: the loss can only become smaller."""
    rounded = ceil_to(stop, instrument.tick) if side is Side.LONG else floor_to(stop, instrument.tick)
    return Price(rounded)


def targets_on_grid(prices: Sequence[Decimal], side: Side, instrument: Instrument) -> tuple[Target, ...]:
    """Round targets to the nearest tick, nearest to the entry first."""
    rounded = sorted({nearest_to(price, instrument.tick) for price in prices}, reverse=side is Side.SHORT)
    return targets_of([Price(price) for price in rounded])


def expiry(now: datetime, timeframe: str, settings: SignalSettings) -> datetime:
    """Return when a call made now is no longer offered."""
    seconds = min(timeframe_seconds(timeframe) * settings.expiry_bars, settings.max_expiry_s)
    return now + timedelta(seconds=seconds)
