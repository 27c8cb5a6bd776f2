"""What a strategy calls over a history: all at once where it can, candle by candle where it cannot."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import numpy as np

from services.domain.market import CandleSeries, Instrument
from services.domain.ports import Strategy, StrategySignal
from services.market.history import History
from services.strategies.calls import Calls, CallsAll
from services.strategies.indicators import Bars

_FINEST = Decimal("0.00000001")
_HEARD_EVERY = 1_000

Progress = Callable[[float], None]
"""Hears the share that is done."""


def bars_of(history: History) -> Bars:
    """Return a history's columns as strategies read them."""
    return Bars(
        open=history.open,
        high=history.high,
        low=history.low,
        close=history.close,
        volume=history.volume,
        opened=history.time,
        length=history.step,
    )


def ask(strategy: Strategy, history: History, progress: Progress = lambda share: None) -> Calls:
    """Return the strategy's calls; the answer is the same either way, the second way takes a thousand times as long."""
    return strategy.calls(bars_of(history)) if isinstance(strategy, CallsAll) else one_by_one(strategy, history, progress)


def one_by_one(strategy: Strategy, history: History, progress: Progress = lambda share: None) -> Calls:
    """Hand the strategy the windows that a live scan would, each of its warm-up's length."""
    instrument, candles = _instrument(history.symbol), history.candles()
    said: dict[int, StrategySignal] = {}
    for row in range(strategy.warm_up - 1, len(candles)):
        window = CandleSeries(
            instrument=instrument, timeframe=history.timeframe, candles=candles[row + 1 - strategy.warm_up : row + 1]
        )
        signals = strategy.signals(window)
        if signals:
            said[row] = signals[0]
        if row % _HEARD_EVERY == 0:
            progress(row / len(candles))
    return _columns(said, len(candles))


def _columns(said: dict[int, StrategySignal], count: int) -> Calls:
    side = np.zeros(count, dtype=np.int8)
    entry, stop, setup = np.full(count, np.nan), np.full(count, np.nan), np.zeros(count)
    targets = np.full((count, max((len(each.targets) for each in said.values()), default=0)), np.nan)
    for row, each in said.items():
        side[row], entry[row], stop[row], setup[row] = each.side.sign, each.entry, each.stop, each.setup
        targets[row, : len(each.targets)] = each.targets
    return Calls(
        side=side,
        entry=entry,
        stop=stop,
        targets=targets,
        setup=setup,
        leave=np.zeros(count, dtype=np.int8),
        explain=lambda row: (said[row % count].reason, said[row % count].facts),
    )


def _instrument(symbol: str) -> Instrument:
    """Return an instrument on the finest grid: a history does not tell its own."""
    base, _, quote = symbol.partition("/")
    return Instrument(
        symbol=symbol, base=base, quote=quote, tick=_FINEST, step=_FINEST, min_quantity=Decimal(0), min_notional=Decimal(0)
    )
