"""Thin books, gaps and remainders: protection covers exactly what was filled, and nothing is left behind."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from services.domain.buttons import Act
from services.domain.money import ZERO, on_grid
from services.domain.orders import OrderSide, VenueOrder
from services.domain.signals import Side
from services.domain.states import OrderState, TradeState
from services.domain.trades import Trade
from services.missions.fire import Fired
from services.storage import desk, orders, outbox, terminals, trades
from tests.trading.rig import ANN, BTC, ETH, Rig, desk_at
from tests.trading.taps import confirm_token, fire

TERMINAL = f"paper-{ANN}"
SYMBOL = "BTC/USDT"


async def trade_of(rig: Rig, trade_id: str) -> Trade:
    found: Trade = await rig.read(lambda unit: trades.find(unit, trade_id))
    return found


async def working(rig: Rig) -> list[VenueOrder]:
    return list(await rig.trading.paper.open_orders(TERMINAL))


async def open_trade(rig: Rig, side: Side = Side.LONG) -> Trade:
    """Fire, fill and protect."""
    stop, targets = ("63000", ("66000", "67500")) if side is Side.LONG else ("65000", ("62000", "60500"))
    token = await confirm_token(rig, await rig.mission(side=side, stop=stop, targets=targets))
    fired = await rig.trading.fire(rig.actor(), token)
    assert isinstance(fired, Fired)
    await rig.settle()
    return await trade_of(rig, fired.trade_id)


async def close(rig: Rig, trade: Trade, share: str = "1") -> None:
    """Close by hand, both taps."""
    asked = await rig.trading.ask_close(rig.actor(), trade.id, Decimal(share))
    assert asked.token is not None
    await rig.trading.close(rig.actor(), asked.token.id, Act.CLOSE)
    await rig.settle()


async def exactly_protected(rig: Rig, trade: Trade) -> None:
    """Hold that the venue's stop and targets each cover what is open, and desk and venue agree on it."""
    placed = await working(rig)
    stops = [order.quantity - order.filled for order in placed if order.stop_price is not None]
    targets = [order.quantity - order.filled for order in placed if order.stop_price is None]
    assert stops == [trade.open_quantity]
    assert sum(targets, ZERO) == trade.open_quantity
    assert await rig.read(lambda unit: terminals.position(unit, TERMINAL, SYMBOL)) == trade.open_quantity * trade.side.sign
    assert await rig.trading.sync.reconcile_all() == 0


@pytest.mark.parametrize("size", ["0.0004", "0.00003", "0.002"])
async def test_an_entry_filled_in_part_is_protected_for_exactly_that_part(tmp_path: Path, size: str) -> None:
    async with desk_at(tmp_path) as rig:
        token = await confirm_token(rig)
        rig.quote("63999.99", "64000.01", size=size)
        fired = await rig.trading.fire(rig.actor(), token)
        assert isinstance(fired, Fired)
        await rig.settle()

        trade = await trade_of(rig, fired.trade_id)
        assert trade.state is TradeState.OPEN
        assert ZERO < trade.entry_quantity < trade.quantity
        assert await rig.read(lambda unit: len(orders.fills_of_trade(unit, trade.id))) > 1
        await exactly_protected(rig, trade)


