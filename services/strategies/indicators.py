"""Candles as arrays, and the TA-Lib calls that strategies use.

TA-Lib is imported inside each call: only a scan needs it, and it pulls pandas along where that is installed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from services.domain.market import Candle

Values: TypeAlias = npt.NDArray[np.float64]

_SETTLED = 1e-10


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars:
    """Candles as float64 columns, oldest first."""

    open: Values
    high: Values
    low: Values
    close: Values
    volume: Values

    def __len__(self) -> int:
        return len(self.close)


def columns(candles: Sequence[Candle]) -> Bars:
    """Turn candles into columns, whatever they hold."""
    rows = np.array([candle[1:] for candle in candles], dtype=np.float64).reshape(len(candles), 5)
    opens, highs, lows, closes, volumes = (np.ascontiguousarray(column) for column in rows.T)
    return Bars(open=opens, high=highs, low=lows, close=closes, volume=volumes)


def sound(bars: Bars) -> bool:
    """Tell whether there are candles, all with finite prices above zero and finite volumes that are not negative."""
    prices = (bars.open, bars.high, bars.low, bars.close)
    priced = all(bool(np.isfinite(each).all()) and bool((each > 0).all()) for each in prices)
    return len(bars) > 0 and priced and bool(np.isfinite(bars.volume).all()) and bool((bars.volume >= 0).all())


def newest(candles: Sequence[Candle], count: int) -> Bars | None:
    """Return the newest ``count`` candles as columns; None when they are fewer, unsound, or nobody traded in the last.

    Cutting to a fixed length makes an answer depend on these candles alone, so a longer history cannot change it.
    """
    if len(candles) < count:
        return None
    bars = columns(candles[-count:])
    return bars if sound(bars) and bars.volume[-1] > 0 else None


def ema(values: Values, period: int) -> Values:
    """Return the exponential moving average, NaN before ``period`` values."""
    return _talib().EMA(values, timeperiod=period)  # type: ignore[no-any-return]


def sma(values: Values, period: int) -> Values:
    """Return the simple moving average, NaN before ``period`` values."""
    return _talib().SMA(values, timeperiod=period)  # type: ignore[no-any-return]


def rsi(values: Values, period: int) -> Values:
    """Return Wilder's relative strength index, 0 to 100."""
    return _talib().RSI(values, timeperiod=period)  # type: ignore[no-any-return]


def atr(bars: Bars, period: int) -> Values:
    """Return Wilder's average true range in price units."""
    return _talib().ATR(bars.high, bars.low, bars.close, timeperiod=period)  # type: ignore[no-any-return]


def adx(bars: Bars, period: int) -> Values:
    """Return Wilder's average directional index, 0 to 100."""
    return _talib().ADX(bars.high, bars.low, bars.close, timeperiod=period)  # type: ignore[no-any-return]


def directions(bars: Bars, period: int) -> tuple[Values, Values]:
    """Return Wilder's directional indicators, up and down, each 0 to 100."""
    ta = _talib()
    return (
        ta.PLUS_DI(bars.high, bars.low, bars.close, timeperiod=period),
        ta.MINUS_DI(bars.high, bars.low, bars.close, timeperiod=period),
    )


def bollinger(values: Values, period: int, width: float) -> tuple[Values, Values, Values]:
    """Return the lower band, the middle and the upper band, ``width`` standard deviations apart from the middle."""
    upper, middle, lower = _talib().BBANDS(values, timeperiod=period, nbdevup=width, nbdevdn=width)
    return lower, middle, upper


def highest(values: Values, period: int) -> Values:
    """Return the rolling maximum, the value's own bar included."""
    return _talib().MAX(values, timeperiod=period)  # type: ignore[no-any-return]


def lowest(values: Values, period: int) -> Values:
    """Return the rolling minimum, the value's own bar included."""
    return _talib().MIN(values, timeperiod=period)  # type: ignore[no-any-return]


def ema_settles(period: int) -> int:
    """Return after how many values an EMA no longer shows where it was started: its weight is below 1e-10."""
    return period + math.ceil(math.log(_SETTLED) / math.log(1 - 2 / (period + 1)))


def wilder_settles(period: int, *, passes: int = 1) -> int:
    """Return the same for Wilder's smoothing, which ADX applies in two passes."""
    decay = math.log(_SETTLED) / math.log(1 - 1 / period) if period > 1 else 0
    return passes * period + math.ceil(decay * (1 + 0.15 * (passes - 1)))


def _talib() -> Any:
    import talib

    return talib
