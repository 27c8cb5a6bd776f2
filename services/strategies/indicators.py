"""Candles as arrays, and the TA-Lib calls that strategies use.

TA-Lib is imported inside each call: only a scan needs it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeAlias, TypeVar, cast

import numpy as np
import numpy.typing as npt

from services.domain.market import Candle

Values: TypeAlias = npt.NDArray[np.float64]
Flags: TypeAlias = npt.NDArray[np.bool_]
Counts: TypeAlias = npt.NDArray[np.int64]
Times: TypeAlias = npt.NDArray[np.int64]

_Kept = TypeVar("_Kept")

_SETTLED = 1e-10
_BLOCK = 512


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bars:
    """Candles as float64 columns, oldest first, and what is computed of them, once however many strategies ask.

    ``opened`` tells in milliseconds UTC when each candle opened and ``length`` how many of them one lasts; who folds candles
    into longer ones needs both. An unsound candle (see :func:`sound`) has no indicator, and averages begin anew behind it.

    ``parts`` are whole windows of several instruments of which the columns are the newest ``reach`` rows each, one after the
    other: what a scan reads. Only the last row of each may be believed, by rules that look back over no more than ``reach``.
    """

    open: Values
    high: Values
    low: Values
    close: Values
    volume: Values
    opened: Times | None = None
    length: int = 0
    parts: tuple[Bars, ...] = ()
    reach: int = 0
    _kept: dict[tuple[object, ...], object] = field(default_factory=dict, init=False, repr=False)

    def __len__(self) -> int:
        return len(self.close)

    def ema(self, period: int) -> Values:
        """Return the exponential moving average of the closes."""
        return self.over(("ema", period), lambda bars: ema(bars.close, period))

    def rsi(self, period: int) -> Values:
        """Return Wilder's relative strength index of the closes, 0 to 100."""
        return self.over(("rsi", period), lambda bars: rsi(bars.close, period))

    def atr(self, period: int) -> Values:
        """Return Wilder's average true range in price units."""
        return self.over(("atr", period), lambda bars: atr(bars, period))

    def adx(self, period: int) -> Values:
        """Return Wilder's average directional index, 0 to 100."""
        return self.over(("adx", period), lambda bars: adx(bars, period))

    def directions(self, period: int) -> tuple[Values, Values]:
        """Return Wilder's directional indicators, up and down, each 0 to 100."""
        return (
            self.over(("up", period), lambda bars: direction_up(bars, period)),
            self.over(("down", period), lambda bars: direction_down(bars, period)),
        )

    def bollinger(self, period: int, width: float) -> tuple[Values, Values, Values]:
        """Return the lower band, the middle and the upper band of the closes."""
        key = ("deviation", period)
        if self.parts:
            deviation = width * self.kept(key, lambda: _spread_of_each(self.close.reshape(-1, self.reach), period))
        else:
            deviation = width * self.over(key, lambda bars: spread(bars.close, period))
        middle = self.over(("middle", period), lambda bars: sma(bars.close, period))
        return middle - deviation, middle, middle + deviation

    def highest(self, period: int) -> Values:
        """Return the highest high of ``period`` candles, the row's own included."""
        return self._extreme("highest", "high", period, highest)

    def lowest(self, period: int) -> Values:
        """Return the lowest low of ``period`` candles, the row's own included."""
        return self._extreme("lowest", "low", period, lowest)

    def usual_volume(self, period: int) -> Values:
        """Return the mean volume of ``period`` candles, the row's own included."""
        return self.over(("volume", period), lambda bars: sma(bars.volume, period))

    def usable(self, warm_up: int) -> Flags:
        """Tell of each row whether it and those before it are ``warm_up`` sound candles, and somebody traded in it."""
        return (self.streak() >= warm_up) & (self.volume > 0)

    def streak(self) -> Counts:
        """Return how many sound candles end with each row, 0 for an unsound one."""
        return self.kept(("streak",), lambda: self._joined_streak() if self.parts else _streak(self))

    def whole(self) -> bool:
        """Tell whether every candle is sound."""
        return self.kept(("whole",), lambda: sound(self))

    def kept(self, key: tuple[object, ...], compute: Callable[[], _Kept]) -> _Kept:
        """Return what was computed under ``key`` before, or compute it now."""
        if key not in self._kept:
            self._kept[key] = compute()
        return cast("_Kept", self._kept[key])

    def over(self, key: tuple[object, ...], compute: Callable[[Bars], Values]) -> Values:
        """Compute a column over each stretch of sound candles, once."""

        def column() -> Values:
            if self.parts:
                return self._joined(key, compute)
            if self.whole():
                return compute(self)
            result = np.full(len(self), np.nan)
            for stretch in _stretches(self.streak()):
                result[stretch] = compute(cut(self, stretch))
            return result

        return self.kept(key, column)

    def _joined(self, key: tuple[object, ...], compute: Callable[[Bars], Values]) -> Values:
        result, reach = np.empty(len(self)), self.reach
        for place, part in enumerate(self.parts):
            told = compute(part) if part.whole() else part.over(key, compute)
            result[place * reach : (place + 1) * reach] = told[-reach:]
        return result

    def _joined_streak(self) -> Counts:
        reach, known = self.reach, np.arange(1, max(len(part) for part in self.parts) + 1)
        counts = [known[len(part) - reach : len(part)] if part.whole() else part.streak()[-reach:] for part in self.parts]
        return np.concatenate(counts)

    def _extreme(self, word: str, name: str, period: int, compute: Callable[[Values, int], Values]) -> Values:
        """Compute a rolling extreme: it looks back over no more rows than ``reach``, so of parts the newest rows are enough."""
        key = (word, period)
        if self.parts:
            return self.kept(key, lambda: compute(getattr(self, name), period))
        return self.over(key, lambda bars: compute(getattr(bars, name), period))


