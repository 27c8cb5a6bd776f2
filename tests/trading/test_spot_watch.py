"""What the desk does itself where the venue cannot: targets and stops that it watches, and stops that cannot stand."""

from __future__ import annotations

from decimal import Decimal
from functools import partial
from pathlib import Path

import pytest

from services.domain.money import Price
from services.domain.orders import Instruction, OrderSide, OrderType, Purpose
from services.domain.ports import Venue
from services.domain.states import TradeState
from services.storage import instructions
from services.storage.database import Unit
from tests.crash.faulty import Fault, FaultyVenue
from tests.trading.spot_desk import spot_desk
from tests.trading.spot_venue import LONE, STOPLESS


def failing(faults: list[Fault], venue: Venue) -> Venue:
    """Put a line before the exchange on which the faults happen, the last one first."""
    line: Venue = FaultyVenue(venue, lambda: faults.pop() if faults else Fault.NONE)  # type: ignore[assignment]
    return line


async def test_a_target_that_cannot_rest_is_taken_by_the_desk_at_its_price_or_better(tmp_path: Path) -> None:
    async with spot_desk(tmp_path, LONE) as desk:
        trade = await desk.open()
        await desk.price("66000")
        left = await desk.trade()
        sale = desk.spot.ledger.fills[-1]

        assert (sale.side, sale.price) == (OrderSide.SELL, Price(Decimal(66000)))
        assert abs(left.open_quantity - trade.quantity / 2) < Decimal("0.00001")
        assert desk.exits() == {None: left.open_quantity}
        assert desk.stops() == {"63000"}
        await desk.price("67600")
        closed = await desk.trade()
        assert (closed.state, closed.close_reason) == (TradeState.CLOSED, "TARGET")
        assert desk.sold == trade.quantity
        assert desk.spot.ledger.overdrawn == []


async def test_a_watched_target_survives_a_restart_and_is_not_taken_twice(tmp_path: Path) -> None:
    async with spot_desk(tmp_path, LONE) as before:
        await before.open()
        await before.price("66000")
        sold = before.sold
    async with spot_desk(tmp_path, LONE, again=before) as desk:
        await desk.price("66100")
        assert desk.sold == sold

        await desk.price("67500")

        assert (await desk.trade()).state is TradeState.CLOSED


async def test_a_target_that_slips_away_before_the_sale_leaves_everything_protected(tmp_path: Path) -> None:
    async with spot_desk(tmp_path, LONE) as desk:
        trade = await desk.open()
        desk.spot.price("66000")
        desk.rig.quote("66000", "66000")
        await desk.watch()
        desk.spot.price("65900")
        await desk.rest()

        left = await desk.trade()
        assert (left.open_quantity, left.closing, left.closing_at) == (trade.quantity, None, None)
        assert desk.exits() == {None: trade.quantity}


async def test_a_target_that_the_venue_does_not_take_is_not_tried_every_second(tmp_path: Path) -> None:
    async with spot_desk(tmp_path, LONE) as desk:
        trade = await desk.open()
        desk.spot.price("65900")
        tried = []
        for _ in range(120):
            desk.rig.clock.advance(1)
            desk.rig.quote("66000", "66000")
            await desk.watch()
            await desk.rest()
            tried = await desk.rig.read(lambda unit: _closes(unit, trade.id))
        assert 2 <= len(tried) <= 20
        assert desk.exits() == {None: trade.quantity}

        desk.rig.clock.advance(60)
        await desk.price("66000")

        assert desk.sold > 0


def _closes(unit: Unit, trade_id: str) -> list[Instruction]:
    return [each for each in instructions.of_trade(unit, trade_id) if each.purpose is Purpose.CLOSE]


async def test_a_venue_without_stops_is_said_so_and_the_desk_sells(tmp_path: Path) -> None:
    async with spot_desk(tmp_path, STOPLESS) as desk:
        trade = await desk.open()
        assert desk.groups() == []
        assert await desk.alarms() == ["STOP_WATCHED"]

        await desk.price("62990")

        assert (await desk.trade()).state is TradeState.CLOSED
        assert desk.sold == trade.quantity


