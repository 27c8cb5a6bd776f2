"""Made-up markets to try strategies on where no recorded one is at hand; the same seed draws the same candles."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np

from services.domain.market import Candle, CandleSeries, Instrument

START = datetime(2025, 3, 3, tzinfo=UTC)
MADE_UP = Instrument(
    symbol="MADE/UP",
    base="MADE",
    quote="UP",
    tick=Decimal("0.0001"),
    step=Decimal("0.0001"),
    min_quantity=Decimal("0.0001"),
    min_notional=Decimal(1),
)
_MOODS = ((0.0012, 0.0), (-0.0012, 0.0), (0.0, 0.12), (0.0, 0.3))
_MOOD_LASTS = 60
_NOISE = 0.004


def rough_market(seed: int, count: int, *, level: float = 100.0) -> list[Candle]:
    """Draw hourly candles around ``level``: trends, ranges and bursts, long wicks, volume that rises with the range."""
    random = np.random.default_rng(seed)
    candles: list[Candle] = []
    price = anchor = level
    drift, pull = _MOODS[0]
    for index in range(count):
        if index % _MOOD_LASTS == 0:
            anchor, (drift, pull) = price, _MOODS[int(random.integers(len(_MOODS)))]
        shock = float(random.standard_t(3)) * _NOISE
        close = price * (1 + drift + pull * (anchor - price) / price + shock)
        close = min(max(close, 0.4 * level), 2.5 * level)
        upper, lower = (float(each) for each in random.exponential(0.5 * _NOISE, 2))
        if random.random() < 0.05:
            upper, lower = (upper + 3 * _NOISE, lower) if random.random() < 0.5 else (upper, lower + 3 * _NOISE)
        high, low = max(price, close) * (1 + upper), min(price, close) * (1 - lower)
        volume = 100 * float(random.lognormal(0, 0.4)) * (1 + 40 * (high - low) / price) ** 1.5
        time = START + timedelta(hours=index)
        candles.append(Candle(time=time, open=price, high=high, low=low, close=close, volume=volume))
        price = close
    return candles


def rough_series(seed: int, count: int) -> CandleSeries:
    """Return such a market as the candles of an instrument that nobody trades."""
    return CandleSeries(instrument=MADE_UP, timeframe="1h", candles=rough_market(seed, count))
