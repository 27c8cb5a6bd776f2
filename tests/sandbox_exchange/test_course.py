"""How a bar unfolds: from its open to its close through its extremes, never outside, and ending as the bar itself."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.exchange.course import STEPS, CourseBook, chart_course
from sandbox.exchange.instruments import Bar


@st.composite
def bars(draw: st.DrawFn) -> Bar:
    prices = sorted(draw(st.lists(st.integers(1, 10_000_000), min_size=4, max_size=4)))
    opening, closing = draw(st.permutations(prices[1:3]))
    return Bar(
        index=draw(st.integers(0, 100_000)),
        open=opening,
        high=prices[3],
        low=prices[0],
        close=closing,
        volume=draw(st.integers(0, 10**13)),
    )


@given(bar=bars(), name=st.sampled_from(["seed-1", "recorded-BTCUSDT"]))
@settings(deadline=None)
def test_a_bar_that_has_unfolded_is_the_bar_itself(bar: Bar, name: str) -> None:
    course = chart_course(name, "BTCUSDT", bar)
    whole = course.totals(STEPS - 1)

    assert len(course.prices) == len(course.quantities) == len(course.buyer_takes) == STEPS
    assert course.prices[0] == bar.open
    assert (whole.high, whole.low, whole.close, whole.volume) == (bar.high, bar.low, bar.close, bar.volume)
    assert min(course.quantities) >= 0
    assert course == chart_course(name, "BTCUSDT", bar)


@given(bar=bars())
@settings(deadline=None)
def test_an_open_bar_only_grows(bar: Bar) -> None:
    course = chart_course("seed-1", "ETHUSDT", bar)
    steps = [course.totals(step) for step in range(STEPS)]

    for earlier, later in pairwise(steps):
        assert earlier.high <= later.high <= bar.high
        assert earlier.low >= later.low >= bar.low
        assert earlier.volume <= later.volume
        assert earlier.trades <= later.trades
        assert 0 <= later.taker_volume <= later.volume
        assert 0 <= later.taker_quote <= later.quote


def test_bars_unfold_differently_by_symbol_and_place() -> None:
    shape = {"open": 100_000, "high": 103_000, "low": 99_000, "close": 102_000, "volume": 5_000}
    courses = {
        chart_course("seed-1", symbol, Bar(index=index, **shape)).prices
        for symbol in ("BTCUSDT", "ETHUSDT")
        for index in range(20)
    }

    assert len(courses) == 40


def test_the_low_mostly_comes_first_in_a_rising_bar() -> None:
    rising = [Bar(index=index, open=100_000, high=103_000, low=99_000, close=102_000, volume=9) for index in range(400)]
    prices = [chart_course("seed-1", "BTCUSDT", bar).prices for bar in rising]
    low_first = sum(path.index(99_000) < path.index(103_000) for path in prices)

    assert 240 < low_first < 360


def test_the_book_of_courses_gives_what_it_forgot_again() -> None:
    book = CourseBook("seed-1")
    shape = {"open": 100_000, "high": 103_000, "low": 99_000, "close": 102_000, "volume": 5_000}
    many = [Bar(index=index, **shape) for index in range(1_000)]
    first = [book.course("BTCUSDT", bar) for bar in many]

    assert [book.course("BTCUSDT", bar) for bar in many] == first
    assert [book.whole("BTCUSDT", bar) for bar in many] == [course.totals(STEPS - 1) for course in first]
