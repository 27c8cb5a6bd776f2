"""The first mission comes when it was promised, whatever the seed, the recording and the time of day."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest

from bot.demo.planner import LEAD_S, bars_ahead, close_in
from sandbox.exchange.recorded import RecordedSource
from sandbox.exchange.seeded import SeededSource
from tests.demo.played import MONDAY, Opened, opened, signals_by_bar
from tests.sandbox_exchange.stand import SHARED


def promised(market: Opened) -> tuple[str, str]:
    """Return symbol and side of the mission that was promised."""
    found = re.match(r"First mission: (\S+) (long|short),", market.said[-1])
    assert found, market.said
    return found[1], found[2]


@pytest.mark.parametrize("seed", range(1, 21))
async def test_every_seed_brings_the_promised_mission_with_the_first_bar(seed: int) -> None:
    at = MONDAY + timedelta(hours=seed, seconds=37 * seed)
    async with opened(SeededSource(seed), at=at) as market:
        offered = await signals_by_bar(market, bars=1)

    assert promised(market) in [(each.symbol, each.side.value) for each in offered[0]]


@pytest.mark.parametrize("bar_seconds", [3, 5, 10, 20])
async def test_short_bars_bring_the_promised_mission_after_the_lead(bar_seconds: int) -> None:
    ahead = bars_ahead(bar_seconds)
    async with opened(SeededSource(7), at=MONDAY, bar_seconds=bar_seconds) as market:
        offered = await signals_by_bar(market, bars=ahead + 1)
    symbol, side = promised(market)

    assert 0 < close_in(bar_seconds) <= bar_seconds
    assert ahead * bar_seconds + close_in(bar_seconds) == LEAD_S
    assert (symbol, side) in [(each.symbol, each.side.value) for each in offered[-1]]
    assert not any(each.symbol == symbol for signals in offered[:-1] for each in signals)


@pytest.mark.parametrize(
    "names",
    [
        ("BTCUSDT-1h", "ETHUSDT-1h", "BNBUSDT-1h", "LTCUSDT-1h"),
        ("BTCUSDT-1h",),
        ("ETHBTC-5m",),
        ("ADABTC-5m",),
        ("XRPETH-1m",),
        ("XRPUSDTUSDT-5m-futures",),
    ],
)
async def test_recordings_bring_the_promised_mission_with_the_first_bar(names: tuple[str, ...]) -> None:
    async with opened(RecordedSource(recordings(*names)), at=MONDAY + timedelta(hours=4)) as market:
        offered = await signals_by_bar(market, bars=1)

    assert promised(market) in [(each.symbol, each.side.value) for each in offered[0]]


async def test_a_seed_chooses_where_a_recording_begins() -> None:
    begun = []
    for seed in (1, 2, None):
        async with opened(RecordedSource(recordings("ETHBTC-5m")), at=MONDAY, seed=seed) as market:
            begun.append(market.info.index)

    assert len(set(begun)) == 3


async def test_a_named_start_is_taken_at_its_word() -> None:
    async with opened(SeededSource(7), at=MONDAY, start=640) as market:
        assert market.info.index == 640
        assert market.said == ("The market begins with bar 640 open.",)


async def test_a_market_without_a_signal_begins_after_its_warm_up_and_says_so(tmp_path: Path) -> None:
    rows = [f"{1_700_000_000 + 60 * n},100,100.5,99.5,100,5" for n in range(700)]
    file = tmp_path / "BTCUSDT-1m.csv"
    file.write_text("\n".join(["timestamp,open,high,low,close,volume", *rows]) + "\n")
    async with opened(RecordedSource([file]), at=MONDAY) as market:
        assert market.info.index == market.info.minimum_start
        assert market.said[-1].startswith("No signal that could be fired was found")


def recordings(*names: str) -> list[Path]:
    """Return recorded files by name, or skip."""
    files = [SHARED / f"{name}.csv.gz" for name in names]
    missing = [file.name for file in files if not file.exists()]
    if missing:
        pytest.skip(f"no recorded candles {', '.join(missing)}; set SORTIE_SHARED to the folder above data/")
    return files
