"""Candles for these tests: seeded walks, drawn shapes, mirrors, and the recorded files where they are."""

from __future__ import annotations

import csv
import gzip
import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from config.groups import UNPROVEN
from services.domain.market import Candle, CandleSeries, Instrument, Quote
from services.domain.money import Price, Quantity
from services.domain.ports import Strategy
from services.strategies.registry import load_strategies

START = datetime(2025, 3, 3, tzinfo=UTC)
BTC = Instrument(
    symbol="BTC/USDT",
    base="BTC",
    quote="USDT",
    tick=Decimal("0.01"),
    step=Decimal("0.00001"),
    min_quantity=Decimal("0.00001"),
    min_notional=Decimal(5),
)
BUILTINS: tuple[Strategy, ...] = load_strategies((), "sortie.tests.none").all()
PROVEN = tuple(each for each in BUILTINS if each.name not in UNPROVEN)
SHARED = Path(os.environ.get("SORTIE_SHARED", Path(__file__).parents[2].parent / "shared")) / "data"


def series(candles: Sequence[Candle], timeframe: str = "1h") -> CandleSeries:
    return CandleSeries(instrument=BTC, timeframe=timeframe, candles=candles)


def candles_of(closes: Sequence[float], *, wick: float = 0.001, volumes: Sequence[float] | None = None) -> list[Candle]:
    """Draw hourly candles through ``closes``; each opens where the last one closed, with wicks of that share."""
    opens = [*closes[:1], *closes[:-1]]
    traded = volumes or [100.0] * len(closes)
    return [
        Candle(
            time=START + timedelta(hours=index),
            open=begin,
            high=max(begin, end) * (1 + wick),
            low=min(begin, end) * (1 - wick),
            close=end,
            volume=volume,
        )
        for index, (begin, end, volume) in enumerate(zip(opens, closes, traded, strict=True))
    ]


def walk(seed: int, count: int, *, level: float = 100.0) -> list[Candle]:
    """Draw a market of trends, ranges and bursts around ``level``, always the same for a seed."""
    random = np.random.default_rng(seed)
    closes, volumes, price, anchor = [], [], level, level
    drift, pull, noise = 0.0, 0.0, 0.004
    for index in range(count):
        if index % 60 == 0:
            anchor = price
            drift, pull = [(0.0012, 0.0), (-0.0012, 0.0), (0.0, 0.12), (0.0, 0.3)][int(random.integers(4))]
        shock = float(random.standard_t(4)) * noise
        price *= 1 + drift + pull * (anchor - price) / price + shock
        price = min(max(price, 0.4 * level), 2.5 * level)
        closes.append(price)
        volumes.append(100 * float(random.lognormal(0, 0.4)) * (1 + 40 * abs(shock)) ** 3)
    return candles_of(closes, volumes=volumes)


def mirrored(candles: Sequence[Candle], around: float) -> list[Candle]:
    """Turn a market upside down: ``around`` plus what it was below, high and low swapped."""
    flip = 2 * around
    return [
        Candle(
            time=each.time,
            open=flip - each.open,
            high=flip - each.low,
            low=flip - each.high,
            close=flip - each.close,
            volume=each.volume,
        )
        for each in candles
    ]


def quote(bid: str, ask: str) -> Quote:
    return Quote(
        symbol="BTC/USDT",
        bid=Price(Decimal(bid)),
        ask=Price(Decimal(ask)),
        bid_size=Quantity(Decimal(1)),
        ask_size=Quantity(Decimal(1)),
        feed_time=START,
        received_at=START,
    )


def recorded(name: str, count: int, *, skip: int = 0) -> list[Candle]:
    """Return candles from a recorded file, or skip the test where the recordings are not at hand."""
    path = SHARED / f"{name}.csv.gz"
    if not path.exists():
        pytest.skip(f"no recorded candles at {path}; set SORTIE_SHARED to the folder that has data/{path.name}")
    with gzip.open(path, "rt", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))[skip : skip + count]
    columns = ("open", "high", "low", "close", "volume")
    return [Candle(datetime.fromisoformat(row["timestamp"]), *(float(row[column]) for column in columns)) for row in rows]
