"""What strategies call, and what they keep quiet about."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.domain.market import Candle
from services.domain.ports import Strategy, StrategySignal
from services.domain.signals import Side
from services.strategies.builtin.breakout import BreakoutParameters, BreakoutStrategy
from services.strategies.builtin.mean_reversion import MeanReversionParameters, MeanReversionStrategy
from services.strategies.builtin.trend import TrendParameters, TrendStrategy
from services.strategies.calls import CallsAll
from services.strategies.indicators import columns
from services.strategies.made_up import rough_market

from .samples import BUILTINS, PROVEN, candles_of, mirrored, recorded, series, walk

by_name = pytest.mark.parametrize("strategy", BUILTINS, ids=lambda each: each.name)


def calls(strategy: Strategy, candles: Sequence[Candle], window: int) -> list[tuple[int, StrategySignal]]:
    """Return the calls while candles arrive, each scan seeing the newest ``window``; of silent candles a few are asked."""
    assert isinstance(strategy, CallsAll)
    calling = {int(row) + 1 for row in np.flatnonzero(strategy.calls(columns(candles, 3_600)).side)}
    return [
        (end, signal)
        for end in sorted(calling | set(range(strategy.warm_up, len(candles) + 1, 97)))
        if end >= strategy.warm_up
        for signal in strategy.signals(series(candles[max(0, end - window) : end]))
    ]


def wave(index: int, height: float = 0.8) -> float:
    return 100 + height * math.sin(index / 1.3)


def quiet(count: int) -> list[float]:
    """A range of small waves that ends in its middle."""
    return [wave(index) for index in range(count)]


class TestTrend:
    def test_a_pullback_that_closes_under_the_fast_average_and_recovers_calls_long(self) -> None:
        closes = quiet(390) + [wave(389) + 0.5 * step for step in range(1, 40)]
        top = closes[-1]
        candles = candles_of([*closes, top - 1.2, top - 2.4, top - 0.9])

        (signal,) = TrendStrategy().signals(series(candles))

        assert signal.side is Side.LONG
        assert signal.entry == candles[-1].close
        assert "pullback to EMA 9 held" in signal.reason
        assert f"ADX {signal.facts['adx']:.0f}" in signal.reason

    def test_the_same_recovery_without_a_trend_before_it_calls_nothing(self) -> None:
        closes = quiet(432)

        assert TrendStrategy().signals(series(candles_of([*closes, 98.8, 97.7, 100.1]))) == ()

    def test_a_pullback_through_the_slow_average_calls_nothing(self) -> None:
        closes = quiet(390) + [wave(389) + 0.5 * step for step in range(1, 40)]
        top = closes[-1]

        assert TrendStrategy().signals(series(candles_of([*closes, top - 5, top - 9, top + 0.1]))) == ()

    def test_a_cross_of_the_averages_calls_with_the_words_of_its_side(self) -> None:
        found = {signal.side: signal for _, signal in calls(TrendStrategy(), walk(3, 1600), 386) if "cross" in signal.reason}

        assert found[Side.LONG].reason.startswith("EMA 9 crossed above 21, ADX ")
        assert found[Side.SHORT].reason.startswith("EMA 9 crossed below 21, ADX ")
        assert found[Side.LONG].facts["ema_fast"] > found[Side.LONG].facts["ema_slow"]


class TestMeanReversion:
    def dip(self) -> list[float]:
        return [*quiet(420), 99.0, 98.4, 97.6, 98.5]

    def test_a_close_back_inside_the_band_after_a_dip_calls_long(self) -> None:
        (signal,) = MeanReversionStrategy().signals(series(candles_of(self.dip())))

        assert signal.side is Side.LONG
        assert signal.reason.startswith("back inside the lower band, RSI ")
        assert signal.stop < 97.6
        assert signal.facts["adx"] <= 25

    def test_while_price_is_still_outside_it_calls_nothing(self) -> None:
        assert MeanReversionStrategy().signals(series(candles_of(self.dip()[:-1]))) == ()

    def test_in_a_falling_market_the_same_dip_calls_nothing(self) -> None:
        falling = [140 - 0.09 * index for index in range(420)]
        last = falling[-1]
        candles = candles_of([*falling, last - 0.6, last - 1.2, last - 2.4, last - 1.4])
        in_any_market = MeanReversionStrategy(MeanReversionParameters(adx_max=100))

        assert MeanReversionStrategy().signals(series(candles)) == ()
        assert len(in_any_market.signals(series(candles))) == 1


class TestBreakout:
    def burst(self, last: float, volume: float) -> list[Candle]:
        closes = [*quiet(417), last]
        return candles_of(closes, volumes=[100.0] * 417 + [volume])

    def test_a_close_above_the_channel_on_volume_calls_long(self) -> None:
        (signal,) = BreakoutStrategy().signals(series(self.burst(101.3, 400)))

        assert signal.side is Side.LONG
        assert signal.reason.startswith("closed above the 36-bar channel, volume 4.0×, range ")
        assert signal.facts["channel_high"] < signal.entry
        assert signal.stop < signal.facts["channel_high"]

    @pytest.mark.parametrize(("last", "volume"), [(101.3, 200), (100.6, 400), (110.0, 400)])
    def test_without_volume_inside_the_channel_or_far_beyond_it_calls_nothing(self, last: float, volume: float) -> None:
        assert BreakoutStrategy().signals(series(self.burst(last, volume))) == ()

    def test_only_the_first_close_outside_counts(self) -> None:
        candles = candles_of([*quiet(417), 101.3, 102.0], volumes=[100.0] * 417 + [400.0, 900.0])

        assert BreakoutStrategy().signals(series(candles)) == ()
        assert len(BreakoutStrategy().signals(series(candles[:-1]))) == 1

    def test_a_looser_parameter_lets_a_weaker_break_pass(self) -> None:
        loose = BreakoutStrategy(BreakoutParameters(volume_ratio=1.5))

        assert len(loose.signals(series(self.burst(101.3, 200)))) == 1


@by_name
class TestEveryStrategy:
    def test_three_times_the_history_changes_nothing(self, strategy: Strategy) -> None:
        candles = rough_market(3, 2 * strategy.warm_up + 2600)

        once, thrice = (calls(strategy, candles, factor * strategy.warm_up) for factor in (1, 3))

        assert once == thrice
        assert len(once) >= 3

    def test_calls_do_not_depend_on_what_was_asked_before(self, strategy: Strategy) -> None:
        candles = rough_market(12, strategy.warm_up + 400)
        in_order = dict(calls(strategy, candles, strategy.warm_up))
        ends = [*in_order, *range(strategy.warm_up, len(candles) + 1, 53)]
        random.Random(7).shuffle(ends)

        shuffled = {end: found[0] for end in ends if (found := strategy.signals(series(candles[:end])))}

        assert shuffled == in_order

    def test_candles_that_come_later_do_not_change_a_call(self, strategy: Strategy) -> None:
        past = rough_market(13, strategy.warm_up + 300)
        fall = candles_of([past[-1].close * 0.9**step for step in range(1, 30)])
        crash = [each._replace(time=past[-1].time + timedelta(hours=hour)) for hour, each in enumerate(fall, start=1)]
        both = [*past, *crash]

        alone = calls(strategy, past, len(both))

        assert alone == [call for call in calls(strategy, both, len(both)) if call[0] <= len(past)]

    def test_an_upside_down_market_calls_the_other_side(self, strategy: Strategy) -> None:
        upright = rough_market(3, strategy.warm_up + 2400, level=1000)
        around = 1500.0
        # Lifted far above zero, so that percentages of the price are the same both ways up.
        lifted = [Candle(each.time, *(price + around - 1000 for price in each[1:5]), each.volume) for each in upright]

        longs_and_shorts = calls(strategy, lifted, strategy.warm_up)
        other = calls(strategy, mirrored(lifted, around), strategy.warm_up)

        assert [(end, -signal.side.sign) for end, signal in longs_and_shorts] == [
            (end, signal.side.sign) for end, signal in other
        ]
        assert len({signal.side for _, signal in other}) == 2
        for (_, signal), (_, opposite) in zip(longs_and_shorts, other, strict=True):
            assert signal.stop - around == pytest.approx(around - opposite.stop, abs=1e-6)
            assert signal.setup == pytest.approx(opposite.setup, abs=1)

    def test_broken_or_dead_markets_call_nothing_and_raise_nothing(self, strategy: Strategy) -> None:
        count = strategy.warm_up + 5
        sound = rough_market(15, count)
        last = sound[-1]
        dead = {
            "none": [],
            "one": sound[:1],
            "too short": sound[: strategy.warm_up - 1],
            "flat": candles_of([100.0] * count, wick=0),
            "no volume": [each._replace(volume=0.0) for each in sound],
            "no volume last": [*sound[:-1], last._replace(volume=0.0)],
            "nan close": [*sound[:-1], last._replace(close=math.nan)],
            "nan long ago": [*sound[:20], sound[20]._replace(low=math.nan), *sound[21:]],
            "infinite": [*sound[:-1], last._replace(high=math.inf)],
            "zero price": [*sound[:-1], last._replace(low=0.0)],
            "negative volume": [*sound[:-1], last._replace(volume=-1.0)],
        }

        called = [name for name, candles in dead.items() if strategy.signals(series(candles))]

        assert called == []


@pytest.mark.parametrize(
    "strategy",
    [
        TrendStrategy(TrendParameters(fast=2, slow=3, strength=2, swing=200)),
        TrendStrategy(TrendParameters(fast=199, slow=200, strength=200, swing=200)),
        MeanReversionStrategy(MeanReversionParameters(band=200, momentum=2, strength=2, swing=200)),
        MeanReversionStrategy(MeanReversionParameters(band=2, momentum=2, strength=2, swing=2)),
        BreakoutStrategy(BreakoutParameters(channel=200, volume=200, volatility=2)),
        BreakoutStrategy(BreakoutParameters(channel=2, volume=2, volatility=2)),
    ],
)
def test_the_ends_of_the_parameters_range_work(strategy: Strategy) -> None:
    candles = walk(16, strategy.warm_up + 60)

    assert strategy.signals(series(candles[: strategy.warm_up - 1])) == ()
    for _, signal in calls(strategy, candles, strategy.warm_up):
        assert_sane(signal)


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), level=st.sampled_from([1e-5, 0.098, 1.0, 3e4]))
def test_every_call_is_sane_at_any_price_level(seed: int, level: float) -> None:
    candles = rough_market(seed, 620, level=level)
    for strategy in BUILTINS:
        for _, signal in calls(strategy, candles, strategy.warm_up):
            assert_sane(signal)


def assert_sane(signal: StrategySignal) -> None:
    risk = (signal.entry - signal.stop) * signal.side.sign
    rewards = [(target - signal.entry) * signal.side.sign / risk for target in signal.targets]
    assert signal.entry > 0
    assert signal.stop > 0
    assert 0.0015 <= risk / signal.entry <= 0.06 * (1 + 1e-9)
    assert rewards == pytest.approx([1.5, 3.0])
    assert all(target > 0 for target in signal.targets)
    assert 0 <= signal.setup <= 40
    assert 0 < len(signal.reason) <= 80
    assert all(math.isfinite(fact) for fact in signal.facts.values())


def test_on_recorded_hours_the_desk_hears_a_call_every_few_bars(record_property: Callable[[str, object], None]) -> None:
    count = 2200
    total = 0
    for name in ("BTCUSDT-1h", "ETHUSDT-1h", "BNBUSDT-1h", "LTCUSDT-1h"):
        candles = recorded(name, count, skip=20_000)
        for strategy in PROVEN:
            found = calls(strategy, candles, strategy.warm_up)
            record_property(f"{name} {strategy.name}", len(found))
            assert found, f"{strategy.name} never called on {name}"
            for _, signal in found:
                assert_sane(signal)
            total += len(found)
    bars = count - max(strategy.warm_up for strategy in PROVEN)

    assert 5 <= bars / total <= 25
