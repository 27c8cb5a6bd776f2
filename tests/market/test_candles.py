"""The candle book: what is closed, what is new, what is missing."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.domain.errors import Unavailable
from services.domain.market import Candle
from services.market.candles import CandleBook, Change, Unseen
from tests.market.stand import MINUTE, candle
from tests.venues.hands import START

S = "BTC/USDT"


def at(minute: float) -> datetime:
    return START + MINUTE * minute


def rows(*minutes: float) -> list[Candle]:
    return [candle(at(minute)) for minute in minutes]


def book_with(*minutes: float, history: int = 50) -> CandleBook:
    book = CandleBook("1m", history)
    book.put(S, rows(*minutes), None)
    return book


def closed(book: CandleBook) -> list[float]:
    return [(each.time - START) / MINUTE for each in book.closed(S)]


def test_candle_is_closed_once_a_later_one_has_opened() -> None:
    book = book_with(0, 1, 2)

    assert closed(book) == [0, 1]
    assert book.newest(S) == candle(at(1))


@pytest.mark.parametrize(("seconds", "expected"), [(59.9, [0]), (60.9, [0]), (61.0, [0, 1]), (300, [0, 1])])
def test_candle_without_a_successor_is_closed_by_the_exchanges_clock(seconds: float, expected: list[float]) -> None:
    book = CandleBook("1m", 50)

    book.put(S, rows(0, 1), at(1) + timedelta(seconds=seconds))

    assert closed(book) == expected


def test_our_own_clock_closes_nothing() -> None:
    book = CandleBook("1m", 50)

    book.put(S, [candle(datetime(2001, 1, 1, tzinfo=START.tzinfo))], None)

    assert closed(book) == []


def test_only_the_history_is_kept() -> None:
    book = book_with(*range(80), history=50)

    assert closed(book) == list(range(29, 79))


def test_new_candles_are_counted_and_taken_once() -> None:
    book = book_with(0, 1, 2)
    at_first = book.take_unseen()

    change = book.put(S, rows(1, 2, 3), None)

    assert at_first == []
    assert change == Change(gained=1, corrected=0, missing=0, regridded=False)
    assert book.take_unseen() == [Unseen(symbol=S, missed=0)]
    assert book.take_unseen() == []


def test_open_candle_may_change_without_being_a_correction() -> None:
    book = CandleBook("1m", 50)
    book.put(S, [candle(at(0)), candle(at(1), 101)], None)

    change = book.put(S, [candle(at(0)), candle(at(1), 105), candle(at(2))], None)

    assert (change.gained, change.corrected) == (1, 0)
    assert book.newest(S) == candle(at(1), 105)


def test_late_correction_replaces_a_closed_candle() -> None:
    book = book_with(0, 1, 2)

    change = book.put(S, [candle(at(0)), candle(at(1), 107), candle(at(2))], None)

    assert (change.gained, change.corrected) == (0, 1)
    assert book.newest(S) == candle(at(1), 107)
    assert book.take_unseen() == []


def test_several_closes_between_two_looks_count_as_missed() -> None:
    book = book_with(0, 1, 2)

    book.put(S, rows(2, 3, 4, 5, 6), None)

    assert book.take_unseen() == [Unseen(symbol=S, missed=3)]


def test_closes_that_fell_out_of_the_history_count_as_missed_too() -> None:
    book = book_with(0, 1, history=50)

    book.put(S, rows(*range(100, 151)), None)

    assert book.take_unseen() == [Unseen(symbol=S, missed=148)]


def test_bars_that_never_were_are_a_gap_and_not_missed() -> None:
    book = book_with(0, 1, 2)

    change = book.put(S, rows(2, 5, 6), None)

    assert change.missing == 2
    assert book.gaps(S) == 2
    assert book.take_unseen() == [Unseen(symbol=S, missed=1)]


def test_gap_in_the_history_is_seen_at_once() -> None:
    book = CandleBook("1m", 50)

    change = book.put(S, rows(0, 1, 4, 5), None)

    assert change.missing == 2


def test_grid_is_learned_from_the_data() -> None:
    book = book_with(0.35, 1.35, 2.35)

    assert book.last_close(at(2.4)) == at(2.35)
    assert book.last_close(at(2.34)) == at(1.35)
    assert book.last_close(at(7)) == at(6.35)
    with pytest.raises(Unavailable):
        CandleBook("1m", 50).last_close(at(7))


def test_candles_of_another_grid_replace_what_was_kept() -> None:
    book = book_with(0, 1, 2)

    change = book.put(S, rows(3.5, 4.5, 5.5), None)

    assert change.regridded
    assert closed(book) == [3.5, 4.5]
    assert book.take_unseen() == []
    book.put(S, rows(4.5, 5.5, 6.5), None)
    assert book.take_unseen() == [Unseen(symbol=S, missed=0)]


def test_empty_answer_changes_nothing() -> None:
    book = book_with(0, 1, 2)

    assert book.put(S, [], at(10)) == Change(gained=0, corrected=0, missing=0, regridded=False)
    assert closed(book) == [0, 1]


@given(st.integers(0, 200), st.lists(st.tuples(st.integers(0, 60), st.integers(1, 60)), max_size=12))
def test_any_overlapping_batches_give_one_ordered_series(phase: int, batches: list[tuple[int, int]]) -> None:
    book, offset = CandleBook("1m", 50), timedelta(milliseconds=phase * 250)
    opened: set[datetime] = set()
    for first, count in batches:
        batch = [candle(START + offset + MINUTE * minute) for minute in range(first, first + count)]
        book.put(S, batch, None)
        opened.update(each.time for each in batch[:-1])

    times = [each.time for each in book.closed(S)]
    assert times == sorted(opened)[-50:]
    assert book.gaps(S) == sum((b - a) // MINUTE - 1 for a, b in pairwise(times))
