"""Protection, closes and stop moves at an exchange whose exits hold what they would sell."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from services.domain.money import ZERO, truncate_to
from services.domain.states import OrderState, TradeState
from tests.trading.rig import BTC
from tests.trading.spot_desk import spot_desk
from tests.trading.spot_venue import LONE, PAIRS

HALF = Decimal("0.5")
SHAPES = pytest.mark.parametrize("capabilities", [PAIRS, LONE], ids=["pairs", "lone"])


async def test_each_target_rests_beside_a_stop_of_its_size(tmp_path: Path) -> None:
    async with spot_desk(tmp_path) as desk:
        trade = await desk.open()

        half = truncate_to(trade.quantity / 2, BTC.step)
        assert desk.exits() == {"66000": half, "67500": trade.quantity - half}
        assert desk.stops() == {"63000"}
        assert desk.spot.locked == desk.spot.held == trade.open_quantity
        assert trade.bare_since is None


async def test_a_venue_without_lists_holds_one_stop_for_all(tmp_path: Path) -> None:
    async with spot_desk(tmp_path, LONE) as desk:
        trade = await desk.open()

        assert desk.exits() == {None: trade.quantity}
        assert desk.stops() == {"63000"}


async def test_a_fee_in_coins_leaves_less_to_protect_and_the_rest_is_dust(tmp_path: Path) -> None:
    async with spot_desk(tmp_path, base_fee="0.001") as desk:
        trade = await desk.open()
        assert trade.open_quantity > desk.spot.held >= sum(desk.exits().values()) > desk.spot.held - Decimal("0.00001")

        await desk.price("62999")
        closed = await desk.trade()

        assert (closed.state, closed.close_reason, closed.open_quantity) == (TradeState.CLOSED, "STOP", 0)
        assert desk.spot.held < Decimal("0.00001")
        assert await desk.rig.trading.sync.reconcile_all() == 0


async def test_the_stop_sells_everything_once(tmp_path: Path) -> None:
    async with spot_desk(tmp_path) as desk:
        trade = await desk.open()
        await desk.price("62999")
        closed = await desk.trade()

        assert (closed.state, closed.close_reason) == (TradeState.CLOSED, "STOP")
        assert desk.sold == trade.quantity
        assert desk.groups() == []


async def test_a_target_takes_its_share_and_the_other_keeps_its_stop(tmp_path: Path) -> None:
    async with spot_desk(tmp_path) as desk:
        trade = await desk.open()
        writes = len(desk.spot.ledger.writes)
        await desk.price("66000")

        assert desk.exits() == {"67500": trade.quantity - truncate_to(trade.quantity / 2, BTC.step)}
        assert desk.stops() == {"63000"}
        assert len(desk.spot.ledger.writes) == writes
        await desk.price("67500")
        closed = await desk.trade()
        assert (closed.state, closed.close_reason) == (TradeState.CLOSED, "TARGET")


@pytest.mark.parametrize("shrinks", [True, False], ids=["the-stop-shrinks", "the-stop-ends"])
async def test_a_part_filled_target_leaves_the_rest_with_its_stop(tmp_path: Path, shrinks: bool) -> None:
    async with spot_desk(tmp_path, shrinks=shrinks) as desk:
        trade = await desk.open()
        target = next(o for o in desk.spot.working() if o.price == Decimal(66000))
        desk.spot.execute(target.client_id or "", "0.001")
        await desk.rest()

        left = trade.quantity - Decimal("0.001")
        assert sum(desk.exits().values()) == desk.spot.held == left
        assert desk.stops() == {"63000"}
        assert desk.spot.ledger.overdrawn == []


@SHAPES
async def test_half_a_close_takes_exits_away_sells_and_protects_the_rest(tmp_path: Path, capabilities: object) -> None:
    async with spot_desk(tmp_path, capabilities) as desk:  # type: ignore[arg-type]
        trade = await desk.open()
        await desk.close("0.5")
        left = await desk.trade()

        assert left.state is TradeState.OPEN
        assert left.closing is None
        assert left.exit_quantity == desk.sold
        assert abs(left.open_quantity - trade.quantity * HALF) < Decimal("0.00001")
        assert sum(desk.exits().values()) == desk.spot.held == left.open_quantity
        assert desk.stops() == {"63000"}
        assert desk.spot.ledger.overdrawn == []


@SHAPES
async def test_a_full_close_leaves_nothing_and_says_how_long_it_stood_bare(tmp_path: Path, capabilities: object) -> None:
    async with spot_desk(tmp_path, capabilities) as desk:  # type: ignore[arg-type]
        await desk.open()
        await desk.close("1")
        closed = await desk.trade()

        assert (closed.state, closed.close_reason, closed.bare_since) == (TradeState.CLOSED, "CLOSE", None)
        assert desk.spot.held == 0
        assert desk.groups() == []
        assert len(await desk.journal("position.bare")) == len(await desk.journal("position.covered")) == 1
        assert desk.spot.ledger.overdrawn == []


@SHAPES
async def test_a_moved_stop_is_placed_anew_for_everything(tmp_path: Path, capabilities: object) -> None:
    async with spot_desk(tmp_path, capabilities) as desk:  # type: ignore[arg-type]
        trade = await desk.open()
        await desk.price("65000")
        await desk.rig.trading.move_stop(desk.rig.actor(), "1", "64500")
        await desk.rest()

        assert desk.stops() == {"64500"}
        assert sum(desk.exits().values()) == trade.quantity
        assert (await desk.trade()).bare_since is None
        assert desk.spot.ledger.overdrawn == []


async def test_a_close_whose_exit_is_executed_meanwhile_sells_only_what_is_left(tmp_path: Path) -> None:
    async with spot_desk(tmp_path) as desk:
        trade = await desk.open()
        await desk.tap_close("1")
        desk.spot.price("66000")
        await desk.rest()

        closed = await desk.trade()
        assert closed.state is TradeState.CLOSED
        assert desk.sold == trade.quantity
        assert desk.spot.ledger.overdrawn == []


async def test_a_late_fill_of_a_canceled_exit_is_waited_for_before_anything_is_sold(tmp_path: Path) -> None:
    async with spot_desk(tmp_path) as desk:
        await desk.open()
        target = next(o for o in desk.spot.working() if o.price == Decimal(66000))
        desk.spot.execute(target.client_id or "", "0.001")
        desk.spot.hidden = {desk.spot.ledger.fills[-1].venue_fill_id}
        await desk.tap_close("1")
        for _ in range(5):
            await desk.rig.step()
        assert desk.sold == Decimal("0.001")
        assert all(order.state is not OrderState.FILLED for order in desk.spot.ledger.orders.values() if order.filled < 1e-3)

        desk.spot.hidden = set()
        await desk.rest()

        assert (await desk.trade()).state is TradeState.CLOSED
        assert desk.spot.held == ZERO
