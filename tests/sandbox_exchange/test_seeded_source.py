"""The seeded market: the same for a seed whichever way it is read, sound in every bar, and worth trading."""

from itertools import pairwise
from statistics import fmean, pstdev

import pytest

from sandbox.exchange.instruments import Bar
from sandbox.exchange.seeded import BLOCK_BARS, SeededSource

SYMBOLS = ("BTCUSDT", "ETHUSDT", "BNBUSDT", "LTCUSDT")


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_a_seed_gives_the_same_bars_in_any_order_of_reading(symbol: str) -> None:
    last = 3 * BLOCK_BARS + 10
    forwards, backwards = SeededSource(11), SeededSource(11)
    read_backwards = [backwards.latest_bar(symbol, index) for index in range(last, -1, -1)]

    assert forwards.bars(symbol, 0, last) == read_backwards[::-1]


def test_bars_are_the_same_after_their_block_was_forgotten() -> None:
    source = SeededSource(5)
    early = source.bars("ETHUSDT", 0, 20)
    for block in range(100):
        source.latest_bar("ETHUSDT", block * BLOCK_BARS)

    assert source.bars("ETHUSDT", 0, 20) == early


def test_seeds_and_instruments_differ() -> None:
    series = {
        (seed, symbol): tuple(bar.close for bar in SeededSource(seed).bars(symbol, 0, 50))
        for seed in (1, 2, 3)
        for symbol in SYMBOLS
    }

    assert len(set(series.values())) == len(series)


@pytest.mark.parametrize("seed", range(1, 6))
@pytest.mark.parametrize("symbol", SYMBOLS)
def test_every_bar_is_sound_and_the_price_stays_near_home(seed: int, symbol: str) -> None:
    source = SeededSource(seed)
    first = source.latest_bar(symbol, 0).open
    bars = source.bars(symbol, 0, 8_000)

    for bar in bars:
        assert 0 < bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high
        assert bar.volume > 0
    assert first / 2.5 < min(bar.low for bar in bars)
    assert max(bar.high for bar in bars) < first * 2.5


def test_reading_cuts_to_a_limit_at_the_end_that_is_asked_for() -> None:
    source = SeededSource(1)

    assert [bar.index for bar in source.bars("BTCUSDT", 10, 20, limit=3)] == [10, 11, 12]
    assert [bar.index for bar in source.bars("BTCUSDT", 10, 20, limit=3, newest=True)] == [18, 19, 20]
    assert [bar.index for bar in source.bars("BTCUSDT", -5, 2)] == [0, 1, 2]


def ranges(bars: list[Bar]) -> list[float]:
    return [(bar.high - bar.low) / bar.close for bar in bars]


def test_the_market_has_gaps_bursts_trends_and_volume_that_reacts() -> None:
    bars = SeededSource(3).bars("BTCUSDT", 0, 4_000)
    usual = fmean(ranges(bars))
    gaps = [abs(bar.open / before.close - 1) for before, bar in pairwise(bars)]
    efficiency = [
        abs(bars[end].close - bars[end - 30].close)
        / sum(abs(bars[k].close - bars[k - 1].close) for k in range(end - 29, end + 1))
        for end in range(30, len(bars), 10)
    ]
    wide = [bar.volume for bar, reach in zip(bars, ranges(bars), strict=True) if reach > 2 * usual]
    narrow = [bar.volume for bar, reach in zip(bars, ranges(bars), strict=True) if reach < usual / 2]

    assert sum(gap > 0.002 for gap in gaps) > 20
    assert sum(reach > 3 * usual for reach in ranges(bars)) > 20
    assert sum(share > 0.5 for share in efficiency) > 20, "too few trends"
    assert sum(share < 0.1 for share in efficiency) > 20, "too few ranges"
    assert fmean(wide) > 2 * fmean(narrow)


def breakouts(bars: list[Bar]) -> int:
    """Count the bars that leave the channel of the 20 before them on half as much volume again as usual."""
    count = 0
    for end in range(21, len(bars)):
        window, bar, before = bars[end - 20 : end], bars[end], bars[end - 1]
        high, low = max(each.high for each in window), min(each.low for each in window)
        inside = min(each.low for each in window[:-1]) <= before.close <= max(each.high for each in window[:-1])
        loud = bar.volume > 1.5 * fmean(each.volume for each in window)
        count += loud and inside and (bar.close > high or bar.close < low)
    return count


def returns_into_the_band(bars: list[Bar]) -> int:
    """Count the bars that come back inside the band of two deviations around the mean of 20."""
    count = 0
    for end in range(21, len(bars)):
        outside = []
        for at in (end - 1, end):
            closes = [bar.close for bar in bars[at - 19 : at + 1]]
            outside.append(abs(closes[-1] - fmean(closes)) > 2 * pstdev(closes))
        count += outside == [True, False]
    return count


def crossings(bars: list[Bar]) -> int:
    """Count how often the average of 12 crosses that of 26."""
    signs = [
        fmean(bar.close for bar in bars[end - 12 : end]) > fmean(bar.close for bar in bars[end - 26 : end])
        for end in range(26, len(bars))
    ]
    return sum(now != before for before, now in pairwise(signs))


@pytest.mark.parametrize("count", [breakouts, returns_into_the_band, crossings])
def test_each_kind_of_strategy_finds_work_on_every_seed(count) -> None:  # type: ignore[no-untyped-def]
    bars_per_call = 100
    for seed in range(1, 6):
        source = SeededSource(seed)
        found = sum(count(source.bars(symbol, 500, 1_000)) for symbol in SYMBOLS)

        assert found >= 500 // bars_per_call, f"seed {seed}: {found} in 500 bars"
        assert found < 4 * 500 // 5, f"seed {seed}: {found} in 500 bars is noise"
