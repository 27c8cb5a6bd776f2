"""How long a scan takes when a candle has closed on every instrument, beside TA-Lib on arrays with eight indicators.

The scan is what the desk calls: columns moved on, every built-in strategy asked, each call scored. The floor is the arithmetic
that a scan cannot do without: EMA 9, 21 and 50, RSI, ATR, ADX, MACD and Bollinger bands over the same candles.
"""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

from bench.figures import Figure, Measured, Target, middle, spread
from bench.plan import Plan
from services.domain.market import Candle, CandleSeries, Quote
from services.signals.calls import calls_on
from services.signals.windows import Windows
from services.strategies.indicators import Bars, columns
from services.strategies.made_up import MADE_UP, rough_market
from services.strategies.registry import load_strategies

CANDLES = 500
APART = 70
RUNS = 9
MS = 1000.0
TARGET = Target(at_most=1.5, of_floor=True)


async def measure(plan: Plan, _: Path) -> Measured:
    """Scan as many instruments as planned, in turns with the floor."""
    count = plan.scan_instruments
    market = rough_market(5, APART * count + CANDLES + 1)
    strategies = load_strategies((), "sortie.bench.none").all()
    earlier, now = (_batch(market, count, shift) for shift in (0, 1))
    arrays = [columns(series.candles) for series, _ in now]
    bare, scans, found = [], [], 0
    for _run in range(RUNS):
        windows = Windows()
        for series, _quote in earlier:
            windows.bars(series)
        begun = time.perf_counter()
        for bars in arrays:
            _eight(bars)
        between = time.perf_counter()
        calls = calls_on(strategies, now, (), windows)
        scans.append((time.perf_counter() - between) * MS)
        bare.append((between - begun) * MS)
        found = sum(map(len, calls))
    figure = Figure(
        name=f"a scan of {count} instruments of {CANDLES} candles, eight strategies, {found} calls scored",
        value=middle(scans),
        unit="ms",
        floor=middle(bare),
        floor_is="TA-Lib on arrays, eight indicators",
        target=TARGET,
    )
    return Measured(figures=[figure], details={"scan_ms": spread(scans), "bare_ms": spread(bare)})


def _batch(market: list[Candle], count: int, shift: int) -> list[tuple[CandleSeries, Quote | None]]:
    starts = [APART * number + shift for number in range(count)]
    return [
        (
            CandleSeries(
                instrument=replace(MADE_UP, symbol=f"S{number}/UP"),
                timeframe="1h",
                candles=tuple(market[start : start + CANDLES]),
            ),
            None,
        )
        for number, start in enumerate(starts)
    ]


def _eight(bars: Bars) -> None:
    import talib

    for period in (9, 21, 50):
        talib.EMA(bars.close, timeperiod=period)
    talib.RSI(bars.close, timeperiod=14)
    talib.ATR(bars.high, bars.low, bars.close, timeperiod=14)
    talib.ADX(bars.high, bars.low, bars.close, timeperiod=14)
    talib.MACD(bars.close, fastperiod=12, slowperiod=26, signalperiod=9)
    talib.BBANDS(bars.close, timeperiod=20, nbdevup=2, nbdevdn=2)
