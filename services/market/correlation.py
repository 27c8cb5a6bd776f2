"""Correlation of returns from closed candles, measured beside the trading and kept until the next time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

import numpy as np
import numpy.typing as npt

from config.correlation import CorrelationSettings
from services.domain.correlations import Correlation
from services.domain.market import Candle, CandleSeries, timeframe_seconds

Matrix = npt.NDArray[np.float64]


class CorrelationBoard:
    """Keeps the newest measurement; nothing is known before the first."""

    def __init__(self, settings: CorrelationSettings) -> None:
        self.settings = settings
        self._places: dict[str, int] = {}
        self._ends: dict[str, datetime] = {}
        self._values: Matrix = np.empty((0, 0))

    def between(self, one: str, other: str) -> Correlation | None:
        """Return how two instruments move together, or None where that was not measured."""
        if one not in self._places or other not in self._places:
            return None
        value = float(self._values[self._places[one], self._places[other]])
        as_of = min(self._ends[one], self._ends[other])
        return Correlation(value=Decimal(str(round(value, 4))), as_of=as_of) if np.isfinite(value) else None

    def measure(self, series: Iterable[CandleSeries]) -> None:
        """Measure all pairs anew."""
        kept = [(each, each.candles[-self.settings.candles :]) for each in series if each.candles]
        self._places = {each.instrument.symbol: place for place, (each, _) in enumerate(kept)}
        self._ends = {each.instrument.symbol: _end(each, newest) for each, newest in kept}
        self._values = correlations(_returns([newest for _, newest in kept]), self.settings.least)


class MeasureCorrelations:
    """Measures from the candles of every instrument that is watched."""

    def __init__(
        self, board: CorrelationBoard, symbols: Callable[[], Iterable[str]], series: Callable[[str], CandleSeries | None]
    ) -> None:
        self._board = board
        self._symbols = symbols
        self._series = series

    async def __call__(self) -> None:
        """Measure once."""
        found = [self._series(symbol) for symbol in self._symbols()]
        self._board.measure([each for each in found if each is not None])


def between_all(series: Sequence[CandleSeries], least: int = 60) -> dict[str, dict[str, Decimal]]:
    """Return how every two instruments move together over their candles; pairs of fewer returns than ``least`` are left out."""
    if len(series) < 2:
        return {}
    found = correlations(_returns([each.candles for each in series]), least)
    names = [each.instrument.symbol for each in series]
    return {
        one: {
            other: Decimal(str(round(float(found[row, column]), 4)))
            for column, other in enumerate(names)
            if other != one and np.isfinite(found[row, column])
        }
        for row, one in enumerate(names)
    }


def correlations(returns: Matrix, least: int) -> Matrix:
    """Return Pearson's correlation of every two rows over the columns where both have a value.

    NaN where these are fewer than ``least``, or where one of both does not move.
    """
    there = np.isfinite(returns)
    values, mask = np.where(there, returns, 0.0), there.astype(np.float64)
    counts = mask @ mask.T
    with np.errstate(divide="ignore", invalid="ignore"):
        sums = values @ mask.T
        spread = (values**2) @ mask.T - sums**2 / counts
        together = values @ values.T - sums * sums.T / counts
        found = together / np.sqrt(spread * spread.T)
    # What hardly moves has a spread of rounding errors.
    moves = spread > 1e-18
    return np.where((counts >= least) & moves & moves.T, np.clip(found, -1.0, 1.0), np.nan)


def _returns(series: Sequence[Sequence[Candle]]) -> Matrix:
    """Return log returns by instrument and time; NaN where a candle or the one before it is missing."""
    times = sorted({candle.time for each in series for candle in each})
    places = {time: place for place, time in enumerate(times)}
    closes = np.full((len(series), len(times)), np.nan)
    for row, each in enumerate(series):
        for candle in each:
            closes[row, places[candle.time]] = candle.close if candle.close > 0 else np.nan
    changes: Matrix = np.diff(np.log(closes), axis=1)
    return changes


def _end(series: CandleSeries, newest: Sequence[Candle]) -> datetime:
    return newest[-1].time + timedelta(seconds=timeframe_seconds(series.timeframe))
