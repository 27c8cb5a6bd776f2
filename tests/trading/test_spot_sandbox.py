"""A whole trade through ccxt at the sandbox's exchange: pairs, a half close, a moved stop, a target and the stop."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from pathlib import Path

import pytest

from services.domain.buttons import Act
from services.domain.money import ZERO, truncate_to
from services.domain.states import TradeState
from services.domain.trades import Trade
from services.storage import terminals, trades
from tests.trading.rig import ANN, BTC, HandClock, Rig, desk_at
from tests.trading.taps import fire
from tests.venues.sandbox_bench import Lost, SandboxBench, serving

TERMINAL = f"paper-{ANN}"
ROUNDS = 14


class SharedHand(HandClock):
    """The desk's and the exchange's time; who sleeps only lets others run."""

    def forward(self, seconds: float) -> None:
        self.advance(seconds)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)


@dataclass
class AtExchange:
    """Ann's desk and the exchange behind it."""

    rig: Rig
    bench: SandboxBench
    tick: float = 0.01

    async def price(self, bid: str) -> None:
        """Show a price to the exchange and the desk, and let both work."""
        ask = str(Decimal(bid) + Decimal("0.02"))
        await self.bench.show(bid, ask)
        for _ in range(ROUNDS):
            # One price for the desk and for the account's value.
            self.bench.board.quotes[BTC.symbol] = self.rig.quote(bid, ask)
            await self.rig.step()
            self.rig.clock.advance(self.tick)

    async def trade(self) -> Trade:
        """Return the trade as it stands."""
        found: Trade = await self.rig.read(lambda unit: trades.by_number(unit, 1))
        return found

    async def exits(self) -> list[tuple[Decimal, Decimal | None]]:
        """Return the size and the price of what works at the exchange, a stop's trigger for its price."""
        working = await self.bench.venue.open_orders(TERMINAL)
        return sorted((order.quantity - order.filled, order.stop_price or order.price) for order in working)

    async def covered(self) -> bool:
        """Tell whether stops at the trade's price cover what is held, but for what the grid leaves."""
        trade, working = await self.trade(), await self.bench.venue.open_orders(TERMINAL)
        stops = sum((order.quantity for order in working if order.stop_price == trade.stop), ZERO)
        held = sum((each.quantity for each in await self.bench.venue.positions(TERMINAL)), ZERO)
        return stops == truncate_to(held, BTC.step) > 0


@asynccontextmanager
async def at_exchange(folder: Path, *, tick: float = 0.01) -> AsyncIterator[AtExchange]:
    """Open a desk whose terminal is an account at the exchange; buying costs coins."""
    clock = SharedHand()
    bench = SandboxBench({"USDT": Decimal(100_000)}, clock, first=6_400_000, step_decimals=5)
    async with serving(bench):
        bench.venue = bench.another_venue()
        async with desk_at(folder, clock=clock, wrap=lambda _paper: bench.venue) as rig:
            desk = AtExchange(rig, bench, tick)
            await desk.price("64000.00")
            yield desk


async def close(desk: AtExchange, share: str) -> None:
    """Close a share of the trade."""
    asked = await desk.rig.trading.ask_close(desk.rig.actor(), "1", Decimal(share))
    assert asked.token is not None
    await desk.rig.trading.close(desk.rig.actor(), asked.token.id, Act.CLOSE)


async def test_a_whole_trade_at_the_exchange(tmp_path: Path) -> None:
    async with at_exchange(tmp_path) as desk:
        await fire(desk.rig)
        await desk.price("64000.00")
        bought = (await desk.trade()).entry_quantity
        assert await desk.covered()
        assert {price for _, price in await desk.exits()} == {Decimal(63_000), Decimal(66_000), Decimal(67_500)}

        await close(desk, "0.5")
        await desk.price("65000.00")
        assert abs((await desk.trade()).open_quantity - bought / 2) <= BTC.step
        assert await desk.covered()

        await desk.rig.trading.move_stop(desk.rig.actor(), "1", "64500")
        await desk.price("65000.00")
        assert await desk.covered()
        assert (await desk.trade()).stop == Decimal(64_500)

        await desk.price("66010.00")
        await desk.price("66010.00")
        assert await desk.covered()
        assert {price for _, price in await desk.exits()} == {Decimal(64_500), Decimal(67_500)}

        await desk.price("64400.00")
        await desk.price("64400.00")
        closed = await desk.trade()
        assert (closed.state, closed.close_reason) == (TradeState.CLOSED, "STOP")
        assert await desk.exits() == []
        terminal = await desk.rig.read(partial(terminals.find, terminal_id=TERMINAL))
        assert await desk.rig.trading.sync.reconcile(terminal)


@pytest.mark.parametrize("how", list(Lost), ids=lambda each: each.value)
async def test_every_lost_reply_on_the_way_leads_to_the_same_end(tmp_path: Path, how: Lost) -> None:
    async with at_exchange(tmp_path, tick=1) as desk:
        await fire(desk.rig)
        await desk.price("64000.00")
        bought = (await desk.trade()).entry_quantity
        desk.bench.lose = itertools.cycle([how, None])
        await close(desk, "0.5")
        await desk.price("65000.00")
        await desk.price("65000.00")

        left = await desk.trade()
        assert (left.state, left.closing) == (TradeState.OPEN, None)
        assert abs(left.open_quantity - bought / 2) <= BTC.step
        assert await desk.covered()
