"""One trade from the first tap to the result, without a chat."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from services.domain.buttons import Act
from services.domain.orders import OrderRole
from services.domain.states import OrderState, TradeState
from services.missions.fire import AlreadyFired, Fired
from services.storage import orders, previews, terminals, trades
from tests.trading.rig import ANN, Rig, desk_at


async def fire(rig: Rig, size: str = "full") -> str:
    mission = await rig.mission()
    await rig.trading.preview(rig.actor(), mission.id, size=size)
    preview = await rig.read(lambda unit: previews.find(unit, mission.id, ANN))
    assert preview.token_id is not None, preview.checks
    fired = await rig.trading.fire(rig.actor(), preview.token_id)
    assert isinstance(fired, Fired)
    await rig.settle()
    return fired.trade_id


async def test_confirmed_trade_is_filled_and_protected_at_the_venue(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        trade_id = await fire(rig)

        trade = await rig.read(lambda unit: trades.find(unit, trade_id))
        placed = await rig.read(lambda unit: orders.live(unit, trade_id=trade_id))
        assert trade.state is TradeState.OPEN
        assert trade.entry_quantity == trade.quantity
        assert {order.role for order in placed} == {OrderRole.STOP, OrderRole.TARGET}
        assert sum(o.quantity for o in placed if o.role is OrderRole.STOP) == trade.quantity
        assert sum(o.quantity for o in placed if o.role is OrderRole.TARGET) == trade.quantity
        held = await rig.read(lambda unit: terminals.position(unit, trade.terminal_id, "BTC/USDT"))
        assert held == trade.quantity


async def test_targets_take_the_profit_and_the_trade_closes(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        trade_id = await fire(rig)
        rig.clock.advance(60)
        await rig.price("66100", "66100.02")
        half = await rig.read(lambda unit: trades.find(unit, trade_id))
        rig.clock.advance(60)
        await rig.price("67600", "67600.02")

        trade = await rig.read(lambda unit: trades.find(unit, trade_id))
        assert 0 < half.open_quantity < half.entry_quantity
        assert trade.state is TradeState.CLOSED
        assert trade.close_reason == "TARGET"
        assert trade.realized > 0
        assert trade.r_multiple(trade.realized) > Decimal("1.9")


async def test_the_stop_closes_at_a_loss_of_about_one_r(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        trade_id = await fire(rig)
        rig.clock.advance(60)
        await rig.price("62999", "62999.02")

        trade = await rig.read(lambda unit: trades.find(unit, trade_id))
        assert trade.state is TradeState.CLOSED
        assert trade.close_reason == "STOP"
        assert Decimal("-1.3") < trade.r_multiple(trade.realized) < Decimal("-1")


async def test_half_close_shrinks_the_protection_and_the_rest_closes(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        trade_id = await fire(rig)
        asked = await rig.trading.ask_close(rig.actor(), trade_id, Decimal("0.5"))
        await rig.trading.close(rig.actor(), asked.token.id, Act.CLOSE)
        await rig.settle()

        trade = await rig.read(lambda unit: trades.find(unit, trade_id))
        placed = await rig.read(lambda unit: orders.live(unit, trade_id=trade_id))
        assert trade.state is TradeState.OPEN
        assert [o.quantity for o in placed if o.role is OrderRole.STOP] == [trade.open_quantity]

        asked = await rig.trading.ask_close(rig.actor(), trade_id, Decimal(1))
        await rig.trading.close(rig.actor(), asked.token.id, Act.CLOSE)
        await rig.settle()
        trade = await rig.read(lambda unit: trades.find(unit, trade_id))
        assert trade.state is TradeState.CLOSED
        assert await rig.read(lambda unit: orders.live(unit, trade_id=trade_id)) == []


async def test_break_even_moves_the_stop_at_the_venue(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        trade_id = await fire(rig)
        await rig.price("65000", "65000.02")
        await rig.trading.move_stop(rig.actor(), trade_id, "be")
        await rig.settle()

        trade = await rig.read(lambda unit: trades.find(unit, trade_id))
        placed = await rig.read(lambda unit: orders.live(unit, trade_id=trade_id))
        assert trade.stop > trade.average_entry
        assert [o.stop_price for o in placed if o.role is OrderRole.STOP] == [trade.stop]


async def test_a_second_press_of_the_same_button_changes_nothing(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        mission = await rig.mission()
        await rig.trading.preview(rig.actor(), mission.id)
        preview = await rig.read(lambda unit: previews.find(unit, mission.id, ANN))
        first = await rig.trading.fire(rig.actor(), preview.token_id)
        second = await rig.trading.fire(rig.actor(), preview.token_id)

        assert isinstance(first, Fired)
        assert isinstance(second, AlreadyFired)
        assert len(await rig.read(lambda unit: trades.live(unit))) == 1


async def test_a_target_reached_after_a_half_close_is_not_placed_again(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        trade_id = await fire(rig)
        asked = await rig.trading.ask_close(rig.actor(), trade_id, Decimal("0.5"))
        await rig.trading.close(rig.actor(), asked.token.id, Act.CLOSE)
        await rig.settle()
        rig.clock.advance(60)
        await rig.price("66100", "66100.02")
        await rig.price("66200", "66200.02")

        placed = await rig.read(lambda unit: orders.of_trade(unit, trade_id))
        trade = await rig.read(lambda unit: trades.find(unit, trade_id))
        reached = [o for o in placed if o.role is OrderRole.TARGET and o.filled > 0]
        assert len(reached) == 1
        assert trade.open_quantity == trade.entry_quantity - trade.entry_quantity / 2 - reached[0].filled
        working = [o for o in placed if o.role is OrderRole.TARGET and o.state is OrderState.ACCEPTED]
        assert [(o.price, o.quantity) for o in working] == [(Decimal("67500"), trade.open_quantity)]