def cut(bars: Bars, rows: slice) -> Bars:
    """Return some of the candles, as views of the same columns."""
    return Bars(
        open=bars.open[rows],
        high=bars.high[rows],
        low=bars.low[rows],
        close=bars.close[rows],
        volume=bars.volume[rows],
        opened=bars.opened[rows] if bars.opened is not None else None,
        length=bars.length,
    )


def tails(parts: Sequence[Bars], reach: int) -> Bars:
    """Return the newest ``reach`` candles of several instruments, one after the other; each has to have as many."""
    return Bars(
        open=np.concatenate([part.open[-reach:] for part in parts]),
        high=np.concatenate([part.high[-reach:] for part in parts]),
        low=np.concatenate([part.low[-reach:] for part in parts]),
        close=np.concatenate([part.close[-reach:] for part in parts]),
        volume=np.concatenate([part.volume[-reach:] for part in parts]),
        parts=tuple(parts),
        reach=reach,
    )


def columns(candles: Sequence[Candle], seconds: int = 0) -> Bars:
    """Turn candles into columns, whatever they hold; ``seconds`` is how long one lasts, 0 where nobody asks."""
    rows = np.array([candle[1:] for candle in candles], dtype=np.float64).reshape(len(candles), 5)
    opens, highs, lows, closes, volumes = (np.ascontiguousarray(column) for column in rows.T)
    opened = np.array([round(candle.time.timestamp() * 1_000) for candle in candles], dtype=np.int64) if seconds else None
    return Bars(open=opens, high=highs, low=lows, close=closes, volume=volumes, opened=opened, length=seconds * 1_000)


def sound(bars: Bars) -> bool:
    """Tell whether there are candles, all with finite prices above zero and finite volumes that are not negative."""
    return len(bars) > 0 and bool(_sound_rows(bars).all())


def newest(candles: Sequence[Candle], count: int, seconds: int = 0) -> Bars | None:
    """Return the newest ``count`` candles as columns; None when they are fewer, unsound, or nobody traded in the last.

    Cutting to a fixed length makes an answer depend on these candles alone, so a longer history cannot change it.
    """
    if len(candles) < count:
        return None
    bars = columns(candles[-count:], seconds)
    return bars if sound(bars) and bars.volume[-1] > 0 else None


def before(values: Values, rows: int = 1) -> Values:
    """Return what each row's column said ``rows`` candles earlier, NaN where there was none."""
    shifted = np.full(len(values), np.nan)
    shifted[rows:] = values[: max(0, len(values) - rows)]
    return shifted


def ema(values: Values, period: int) -> Values:
    """Return the exponential moving average, NaN before ``period`` values."""
    return _talib("EMA")(values, timeperiod=period)  # type: ignore[no-any-return]


