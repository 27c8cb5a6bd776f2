"""`sortie halt --cancel` and `--flatten`: with the desk running, down or hanging, its database locked, or a venue gone."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import sqlite3
from collections.abc import Sequence
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bot.lock import RunLock
from bot.shell_kill import ShellKill
from bot.system import SystemClock, SystemIds
from config.settings import Settings
from handlers.cli.kill import KillCommand
from services.domain.errors import Unavailable, VenueRejected
from services.domain.market import Instrument, Quote
from services.domain.money import Price, Quantity
from services.domain.orders import OrderSide, OrderType, VenueOrder, client_id
from services.domain.states import OrderState
from services.domain.trades import Terminal, TerminalMode
from services.operations.status import READY
from services.storage import desk, kills, terminals
from services.storage.counters import set_fact
from services.storage.database import Unit
from services.venues.paper import PaperVenue
from tests.trading.killing import one_round, open_trade, resting
from tests.trading.rig import ANN, BTC, TOM, HandClock, Rig, desk_at

EXCHANGE = "shelf"
PATIENCE_S = 15.0


class Market:
    """Prices for a shell, or none."""

    def __init__(self, *, silent: bool = False) -> None:
        self.silent = silent

    async def instruments(self, symbols: Sequence[str]) -> list[Instrument]:
        return [BTC]

    async def quotes(self, symbols: Sequence[str]) -> list[Quote]:
        if self.silent:
            raise Unavailable("MARKET")
        now = datetime.now(UTC)
        price, size = Price(Decimal(64_000)), Quantity(Decimal(100))
        return [
            Quote(symbol=each, bid=price, ask=price, bid_size=size, ask_size=size, feed_time=now, received_at=now)
            for each in symbols
        ]

    async def close(self) -> None:
        return


class Shelf:
    """An exchange with orders on it; ``stuck`` ones are not canceled."""

    name = EXCHANGE

    def __init__(self, *orders: VenueOrder, stuck: frozenset[str] = frozenset(), down: bool = False) -> None:
        self.orders = list(orders)
        self.stuck = stuck
        self.down = down
        self.opened: set[str] = set()

    async def open_account(self, account: str, currency: str, since: datetime | None = None) -> None:
        self.opened.add(account)

    async def open_orders(self, account: str) -> list[VenueOrder]:
        if self.down or account not in self.opened:
            raise Unavailable("VENUE_UNREACHABLE", venue=self.name)
        return list(self.orders)

    async def cancel(self, account: str, symbol: str, client_ids: Sequence[str]) -> list[VenueOrder]:
        if self.stuck & set(client_ids):
            raise VenueRejected("CANCEL_FILTER")
        self.orders = [order for order in self.orders if order.client_id not in client_ids]
        return []

    async def close(self) -> None:
        return

    @property
    def names(self) -> set[str | None]:
        return {order.client_id for order in self.orders}


def order(name: str, side: OrderSide = OrderSide.BUY) -> VenueOrder:
    return VenueOrder(
        client_id=name,
        venue_id=f"v-{name}",
        symbol=BTC.symbol,
        side=side,
        type=OrderType.LIMIT,
        quantity=Quantity(Decimal(1)),
        filled=Quantity(Decimal(0)),
        price=Price(Decimal(60_000)),
        stop_price=None,
        state=OrderState.ACCEPTED,
        list_id=None,
        updated_at=datetime.now(UTC),
    )


def ours() -> str:
    return client_id(SystemIds().instruction(), 0)


def settings_of(folder: Path, *, exchange: bool = False, patience_s: float = PATIENCE_S) -> Settings:
    groups: dict[str, Any] = {"killing": {"patience_s": patience_s, "retry_s": 0.3}, "database": {"busy_timeout_s": 0.3}}
    if exchange:
        venue = {"base_url": "http://127.0.0.1:9", "api_key": secrets.token_hex(8), "secret": secrets.token_hex(8)}
        groups |= {"venues": {"binance": {}, EXCHANGE: venue}, "terminals": {"ann-shelf": {"venue": EXCHANGE, "owner": ANN}}}
    return Settings(desk={"state_dir": folder}, **groups)  # type: ignore[arg-type]


async def halt(settings: Settings, *, flatten: bool = False, market: Market | None = None, shelf: Shelf | None = None) -> int:
    """Run the command as a shell does, with a loop and a thread of its own."""
    clock, ids = SystemClock(), SystemIds()
    worker = ShellKill(settings, clock, ids, market=market or Market(), exchange=lambda *_: shelf)  # type: ignore[arg-type, return-value]
    command = KillCommand(settings, clock, ids, worker, "on call", flatten=flatten)
    return await asyncio.to_thread(asyncio.run, command())


@asynccontextmanager
async def trading(folder: Path) -> Any:
    """Run a desk with a protected position and two entries that rest; time is the machine's when it ends."""
    async with desk_at(folder, clock=HandClock(datetime.now(UTC) - timedelta(seconds=30))) as rig:
        await open_trade(rig, ANN, "BTC/USDT")
        await resting(rig, ANN, "ETH/USDT")
        await resting(rig, TOM, "BTC/USDT")
        rig.clock.time = datetime.now(UTC)
        yield rig


async def lie_down(folder: Path) -> None:
    """Leave the files of a desk that died."""
    async with trading(folder):
        pass


async def at_venue(folder: Path) -> tuple[int, int]:
    """Return how many orders work in the paper book, and how many positions there are."""
    async with desk_at(folder, people_too=False) as rig:
        venue: PaperVenue = rig.trading.paper
        people = [f"paper-{person}" for person in (ANN, TOM)]
        orders = [each for account in people for each in await venue.open_orders(account)]
        return len(orders), sum([len(await venue.positions(account)) for account in people])


