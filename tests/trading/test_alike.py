"""Trades that move together count together: against one limit, by a measurement that must be there and be young."""

from __future__ import annotations

import random
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from services.domain.market import Candle, CandleSeries
from services.domain.verdicts import CheckCode
from services.missions.fire import Fired
from services.storage.previews import PreviewState
from tests.trading.rig import ANN, BTC, ETH, Rig, desk_at
from tests.trading.taps import confirm_token, preview_of


def measured(rig: Rig, *, alike: bool, ended: timedelta = timedelta(0)) -> None:
    """Let BTC and ETH have moved together, or each on its own."""
    chance = {BTC: random.Random(1), ETH: random.Random(1 if alike else 2)}
    first = rig.clock.now() - ended - timedelta(minutes=120)
    made = []
    for instrument, rolls in chance.items():
        closes = [100 + rolls.uniform(-1, 1) for _ in range(120)]
        rows = [Candle(first + timedelta(minutes=n), close, close, close, close, 1.0) for n, close in enumerate(closes)]
        made.append(CandleSeries(instrument=instrument, timeframe="1m", candles=rows))
    rig.trading.desk.rules.correlations.measure(made)


async def holds_eth(rig: Rig) -> None:
    """Ann's ETH is worth about a tenth of her account."""
    await rig.price("2999.99", "3000.01", "ETH/USDT")
    mission = await rig.mission(symbol="ETH/USDT", entry=("3000", "3000"), stop="2850", targets=("3300",))
    assert isinstance(await rig.trading.fire(rig.actor(ANN), await confirm_token(rig, mission)), Fired)
    await rig.settle()


@pytest.mark.parametrize(
    ("alike", "ended_s", "value", "passes"),
    [
        (True, 0, True, False),
        (False, 0, True, True),
        (True, 899, True, False),
        (True, 901, False, False),
        (None, 0, False, False),
    ],
    ids=["together", "apart", "young", "old", "unmeasured"],
)
async def test_what_moves_alike_counts_together_and_without_data_nothing_passes(
    tmp_path: Path, alike: bool | None, ended_s: int, value: bool, passes: bool
) -> None:
    async with desk_at(tmp_path, risk={"group_share": "0.09"}) as rig:
        measured(rig, alike=False)
        await holds_eth(rig)
        if alike is None:
            rig.trading.desk.rules.correlations.measure([])
        else:
            measured(rig, alike=alike, ended=timedelta(seconds=ended_s))
        shown = await preview_of(rig, await rig.mission(stop="63900"), size="half")
        found = next(each for each in shown.checks if each.code is CheckCode.GROUP_SHARE)

        # What no room is left for is offered at no size.
        assert (found.value is not None) is value
        assert (shown.state is PreviewState.OPEN) is passes
        if value:
            assert found.note == ("BTC/USDT, ETH/USDT" if alike else "BTC/USDT")


async def test_where_it_is_not_required_no_data_passes_and_says_so(tmp_path: Path) -> None:
    async with desk_at(tmp_path, risk={"group_share": "0.5"}, correlation={"required": False}) as rig:
        await holds_eth(rig)
        shown = await preview_of(rig, await rig.mission())
        found = next(each for each in shown.checks if each.code is CheckCode.GROUP_SHARE)

        assert (found.passed, found.value) == (True, "no data")


async def test_the_largest_size_leaves_room_for_what_moves_alike(tmp_path: Path) -> None:
    async with desk_at(tmp_path, risk={"group_share": "0.15"}) as rig:
        measured(rig, alike=True)
        await holds_eth(rig)
        shown = await preview_of(rig, await rig.mission(), size="max")

        assert shown.state is PreviewState.OPEN
        assert Decimal(300) < shown.largest * shown.worst_price < Decimal(700)
