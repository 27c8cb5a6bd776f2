"""From what a strategy says on closed candles to signals of the desk: on the grid, scored, with an end.

Pure, so that a scan, a backtest and whoever plans a replay get the same signals from the same candles.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from config.groups import SignalSettings
from services.domain.market import CandleSeries, Instrument, Quote, timeframe_seconds
from services.domain.money import Price, ceil_to, floor_to, nearest_to
from services.domain.ports import Strategy, StrategySignal
from services.domain.signals import Side, Signal, Target, targets_of
from services.signals.score import score

BAND_SHARE = Decimal("0.1")


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
    calls = []
    for strategy, signal in said:
        others = [other for who, other in said if who is not strategy and who not in sandboxed]
        total, parts = score(signal, series, quote, others)
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
