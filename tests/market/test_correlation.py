"""Correlations: Pearson's over the returns that two instruments share, none without enough of them, each with its age."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from math import isnan, log
from statistics import correlation

import numpy as np
import pytest

from config.correlation import CorrelationSettings
from services.domain.market import Candle, CandleSeries
from services.market.correlation import CorrelationBoard, correlations
from tests.market.stand import candle
from tests.venues.hands import BTC, ETH, START

MINUTE = timedelta(minutes=1)
SETTINGS = CorrelationSettings(candles=100, least=50)


def walk(seed: int, count: int = 120) -> list[float]:
    chance, price, closes = random.Random(seed), 100.0, []
    for _ in range(count):
        price *= 1 + chance.uniform(-0.01, 0.01)
        closes.append(price)
    return closes


def series(name: str, closes: list[float], *, without: frozenset[int] = frozenset()) -> CandleSeries:
    rows: list[Candle] = [candle(START + MINUTE * place, close) for place, close in enumerate(closes) if place not in without]
    return CandleSeries(instrument=replace(BTC, symbol=name), timeframe="1m", candles=rows)


def board(*measured: CandleSeries) -> CorrelationBoard:
    made = CorrelationBoard(SETTINGS)
    made.measure(measured)
    return made


def test_it_is_pearsons_over_the_newest_candles_and_as_old_as_the_last_of_them() -> None:
    one, other = walk(1), [a * b / 100 for a, b in zip(walk(1), walk(2), strict=True)]
    found = board(series("A", one), series("B", other)).between("A", "B")
    returns = [[log(after / before) for before, after in pairwise(each[-100:])] for each in (one, other)]

    assert found is not None
    assert float(found.value) == pytest.approx(correlation(*returns), abs=1e-4)
    assert 0.3 < found.value < 0.95
    assert found.as_of == START + MINUTE * 120


def test_what_goes_the_other_way_is_found_too() -> None:
    found = board(series("A", walk(1)), series("B", [10_000 / close for close in walk(1)])).between("A", "B")

    assert found is not None
    assert found.value == Decimal("-1")


@pytest.mark.parametrize(
    "other",
    [
        series("B", walk(1, 40)),
        series("B", [100.0] * 120),
        series("B", walk(1), without=frozenset(range(0, 120, 2))),
        series("B", []),
    ],
    ids=["short", "still", "gaps", "empty"],
)
def test_without_enough_in_common_nothing_is_known(other: CandleSeries) -> None:
    assert board(series("A", walk(1)), other).between("A", "B") is None


def test_a_candle_that_is_missing_costs_its_own_returns_only_and_the_older_end_counts() -> None:
    late = series("B", walk(1)[:-10], without=frozenset({50, 70}))
    found = board(series("A", walk(1)), late).between("A", "B")

    assert found is not None
    assert found.value == 1
    assert found.as_of == START + MINUTE * 110
    assert board().between("A", "B") is None
    assert board(series(ETH.symbol, walk(1))).between(ETH.symbol, BTC.symbol) is None


def test_many_instruments_are_each_compared_as_if_they_were_alone() -> None:
    chance = np.random.default_rng(7)
    returns = chance.normal(size=(12, 90))
    returns[chance.random(returns.shape) < 0.1] = np.nan
    found = correlations(returns, 30)

    for one in range(12):
        for other in range(12):
            both = np.isfinite(returns[one]) & np.isfinite(returns[other])
            alone = correlation(list(returns[one][both]), list(returns[other][both]))
            assert found[one, other] == pytest.approx(alone, abs=1e-9)
    assert isnan(correlations(returns, 91)[0, 1])
