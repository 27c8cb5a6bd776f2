"""Longer candles: on the clock's boundaries, complete, and never known before they ended."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from services.strategies.indicators import columns, cut
from services.strategies.longer import fold

from .samples import candles_of, walk

HOUR = 3_600_000


def test_longer_candles_lie_on_the_clocks_boundaries_and_are_complete() -> None:
    hours = [each._replace(time=each.time + timedelta(hours=2)) for each in walk(41, 23)]
    bars = columns(hours, 3_600)

    joined = fold(bars, 5).bars

    assert bars.opened is not None
    assert joined.opened is not None
    assert (joined.opened % (5 * HOUR) == 0).all()
    assert joined.opened[0] >= bars.opened[0]
    assert joined.opened[-1] + 5 * HOUR <= bars.opened[-1] + HOUR
    first = int((joined.opened[0] - bars.opened[0]) // HOUR)
    inside = hours[first : first + 5]
    assert (joined.open[0], joined.close[0]) == (inside[0].open, inside[-1].close)
    assert (joined.high[0], joined.low[0]) == (max(each.high for each in inside), min(each.low for each in inside))
    assert joined.volume[0] == pytest.approx(sum(each.volume for each in inside))
    assert joined.length == 5 * HOUR


def test_a_longer_candle_is_known_from_the_candle_on_that_ends_it() -> None:
    hours = candles_of([100.0] * 12)
    folded = fold(columns(hours, 3_600), 4)

    assert folded.ended.tolist() == [-1, -1, -1, 0, 0, 0, 0, 1, 1, 1, 1, 2]


def test_a_candle_missing_at_the_end_delays_the_longer_one_until_the_next_closed() -> None:
    hours = candles_of([100.0] * 12)
    del hours[3]

    assert fold(columns(hours, 3_600), 4).ended.tolist() == [-1, -1, -1, 0, 0, 0, 1, 1, 1, 1, 2]


def test_what_has_ended_does_not_change_when_more_candles_come() -> None:
    bars = columns(walk(42, 200), 3_600)
    whole = fold(bars, 4)

    for end in range(1, 200, 7):
        part = fold(cut(bars, slice(0, end)), 4)
        np.testing.assert_array_equal(part.ended, whole.ended[:end])
        np.testing.assert_array_equal(part.bars.high, whole.bars.high[: len(part.bars)])


def test_no_candles_fold_into_none_and_candles_without_times_are_refused() -> None:
    assert len(fold(columns([], 3_600), 4).bars) == 0
    with pytest.raises(ValueError, match="need to say when they opened"):
        fold(columns(walk(43, 9)), 4)
