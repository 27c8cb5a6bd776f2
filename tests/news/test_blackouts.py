"""What the calendar says of an entry: the event, its time, the calendar's age, and when entries pass again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from config.news import CalendarSettings
from services.domain.inputs import InputAnswer
from services.market.news.blackouts import CalendarBoard
from tests.news.documents import board_of, signal_on

NOW = datetime(2026, 11, 25, 13, 0, tzinfo=UTC)


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def ask(board: CalendarBoard, now: datetime = NOW, symbol: str = "BTC/USDT") -> InputAnswer:
    answer = board.about(signal_on(symbol, now), now)
    assert answer is not None
    return answer


@pytest.mark.parametrize(
    ("at", "passed"),
    [(-31, True), (-30, True), (-29.99, False), (0, False), (29.99, False), (30, False), (30.01, True)],
)
def test_a_blackout_begins_before_its_event_and_ends_after_it(at: float, passed: bool) -> None:
    assert ask(board_of(NOW, {"at": at})).passed is passed


def test_a_no_names_the_event_its_time_the_age_and_the_end() -> None:
    board = board_of(NOW, {"at": 20, "title": "Core PCE Price Index", "minutes": 10})

    answer = ask(board)

    assert answer.said == "USD Core PCE Price In… 13:20 UTC (data 2 h)"
    assert answer.frees_at == NOW + minutes(60)
    assert answer.until > NOW


def test_the_event_of_another_day_is_named_with_its_day() -> None:
    board = board_of(NOW, {"at": 1440}, blackouts=[{"before_min": 2000}])

    assert ask(board).said == "USD CPI 26 Nov 13:00 UTC (data 2 h)"


def test_blackouts_that_touch_are_one_and_a_gap_divides_them() -> None:
    touching = board_of(NOW, {"at": 0}, {"at": 60, "title": "FOMC"})
    apart = board_of(NOW, {"at": 0}, {"at": 61, "title": "FOMC"})

    assert ask(touching).frees_at == NOW + minutes(90)
    assert ask(apart).frees_at == NOW + minutes(30)
    assert ask(apart, NOW + minutes(30.5)).passed


def test_a_yes_holds_until_the_next_blackout_and_names_what_comes_within_a_day() -> None:
    soon, late = board_of(NOW, {"at": 300}), board_of(NOW, {"at": 3000})

    assert (ask(soon).said, ask(soon).until) == ("next 18:00 UTC (2 h old)", NOW + minutes(270))
    assert ask(late).said == "no event (2 h old)"


CONCERNS: list[tuple[dict[str, Any], dict[str, Any], str, bool]] = [
    ({"currency": "USD"}, {}, "BTC/USDT", True),
    ({"currency": "USD"}, {}, "EUR/USD", True),
    ({"currency": "USD"}, {}, "ETH/BTC", False),
    ({"currency": "USD"}, {"stands_for": {}}, "BTC/USDT", False),
    ({"currency": "BTC"}, {}, "BTC/USDT:USDT", True),
    ({"currency": "BTC"}, {}, "ETH/USDT", False),
    ({"currency": "ALL"}, {}, "ETH/BTC", True),
    ({"currency": "", "instruments": ["ETH/BTC"]}, {}, "ETH/BTC", True),
    ({"currency": "", "instruments": ["ETH/BTC"]}, {}, "BTC/USDT", False),
    ({"importance": "medium"}, {}, "BTC/USDT", False),
    ({"importance": "medium"}, {"blackouts": [{"importance": "low"}]}, "BTC/USDT", True),
    ({"importance": "high"}, {"blackouts": [{"currencies": ["EUR"]}]}, "BTC/USDT", False),
    ({"importance": "high"}, {"blackouts": [{"currencies": ["EUR"]}, {"currencies": ["USD"]}]}, "BTC/USDT", True),
    ({"importance": "high"}, {"blackouts": [{"instruments": ["ETH/USDT"]}]}, "BTC/USDT", False),
    ({"importance": "high"}, {"blackouts": [{"instruments": ["ETH/USDT"]}]}, "ETH/USDT", True),
    ({"importance": "high"}, {"blackouts": []}, "BTC/USDT", False),
]


@pytest.mark.parametrize(("event", "settings", "symbol", "held"), CONCERNS, ids=[f"case-{n}" for n in range(len(CONCERNS))])
def test_an_event_concerns_its_currency_and_its_instruments(
    event: dict[str, Any], settings: dict[str, Any], symbol: str, held: bool
) -> None:
    board = board_of(NOW, event, **settings)

    assert ask(board, symbol=symbol).passed is not held
    assert [symbols for _, symbols in board.current(NOW, (symbol,))] == ([(symbol,)] if held else [])


def test_a_long_event_is_found_among_many_short_ones() -> None:
    short = [{"at": number * 100 - 5000, "title": f"e{number}"} for number in range(100)]
    board = board_of(
        NOW, {"at": -6000, "minutes": 7000, "title": "Summit"}, *short, blackouts=[{"before_min": 0, "after_min": 0}]
    )

    assert ask(board, NOW + minutes(37)).said.startswith("USD Summit 21 Nov")


def test_nothing_is_said_without_a_calendar() -> None:
    board = CalendarBoard(CalendarSettings())

    assert board.about(signal_on("BTC/USDT", NOW), NOW) is None
    assert board.outdated(NOW) and board.ahead(NOW, 5) == [] and board.current(NOW, ("BTC/USDT",)) == []


def test_a_calendar_too_old_or_that_reaches_no_further_is_no_data_even_in_its_blackout() -> None:
    old = board_of(NOW, {"at": 5}, old=timedelta(days=3), max_age_s=200_000)
    over = board_of(NOW - timedelta(days=8), {"at": 0})
    ahead_of_clock = board_of(NOW, {"at": 5}, old=timedelta(0))

    assert ask(old).until <= NOW and old.outdated(NOW) and old.current(NOW, ("BTC/USDT",)) == []
    assert ask(over).until <= NOW and over.ahead(NOW, 5) == []
    assert ask(ahead_of_clock, NOW - timedelta(hours=1)).until <= NOW - timedelta(hours=1)


def test_the_time_after_the_last_event_counts_though_the_calendar_reaches_no_further() -> None:
    start = NOW - timedelta(days=7)
    board = board_of(start, {"at": 7 * 1440, "title": "Last"}, max_age_s=10_000_000)

    inside, after = NOW + minutes(20), NOW + minutes(31)

    assert not ask(board, inside).passed and ask(board, inside).until > inside
    assert ask(board, after).until <= after


def test_a_newer_calendar_takes_the_place_and_a_problem_leaves_it() -> None:
    board = board_of(NOW, {"at": 0})

    board.keep("NOT_A_CALENDAR: half of it")
    assert not ask(board).passed and board.problem

    board.take(board_of(NOW, {"at": 600}).calendar)  # type: ignore[arg-type]
    assert ask(board).passed and not board.problem
