"""A write that was held back, or turned away for when it came: an entry was not sent, protection and closes come again."""

from __future__ import annotations

from pathlib import Path

from services.domain.errors import SortieError, Unavailable, VenueRejected
from services.domain.orders import Purpose
from services.domain.states import InstructionState, TradeState
from services.missions.fire import Fired
from services.storage import instructions, orders
from tests.trading.between import VenueWithHappenings
from tests.trading.rig import Rig
from tests.trading.taps import fire
from tests.trading.test_races import CALM, Desk, open_trade, trade_of


def refusing(venue: VenueWithHappenings, error: SortieError) -> None:
    """Let the next write end with ``error`` before anything is sent."""

    async def refuse() -> None:
        raise error

    venue.before = refuse


async def states(rig: Rig, trade_id: str, purpose: Purpose) -> list[InstructionState]:
    found = await rig.read(lambda unit: instructions.of_trade(unit, trade_id))
    return [each.state for each in found if each.purpose is purpose]


async def test_an_entry_that_was_held_back_is_not_sent_and_nothing_is_in_doubt(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    async with desk.open() as rig:
        refusing(desk.venue, Unavailable("VENUE_BUDGET", lane="entry"))
        fired = await fire(rig)
        assert isinstance(fired, Fired)
        await rig.settle()

        trade = await trade_of(rig, fired.trade_id)
        assert (trade.state, trade.close_reason) == (TradeState.FAILED, "VENUE_BUDGET")
        assert await states(rig, trade.id, Purpose.ENTRY) == [InstructionState.REJECTED]


async def test_a_stop_turned_away_by_a_rate_limit_comes_again_and_closes_nothing(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    async with desk.open() as rig:
        trade = await open_trade(rig)
        refusing(desk.venue, VenueRejected("RATE_LIMITED"))
        await rig.trading.move_stop(rig.actor(), str(trade.number), "63500")
        for _ in range(6):
            rig.clock.advance(5)
            rig.quote(*CALM)
            await rig.trading.resolve.resolve_all()
            await rig.settle()

        after = await trade_of(rig, trade.id)
        working = [o for o in await rig.read(lambda unit: orders.of_trade(unit, trade.id)) if o.stop_price == after.stop]
        assert after.state is TradeState.OPEN and after.stop > trade.stop
        assert working and not await states(rig, trade.id, Purpose.CLOSE)
        assert (await states(rig, trade.id, Purpose.PROTECT))[-1] is InstructionState.ACCEPTED