def sma(values: Values, period: int) -> Values:
    """Return the simple moving average, NaN before ``period`` values."""
    return _talib("SMA")(values, timeperiod=period)  # type: ignore[no-any-return]


def rsi(values: Values, period: int) -> Values:
    """Return Wilder's relative strength index, 0 to 100."""
    return _talib("RSI")(values, timeperiod=period)  # type: ignore[no-any-return]


def atr(bars: Bars, period: int) -> Values:
    """Return Wilder's average true range in price units."""
    return _talib("ATR")(bars.high, bars.low, bars.close, timeperiod=period)  # type: ignore[no-any-return]


def adx(bars: Bars, period: int) -> Values:
    """Return Wilder's average directional index, 0 to 100."""
    return _talib("ADX")(bars.high, bars.low, bars.close, timeperiod=period)  # type: ignore[no-any-return]


def direction_up(bars: Bars, period: int) -> Values:
    """Return Wilder's directional indicator for rises, 0 to 100."""
    return _talib("PLUS_DI")(bars.high, bars.low, bars.close, timeperiod=period)  # type: ignore[no-any-return]


def direction_down(bars: Bars, period: int) -> Values:
    """Return Wilder's directional indicator for falls, 0 to 100."""
    return _talib("MINUS_DI")(bars.high, bars.low, bars.close, timeperiod=period)  # type: ignore[no-any-return]


def spread(values: Values, period: int) -> Values:
    """Return the rolling standard deviation of values above zero, of the whole window (not of a sample).

    TA-Lib sums squares as it goes along, and takes a variance below 1e-14 for none: rows are given to it in blocks, as shares
    of the block's mean, so that neither a long history nor a low price costs digits.
    """
    result = np.full(len(values), np.nan)
    for start in range(0, len(values), _BLOCK):
        block = values[max(0, start - period + 1) : start + _BLOCK]
        level = block.mean()
        told = level * _talib("STDDEV")(block / level - 1, timeperiod=period)
        result[start : start + _BLOCK] = told[-len(values[start : start + _BLOCK]) :]
    return result


def _spread_of_each(rows: Values, period: int) -> Values:
    """Return the same for rows of several instruments, one after the other; the first of each have none."""
    result = np.full(rows.shape, np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(rows, period, axis=1)
    result[:, period - 1 :] = windows.std(axis=2)
    return result.ravel()


def highest(values: Values, period: int) -> Values:
    """Return the rolling maximum, the value's own bar included."""
    return _talib("MAX")(values, timeperiod=period)  # type: ignore[no-any-return]


def lowest(values: Values, period: int) -> Values:
    """Return the rolling minimum, the value's own bar included."""
    return _talib("MIN")(values, timeperiod=period)  # type: ignore[no-any-return]


def ema_settles(period: int) -> int:
    """Return after how many values an EMA no longer shows where it was started: its weight is below 1e-10."""
    return period + math.ceil(math.log(_SETTLED) / math.log(1 - 2 / (period + 1)))


def wilder_settles(period: int, *, passes: int = 1) -> int:
    """Return the same for Wilder's smoothing, which ADX applies in two passes."""
    decay = math.log(_SETTLED) / math.log(1 - 1 / period) if period > 1 else 0
    return passes * period + math.ceil(decay * (1 + 0.15 * (passes - 1)))


def _sound_rows(bars: Bars) -> Flags:
    rows = np.isfinite(bars.volume) & (bars.volume >= 0)
    for prices in (bars.open, bars.high, bars.low, bars.close):
        rows &= np.isfinite(prices) & (prices > 0)
    return rows


def _streak(bars: Bars) -> Counts:
    rows = np.arange(1, len(bars) + 1)
    return rows - np.maximum.accumulate(np.where(_sound_rows(bars), 0, rows))


def _stretches(streak: Counts) -> list[slice]:
    """Return the runs of sound candles, oldest first."""
    last = np.append(streak[1:] <= streak[:-1], np.ones(min(1, len(streak)), dtype=np.bool_)) & (streak > 0)
    return [slice(int(end - streak[end - 1]), int(end)) for end in np.flatnonzero(last) + 1]


@cache
def _talib(name: str) -> Any:
    """Return a function of TA-Lib without its wrapper, which looks at each argument for frames and takes longer than an EMA."""
    import talib

    wrapped = getattr(talib, name)
    return getattr(wrapped, "__wrapped__", wrapped)
