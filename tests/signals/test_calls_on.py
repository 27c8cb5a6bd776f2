"""Many instruments asked in one go say what each says alone, and columns that move on are those made anew."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from services.domain.market import Candle, CandleSeries
from services.domain.ports import Strategy
from services.signals.calls import calls_of, calls_on
from services.signals.windows import Windows
from services.strategies.builtin.breakout import BreakoutStrategy
from services.strategies.indicators import columns
from services.strategies.lint import same
from services.strategies.made_up import rough_market
from tests.strategies.samples import BTC, BUILTINS

from .test_scan import LONG_A

MARKET = rough_market(31, 2600)
HISTORY = 500


def coin(number: int, candles: Sequence[Candle], scale: float = 1.0) -> CandleSeries:
    scaled = [Candle(each.time, *(price * scale for price in each[1:5]), each.volume) for each in candles]
    return CandleSeries(instrument=replace(BTC, symbol=f"C{number}/USDT"), timeframe="1h", candles=scaled)


def ends_that_call() -> list[int]:
    """Return where the market calls, so that the comparison is of calls and not of silence."""
    said = {strategy.name: strategy.calls(columns(MARKET, 3_600)).side for strategy in BUILTINS}  # type: ignore[attr-defined]
    rows = [int(row) + 1 for side in said.values() for row in np.flatnonzero(side) if row >= HISTORY]
    return random.Random(3).sample(sorted(set(rows)), 60)


def batch() -> list[CandleSeries]:
    scales = (1.0, 1e-6, 900.0)
    found = [
        coin(number, MARKET[end - HISTORY : end], scales[number % len(scales)]) for number, end in enumerate(ends_that_call())
    ]
    last = MARKET[-HISTORY:]
    broken = [*last[:-300], last[-300]._replace(low=math.nan), *last[-299:]]
    odd = [
        last[-20:],
        last[-400:],
        broken,
        [*last[:-1], last[-1]._replace(volume=0.0)],
        [*last[:-1], last[-1]._replace(close=0.0)],
    ]
    return [*found, *(coin(100 + number, candles) for number, candles in enumerate(odd))]


def assert_the_same(strategies: Sequence[Strategy], every: Sequence[CandleSeries], windows: Windows) -> int:
    together = calls_on(strategies, [(series, None) for series in every], (), windows)
    for series, found in zip(every, together, strict=True):
        alone = calls_of(strategies, series, None)
        assert [call.source for call in found] == [call.source for call in alone], series.instrument.symbol
        for one, other in zip(found, alone, strict=True):
            assert same(one.signal, other.signal)
            assert one.signal.reason == other.signal.reason
            assert one.score_parts == other.score_parts
    return sum(map(len, together))


def test_many_instruments_asked_in_one_go_say_what_each_says_alone() -> None:
    assert assert_the_same((*BUILTINS, LONG_A), batch(), Windows()) >= 60


def test_rules_that_reach_further_than_they_say_would_be_seen() -> None:
    class Understates(BreakoutStrategy):
        @property
        def reach(self) -> int:
            return 2

        @property
        def warm_up(self) -> int:
            return 400

    long = Understates(replace(BreakoutStrategy().parameters, channel=120, base_atr=40.0, volume_ratio=1.1, range_ratio=0.5))
    market = [coin(number, MARKET[end - HISTORY : end]) for number, end in enumerate(range(HISTORY, 2600, 7))]

    with pytest.raises(AssertionError):
        assert_the_same([long], market, Windows())


def test_columns_move_on_with_the_candles_and_are_made_anew_when_one_was_corrected() -> None:
    windows, kept = Windows(), list(MARKET[:HISTORY])
    draw = random.Random(4)
    for step in range(400):
        match draw.randrange(6):
            case 0:
                at = draw.randrange(len(kept))
                kept[at] = kept[at]._replace(volume=kept[at].volume + 1)
            case 1:
                kept = [each._replace(time=each.time + timedelta(days=1)) for each in MARKET[step : step + 50]]
            case 2:
                kept.append(kept[-1]._replace(time=kept[-1].time + timedelta(hours=1), close=math.nan))
            case _:
                new = range(draw.randrange(1, 4))
                kept += [MARKET[step]._replace(time=kept[-1].time + timedelta(hours=hour + 1)) for hour in new]
        kept = kept[-HISTORY:]
        bars, anew = windows.bars(coin_as_is(kept)), columns(kept, 3_600)

        assert bars.opened is not None
        assert anew.opened is not None
        np.testing.assert_array_equal(bars.opened, anew.opened)
        for name in ("open", "high", "low", "close", "volume"):
            np.testing.assert_array_equal(getattr(bars, name), getattr(anew, name))
        assert not bars.whole() or anew.whole()
        np.testing.assert_array_equal(bars.streak(), anew.streak())


def coin_as_is(candles: Sequence[Candle]) -> CandleSeries:
    return CandleSeries(instrument=BTC, timeframe="1h", candles=tuple(candles))
