"""A crash is an alert within seconds; one that goes on is urgent; both end when it is calm."""

from __future__ import annotations

import asyncio

from bot.guarded import GuardedTicker
from bot.nursery import TaskNursery
from bot.scheduler import Tick, Ticker
from services.domain.errors import Unavailable
from services.operations.clock_watch import WatchClock
from services.operations.crashes import BookCrashes
from services.storage import incidents
from tests.access.bench import AccessBench


def codes(bench: AccessBench) -> list[tuple[str, str]]:
    return [(each.code, each.subject) for each in bench.database.read_now(incidents.open_incidents)]


def booking(bench: AccessBench) -> BookCrashes:
    return BookCrashes(bench.database, bench.clock, bench.ids)


async def test_a_stage_that_crashes_is_an_alert_with_its_error_id(bench: AccessBench) -> None:
    book = booking(bench)
    nursery, tried = TaskNursery(book.crashed, lambda: "4k7tq2zw"), asyncio.Event()

    async def broken() -> None:
        tried.set()
        raise KeyError("x")

    nursery.stage("feed", broken)
    await tried.wait()
    await asyncio.sleep(0)
    await book()
    await nursery.close()

    (found,) = bench.database.read_now(incidents.open_incidents)
    assert (found.code, found.subject, found.facts["detail"]) == ("STAGE_CRASHED", "feed", "KeyError, error 4k7tq2zw")


async def test_three_crashes_in_five_minutes_are_urgent_and_a_calm_minute_ends_both(bench: AccessBench) -> None:
    book = booking(bench)
    for number in range(3):
        book.crashed(f"send {number}", ValueError(), f"id{number}")
        await book()
        bench.clock.move(20)
    assert codes(bench) == [("STAGE_CRASHED", "send"), ("STAGE_KEEPS_CRASHING", "send")]

    bench.clock.move(61)
    await book()
    assert codes(bench) == []


async def test_what_is_out_of_reach_is_no_crash_and_a_start_ends_what_the_last_one_left(bench: AccessBench) -> None:
    book = booking(bench)
    book.crashed("feed", Unavailable("MARKET"), "id")
    await book()
    assert codes(bench) == []

    book.crashed("feed", ValueError(), "id")
    await book()
    assert codes(bench) == [("STAGE_CRASHED", "feed")]
    await booking(bench)()
    assert codes(bench) == []


async def test_a_tick_that_fails_is_an_alert_and_is_called_again(bench: AccessBench) -> None:
    book, calls = booking(bench), list[Tick]()

    class Hand(Ticker):
        def every(self, seconds: float, name: str, tick: Tick) -> None:
            calls.append(tick)

    async def broken() -> None:
        raise ZeroDivisionError

    GuardedTicker(Hand(), bench.ids, book.crashed).every(1, "scan", broken)
    await calls[0]()
    await calls[0]()
    await book()

    assert codes(bench) == [("STAGE_CRASHED", "tick-scan")]


async def test_clocks_that_differ_twice_in_a_row_are_an_alert_and_ends_when_they_agree(bench: AccessBench) -> None:
    class Market:
        ahead_s = -5.0

        async def server_time(self) -> object:
            from datetime import timedelta

            return bench.clock.now() + timedelta(seconds=self.ahead_s)

    market = Market()
    watch = WatchClock(bench.database, market, bench.clock, bench.ids, "binance")  # type: ignore[arg-type]
    await watch()
    assert codes(bench) == []
    await watch()
    assert codes(bench) == [("CLOCK_SKEW", "binance")]

    market.ahead_s = 0.4
    await watch()
    assert codes(bench) == []