async def test_nothing_is_sold_on_an_old_price(tmp_path: Path) -> None:
    async with spot_desk(tmp_path, STOPLESS) as desk:
        await desk.open()
        desk.spot.price("62990")
        for _ in range(40):
            await desk.second(quoted=False)
        assert desk.sold == 0
        assert await desk.alarms() == ["STOP_WATCHED", "WATCH_STALE"]

        await desk.price("62990")

        assert (await desk.trade()).state is TradeState.CLOSED


@pytest.mark.parametrize("answer", ["close", "watch", "alert"])
async def test_a_stop_that_the_venue_refuses_is_answered_as_configured(tmp_path: Path, answer: str) -> None:
    async with spot_desk(tmp_path, LONE, protection={"on_failure": answer}) as desk:
        desk.spot.refuses = {OrderType.STOP: "PRICE_FILTER"}
        trade = await desk.open()
        assert (await desk.alarms())[0] == "STOP_NOT_PLACED"
        assert (await desk.trade()).state is (TradeState.CLOSED if answer == "close" else TradeState.OPEN)

        await desk.price("62990")

        ends = TradeState.OPEN if answer == "alert" else TradeState.CLOSED
        assert (await desk.trade()).state is ends
        assert desk.sold == (0 if answer == "alert" else trade.quantity)


async def test_a_refused_pair_becomes_a_stop_alone_and_its_target_is_watched(tmp_path: Path) -> None:
    async with spot_desk(tmp_path) as desk:
        desk.spot.refuses_lists = "PRICES_WRONG"
        trade = await desk.open()
        assert desk.exits() == {None: trade.quantity}
        assert await desk.alarms() == []

        desk.spot.refuses_lists = ""
        await desk.price("66000")
        left = await desk.trade()

        assert abs(left.open_quantity - trade.quantity / 2) < Decimal("0.00001")
        assert sum(desk.exits().values()) == left.open_quantity
        assert desk.stops() == {"63000"}


async def test_a_stop_that_does_not_execute_is_alarmed_and_answered(tmp_path: Path) -> None:
    async with spot_desk(tmp_path) as desk:
        trade = await desk.open()
        desk.spot.ledger.bid = Price(Decimal(62_900))
        for _ in range(8):
            await desk.second()
        await desk.rest()

        assert "STOP_LATE" in await desk.alarms()
        assert (await desk.trade()).state is TradeState.CLOSED
        assert desk.sold == trade.quantity


async def test_a_close_that_never_arrives_is_sent_anew(tmp_path: Path) -> None:
    faults: list[Fault] = []
    async with spot_desk(tmp_path, over=partial(failing, faults)) as desk:
        trade = await desk.open()
        faults.extend([Fault.NEVER, Fault.NONE, Fault.NONE])
        await desk.close("1")

        assert (await desk.trade()).state is TradeState.CLOSED
        assert desk.sold == trade.quantity
        assert await desk.alarms() == []


async def test_a_close_that_is_refused_again_and_again_is_alarmed_and_the_stop_is_back(tmp_path: Path) -> None:
    async with spot_desk(tmp_path) as desk:
        trade = await desk.open()
        desk.spot.refuses = {OrderType.MARKET: "MARKET_CLOSED"}
        await desk.close("1")

        left = await desk.trade()
        assert (left.state, left.closing) == (TradeState.OPEN, None)
        assert await desk.alarms() == ["CLOSE_REJECTED"]
        assert sum(desk.exits().values()) == trade.quantity
        assert desk.stops() == {"63000"}


async def test_a_position_that_stands_bare_for_long_is_alarmed(tmp_path: Path) -> None:
    faults: list[Fault] = []
    async with spot_desk(tmp_path, over=partial(failing, faults)) as desk:
        await desk.open()
        await desk.price("65000")
        target = next(o for o in desk.spot.working() if o.price == Decimal(66000))
        await desk.rig.trading.move_stop(desk.rig.actor(), "1", "64500")
        desk.spot.hidden = {f"f-{len(desk.spot.ledger.fills) + 1}"}
        desk.spot.execute(target.client_id or "", "0.001")
        for _ in range(15):
            await desk.second()
        assert await desk.alarms() == ["POSITION_BARE"]

        desk.spot.hidden = set()
        await desk.rest()

        assert desk.stops() == {"64500"}
        covered = await desk.journal("position.covered")
        assert len(covered) == 1
        assert int(covered[0]["milliseconds"]) > 10_000
