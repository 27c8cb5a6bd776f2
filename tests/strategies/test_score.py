"""The score: its parts, their bounds, and what moves them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.domain.market import Candle
from services.domain.ports import StrategySignal
from services.domain.signals import Side
from services.signals.score import SESSION, WINDOW, call_setup, score

from .samples import PROVEN, START, candles_of, quote, recorded, series, walk

BOUNDS = {"setup": 40, "regime": 20, "volume": 10, "spread": 10, "session": 10, "timeframes": 10}
RISING = candles_of([100 * 1.002**index * (1 + 0.001 * (-1) ** index) for index in range(420)])
RANGING = candles_of([100 + (index * 7 % 11) / 5 for index in range(419)] + [100.0])


def call(side: Side = Side.LONG, *, entry: float = 100.0, risk: float = 1.0, setup: int = 30) -> StrategySignal:
    sign = side.sign
    return StrategySignal(
        side=side,
        entry=entry,
        stop=entry - sign * risk,
        targets=(entry + sign * 1.5 * risk, entry + sign * 3 * risk),
        setup=setup,
        reason="for a test",
        facts={},
    )


def parts(signal: StrategySignal, candles: list[Candle], *others: StrategySignal, ask: str | None = None) -> dict[str, int]:
    _, found = score(signal, series(candles), quote("100", ask) if ask else None, others)
    return dict(found)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    length=st.sampled_from([0, 1, 2, 14, 22, 30, 111, 400, 520]),
    side=st.sampled_from(Side),
    setup=st.integers(-5, 60),
    risk=st.floats(0, 50),
    spread=st.decimals(0, 5, places=3),
    others=st.lists(st.sampled_from(Side), max_size=3),
)
def test_a_score_is_the_sum_of_bounded_parts(
    seed: int, length: int, side: Side, setup: int, risk: float, spread: Decimal, others: list[Side]
) -> None:
    candles = walk(seed, length)
    market = quote("100", str(100 + spread))
    arguments = (call(side, risk=risk, setup=setup), series(candles), market, [call(each) for each in others])

    total, found = score(*arguments)

    assert total == sum(found.values())
    assert found.keys() == BOUNDS.keys()
    assert all(0 <= found[name] <= most for name, most in BOUNDS.items())
    assert 0 <= total <= 100
    assert score(*arguments) == (total, found)


@given(spreads=st.lists(st.decimals(0, 3, places=4), min_size=2, max_size=6), risk=st.floats(0.01, 20))
def test_a_wider_spread_never_scores_more(spreads: list[Decimal], risk: float) -> None:
    points = [parts(call(risk=risk), RISING, ask=str(100 + spread))["spread"] for spread in sorted(spreads)]

    assert points == sorted(points, reverse=True)


def test_the_spread_counts_against_the_stop_and_needs_a_quote() -> None:
    assert parts(call(risk=1.0), RISING, ask="100.02")["spread"] == 10
    assert parts(call(risk=1.0), RISING, ask="100.11")["spread"] == 5
    assert parts(call(risk=1.0), RISING, ask="100.2")["spread"] == 0
    assert parts(call(risk=0.1), RISING, ask="100.02")["spread"] == 0
    assert parts(call(risk=1.0), RISING, ask="99")["spread"] == 0
    assert parts(call(risk=1.0), RISING)["spread"] == 0


def test_a_trend_fits_calls_along_it_and_not_against_it() -> None:
    assert parts(call(Side.LONG), RISING)["regime"] == 20
    assert parts(call(Side.SHORT), RISING)["regime"] == 0


def test_a_range_fits_calls_from_its_cheap_end() -> None:
    assert parts(call(Side.LONG), RANGING)["regime"] >= 15
    assert parts(call(Side.SHORT), RANGING)["regime"] <= 10


@pytest.mark.parametrize(("volume", "points"), [(0.0, 0), (50.0, 0), (125.0, 5), (200.0, 10), (900.0, 10)])
def test_volume_counts_against_its_own_average(volume: float, points: int) -> None:
    assert parts(call(), [*RISING[:-1], RISING[-1]._replace(volume=volume)])["volume"] == points


@pytest.mark.parametrize("hour", range(24))
def test_the_session_is_the_hour_in_which_the_last_candle_closed(hour: int) -> None:
    opened = START + timedelta(hours=hour - 1)

    assert parts(call(), [RISING[-1]._replace(time=opened)])["session"] == SESSION[hour]


def test_the_sessions_are_the_turnover_of_the_recorded_hours() -> None:
    turnover = [0.0] * 24
    for name in ("BTCUSDT-1h", "ETHUSDT-1h", "BNBUSDT-1h", "LTCUSDT-1h"):
        candles = recorded(name, 10**6)
        mean = sum(each.volume * each.close for each in candles) / 24
        for each in candles:
            turnover[each.time.hour] += each.volume * each.close / mean / 4

    assert tuple(round(10 * min(1, max(0, (share - 0.6) / 0.9))) for share in turnover) == SESSION


def test_longer_candles_and_other_strategies_speak_for_or_against() -> None:
    along, against = call(Side.LONG), call(Side.SHORT)

    assert parts(along, RISING)["timeframes"] == 10
    assert parts(along, RISING, against)["timeframes"] == 6
    assert parts(against, RISING)["timeframes"] == 0
    assert parts(against, RISING, against)["timeframes"] == 2
    assert parts(along, RISING[-100:])["timeframes"] == 0


def test_only_the_window_counts() -> None:
    candles = walk(5, WINDOW + 300)

    assert parts(call(), candles) == parts(call(), candles[-WINDOW:])


def test_candles_that_are_no_data_leave_only_setup_and_spread() -> None:
    broken = [*RISING[:-1], RISING[-1]._replace(close=float("nan"))]

    found = parts(call(), broken, ask="100.01")

    assert found == {"setup": 30, "regime": 0, "volume": 0, "spread": 10, "session": 0, "timeframes": 0}


def test_real_calls_spread_over_the_scale() -> None:
    totals = []
    for name in ("BTCUSDT-1h", "LTCUSDT-1h"):
        candles = recorded(name, 1500, skip=12_000)
        for end in range(400, len(candles)):
            seen = series(candles[end - 400 : end])
            found = [signal for strategy in PROVEN for signal in strategy.signals(seen)]
            price = Decimal(str(candles[end - 1].close))
            market = quote(str(price), str(price * Decimal("1.0002")))
            totals += [score(each, seen, market, [other for other in found if other is not each])[0] for each in found]

    assert len(totals) > 40
    assert min(totals) >= 25
    assert max(totals) - min(totals) >= 35
    assert sum(50 <= total < 80 for total in totals) > len(totals) / 2


class TestCallSetup:
    def market(self) -> list[Candle]:
        return [
            Candle(time=START + timedelta(hours=index), open=100, high=100.5, low=99.5, close=100, volume=10)
            for index in range(60)
        ]

    def grade(self, stop: float, *targets: float, side: Side = Side.LONG) -> int:
        return call_setup(series(self.market()), side, 100.0, stop, targets)

    def test_a_good_call_has_a_sensible_stop_and_reward(self) -> None:
        assert self.grade(98.0, 103.0, 105.0) == 35
        assert self.grade(98.0, 105.0) == 40
        assert self.grade(102.0, 95.0, side=Side.SHORT) == 40

    def test_less_reward_or_a_worse_stop_grades_lower(self) -> None:
        assert self.grade(98.0, 105.0) > self.grade(98.0, 103.0) > self.grade(98.0, 101.5) > self.grade(98.0)
        assert self.grade(98.0) == 20
        assert self.grade(95.0) < self.grade(96.5) < self.grade(98.0)
        assert self.grade(99.6) < self.grade(99.2) < self.grade(98.9)

    @pytest.mark.parametrize("stop", [100.0, 101.0, float("nan")])
    def test_a_stop_on_the_wrong_side_is_no_setup(self, stop: float) -> None:
        assert self.grade(stop, 110.0) == 0

    def test_without_candles_only_the_reward_counts(self) -> None:
        assert call_setup(series([]), Side.LONG, 100.0, 98.0, (105.0,)) == 20

    @given(
        side=st.sampled_from(Side),
        stop=st.floats(1, 1000),
        targets=st.lists(st.floats(-1e6, 1e6), max_size=4),
    )
    def test_it_is_a_setup_like_any_other(self, side: Side, stop: float, targets: list[float]) -> None:
        grade = call_setup(series(self.market()), side, 100.0, stop, targets)
        total, found = score(replace(call(side), setup=grade), series(self.market()), None, [])

        assert 0 <= grade <= 40
        assert found["setup"] == grade
        assert total >= grade
