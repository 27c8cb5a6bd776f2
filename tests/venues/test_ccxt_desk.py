"""A whole trade of the desk at an exchange: fired, filled in parts, protected there, its target hit, its books right."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

from services.domain.buttons import Act
from services.domain.states import TradeState
from services.domain.trades import Terminal, TerminalMode, Trade
from services.storage import terminals, trades
from tests.trading.rig import ANN, START, HandClock, Rig, desk_at
from tests.trading.taps import fire
from tests.venues.sandbox_bench import Lost, SandboxBench, serving

D = Decimal


class OneClock(HandClock):
    """The desk's clock and the exchange's; waiting does not move it."""

    def forward(self, seconds: float) -> None:
        self.advance(seconds)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)


class ExchangeDesk:
    """A desk whose trader trades at the sandbox's exchange by default."""

    def __init__(self, rig: Rig, bench: SandboxBench) -> None:
        self.rig = rig
        self.bench = bench

    async def show(self, bid: str, ask: str, *, size: str = "100") -> None:
        await self.bench.show(bid, ask, size=size)
        self.rig.quote(bid, ask, size=size)
        await self.rig.settle()

    async def trade(self) -> Trade:
        (found,) = await self.rig.read(lambda unit: trades.tapped_since(unit, START))
        assert isinstance(found, Trade)
        return found

    def working(self) -> list[tuple[str, Decimal, Decimal]]:
        """Return what works at the exchange: type, what is left, and price or trigger."""
        orders = [each for each in self.bench.account.orders.values() if each.open]
        return sorted((o.ticket.type.value, o.remaining, o.ticket.stop_price or o.ticket.price) for o in orders)


def at_the_exchange(unit: Any) -> None:
    terminal = Terminal(
        id="exchange",
        name="exchange",
        venue="sandbox",
        mode=TerminalMode.TESTNET,
        owner_id=ANN,
        currency="USDT",
        can_short=False,
        active=True,
        reconciled_at=None,
        rank=1,
    )
    terminals.add(unit, terminal)


@asynccontextmanager
async def exchange() -> AsyncIterator[SandboxBench]:
    bench = SandboxBench({"USDT": D(10_000)}, OneClock(), first=6_399_999, step_decimals=5)
    async with serving(bench):
        await bench.show("63999.99", "64000.00", size="100")
        yield bench


@asynccontextmanager
async def desk(folder: Path, bench: SandboxBench, *, restart: bool = False) -> AsyncIterator[ExchangeDesk]:
    """Open a desk whose trader's account is at the exchange; opened again it is a restart."""
    account = {"base_url": bench.base_url, "api_key": bench.account.key, "secret": bench.account.secret, "streams": False}
    venues, named = {"binance": {}, "sandbox": account}, {"exchange": {"venue": "sandbox"}}
    clock = bench.clock
    assert isinstance(clock, OneClock)
    async with desk_at(folder, clock=clock, people_too=not restart, venues=venues, terminals=named) as rig:
        bench.venues.append(rig.trading.exchanges["sandbox"])
        bench.keep_time(rig.trading.exchanges["sandbox"])
        if not restart:
            await rig.trading.database.write(at_the_exchange)
        last = D(bench.source.prices[-1]) / 100
        rig.quote(str(last), str(last + D("0.01")))
        assert await rig.trading.sync.reconcile_all() == 0
        yield ExchangeDesk(rig, bench)


def each_written_once(bench: SandboxBench) -> bool:
    """Tell whether every order arrived with one request; a cancel names one that has already arrived."""
    puts = [name for each in bench.exchange.writes.writes if each.method == "POST" for name in each.client_ids]
    return len(puts) == len(set(puts))


