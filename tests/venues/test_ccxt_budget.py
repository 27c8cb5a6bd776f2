"""The budget of requests: what gives way to what, and what an exchange says about its own count."""

from __future__ import annotations

import pytest

from services.domain.errors import Unavailable
from services.venues.ccxt_spot.budget import Budget, Counter
from services.venues.ccxt_spot.replies import Lane
from tests.venues.ccxt_bench import scripted_venue
from tests.venues.conformance import ACCOUNT
from tests.venues.hands import HandClock, order
from tests.venues.scripted_exchange import Asked, Reply, answer, taken

WEIGHT = Counter(header="X-USED-WEIGHT", limit=500, seconds=60, requests=True)
ORDERS = Counter(header="X-ORDERS", limit=10, seconds=10)


class Running(HandClock):
    """A clock on which sleeping takes its time at once."""

    async def sleep(self, seconds: float) -> None:
        self.move(seconds)


@pytest.fixture
def clock() -> Running:
    return Running()


@pytest.fixture
def budget(clock: Running) -> Budget:
    return Budget(clock, capacity=100, window_s=60, reserve=0.2, counters=(WEIGHT, ORDERS))


async def refused(budget: Budget, lane: Lane, cost: float = 1) -> str:
    with pytest.raises(Unavailable) as caught:
        await budget.take(cost, lane)
    return caught.value.code


async def test_entries_leave_the_reserve_to_exits(budget: Budget, clock: Running) -> None:
    for _ in range(80):
        await budget.take(1, Lane.ENTRY)
    started = clock.monotonic()

    entry = await refused(budget, Lane.ENTRY)
    at_once = clock.monotonic() == started
    for _ in range(20):
        await budget.take(1, Lane.EXIT)

    assert (entry, at_once) == ("VENUE_BUDGET", True)
    assert await refused(budget, Lane.EXIT) == "VENUE_BUDGET"


async def test_a_reading_waits_for_room_and_not_for_ever(budget: Budget, clock: Running) -> None:
    await budget.take(80, Lane.READ)
    clock.move(57)

    await budget.take(1, Lane.READ)
    waited = clock.monotonic()
    await budget.take(79, Lane.READ)

    assert 60 <= waited < 61
    assert await refused(budget, Lane.READ) == "VENUE_BUDGET"


async def test_what_the_exchange_has_counted_overrides_a_lower_count(budget: Budget, clock: Running) -> None:
    budget.note(200, {"x-used-weight": "450"})

    entry = await refused(budget, Lane.ENTRY)
    await budget.take(5, Lane.EXIT)
    clock.move(60)

    assert entry == "VENUE_BUDGET"
    await budget.take(1, Lane.ENTRY)


async def test_orders_are_counted_too_and_exits_are_let_through(budget: Budget, clock: Running) -> None:
    budget.note(200, {"X-Orders": "8"})

    entry = await refused(budget, Lane.ENTRY)
    await budget.take(1, Lane.EXIT)
    clock.move(10)

    assert entry == "VENUE_ORDER_COUNT"
    await budget.take(1, Lane.ENTRY)


@pytest.mark.parametrize("status", [418, 429])
async def test_an_exchange_that_says_wait_is_left_alone_so_long(budget: Budget, clock: Running, status: int) -> None:
    budget.note(status, {"Retry-After": "7"})

    at_once = [await refused(budget, lane) for lane in Lane]
    clock.move(7)

    assert at_once == ["VENUE_RATE_LIMITED"] * 3
    for lane in Lane:
        await budget.take(1, lane)


async def test_a_call_dearer_than_the_share_goes_when_nothing_else_does(budget: Budget) -> None:
    await budget.take(90, Lane.READ)


async def test_nothing_is_sent_while_the_exchange_has_asked_to_wait() -> None:
    replies: list[Reply] = [answer({"code": -1003, "msg": "Too much request weight used."}, 429, Retry_After="30")]

    def script(asked: Asked) -> Reply:
        return replies.pop() if replies else answer(taken(asked))

    async with scripted_venue(script) as here:
        said = []
        for name in ("entry00", "entry10"):
            try:
                await here.venue.place(ACCOUNT, order(name, "buy", "1"))
            except Exception as error:  # noqa: BLE001 - its class is what the test is about
                said.append(type(error).__name__)
        here.clock.ahead += 31
        placed = await here.venue.place(ACCOUNT, order("entry10", "buy", "1"))

        assert said == ["VenueRejected", "Unavailable"]
        assert placed.client_id == "entry10"
        assert len(here.exchange.writes) == 2
