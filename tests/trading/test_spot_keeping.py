"""Stops that follow the market at an exchange whose exits lock, by the rules of the settings or of the trade's card."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from services.domain.errors import NotAllowed
from services.domain.keeping import Trail
from services.domain.market import Candle
from services.domain.states import TradeState
from services.storage import outbox
from tests.trading.rig import CARL, START, TOM
from tests.trading.spot_desk import SpotDesk, spot_desk


def candles(desk: SpotDesk, lows: list[int]) -> None:
    """Put closed candles of a range of 100 there, the newest last."""
    for number, low in enumerate(lows):
        opened = START + timedelta(minutes=number)
        desk.candles.append(Candle(opened, low + 20.0, low + 100.0, float(low), low + 80.0, 1.0))


@pytest.mark.parametrize(
    ("trail", "stop"),
    [(Trail.R, "64299.99"), (Trail.PERCENT, "64647"), (Trail.ATR, "65000"), (Trail.STRUCTURE, "64899.99")],
    ids=["r", "percent", "atr", "structure"],
)
async def test_a_stop_follows_what_was_chosen_on_the_card(tmp_path: Path, trail: Trail, stop: str) -> None:
    async with spot_desk(tmp_path) as desk:
        trade = await desk.open()
        candles(desk, [64_900] * 60)
        await desk.choose_trail(desk.rig.actor(), "1", trail)
        await desk.price("65300")

        kept = await desk.trade()
        assert str(kept.stop) == stop
        assert desk.stops() == {stop}
        assert sum(desk.exits().values()) == trade.quantity
        assert desk.spot.ledger.overdrawn == []
        assert [row["by"] for row in await desk.journal("stop.moved")] == [trail.value]


async def test_a_stop_never_goes_back_and_is_not_moved_at_every_tick(tmp_path: Path) -> None:
    async with spot_desk(tmp_path, protection={"trail": "percent", "move_every_s": 5}) as desk:
        await desk.open()
        moves = len(await desk.journal("stop.moved"))
        for number in range(5):
            desk.spot.price(str(65_000 + 100 * number))
            desk.rig.quote(str(65_000 + 100 * number), str(65_000 + 100 * number))
            await desk.second()
        assert len(await desk.journal("stop.moved")) == moves + 1

        await desk.rest()
        high = (await desk.trade()).stop
        await desk.price("65000")

        assert (await desk.trade()).stop == high == Decimal("64746")


async def test_a_profit_of_one_r_moves_the_stop_to_the_entry_and_its_costs(tmp_path: Path) -> None:
    async with spot_desk(tmp_path, base_fee="0.001", protection={"break_even_r": 1}) as desk:
        trade = await desk.open()
        await desk.price("65100")

        stop = (await desk.trade()).stop
        assert trade.average_entry is not None
        assert trade.average_entry * Decimal("1.0019") < stop < trade.average_entry * Decimal("1.0021")


async def test_the_time_of_a_trade_ends(tmp_path: Path) -> None:
    async with spot_desk(tmp_path, protection={"time_stop_min": 2}) as desk:
        await desk.open()
        desk.rig.clock.advance(121)
        await desk.price("64100")

        closed = await desk.trade()
        assert (closed.state, desk.spot.held) == (TradeState.CLOSED, 0)
        assert (await desk.journal("trade.closing"))[0]["reason"] == "TIME_STOP"


async def test_moves_are_silent(tmp_path: Path) -> None:
    async with spot_desk(tmp_path, protection={"trail": "percent"}) as desk:
        await desk.open()
        before = len(await desk.rig.read(lambda unit: outbox.pending_notices(unit, 1000)))
        await desk.price("65300")

        assert len(await desk.journal("stop.moved")) >= 1
        assert len(await desk.rig.read(lambda unit: outbox.pending_notices(unit, 1000))) == before


async def test_only_the_trader_or_a_commander_chooses(tmp_path: Path) -> None:
    async with spot_desk(tmp_path) as desk:
        await desk.open()
        with pytest.raises(NotAllowed):
            await desk.choose_trail(desk.rig.actor(TOM), "1", Trail.R)

        kept = await desk.choose_trail(desk.rig.actor(CARL), "1", Trail.R)

        assert kept.keep == {"trail": "r", "distance": "1"}
