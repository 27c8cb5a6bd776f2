"""Filling from a venue: all that it has comes, what it has not is remembered, and a stop costs at most a page."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.groups import VenueSettings
from sandbox.exchange.placement import Running
from services.domain.errors import Misconfigured, Refused, Unavailable
from services.market.history import Gap, moment
from services.market.store.candle_store import CandleStore
from services.market.store.filling import PAUSES_S, FillCandles, Filled, Progress
from services.market.store.places import Series
from services.venues.ccxt_market import CcxtMarketData
from tests.history.made import NOW, SERIES, made, time_of, values
from tests.history.venue import HandedClock, PastVenue, beside, unreachable
from tests.sandbox_exchange.stand import NOON, build, serving
from tests.sandbox_exchange.stand import HandClock as ServedClock
from tests.venues.hands import HandClock


def fill(
    store: CandleStore, venue: PastVenue, *, page: int = 7, until: int = 40, clock: HandedClock | None = None, first: int = 0
) -> Filled:
    doing = FillCandles(store, venue, clock or HandedClock(), page=page)
    return asyncio.run(doing(SERIES, moment(time_of(first)), moment(time_of(until))))


def holes(store: CandleStore) -> list[tuple[int, int]]:
    found = store.read(SERIES).holes
    return [((each.first - time_of(0)) // SERIES.step, each.count) for each in found]


VENUE = st.dictionaries(st.integers(0, 39), st.integers(0, 1), min_size=1)


@settings(max_examples=80, deadline=None)
@given(VENUE, st.sets(st.integers(0, 39), max_size=10), st.integers(1, 12), st.booleans())
def test_a_fill_brings_what_the_venue_has_and_remembers_what_it_has_not(
    tmp_path_factory: pytest.TempPathFactory, there: dict[int, int], known: set[int], page: int, windowed: bool
) -> None:
    store, venue = CandleStore(tmp_path_factory.mktemp("store")), PastVenue(there, windowed=windowed)
    own = {row: there[row] for row in known & there.keys()}
    store.put(SERIES, made(own), now=NOW)

    filled = fill(store, venue, page=page)

    newest = max(there)
    none = {row for row in range(newest) if row not in there}
    assert values(store.read(SERIES).history) == dict(sorted(there.items()))
    assert filled.added == len(there) - len(own)
    assert {first + place for first, count in holes(store) for place in range(count)} == none
    assert filled.missing == 39 - newest

    venue.asked.clear()
    assert fill(store, venue, page=page).added == 0
    assert all(first > newest for first, _ in venue.asked)


@settings(max_examples=40, deadline=None)
@given(VENUE, st.integers(1, 12))
def test_a_fill_that_is_killed_at_any_page_goes_on_and_ends_the_same(
    tmp_path_factory: pytest.TempPathFactory, there: dict[int, int], page: int
) -> None:
    whole = CandleStore(tmp_path_factory.mktemp("whole"))
    fill(whole, PastVenue(there), page=page)
    store = CandleStore(tmp_path_factory.mktemp("killed"))
    for killed_at in (1, 2, 3, 2, 1):
        venue = PastVenue(there)
        venue.failing[killed_at] = asyncio.CancelledError()
        try:
            fill(store, venue, page=page)
        except asyncio.CancelledError:
            continue

    fill(store, PastVenue(there), page=page)

    assert store.read(SERIES).history.equals(whole.read(SERIES).history)
    assert holes(store) == holes(whole)


def test_a_page_that_fails_is_asked_for_again_and_given_up_after_a_while(tmp_path: Path) -> None:
    store, clock = CandleStore(tmp_path), HandedClock()
    venue = PastVenue(dict.fromkeys(range(40), 1))
    venue.failing = {2: unreachable(), 3: Unavailable("MARKET_RATE_LIMITED", venue="binance")}

    assert fill(store, venue, clock=clock).added == 40
    assert clock.slept == [1.0, 2.0]

    venue = PastVenue(dict.fromkeys(range(80), 1))
    venue.failing = dict.fromkeys(range(2, 20), unreachable())
    with pytest.raises(Unavailable):
        fill(store, venue, until=80)
    assert len(values(store.read(SERIES).history)) == 47
    assert len(venue.asked) == 1 + len(PAUSES_S) + 1


def test_what_cannot_come_right_by_waiting_is_not_asked_again(tmp_path: Path) -> None:
    venue, clock = PastVenue({1: 1}), HandedClock()
    venue.failing = {1: Unavailable("MARKET_REFUSED", venue="binance")}

    with pytest.raises(Unavailable):
        fill(CandleStore(tmp_path), venue, clock=clock)
    assert clock.slept == []


def test_a_venue_that_only_gives_its_newest_is_not_believed_to_have_a_hole(tmp_path: Path) -> None:
    store, venue = CandleStore(tmp_path), PastVenue(dict.fromkeys(range(40), 1), newest_only=True)

    filled = fill(store, venue, page=10)

    assert list(values(store.read(SERIES).history)) == list(range(30, 40))
    assert (holes(store), filled.holes, filled.missing) == ([], 0, 30)


def test_the_open_candle_and_those_beside_the_grid_are_not_stored(tmp_path: Path) -> None:
    store, venue = CandleStore(tmp_path), PastVenue(dict.fromkeys(range(10), 1))
    venue.now = moment(time_of(9)) + timedelta(seconds=10)
    venue.beside = [beside(4, timedelta(seconds=90))]

    filled = fill(store, venue)

    assert list(values(store.read(SERIES).history)) == list(range(9))
    assert filled.missing == 0


def test_the_end_is_heeded_on_the_first_page_too(tmp_path: Path) -> None:
    store = CandleStore(tmp_path)

    fill(store, PastVenue(dict.fromkeys(range(40), 1)), page=30, until=5)

    assert list(values(store.read(SERIES).history)) == [0, 1, 2, 3, 4]


def test_gaps_alone_are_asked_for_when_the_rest_is_there(tmp_path: Path) -> None:
    store, venue = CandleStore(tmp_path), PastVenue(dict.fromkeys(range(40), 1))
    store.put(SERIES, made({row: 1 for row in range(40) if row not in (11, 12, 30)}), now=NOW)

    filled = fill(store, venue)

    assert (filled.added, [first for first, _ in venue.asked]) == (3, [11, 30])


def test_what_the_venue_did_not_have_is_asked_again_on_demand_alone(tmp_path: Path) -> None:
    store = CandleStore(tmp_path)
    fill(store, PastVenue({0: 1, 9: 1}), until=10)
    later = PastVenue(dict.fromkeys(range(10), 1))

    fill(store, later, until=10)
    assert later.asked == []

    doing = FillCandles(store, later, HandedClock(), page=7)
    assert asyncio.run(doing(SERIES, moment(time_of(0)), moment(time_of(10)), anew=True)).added == 8


def test_a_beginning_in_the_future_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused) as error:
        fill(CandleStore(tmp_path), PastVenue({1: 1}), first=10**6, until=10**6 + 5)
    assert error.value.code == "SINCE"


def test_progress_grows_to_all_that_was_missing(tmp_path: Path) -> None:
    told: list[Progress] = []
    store = CandleStore(tmp_path)
    store.put(SERIES, made({20: 1}), now=NOW)
    doing = FillCandles(store, PastVenue(dict.fromkeys(range(40), 1)), HandedClock(), page=7, told=told.append)

    asyncio.run(doing(SERIES, moment(time_of(0)), moment(time_of(40))))

    assert [each.done for each in told] == sorted(each.done for each in told)
    assert {each.total for each in told} == {39}
    assert told[-1].done == 39


async def test_the_sandbox_exchange_fills_a_store_over_http(tmp_path: Path) -> None:
    clock, store = HandClock(NOON + timedelta(minutes=1)), CandleStore(tmp_path)
    served_clock = ServedClock(NOON + timedelta(minutes=1))
    sandbox = build(clock=served_clock, placement=Running(index=600, opens_at=round(NOON.timestamp() * 1000)))
    series = Series(venue="here", symbol="BTC/USDT", timeframe="1m")

    async with serving(sandbox) as served:
        market = CcxtMarketData("here", VenueSettings(base_url=str(served.make_url("/exchange")), timeout_s=20), clock)
        try:
            filled = await FillCandles(store, market, clock, page=100)(series, NOON - timedelta(minutes=250))
            rows = await market.candles_since("BTC/USDT", "1m", NOON - timedelta(minutes=250), 3)
            with pytest.raises(Misconfigured):
                await market.candles_since("NONE/USDT", "1m", NOON, 3)
        finally:
            await market.close()

    span = store.read(series)
    assert (filled.added, filled.missing, len(span.history)) == (251, 0, 251)
    assert span.history.candles()[:3] == tuple(rows)
    assert moment(int(span.history.time[-1])) == NOON
    bars = sandbox.source.bars("BTCUSDT", 350, 600)
    assert span.history.close.tolist() == [bar.close / 100 for bar in bars]
    assert span.gaps == ()


def test_a_hole_between_a_page_and_the_next_candle_is_one(tmp_path: Path) -> None:
    store = CandleStore(tmp_path)
    store.put(SERIES, made({0: 1, 9: 1}), now=NOW)
    there = PastVenue({0: 1, 1: 1, 2: 1, 9: 1})

    fill(store, there, page=2, until=10)

    assert store.read(SERIES).holes == (Gap(first=time_of(3), last=time_of(8), count=6),)