async def test_with_the_desk_down_the_shell_takes_every_entry_off_and_protection_stays(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await lie_down(tmp_path)
    assert await at_venue(tmp_path) == (5, 1)

    assert await halt(settings_of(tmp_path)) == 0

    said = capsys.readouterr().out
    assert "2 of 2 entries gone" in said and "done: no entry is left; protection stays" in said
    assert await at_venue(tmp_path) == (3, 1)


async def test_with_the_desk_down_the_shell_flattens_at_prices_of_its_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await lie_down(tmp_path)

    assert await halt(settings_of(tmp_path), flatten=True) == 0

    assert "done: no entry is left, and no position" in capsys.readouterr().out
    assert await at_venue(tmp_path) == (0, 0)


async def test_what_cannot_be_sold_or_reached_is_named_and_the_rest_is_done(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with trading(tmp_path) as rig:
        await rig.trading.database.write(_terminal_elsewhere)

    assert await halt(settings_of(tmp_path, patience_s=1.5), flatten=True, market=Market(silent=True)) == 1

    said = capsys.readouterr()
    assert "2 of 2 entries gone" in said.out
    assert "left: ann-shelf: the venue does not answer" in said.err and "left: ann-paper trade 1" in said.err


def _terminal_elsewhere(unit: Unit) -> None:
    """Give Ann a terminal at a venue that the settings need not know."""
    gone = Terminal(
        id="ann-shelf",
        name="ann-shelf",
        venue=EXCHANGE,
        mode=TerminalMode.TESTNET,
        owner_id=ANN,
        currency="USDT",
        can_short=False,
        active=True,
        reconciled_at=None,
    )
    terminals.add(unit, gone)


async def test_beside_a_running_desk_it_watches_that_desk_do_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with trading(tmp_path) as rig:
        lock = RunLock(tmp_path, rig.clock.now())
        lock.take()
        try:
            command = asyncio.create_task(halt(settings_of(tmp_path)))
            while not command.done():
                await one_round(rig)
                await asyncio.sleep(0.05)
            assert await command == 0
        finally:
            lock.release()

    said = capsys.readouterr().out
    assert f"a desk runs here, process {os.getpid()}" in said and "done: no entry is left" in said
    assert await at_venue(tmp_path) == (3, 1)


async def hang(rig: Rig) -> None:
    """Leave a desk that was ready and whose stages are silent."""
    late = datetime.now(UTC) - timedelta(seconds=60)
    rows = {name: {"last_success": late, "detail": "", "period_s": 10} for name in ("executor", "kill")}

    def body(unit: Unit) -> None:
        set_fact(unit, READY, json.dumps({"pid": os.getpid(), "at": late.isoformat()}))
        desk.save_stages(unit, rows)

    await rig.trading.database.write(body)


async def entry_names(rig: Rig) -> list[str]:
    found = [each for person in (ANN, TOM) for each in await rig.trading.paper.open_orders(f"paper-{person}")]
    return [str(each.client_id) for each in found if each.price == Price(Decimal(63_800))]


async def test_past_a_desk_that_hangs_entries_are_cancelled_at_the_exchange_by_the_books(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with trading(tmp_path) as rig:
        await hang(rig)
        await rig.trading.database.write(_terminal_elsewhere)
        known = (await entry_names(rig))[0]
        shelf = Shelf(order(known), order("mine-by-hand"), order(ours()))
        lock = RunLock(tmp_path, rig.clock.now())
        lock.take()
        try:
            assert await halt(settings_of(tmp_path, exchange=True), flatten=True, shelf=shelf) == 1
        finally:
            lock.release()
        (told,) = [row for row in await rig.read(lambda unit: desk.journal_after(unit, 0, 10_000)) if row.kind == "kill.direct"]
        kill = await rig.read(kills.newest)

    said = capsys.readouterr()
    assert "the desk hangs: executor, kill show no life" in said.err
    assert f"positions are not sold: kill -9 {os.getpid()}, then sortie halt --flatten" in said.err
    assert known not in shelf.names and len(shelf.names) == 2, "what the books do not know is left alone"
    assert known in told.facts and kill.running


@pytest.mark.parametrize("flatten", [False, True], ids=["cancel", "flatten"])
async def test_with_the_database_locked_the_wish_goes_into_the_file_and_entries_go_by_their_looks(
    tmp_path: Path, flatten: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    await lie_down(tmp_path)
    ids = [ours(), ours()]
    sells, foreign, stuck = order(ours(), OrderSide.SELL), order("x-0001-by-hand"), order(ours())
    shelf = Shelf(*map(order, ids), sells, foreign, stuck, stuck=frozenset({str(stuck.client_id)}))
    with closing(sqlite3.connect(tmp_path / "sortie.db", isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        assert await halt(settings_of(tmp_path, exchange=True), flatten=flatten, shelf=shelf) == 1

    wish = json.loads((tmp_path / "HALT").read_text(encoding="utf-8"))
    assert (wish["cancel"], wish["flatten"]) == (True, flatten)
    assert shelf.names == {sells.client_id, foreign.client_id, stuck.client_id}
    said = capsys.readouterr()
    assert "ann-shelf: entries cancelled: 2" in said.out
    assert f"left: ann-shelf {stuck.client_id}" in said.err and "CANCEL_FILTER" in said.err


async def test_an_exchange_that_is_out_of_reach_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "sortie.db").write_bytes(b"garbage" * 1000)

    assert await halt(settings_of(tmp_path, exchange=True), shelf=Shelf(down=True)) == 1

    assert "left: ann-shelf: the venue does not answer" in capsys.readouterr().err
    assert (tmp_path / "HALT").exists()
