"""The market on its clock: the grid, starts, the bar that unfolds, gaps and the end of a recording."""

from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.exchange.errors import MarketHeld, StartRefused
from sandbox.exchange.grid import Grid
from sandbox.exchange.instruments import Bar
from sandbox.exchange.placement import Placement, Running, Waiting
from sandbox.exchange.quotes import read_book
from sandbox.exchange.recorded import RecordedSource
from sandbox.exchange.seeded import SeededSource
from sandbox.exchange.snapshot import Candle, Snapshot
from sandbox.exchange.tape import latest_prints
from tests.sandbox_exchange.stand import NOON_MS, HandClock, build, candle_file, candle_rows, running

MINUTE = 60_000


def candles(snapshot: Snapshot, symbol: str = "BTCUSDT", interval: int = MINUTE, limit: int = 1_000) -> list[Candle]:
    return snapshot.candles(symbol, interval, start=None, end=None, limit=limit)


def values(candle: Candle) -> tuple[int, int, int, int, int]:
    totals = candle.totals
    return candle.open, totals.high, totals.low, totals.close, totals.volume


def source_values(bar: Bar) -> tuple[int, int, int, int, int]:
    return bar.open, bar.high, bar.low, bar.close, bar.volume


@given(opens_at=st.integers(0, 10**13), bar=st.integers(1, 3_600).map(lambda s: 1_000 * s), at=st.integers(0, 10**13))
@settings(deadline=None)
def test_the_grid_finds_the_bar_of_any_time(opens_at: int, bar: int, at: int) -> None:
    grid = Grid(index=1_000, opens_at=opens_at, bar=bar)
    index = grid.index_at(at)
    step_time = grid.step_time(index, grid.step_at(at))

    assert grid.open_time(index) <= at < grid.open_time(index + 1)
    assert grid.open_time(grid.first_from(at)) >= at > grid.open_time(grid.first_from(at) - 1)
    assert grid.open_time(index) <= step_time <= at


def test_closed_candles_are_the_source_bars_and_the_open_one_is_so_far() -> None:
    clock = HandClock()
    market = running(600, clock=clock)
    clock.forward(2 * 60 + 31)
    *closed, growing = candles(market.snapshot())
    bars = SeededSource(7).bars("BTCUSDT", 0, 602)

    assert [values(candle) for candle in closed] == [source_values(bar) for bar in bars[:-1]]
    assert [candle.open_time for candle in closed] == [NOON_MS + (index - 600) * MINUTE for index in range(602)]
    assert growing.open_time == NOON_MS + 2 * MINUTE
    assert growing.close_time == NOON_MS + 3 * MINUTE - 1
    assert growing.open == bars[-1].open
    assert bars[-1].low <= growing.totals.low <= growing.totals.high <= bars[-1].high
    assert 0 < growing.totals.volume < bars[-1].volume


def test_a_bar_grows_into_the_candle_that_it_closes_as() -> None:
    clock = HandClock()
    market = running(600, clock=clock)
    grown = []
    for _ in range(120):
        grown.append(candles(market.snapshot(), limit=1)[0])
        clock.forward(0.5)
    closed = candles(market.snapshot(), limit=2)[0]

    for earlier, later in pairwise([*grown, closed]):
        assert earlier.totals.high <= later.totals.high
        assert earlier.totals.low >= later.totals.low
        assert earlier.totals.volume <= later.totals.volume
    assert closed == grown[-1]
    assert len({candle.totals.close for candle in grown}) > 20, "the price hardly moves within the bar"


@pytest.mark.parametrize("symbol", ["BTCUSDT", "LTCUSDT"])
def test_quotes_stay_inside_the_bar_around_the_last_price(symbol: str) -> None:
    clock = HandClock()
    market = running(600, clock=clock)
    spreads = []
    for _ in range(600):
        snapshot = market.snapshot()
        position, book = snapshot.position(symbol), read_book(snapshot, symbol, 5)
        bid, ask = book.bids[0].price, book.asks[0].price
        spreads.append(ask - bid)

        assert position.bar.low <= bid <= position.price <= ask <= position.bar.high
        assert bid < ask
        assert [level.price for level in book.bids] == sorted((level.price for level in book.bids), reverse=True)
        assert [level.price for level in book.asks] == sorted(level.price for level in book.asks)
        assert all(level.size > 0 for level in (*book.bids, *book.asks))
        clock.forward(1.7)
    assert len(set(spreads)) > 3


def test_spreads_widen_where_bars_are_wide() -> None:
    source, clock = SeededSource(3), HandClock()
    market = running(1_000, clock=clock, source=source)
    wide: list[float] = []
    narrow: list[float] = []
    for _ in range(3_000):
        snapshot = market.snapshot()
        book, before = read_book(snapshot, "LTCUSDT", 1), snapshot.bar_before("LTCUSDT")
        share = (before.high - before.low) / before.close
        (wide if share > 0.02 else narrow).append((book.asks[0].price - book.bids[0].price) / before.close)
        clock.forward(61)

    assert min(len(wide), len(narrow)) > 20
    assert sum(wide) / len(wide) > 1.8 * sum(narrow) / len(narrow)


