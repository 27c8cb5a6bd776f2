"""The feed: fresh while the market answers, patient while it does not, and caught up in one go after a pause."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pydantic import ValidationError

from services.domain.errors import Misconfigured, Unavailable
from services.domain.market import Tier
from services.market.feed import BACKOFF_MOST_S, LONGEST_SLEEP_S
from tests.market.stand import MINUTE, FeedStand, running, unavailable
from tests.venues.hands import BTC, ETH, START


async def test_warm_up_reads_grids_history_and_quotes() -> None:
    stand = FeedStand()

    grids = await stand.feed.warm_up()

    assert list(grids) == list(stand.feed.instruments) == [BTC, ETH]
    assert stand.feed.instrument(ETH.symbol) == ETH
    assert stand.feed.instrument("NO/SUCH") is None
    assert stand.market.asked == [(BTC.symbol, 51), (ETH.symbol, 51)]
    assert len(stand.feed.series(BTC.symbol).candles) == 50
    assert stand.feed.series(BTC.symbol).candles[-1].time == START - MINUTE
    assert stand.board.latest(ETH.symbol) is not None
    assert stand.feed.take_new() == []


async def test_an_instrument_has_the_tier_of_the_settings_and_one_that_is_not_named_is_trusted() -> None:
    stand = FeedStand(tiers={ETH.symbol: "C"})

    assert [each.tier for each in await stand.feed.warm_up()] == [Tier.A, Tier.C]
    with pytest.raises(ValidationError, match="NO/SUCH"):
        FeedStand(tiers={"NO/SUCH": "B"})


@pytest.mark.parametrize("call", ["instruments", "candles", "quotes", "server_time"])
async def test_warm_up_fails_with_the_market(call: str) -> None:
    stand = FeedStand()
    stand.market.failures[call] = [unavailable()]

    with pytest.raises(Unavailable):
        await stand.feed.warm_up()

    assert stand.feed.instruments == ()
    assert stand.feed.take_new() == []
    assert len(await stand.feed.warm_up()) == 2


async def test_warm_up_without_candles_is_refused() -> None:
    stand = FeedStand()
    stand.market.absent[ETH.symbol] = {START - MINUTE * back for back in range(-2, 60)}

    with pytest.raises(Unavailable) as caught:
        await stand.feed.warm_up()

    assert (caught.value.code, caught.value.values["symbol"]) == ("NO_CANDLES", ETH.symbol)


async def test_run_without_warm_up_is_a_mistake_that_is_named() -> None:
    with pytest.raises(Misconfigured):
        await FeedStand().feed.run()


async def test_quotes_come_at_their_pace() -> None:
    async with running(FeedStand()) as stand:
        before = stand.market.calls["quotes"]

        await stand.forward(10)

        kept = stand.board.latest(BTC.symbol)
        assert stand.market.calls["quotes"] - before == pytest.approx(10, abs=1)
        assert kept is not None
        assert kept.age(stand.clock.now()) <= timedelta(seconds=1.05)
        assert stand.beats.details[-1] == "2/2 quotes"


async def test_candle_is_there_right_after_its_bar_has_closed() -> None:
    async with running(FeedStand()) as stand:
        await stand.forward(39)
        early = stand.told

        await stand.forward(1.3)

        taken = stand.feed.take_new()
        assert early == 0
        assert stand.told == 1
        assert [(each.symbol, each.missed) for each in taken] == [(BTC.symbol, 0), (ETH.symbol, 0)]
        assert taken[0].series.candles[-1].time == START
        assert len(taken[0].series.candles) == 50
        assert stand.feed.take_new() == []


async def test_candles_are_asked_for_at_closes_only_and_in_small_batches() -> None:
    async with running(FeedStand()) as stand:
        del stand.market.asked[:]

        await stand.forward(125, step=0.1)

        assert len(stand.market.asked) == 4
        assert all(limit <= 5 for _, limit in stand.market.asked)


async def test_bars_of_an_offset_grid_are_followed_where_they_close() -> None:
    async with running(FeedStand(anchor=START + timedelta(seconds=23.7))) as stand:
        await stand.forward(3.5)
        early = stand.told

        await stand.forward(0.6)

        assert early == 0
        assert stand.told == 1
        assert stand.feed.take_new()[0].series.candles[-1].time == START + timedelta(seconds=23.7) - MINUTE


async def test_exchange_whose_clock_is_ahead_is_followed_by_its_clock() -> None:
    async with running(FeedStand(skew=timedelta(seconds=30))) as stand:
        await stand.forward(10.4)

        assert stand.told == 1


async def test_candle_that_is_served_late_is_asked_for_again_until_it_comes() -> None:
    async with running(FeedStand()) as stand:
        stand.market.late = {BTC.symbol: timedelta(seconds=0.8), ETH.symbol: timedelta(seconds=0.8)}

        await stand.until(lambda: stand.told > 0, within=43)

        assert START + MINUTE + timedelta(seconds=0.8) <= stand.clock.now() <= START + MINUTE + timedelta(seconds=1.6)


async def test_symbol_without_trades_closes_by_the_exchanges_clock_and_holds_nobody_up() -> None:
    async with running(FeedStand()) as stand:
        stand.market.absent[ETH.symbol] = {START + MINUTE}
        await stand.forward(40.3)
        first = [each.symbol for each in stand.feed.take_new()]

        await stand.forward(1.8)

        assert first == [BTC.symbol]
        assert [each.symbol for each in stand.feed.take_new()] == [ETH.symbol]


async def test_bar_that_never_was_is_given_up_and_the_next_one_is_followed() -> None:
    async with running(FeedStand()) as stand:
        stand.market.absent[ETH.symbol] = {START}
        await stand.forward(58, step=0.1)
        del stand.market.asked[:]
        await stand.forward(20, step=0.1)
        idle = list(stand.market.asked)

        await stand.forward(24, step=0.1)

        assert idle == []
        assert [(each.symbol, each.missed) for each in stand.feed.take_new()] == [(BTC.symbol, 1), (ETH.symbol, 0)]
        assert stand.book.gaps(ETH.symbol) == 1


async def test_failures_are_retried_with_growing_pauses_and_end_nothing() -> None:
    async with running(FeedStand()) as stand:
        stand.market.failures["quotes"] = [unavailable() for _ in range(9)]
        beats, slept = len(stand.beats.details), len(stand.clock.slept)

        await stand.forward(100, step=0.5)
        during = len(stand.beats.details)
        await stand.forward(30, step=0.5)

        pauses = [each for each in stand.clock.slept[slept:] if each in (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, BACKOFF_MOST_S)]
        assert [each for each in pauses if each > LONGEST_SLEEP_S] == [8.0, 16.0, 30.0, 30.0, 30.0]
        assert during - beats <= 1
        assert len(stand.beats.details) > during


async def test_rate_limit_is_given_more_room() -> None:
    async with running(FeedStand()) as stand:
        stand.market.failures["quotes"] = [unavailable("MARKET_RATE_LIMITED")]
        calls = stand.market.calls["quotes"]

        await stand.forward(5)

        assert stand.market.calls["quotes"] - calls == 1


async def test_stage_does_not_beat_while_candles_fail_or_quotes_are_old() -> None:
    async with running(FeedStand()) as stand:
        stand.market.failures["candles"] = [unavailable() for _ in range(30)]
        await stand.forward(41)
        beats = len(stand.beats.details)
        await stand.forward(5)
        while_failing = len(stand.beats.details)
        stand.market.failures.clear()
        stand.market.quote_stamp = stand.clock.now() - timedelta(seconds=60)
        await stand.forward(20)

        assert while_failing == beats
        assert len(stand.beats.details) == beats
        assert stand.told > 0


async def test_one_symbol_that_fails_does_not_keep_the_others_back() -> None:
    async with running(FeedStand()) as stand:
        stand.market.failures[ETH.symbol] = [unavailable()]

        await stand.until(lambda: stand.told > 0, within=42)
        first = [each.symbol for each in stand.feed.take_new()]
        await stand.until(lambda: stand.told > 1, within=3)

        assert first == [BTC.symbol]
        assert [each.symbol for each in stand.feed.take_new()] == [ETH.symbol]


async def test_after_a_pause_everything_missing_comes_in_one_batch_and_only_the_newest_is_new() -> None:
    async with running(FeedStand()) as stand:
        await stand.forward(45, step=0.1)
        stand.feed.take_new()
        del stand.market.asked[:]
        told = stand.told

        stand.clock.move(600)
        await stand.quiet()

        taken = stand.feed.take_new()
        assert stand.told == told + 1
        assert stand.market.asked == [(BTC.symbol, 13), (ETH.symbol, 13)]
        assert [(each.symbol, each.missed) for each in taken] == [(BTC.symbol, 9), (ETH.symbol, 9)]
        assert taken[0].series.candles[-1].time == START + MINUTE * 10
        assert stand.book.gaps(BTC.symbol) == 0
        await stand.forward(20)
        assert len(stand.market.asked) == 2


async def test_computer_that_slept_catches_up_soon_after_it_wakes() -> None:
    async with running(FeedStand()) as stand:
        await stand.forward(45, step=0.1)
        stand.feed.take_new()

        stand.clock.suspend(600)
        await stand.forward(LONGEST_SLEEP_S + 0.2)

        assert [each.missed for each in stand.feed.take_new()] == [9, 9]


async def test_bar_that_ends_during_the_warm_up_is_asked_for_at_once() -> None:
    stand = FeedStand()
    stand.market.before_candles = lambda symbol: stand.clock.move(45) if symbol == ETH.symbol else None

    async with running(stand):
        stand.market.before_candles = lambda _symbol: None
        await stand.forward(0.3)

        assert [each.symbol for each in stand.feed.take_new()] == [BTC.symbol]
        assert stand.book.newest(BTC.symbol) == stand.book.newest(ETH.symbol)


async def test_pause_longer_than_the_history_asks_for_the_history_once() -> None:
    async with running(FeedStand()) as stand:
        del stand.market.asked[:]

        stand.clock.move(86_400)
        await stand.quiet()

        taken = stand.feed.take_new()
        assert stand.market.asked == [(BTC.symbol, 51), (ETH.symbol, 51)]
        assert taken[0].missed == 1_439
        assert len(taken[0].series.candles) == 50


async def test_quote_that_was_there_before_a_pause_shows_its_age() -> None:
    async with running(FeedStand()) as stand:
        stand.market.failures["quotes"] = [unavailable() for _ in range(5)]
        before = stand.board.latest(BTC.symbol)

        stand.clock.move(600)
        await stand.quiet()

        kept = stand.board.latest(BTC.symbol)
        assert kept == before
        assert kept is not None
        assert kept.age(stand.clock.now()) >= timedelta(seconds=600)


async def test_market_that_moved_to_another_grid_is_read_anew() -> None:
    async with running(FeedStand()) as stand:
        await stand.forward(5)
        stand.market.anchor = START + timedelta(seconds=30)

        await stand.until(lambda: len(stand.market.asked) > 4, within=60)

        series = stand.feed.series(BTC.symbol).candles
        assert len(series) == 50
        assert all((each.time - START - timedelta(seconds=30)) % MINUTE == timedelta(0) for each in series)


async def test_exchange_without_a_clock_is_followed_by_its_candles() -> None:
    stand = FeedStand()
    stand.market.failures["server_time"] = [unavailable("MARKET_NOT_SUPPORTED") for _ in range(50)]
    async with running(stand):
        await stand.until(lambda: stand.told > 0, within=42)

        assert stand.feed.take_new()[0].series.candles[-1].time == START


async def test_clock_that_fails_is_a_failure_like_any_other() -> None:
    async with running(FeedStand()) as stand:
        stand.market.failures["server_time"] = [unavailable()]

        await stand.until(lambda: stand.told > 0, within=43)

        assert stand.market.calls["server_time"] == 3
