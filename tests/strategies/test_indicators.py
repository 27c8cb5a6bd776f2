"""Arrays from candles, and how much history an indicator needs before its start no longer shows."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from services.strategies.brackets import Draft, Exits, check_periods, check_positive, draft, grade, graded
from services.strategies.indicators import (
    Bars,
    Values,
    adx,
    atr,
    columns,
    direction_up,
    ema,
    ema_settles,
    newest,
    rsi,
    sma,
    sound,
    spread,
    wilder_settles,
)

from .samples import walk

SETTLING: list[tuple[str, Callable[[Bars], Values], int]] = [
    ("ema 9", lambda bars: ema(bars.close, 9), ema_settles(9)),
    ("ema 21", lambda bars: ema(bars.close, 21), ema_settles(21)),
    ("ema 200", lambda bars: ema(bars.close, 200), ema_settles(200)),
    ("rsi 14", lambda bars: rsi(bars.close, 14), wilder_settles(14)),
    ("atr 14", lambda bars: atr(bars, 14), wilder_settles(14)),
    ("di 14", lambda bars: direction_up(bars, 14), wilder_settles(14)),
    ("adx 14", lambda bars: adx(bars, 14), wilder_settles(14, passes=2)),
    ("adx 5", lambda bars: adx(bars, 5), wilder_settles(5, passes=2)),
]


def difference(indicator: Callable[[Bars], Values], warm_up: int) -> float:
    """Return the largest relative difference that twice more history makes, over several starts."""
    candles = walk(21, 3 * warm_up + 40)
    pairs = [
        (float(indicator(columns(candles[end - warm_up : end]))[-1]), float(indicator(columns(candles[:end]))[-1]))
        for end in range(len(candles) - 40, len(candles))
    ]
    return max(abs(short - long) / abs(long) for short, long in pairs)


@pytest.mark.parametrize(("indicator", "warm_up"), [each[1:] for each in SETTLING], ids=[each[0] for each in SETTLING])
def test_after_settling_a_longer_history_changes_only_rounding(indicator: Callable[[Bars], Values], warm_up: int) -> None:
    assert difference(indicator, warm_up) < 1e-8
    assert difference(indicator, warm_up // 2) > 1e-8


def test_columns_keep_order_and_values() -> None:
    candles = walk(22, 5)

    bars = columns(candles)

    assert bars.close.tolist() == [each.close for each in candles]
    assert bars.high.dtype == np.float64
    assert len(columns([])) == 0
    assert not sound(columns([]))


def test_newest_cuts_to_its_length() -> None:
    candles = walk(23, 50)

    bars = newest(candles, 20)

    assert bars is not None
    assert bars.low.tolist() == [each.low for each in candles[-20:]]
    assert newest(candles, 51) is None


def drafted(entry: float, structure: float, atr_: float, *, long: bool = True, target: float = 3.0) -> Draft:
    """Draft a call on the newest of three candles that all closed at ``entry``."""
    column, on = np.full(3, entry), np.array([False, False, True])
    bars = Bars(open=column, high=column, low=column, close=column, volume=np.ones(3))
    where = np.full(3, structure)
    return draft(
        bars,
        longs=on if long else ~on & on,
        shorts=~on & on if long else on,
        below=where,
        above=where,
        atr=np.full(3, atr_),
        warm_up=3,
        exits=Exits(target_2_r=target),
    )


@pytest.mark.parametrize(
    ("structure", "risk"),
    [(98.0, 2.0), (99.9, 1.2), (80.0, 3.0), (101.0, 1.2)],
    ids=["behind structure", "widened to the nearest", "cut to the farthest", "structure on the wrong side"],
)
def test_a_stop_keeps_between_its_limits(structure: float, risk: float) -> None:
    made = drafted(100.0, structure, 1.0)

    assert made.rows.tolist() == [2]
    assert made.stop == pytest.approx([100 - risk])
    assert made.targets.tolist() == [pytest.approx([100 + 1.5 * risk, 100 + 3 * risk])]


def test_a_stop_in_a_still_market_is_not_nearer_than_a_fifth_of_a_percent() -> None:
    assert drafted(100.0, 100.01, 0.01, long=False).stop == pytest.approx([100.2])


@pytest.mark.parametrize(
    ("entry", "structure", "atr_"),
    [
        (100.0, 90.0, 6.0),
        (100.0, 99.0, 0.0),
        (0.0, 1.0, 1.0),
        (math.nan, 1.0, 1.0),
        (100.0, math.nan, 1.0),
        (100.0, 99.0, math.nan),
    ],
    ids=["stop beyond 6 %", "no range", "no price", "price not a number", "no structure", "range not a number"],
)
def test_no_call_where_there_is_no_trade(entry: float, structure: float, atr_: float) -> None:
    assert not len(drafted(entry, structure, atr_).rows)


def test_no_call_for_a_short_whose_target_lies_below_zero() -> None:
    assert not len(drafted(100.0, 105.0, 5.0, long=False, target=25.0).rows)


def test_a_standard_deviation_loses_no_digits_to_a_long_history_or_a_low_price() -> None:
    closes = columns(walk(24, 3000)).close
    windows = np.lib.stride_tricks.sliding_window_view(closes, 20)

    for scale in (1e-7, 1.0, 1e6):
        assert np.isnan(spread(closes * scale, 20)[:19]).all()
        np.testing.assert_allclose(spread(closes * scale, 20)[19:], windows.std(axis=1) * scale, rtol=1e-9)


def test_an_unsound_candle_has_no_indicator_and_averages_begin_anew_behind_it() -> None:
    candles = walk(25, 90)
    candles[40] = candles[40]._replace(low=math.nan)
    bars = columns(candles)

    assert bars.streak()[[0, 39, 40, 41, 89]].tolist() == [1, 40, 0, 1, 49]
    assert np.isnan(bars.ema(9)[40:49]).all()
    np.testing.assert_array_equal(bars.ema(9)[41:], ema(columns(candles[41:]).close, 9))
    np.testing.assert_array_equal(bars.usual_volume(9)[:40], sma(columns(candles[:40]).volume, 9))
    assert np.flatnonzero(bars.usable(40)).tolist() == [39, *range(80, 90)]


def test_what_several_strategies_ask_is_computed_once() -> None:
    bars = columns(walk(26, 60))

    assert bars.atr(14) is bars.atr(14)
    assert bars.atr(14) is not bars.atr(10)


@pytest.mark.parametrize(("value", "points"), [(0, 0), (10, 0), (15, 5), (20, 10), (99, 10)])
def test_a_grade_runs_straight_from_worst_to_best(value: float, points: float) -> None:
    assert grade(value, 10, 20, 10) == points
    assert grade(-value, -10, -20, 10) == points
    assert graded(np.array([value, -value], dtype=np.float64), 10, 20, 10)[0] == points


def test_unusable_parameters_are_named() -> None:
    with pytest.raises(ValueError, match="slow is 1, but must be 2 to 200 candles"):
        check_periods(fast=9, slow=1)
    with pytest.raises(ValueError, match="width is nan, but must be above 0"):
        check_positive(width=math.nan)
    with pytest.raises(ValueError, match="stop_atr_max is 1, but must not be below stop_atr_min"):
        Exits(stop_atr_min=2, stop_atr_max=1)
    with pytest.raises(ValueError, match="target_2_r is 1, but must be above target_1_r"):
        Exits(target_1_r=1, target_2_r=1)