def test_a_flat_bar_still_has_a_spread(tmp_path: Path) -> None:
    rows = candle_rows(505)
    rows.append("2026-03-23T13:00:00Z,100.50,100.50,100.50,100.50,3")
    clock = HandClock()
    market = running(505, clock=clock, source=RecordedSource([candle_file(tmp_path, rows)]))
    book = read_book(market.snapshot(), "BTCUSDT", 1)

    assert (book.bids[0].price, book.asks[0].price) == (10050, 10051)


def test_held_market_has_no_prices_but_shows_its_bars_to_a_planner() -> None:
    market = build()

    with pytest.raises(MarketHeld):
        market.snapshot()
    assert not market.info().started
    series = {instrument.symbol: bars for instrument, bars in market.series(0, 700)}
    assert series["ETHUSDT"] == SeededSource(7).bars("ETHUSDT", 0, 699)


def test_a_start_is_anchored_at_the_first_look_and_closes_when_asked() -> None:
    clock, kept = HandClock(), list[Placement]()
    market = build(clock=clock, kept=kept)
    market.start(640, 22.5)
    clock.forward(17.25)
    waiting = market.snapshot()
    market.look()
    look = clock.at
    clock.forward(22.4)
    before_close = market.snapshot()
    clock.forward(0.2)
    after_close = market.snapshot()
    market.look()

    assert (waiting.index, waiting.grid.open_time(640) + MINUTE - waiting.at) == (640, 22_500)
    assert (before_close.index, after_close.index) == (640, 641)
    closes_at = candles(after_close, limit=2)[0].close_time + 1
    assert closes_at == int((look + timedelta(seconds=22.5)).timestamp() * 1000)
    assert kept == [Waiting(index=640, close_in=22_500), Running(index=640, opens_at=closes_at - MINUTE)]


def test_a_waiting_market_stands_still() -> None:
    clock = HandClock()
    market = build(clock=clock)
    market.start(640, 30)
    first = read_book(market.snapshot(), "BTCUSDT", 5)
    clock.forward(3_600)

    assert read_book(market.snapshot(), "BTCUSDT", 5) == first


def test_a_start_at_once_is_aligned_with_the_wall_clock() -> None:
    clock = HandClock()
    clock.forward(43)
    market = build(clock=clock, bar_seconds=10)
    market.start_now(700)
    newest = candles(market.snapshot(), interval=10_000)[-1]

    assert newest.open_time == NOON_MS + 40_000
    assert market.snapshot().index == 700


@pytest.mark.parametrize(("index", "close_in"), [(499, 30.0), (640, 0.0), (640, 61.0), (640, -1.0), (640, float("nan"))])
def test_starts_out_of_limits_are_refused(index: int, close_in: float) -> None:
    market = build()

    with pytest.raises(StartRefused):
        market.start(index, close_in)
    assert not market.info().started


def test_a_running_market_is_not_started_again() -> None:
    market = running(600, clock=HandClock())

    with pytest.raises(StartRefused, match="already running"):
        market.start(700, 30)


