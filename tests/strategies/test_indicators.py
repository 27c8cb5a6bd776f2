"""Arrays from candles, and how much history an indicator needs before its start no longer shows."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from services.domain.signals import Side
from services.strategies.brackets import bracket, check_exits, check_periods, check_positive, grade
from services.strategies.indicators import (
    Bars,
    Values,
    adx,
    atr,
    columns,
    directions,
    ema,
    ema_settles,
    newest,
    rsi,
    sound,
    wilder_settles,
)

from .samples import walk

SETTLING: list[tuple[str, Callable[[Bars], Values], int]] = [
    ("ema 9", lambda bars: ema(bars.close, 9), ema_settles(9)),
    ("ema 21", lambda bars: ema(bars.close, 21), ema_settles(21)),
    ("ema 200", lambda bars: ema(bars.close, 200), ema_settles(200)),
    ("rsi 14", lambda bars: rsi(bars.close, 14), wilder_settles(14)),
    ("atr 14", lambda bars: atr(bars, 14), wilder_settles(14)),
    ("di 14", lambda bars: directions(bars, 14)[0], wilder_settles(14)),
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


@pytest.mark.parametrize(
    ("structure", "risk"),
    [(98.0, 2.0), (99.9, 1.2), (80.0, 3.0), (101.0, 1.2)],
    ids=["behind structure", "widened to the nearest", "cut to the farthest", "structure on the wrong side"],
)
def test_a_bracket_keeps_the_stop_between_its_limits(structure: float, risk: float) -> None:
    plan = bracket(Side.LONG, 100.0, structure, 1.0, nearest_atr=1.2, farthest_atr=3.0, targets_r=(1.5, 3.0))

    assert plan is not None
    assert plan.risk == pytest.approx(risk)
    assert plan.stop == pytest.approx(100 - risk)
    assert plan.targets == pytest.approx((100 + 1.5 * risk, 100 + 3 * risk))


def test_a_bracket_in_a_still_market_is_not_narrower_than_a_fifth_of_a_percent() -> None:
    plan = bracket(Side.SHORT, 100.0, 100.01, 0.01, nearest_atr=1.2, farthest_atr=3.0, targets_r=(1.5, 3.0))

    assert plan is not None
    assert plan.stop == pytest.approx(100.2)


@pytest.mark.parametrize(
    ("entry", "structure", "atr_", "target"),
    [(100.0, 90.0, 5.0, 1.5), (100.0, 99.0, 0.0, 1.5), (0.0, 1.0, 1.0, 1.5), (math.nan, 1.0, 1.0, 1.5)],
    ids=["stop beyond 6 %", "no range", "no price", "not a number"],
)
def test_no_bracket_where_there_is_no_trade(entry: float, structure: float, atr_: float, target: float) -> None:
    assert bracket(Side.LONG, entry, structure, atr_, nearest_atr=1.2, farthest_atr=3, targets_r=(target,)) is None


def test_no_bracket_for_a_short_whose_target_lies_below_zero() -> None:
    assert bracket(Side.SHORT, 100.0, 105.0, 5.0, nearest_atr=1, farthest_atr=3, targets_r=(1.5, 25.0)) is None


@pytest.mark.parametrize(("value", "points"), [(0, 0), (10, 0), (15, 5), (20, 10), (99, 10)])
def test_a_grade_runs_straight_from_worst_to_best(value: float, points: float) -> None:
    assert grade(value, 10, 20, 10) == points
    assert grade(-value, -10, -20, 10) == points


def test_unusable_parameters_are_named() -> None:
    with pytest.raises(ValueError, match="slow is 1, but must be 2 to 200 candles"):
        check_periods(fast=9, slow=1)
    with pytest.raises(ValueError, match="width is nan, but must be above 0"):
        check_positive(width=math.nan)
    with pytest.raises(ValueError, match="stop_atr_max is 1, but must not be below stop_atr_min"):
        check_exits(stop_atr_min=2, stop_atr_max=1, target_1_r=1, target_2_r=2)
    with pytest.raises(ValueError, match="target_2_r is 1, but must be above target_1_r"):
        check_exits(stop_atr_min=1, stop_atr_max=2, target_1_r=1, target_2_r=1)