async def test_nothing_on_offer_at_the_bound_price_cancels_the_trade_and_says_so(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        token = await confirm_token(rig)
        rig.quote("63999.99", "64000.01", size="0.000001")
        fired = await rig.trading.fire(rig.actor(), token)
        assert isinstance(fired, Fired)
        await rig.settle()

        trade = await trade_of(rig, fired.trade_id)
        assert (trade.state, trade.close_reason) == (TradeState.CANCELED, "NOT_FILLED")
        assert await working(rig) == []
        stale = await rig.read(lambda unit: outbox.stale_cards(unit, 100))
        assert f"trade:{trade.id}" in {card.key for card in stale if card.chat_id == ANN}


async def test_a_target_filled_in_part_leaves_the_stop_for_the_rest(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        trade = await open_trade(rig)
        rig.clock.advance(60)
        await rig.price("66100", "66100.02", size="0.0003")

        after = await trade_of(rig, trade.id)
        assert after.state is TradeState.OPEN
        assert ZERO < after.exit_quantity < trade.open_quantity / 2
        await exactly_protected(rig, after)


@pytest.mark.parametrize(("side", "bid", "ask"), [(Side.LONG, "60000", "60000.02"), (Side.SHORT, "67999.98", "68000")])
async def test_a_gap_over_the_stop_fills_beyond_it_and_closes_at_what_it_got(
    tmp_path: Path, side: Side, bid: str, ask: str
) -> None:
    async with desk_at(tmp_path) as rig:
        trade = await open_trade(rig, side)
        rig.clock.advance(60)
        await rig.price(bid, ask)

        after = await trade_of(rig, trade.id)
        r = after.r_multiple(after.realized)
        assert (after.state, after.close_reason) == (TradeState.CLOSED, "STOP")
        assert after.average_exit is not None
        assert (after.stop - after.average_exit) * side.sign > 2_000
        assert r is not None
        assert r < Decimal("-3.5")
        assert await working(rig) == []
        assert await rig.read(lambda unit: terminals.position(unit, TERMINAL, SYMBOL)) == 0


async def test_a_stop_in_a_thin_market_takes_what_there_is_until_it_is_done(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        trade = await open_trade(rig)
        for bid in ("62999", "62990", "62980", "62970"):
            rig.clock.advance(60)
            await rig.price(bid, f"{bid}.02", size="0.001")
            after = await trade_of(rig, trade.id)
            held = await rig.read(lambda unit: terminals.position(unit, TERMINAL, SYMBOL))
            assert held == after.open_quantity

        assert (after.state, after.close_reason) == (TradeState.CLOSED, "STOP")
        assert await working(rig) == []


async def coarse_desk(rig: Rig) -> None:
    """Let the venue take quantities from 0.001 on, in steps of 0.00001."""
    coarse = replace(BTC, min_quantity=Decimal("0.001"))
    rig.trading.instruments[SYMBOL] = coarse
    await rig.trading.database.write(
        # Another tick makes it a new snapshot of the universe.
        lambda unit: desk.save_universe(unit, (coarse, replace(ETH, tick=Decimal("0.02"))))
    )


async def close_all_but_dust(rig: Rig, trade: Trade) -> Trade:
    """Close by hand into a market that takes all but half of the least quantity."""
    levels = 10
    taken = trade.open_quantity - Decimal("0.0005")
    size = (taken / levels).quantize(BTC.step)
    rig.clock.advance(60)
    rig.quote("64000", "64000.02", size=str(size))
    asked = await rig.trading.ask_close(rig.actor(), trade.id, Decimal(1))
    assert asked.token is not None
    await rig.trading.close(rig.actor(), asked.token.id, Act.CLOSE)
    await rig.settle()
    return await trade_of(rig, trade.id)


async def test_a_remainder_too_small_for_the_venue_is_dust_and_leaves_no_order_behind(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        await coarse_desk(rig)
        trade = await close_all_but_dust(rig, await open_trade(rig))

        assert trade.state is TradeState.CLOSED
        assert ZERO < trade.dust < Decimal("0.001")
        assert trade.open_quantity == 0
        held = await rig.read(lambda unit: terminals.position(unit, TERMINAL, SYMBOL))
        assert held == trade.dust
        assert await working(rig) == []
        assert await rig.trading.sync.reconcile_all() == 0


async def test_what_dust_left_behind_does_not_touch_the_next_trade(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        await coarse_desk(rig)
        first = await close_all_but_dust(rig, await open_trade(rig))
        rig.clock.advance(60)
        rig.quote("63999.99", "64000.01")
        fired = await fire(rig)
        assert isinstance(fired, Fired)
        await rig.settle()

        second = await trade_of(rig, fired.trade_id)
        stops = [order for order in await working(rig) if order.stop_price is not None]
        assert [order.quantity for order in stops] == [second.open_quantity]
        held = await rig.read(lambda unit: terminals.position(unit, TERMINAL, SYMBOL))
        assert held == first.dust + second.open_quantity


async def test_every_order_of_a_trade_is_on_the_grid_and_closes_what_the_others_left(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        trade = await open_trade(rig)
        for share in ("0.5", "0.5", "0.5", "1"):
            rig.clock.advance(60)
            rig.quote("64000", "64000.02")
            await close(rig, await trade_of(rig, trade.id), share)

        after = await trade_of(rig, trade.id)
        placed = await rig.read(lambda unit: orders.of_trade(unit, trade.id))
        assert after.state is TradeState.CLOSED
        assert after.entry_quantity == after.exit_quantity
        assert all(on_grid(order.quantity, BTC.step) for order in placed)
        assert not [order for order in placed if order.state in (OrderState.ACCEPTED, OrderState.PARTIAL)]
        assert {order.side for order in placed} == {OrderSide.BUY, OrderSide.SELL}