async def test_a_trade_is_filled_protected_and_closed_by_its_targets_at_the_exchange(tmp_path: Path) -> None:
    async with exchange() as bench, desk(tmp_path, bench) as here:
        await fire(here.rig)
        await here.rig.settle()
        opened, protected = await here.trade(), here.working()
        await here.show("66000.00", "66000.01")
        first = here.working()
        await here.show("67500.00", "67500.01")
        closed, left = await here.trade(), here.working()
        differing = await here.rig.trading.sync.reconcile_all()
        balance = here.rig.trading.accounts.latest("exchange")

    assert (opened.terminal_id, opened.state) == ("exchange", TradeState.OPEN)
    assert [each[0] for each in protected] == ["LIMIT_MAKER", "LIMIT_MAKER", "STOP_LOSS", "STOP_LOSS"]
    assert sum(size for kind, size, _ in protected if kind == "STOP_LOSS") <= opened.entry_quantity
    assert [(kind, price) for kind, _, price in first] == [("LIMIT_MAKER", 67_500), ("STOP_LOSS", 63_000)]
    assert (closed.state, closed.close_reason, left) == (TradeState.CLOSED, "TARGET", [])
    assert each_written_once(bench)
    assert differing == 0
    assert balance is not None
    # The dust that the fee in base left over is still held, and valued at the middle of the last quote.
    assert balance.equity - 10_000 == closed.realized + (D("67500.005") - 64_000) * (closed.dust - D("0.00003754"))


async def test_a_thin_book_fills_in_part_and_only_that_is_protected(tmp_path: Path) -> None:
    async with exchange() as bench, desk(tmp_path, bench) as here:
        await here.show("63999.99", "64000.00", size="0.01")
        await fire(here.rig)
        await here.rig.settle()
        opened, protected = await here.trade(), here.working()

    held = bench.account.balance("BTC")
    assert opened.entry_quantity == D("0.01")
    assert held.free + held.locked == D("0.00999")
    assert sum(size for kind, size, _ in protected if kind == "STOP_LOSS") == D("0.00999")


async def test_a_gap_through_the_stops_closes_the_trade_where_the_market_is(tmp_path: Path) -> None:
    async with exchange() as bench, desk(tmp_path, bench) as here:
        await fire(here.rig)
        await here.rig.settle()
        await here.show("62500.00", "62500.01")
        closed, left = await here.trade(), here.working()

    assert (closed.state, closed.close_reason, left) == (TradeState.CLOSED, "STOP", [])
    assert closed.average_exit == 62_500


async def test_a_close_by_hand_frees_what_the_exits_hold_and_sells_it_once(tmp_path: Path) -> None:
    async with exchange() as bench, desk(tmp_path, bench) as here:
        await fire(here.rig)
        await here.rig.settle()
        opened = await here.trade()
        asked = await here.rig.trading.ask_close(here.rig.actor(), opened.id, D(1))
        await here.rig.trading.close(here.rig.actor(), asked.token.id, Act.CLOSE)
        for _ in range(3):
            await here.show("64100.00", "64100.01")
        closed, left = await here.trade(), here.working()

    sold = sum(each.quantity for each in bench.account.executions if not each.buyer)
    assert (closed.state, left) == (TradeState.CLOSED, [])
    assert sold == closed.exit_quantity
    assert each_written_once(bench)


async def test_a_trade_whose_replies_are_all_lost_is_the_same_trade(tmp_path: Path) -> None:
    async with exchange() as bench, desk(tmp_path, bench) as here:
        bench.lose = itertools.cycle(Lost)
        await fire(here.rig)
        await here.rig.settle()
        opened, protected = await here.trade(), here.working()
        await here.show("66000.00", "66000.01")
        await here.show("67500.00", "67500.01")
        closed, left = await here.trade(), here.working()
        differing = await here.rig.trading.sync.reconcile_all()

    assert opened.state is TradeState.OPEN
    assert len(protected) == 4
    assert (closed.state, closed.close_reason, left, differing) == (TradeState.CLOSED, "TARGET", [], 0)
    assert len(bench.account.orders) == 5
    assert each_written_once(bench)


async def test_after_a_restart_the_same_trade_goes_on(tmp_path: Path) -> None:
    async with exchange() as bench:
        async with desk(tmp_path, bench) as before:
            await fire(before.rig)
            await before.rig.settle()
        await bench.show("66000.00", "66000.01", size="100")
        async with desk(tmp_path, bench, restart=True) as after:
            await after.rig.settle()
            half, working = await after.trade(), after.working()
            await after.show("67500.00", "67500.01")
            closed = await after.trade()

    assert half.state is TradeState.OPEN
    assert half.exit_quantity == half.entry_quantity // D("0.00002") * D("0.00001") - D("0.00002")
    assert len(working) == 2
    assert (closed.state, closed.close_reason) == (TradeState.CLOSED, "TARGET")
    assert len(bench.account.orders) == 5