def test_candles_are_chosen_by_time_as_binance_does() -> None:
    clock = HandClock()
    snapshot = running(600, clock=clock).snapshot()
    hour_ago = NOON_MS - 60 * MINUTE

    def opens(start: int | None, end: int | None, limit: int) -> list[int]:
        found = snapshot.candles("BTCUSDT", MINUTE, start=start, end=end, limit=limit)
        return [(candle.open_time - hour_ago) // MINUTE for candle in found]

    assert opens(hour_ago, None, 3) == [0, 1, 2]
    assert opens(hour_ago + 1, None, 2) == [1, 2]
    assert opens(None, hour_ago, 2) == [-1, 0]
    assert opens(hour_ago, hour_ago + 2 * MINUTE, 100) == [0, 1, 2]
    assert opens(NOON_MS, None, 5) == [60]
    assert opens(NOON_MS + 1, None, 5) == []
    assert opens(hour_ago, hour_ago - 1, 5) == []
    assert len(opens(0, None, 1_000)) == 601


@pytest.mark.parametrize(("name", "length"), [("5m", 5), ("15m", 15), ("1h", 60)])
@pytest.mark.parametrize("close_in", [60.0, 17.0])
def test_longer_candles_add_up_from_minutes(name: str, length: int, close_in: float) -> None:
    clock = HandClock()
    market = build(clock=clock)
    market.start(777, close_in)
    market.look()
    clock.forward(754)
    snapshot = market.snapshot()
    minutes = candles(snapshot)
    composed = candles(snapshot, interval=market.intervals[name])

    assert composed[-1].totals.close == minutes[-1].totals.close
    assert sum(candle.totals.volume for candle in composed) == sum(candle.totals.volume for candle in minutes)
    for candle in composed[1:]:
        parts = [each for each in minutes if candle.open_time <= each.open_time < candle.close_time]
        assert candle.open_time // (length * MINUTE) == parts[0].open_time // (length * MINUTE)
        assert candle.open == parts[0].open
        assert candle.totals.high == max(each.totals.high for each in parts)
        assert candle.totals.trades == sum(each.totals.trades for each in parts)
        assert len(parts) == length or candle is composed[-1]


def test_recorded_bars_are_restamped_and_gaps_stay_gaps(tmp_path: Path) -> None:
    path = candle_file(tmp_path, candle_rows(700, skip=range(560, 570)))
    clock = HandClock()
    market = running(580, clock=clock, source=RecordedSource([path]), bar_seconds=10)
    served = candles(market.snapshot(), interval=10_000)
    bars = RecordedSource([path]).bars("BTCUSDT", 0, 579)

    assert [values(candle) for candle in served[:-1]] == [source_values(bar) for bar in bars]
    assert [candle.open_time for candle in served] == [
        NOON_MS + (index - 580) * 10_000 for index in range(581) if not 560 <= index < 570
    ]


def test_in_a_gap_the_last_quotes_stand(tmp_path: Path) -> None:
    path = candle_file(tmp_path, candle_rows(700, skip=range(560, 570)))
    clock = HandClock()
    market = running(559, clock=clock, source=RecordedSource([path]), bar_seconds=10)
    clock.forward(9.99)
    close = market.snapshot().position("BTCUSDT").price
    seen = set()
    for _ in range(9):
        clock.forward(9.7)
        snapshot = market.snapshot()
        seen.add(snapshot.position("BTCUSDT").price)
        assert read_book(snapshot, "BTCUSDT", 1).bids

    assert seen == {close}
    assert candles(market.snapshot(), interval=10_000)[-1].open_time == NOON_MS


def test_when_a_recording_ends_nothing_is_invented(tmp_path: Path) -> None:
    longer = candle_file(tmp_path, candle_rows(530))
    shorter = candle_file(tmp_path, candle_rows(520), "ETHUSDT-1h.csv")
    clock = HandClock()
    market = running(515, clock=clock, source=RecordedSource([longer, shorter]), bar_seconds=10)
    clock.forward(50)
    one_left = market.snapshot()
    clock.forward(100_000)
    none_left = market.snapshot()
    info = market.info()

    assert (one_left.ended("ETHUSDT"), one_left.ended("BTCUSDT")) == (True, False)
    assert read_book(one_left, "ETHUSDT", 5).bids == ()
    assert read_book(one_left, "BTCUSDT", 5).bids != ()
    assert read_book(none_left, "BTCUSDT", 5).asks == ()
    assert (info.finished, info.index, info.last_index) == (True, 529, 529)
    assert len(candles(none_left, interval=10_000)) == 530
    assert latest_prints(none_left, "BTCUSDT", 1)[0].at < NOON_MS + 15 * 10_000


def test_symbols_of_several_files_share_one_timeline(tmp_path: Path) -> None:
    rows = candle_rows(700)
    market = running(
        600,
        clock=HandClock(),
        source=RecordedSource([candle_file(tmp_path, rows), candle_file(tmp_path, rows[50:], "ETHUSDT-1h.csv")]),
    )
    bitcoin, ether = (candles(market.snapshot(), symbol) for symbol in ("BTCUSDT", "ETHUSDT"))

    assert (len(bitcoin), len(ether)) == (601, 551)
    assert [values(candle) for candle in bitcoin[50:-1]] == [values(candle) for candle in ether[:-1]]
    assert market.source.minimum_start == 550


@pytest.mark.parametrize(
    ("bar_seconds", "sentence"),
    [(60, "Seeded market, seed 7, one bar a minute"), (10, "Seeded market, seed 7, one bar every 10 s")],
)
def test_a_sentence_says_what_is_played(bar_seconds: int, sentence: str) -> None:
    assert build(bar_seconds=bar_seconds).info().playing == sentence


def test_a_sentence_says_which_recording_is_played(tmp_path: Path) -> None:
    hours = RecordedSource([candle_file(tmp_path, candle_rows(510))])
    minutes = RecordedSource([candle_file(tmp_path, candle_rows(510, minutes=5), "ETHBTC-5m.csv.gz".removesuffix(".gz"))])

    assert build(source=hours).info().playing == (
        "Recorded BTCUSDT-1h, 2026-03-02 to 2026-03-23, one recorded hour plays in 60 s"
    )
    assert build(source=minutes).info().playing == (
        "Recorded ETHBTC-5m, 2026-03-02 to 2026-03-04, 5 recorded minutes play in 60 s"
    )
