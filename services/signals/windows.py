"""The candles of each instrument as columns, moved on as candles close instead of made anew."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from services.domain.market import Candle, CandleSeries, timeframe_seconds
from services.strategies.indicators import Bars

_ROOM = 256
_MOST_DROPPED = 8


@dataclass(slots=True)
class _Window:
    """Columns with room to grow; rows ``first`` to ``end`` are ``candles``, and those from ``sound_from`` on are sound."""

    candles: tuple[Candle, ...]
    values: npt.NDArray[np.float64]
    opened: npt.NDArray[np.int64]
    first: int
    end: int
    sound_from: int = 0


class Windows:
    """Keeps columns by instrument and timeframe from one scan to the next; a corrected candle makes them anew."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], _Window] = {}

    def bars(self, series: CandleSeries) -> Bars:
        """Return the candles as columns, which are true until this is asked again for the instrument."""
        key = (series.instrument.symbol, series.timeframe)
        candles = tuple(series.candles)
        window = self._kept.get(key)
        if window is None or not _move_on(window, candles):
            window = self._kept[key] = _window(candles)
        rows = slice(window.first, window.end)
        opens, highs, lows, closes, volumes = window.values[:, rows]
        length = timeframe_seconds(series.timeframe) * 1_000
        opened = window.opened[rows]
        bars = Bars(open=opens, high=highs, low=lows, close=closes, volume=volumes, opened=opened, length=length)
        bars.kept(("whole",), lambda: window.sound_from <= window.first < window.end)
        return bars


def _window(candles: tuple[Candle, ...]) -> _Window:
    room = len(candles) + _ROOM
    window = _Window(candles=candles, values=np.empty((5, room)), opened=np.empty(room, dtype=np.int64), first=0, end=0)
    _append(window, candles)
    return window


def _append(window: _Window, candles: Sequence[Candle]) -> None:
    for candle in candles:
        window.values[:, window.end] = candle[1:]
        window.opened[window.end] = round(candle.time.timestamp() * 1_000)
        window.end += 1
        if not (all(0 < price < math.inf for price in candle[1:5]) and 0 <= candle.volume < math.inf):
            window.sound_from = window.end


def _move_on(window: _Window, candles: tuple[Candle, ...]) -> bool:
    """Drop and append what changed since the last scan; False where that is not all that changed, or there is no room."""
    before = window.candles
    dropped = next((at for at, each in enumerate(before[:_MOST_DROPPED]) if candles and each is candles[0]), None)
    if dropped is None:
        return False
    kept = len(before) - dropped
    added = candles[kept:]
    # Equal tuples share their candles here, so this compares identities and is done in microseconds.
    if before[dropped:] != candles[:kept] or window.end + len(added) > len(window.opened):
        return False
    window.first += dropped
    window.candles = candles
    _append(window, added)
    return True
