"""Candles made up for tests: one for each row number, its numbers told by a second number."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import numpy as np

from services.market.history import History, milliseconds
from services.market.store.places import Series

SERIES = Series(venue="binance", symbol="BTC/USDT", timeframe="5m")
STEP = SERIES.step
# Close to the end of a month, so that few rows fall into two parts.
START = milliseconds(datetime(2024, 2, 29, 23, 30, tzinfo=UTC))
NOW = datetime(2024, 6, 1, tzinfo=UTC)


def time_of(row: int) -> int:
    """Return the opening of a row's candle."""
    return START + row * STEP


def made(rows: Mapping[int, int], series: Series = SERIES) -> History:
    """Return the candles of these rows, each as its value says."""
    order = sorted(rows)
    base = np.array([100.0 + rows[row] for row in order], dtype=np.float64)
    return History(
        symbol=series.symbol,
        timeframe=series.timeframe,
        time=np.array([time_of(row) for row in order], dtype=np.int64),
        open=base,
        high=base + 2,
        low=base - 3,
        close=base + 1,
        volume=base * 10,
    )


def values(history: History) -> dict[int, int]:
    """Return rows and values of candles that ``made`` has made."""
    rows = ((history.time - START) // STEP).tolist()
    return dict(zip(rows, (round(each - 100) for each in history.open.tolist()), strict=True))
