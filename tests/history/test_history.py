"""Candles as columns: what holds of them, and cutting and joining them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from services.domain.market import Candle
from services.market.history import Gap, History, concat, from_rows, milliseconds, moment

START = datetime(2024, 2, 28, 22, tzinfo=UTC)
HOUR = timedelta(hours=1)


def candles(hours: list[int]) -> list[Candle]:
    return [Candle(START + HOUR * each, 10.0 + each, 12.0 + each, 9.0, 11.0, 0.5 * each) for each in hours]


def test_candles_come_back_from_the_columns_as_they_went_in() -> None:
    rows = candles([0, 1, 2, 5])

    history = from_rows("BTC/USDT", "1h", rows)

    assert history.candles() == tuple(rows)
    assert (history.time.dtype, history.close.dtype) == (np.int64, np.float64)
    assert all(column.flags.c_contiguous for _, column in history.columns())


def test_gaps_name_the_first_and_the_last_candle_that_is_missing() -> None:
    history = from_rows("BTC/USDT", "1h", candles([0, 1, 4, 6]))

    assert history.gaps() == (
        Gap(first=milliseconds(START + 2 * HOUR), last=milliseconds(START + 3 * HOUR), count=2),
        Gap(first=milliseconds(START + 5 * HOUR), last=milliseconds(START + 5 * HOUR), count=1),
    )


def test_a_span_holds_its_first_instant_and_not_its_last() -> None:
    history = from_rows("BTC/USDT", "1h", candles([0, 1, 2, 3]))

    assert history.between(START + HOUR, START + 3 * HOUR).candles() == tuple(candles([1, 2]))
    assert len(history.between(START + 9 * HOUR)) == 0
    assert len(history.between(START + 2 * HOUR, START + HOUR)) == 0


def test_stretches_join_in_order_and_refuse_to_overlap() -> None:
    whole = from_rows("BTC/USDT", "1h", candles([0, 1, 2, 3]))

    assert concat([whole.rows(0, 2), whole.rows(2, 4)]).equals(whole)
    with pytest.raises(ValueError, match="ascend"):
        concat([whole.rows(0, 3), whole.rows(2, 4)])
    with pytest.raises(ValueError, match="different"):
        concat([whole, from_rows("ETH/USDT", "1h", candles([5]))])


@pytest.mark.parametrize("hours", [[1, 0], [0, 0]], ids=["backwards", "twice"])
def test_times_that_do_not_ascend_are_no_history(hours: list[int]) -> None:
    with pytest.raises(ValueError, match="ascend"):
        from_rows("BTC/USDT", "1h", candles(hours))


def test_columns_of_another_kind_or_length_are_no_history() -> None:
    good = from_rows("BTC/USDT", "1h", candles([0, 1]))
    fields = {"time": good.time, **dict(good.columns())}

    for wrong in ({"close": good.close[:1]}, {"open": good.open.astype(np.float32)}, {"time": good.time.astype(np.float64)}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            History(symbol="BTC/USDT", timeframe="1h", **{**fields, **wrong})  # type: ignore[arg-type]


@pytest.mark.parametrize("at", [START, START + timedelta(milliseconds=1), datetime(1969, 12, 31, 23, 59, tzinfo=UTC)])
def test_an_instant_survives_being_a_number(at: datetime) -> None:
    assert moment(milliseconds(at)) == at
