"""The countdowns of OKX and Kraken, and Bybit's lack of one: what is asked and believed, and what an exit does first."""

from __future__ import annotations

import pytest

from services.domain.errors import Unavailable, VenueDoubt, VenueRejected
from services.domain.orders import OrderRole
from services.domain.ports import CancelOnSilence
from services.venues.ccxt_spot import silence
from tests.venues.canned_exchanges import BYBIT, KRAKEN, NAME, OKX, Case
from tests.venues.conformance import ACCOUNT
from tests.venues.hands import order
from tests.venues.test_ccxt_exchanges import Canned, trading

STOP = order(NAME, "sell", "1", stop_price="80")
TARGET = order(NAME, "sell", "1", price="110", role=OrderRole.TARGET)
COUNTING = pytest.mark.parametrize("case", [KRAKEN, OKX], ids=lambda case: case.exchange)


def ready(canned: Canned, case: Case) -> str:
    assert case.countdown is not None
    canned.replies |= {case.countdown: case.counting, case.place: case.taken}
    return case.countdown


def paths(canned: Canned, *wanted: str) -> list[str]:
    return [path for _, path, _ in canned.asked if path in wanted]


@COUNTING
async def test_the_countdown_is_asked_for_in_seconds_and_stopped_with_zero(case: Case) -> None:
    async with trading(case) as (venue, canned, _):
        path = ready(canned, case)
        await venue.keep_alive(ACCOUNT, 60)
        await venue.stand_down(ACCOUNT)

        started, stopped = canned.writes_to(path)
        assert case.counted["60"] in started
        assert case.counted["0"] in stopped


@COUNTING
async def test_only_a_whole_answer_says_that_it_counts(case: Case) -> None:
    async with trading(case) as (venue, canned, _):
        path = ready(canned, case)
        for garbled in ({}, {"error": ["EService:Busy"], "code": "50001", "data": []}):
            canned.replies[path] = garbled
            with pytest.raises(VenueDoubt):
                await venue.keep_alive(ACCOUNT, 60)

        assert len(canned.writes_to(path)) == 2


async def test_okx_counts_for_entries_alone_because_they_carry_the_tag_and_exits_do_not() -> None:
    async with trading(OKX) as (venue, canned, _):
        ready(canned, OKX)
        await venue.place(ACCOUNT, order(NAME, "buy", "1", price="90"))
        canned.replies[OKX.place] = {
            "code": "0",
            "data": [{"ordId": "2", "clOrdId": "instruct0000000200", "sCode": "0", "sMsg": ""}],
        }
        await venue.place(ACCOUNT, order("instruct0000000200", "sell", "1", price="110", role=OrderRole.TARGET))

        entry, exit_ = canned.writes_to(OKX.place)
        assert '"tag":"sortieentry"' in entry
        assert "tag" not in exit_
        assert venue.capabilities.cancel_on_silence is CancelOnSilence.ENTRIES


async def test_a_countdown_over_the_whole_account_is_stopped_before_an_exit_rests() -> None:
    async with trading(KRAKEN) as (venue, canned, clock):
        path = ready(canned, KRAKEN)
        await venue.keep_alive(ACCOUNT, 60)
        await venue.place(ACCOUNT, STOP)
        with pytest.raises(Unavailable, match="EXITS_REST"):
            await venue.keep_alive(ACCOUNT, 60)
        clock.ahead += silence.AFTER_EXIT_S + 1
        await venue.keep_alive(ACCOUNT, 60)

        assert paths(canned, path, KRAKEN.place) == [path, path, KRAKEN.place, path]
        assert venue.capabilities.cancel_on_silence is CancelOnSilence.ALL


async def test_the_first_exit_of_a_process_stops_what_an_earlier_one_may_have_left_running() -> None:
    async with trading(KRAKEN) as (venue, canned, _):
        path = ready(canned, KRAKEN)
        await venue.place(ACCOUNT, STOP)

        assert KRAKEN.counted["0"] in canned.writes_to(path)[0]
        assert paths(canned, path, KRAKEN.place) == [path, KRAKEN.place]


async def test_an_exit_is_placed_all_the_same_when_the_countdown_cannot_be_stopped() -> None:
    async with trading(KRAKEN) as (venue, canned, _):
        path = ready(canned, KRAKEN)
        canned.replies[path] = {"error": ["EService:Unavailable"]}
        placed = await venue.place(ACCOUNT, STOP)

        assert placed.venue_id
        assert paths(canned, path, KRAKEN.place) == [path, KRAKEN.place]


async def test_without_making_way_an_exit_rests_under_a_running_countdown(monkeypatch: pytest.MonkeyPatch) -> None:
    async def carry_on(self: object, orders: object) -> None:
        return None

    monkeypatch.setattr(silence.Countdown, "make_way", carry_on)
    async with trading(KRAKEN) as (venue, canned, _):
        path = ready(canned, KRAKEN)
        await venue.keep_alive(ACCOUNT, 60)
        await venue.place(ACCOUNT, STOP)

        assert all(KRAKEN.counted["0"] not in said for said in canned.writes_to(path))


async def test_bybit_has_no_countdown_whatever_ccxt_lists() -> None:
    async with trading(BYBIT) as (venue, canned, _):
        before = len(canned.asked)
        with pytest.raises(VenueRejected, match="NOT_OFFERED"):
            await venue.keep_alive(ACCOUNT, 60)

        assert venue.capabilities.cancel_on_silence is CancelOnSilence.NONE
        assert len(canned.asked) == before
