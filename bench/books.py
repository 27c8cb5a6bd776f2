"""How fast the desk's books follow a venue: fills booked a second, and one comparison of an account with many orders.

The trading side runs in this process over its own files, built as `sortie run` builds it. One trader fires at the paper venue,
once for each of many instruments; the venue executes before the desk looks, so that one look finds every fill.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path

from bench.figures import Figure, Measured, middle, spread
from bench.plan import Plan
from bench.programs import BenchError
from bot.logging import close_logging, configure_logging
from bot.nursery import TaskNursery
from bot.system import StageWakeups, SystemClock, SystemIds
from bot.wiring import Outside, Trading, build_market, build_trading
from config.groups import DeskSettings, PaperSettings, RiskSettings
from config.settings import Settings
from migrations.api import upgrade
from services.access.roles import RoleBook
from services.domain.market import Instrument, Quote
from services.domain.money import Price, Quantity
from services.domain.people import Actor, Role
from services.domain.signals import Mission, Side, Signal, targets_of
from services.domain.trades import Terminal
from services.missions.fire import Fired
from services.operations.stages import Stages
from services.storage import desk, missions, orders, previews, terminals
from services.storage.database import Unit
from services.storage.desk import Lease

TRADER = 1001
ORDERS_A_TRADE = 2
PASSES = 5
LEASE_S = 600.0
JOBS_S = 60.0
QUOTES_EVERY = 20
PRICE = Decimal(100)
PAPER = PaperSettings(latency_ms=0, start_balance=Decimal(10_000_000))
RISK = RiskSettings(open_positions=1000, default_per_trade=Decimal("0.0002"), confirm_s=3600, daily_loss=Decimal("0.5"))


async def measure(plan: Plan, folder: Path) -> Measured:
    """Book the fills of one look, then compare the account a few times."""
    symbols = [f"C{number:03d}/USDT" for number in range(plan.book_orders // ORDERS_A_TRADE)]
    async with _trading(folder, symbols) as books:
        await books.fire_all()
        booked_s, booked_cpu_s = await _timed(books.look)
        await books.send_all()
        await books.look()
        working = await books.working()
        if working != plan.book_orders:
            raise BenchError(f"{working} exits work where {plan.book_orders} should")
        passes = [await _timed(books.reconcile) for _ in range(PASSES)]
    figures = [
        Figure(name=f"Fills booked a second, {len(symbols)} found by one look", value=len(symbols) / booked_s, unit="1/s"),
        Figure(name=f"Reconcile pass with {plan.book_orders} orders", value=middle([wall for wall, _ in passes]), unit="s"),
    ]
    details = {"fill_cpu_ms": booked_cpu_s / len(symbols) * 1000, "pass_cpu_s": spread([cpu for _, cpu in passes])}
    return Measured(figures=figures, details=details)


async def _timed(work: Callable[[], Awaitable[None]]) -> tuple[float, float]:
    """Return the seconds and the CPU seconds of this process that the work took."""
    began, cpu = time.monotonic(), time.process_time()
    await work()
    return time.monotonic() - began, time.process_time() - cpu


@dataclass(frozen=True, slots=True, kw_only=True)
class _Books:
    trading: Trading
    nursery: TaskNursery
    symbols: Sequence[str]

    async def fire_all(self) -> None:
        """Fire once for each instrument and let the venue execute all of it."""
        for index, symbol in enumerate(self.symbols):
            if index % QUOTES_EVERY == 0:
                self.show_prices()
            await self._fire(symbol)
        await self.send_all()
        self.show_prices()
        await self.trading.paper.settle()

    async def send_all(self) -> None:
        """Send what is committed until nothing waits."""
        self.show_prices()
        await self.trading.executor.send_waiting()
        await self.nursery.wait_for_jobs(JOBS_S)

    async def look(self) -> None:
        """Book what is new at the account."""
        self.show_prices()
        await self.trading.sync.look(await self._terminal())

    async def reconcile(self) -> None:
        """Compare the account; raise BenchError when a difference is found where there is none."""
        self.show_prices()
        if await self.trading.sync.reconcile_all():
            raise BenchError("desk and venue differ where nothing was changed")

    async def working(self) -> int:
        """Count the orders that work."""
        terminal = await self._terminal()
        return len(await self.trading.database.read(lambda unit: orders.live(unit, terminal_id=terminal.id)))

    def show_prices(self) -> None:
        """Give every instrument a fresh quote."""
        now = SystemClock().now()
        for symbol in self.symbols:
            self.trading.quotes.put(
                Quote(
                    symbol=symbol,
                    bid=Price(PRICE - Decimal("0.01")),
                    ask=Price(PRICE),
                    bid_size=Quantity(Decimal(100_000)),
                    ask_size=Quantity(Decimal(100_000)),
                    feed_time=now,
                    received_at=now,
                )
            )

    async def _fire(self, symbol: str) -> None:
        trading = self.trading
        correlation = SystemIds().row()
        actor = Actor(kind="person", id=TRADER, name="Ann", channel="bench", correlation=correlation, chat_id=TRADER)
        mission = await trading.database.write(lambda unit: self._mission(unit, symbol))
        await trading.preview(actor, mission.id)
        shown = await trading.database.read(lambda unit: previews.find(unit, mission.id, TRADER))
        if shown is None or shown.token_id is None:
            raise BenchError(f"the gate refused a prepared mission on {symbol}")
        outcome = await trading.fire(actor, shown.token_id)
        if not isinstance(outcome, Fired):
            raise BenchError(f"a prepared preview did not fire: {outcome}")

    def _mission(self, unit: Unit, symbol: str) -> Mission:
        signal = Signal(
            id=SystemIds().row(),
            source="bench",
            symbol=symbol,
            timeframe="1m",
            side=Side.LONG,
            entry_low=Price(PRICE),
            entry_high=Price(PRICE),
            stop=Price(PRICE * Decimal("0.9")),
            targets=targets_of([Price(PRICE * Decimal("1.2"))]),
            score=70,
            score_parts={"setup": 70},
            created_at=unit.now,
            expires_at=unit.now + timedelta(hours=1),
            candle_time=None,
            reason="bench",
        )
        missions.add_signal(unit, signal, None)
        return self.trading.offer.open(unit, Actor.job("scan", "bench"), signal)

    async def _terminal(self) -> Terminal:
        return (await self.trading.database.read(terminals.everything))[0]


@asynccontextmanager
async def _trading(folder: Path, symbols: Sequence[str]) -> AsyncIterator[_Books]:
    """Open a trading side with one trader, whose account was compared once."""
    settings = Settings(desk=DeskSettings(state_dir=folder / "state"), paper=PAPER, risk=RISK)
    configure_logging(settings, console=False)
    upgrade(settings.database_url)
    clock, ids, nursery = SystemClock(), SystemIds(), TaskNursery()
    held: list[Lease] = []
    outside = Outside(
        clock=clock,
        ids=ids,
        wakeups=StageWakeups(),
        nursery=nursery,
        beats=Stages(clock),
        market=build_market(settings, clock),
        lease=lambda: held[0],
    )
    trading = build_trading(settings, outside)
    try:
        grids = [_instrument(symbol) for symbol in symbols]
        trading.instruments.update({each.symbol: each for each in grids})
        await trading.paper.open()
        take = partial(desk.take_lease, role="executor", owner="bench", seconds=LEASE_S, force=True)
        lease = await trading.database.write(take)
        if lease is None:
            raise BenchError("the executor's lease is taken")
        held.append(lease)
        await trading.database.write(lambda unit: _people(unit, settings, grids))
        books = _Books(trading=trading, nursery=nursery, symbols=symbols)
        books.show_prices()
        await trading.sync.reconcile_all()
        yield books
    finally:
        await nursery.close()
        await outside.market.close()
        await trading.paper.close()
        await trading.database.close()
        close_logging()


def _people(unit: Unit, settings: Settings, grids: Sequence[Instrument]) -> None:
    roles = RoleBook(SystemIds(), settings.desk, settings.paper)
    actor = Actor.job("settings", "bench")
    roles.change(unit, actor, roles.newcomer(TRADER, "Ann", None), Role.TRADER, how="seeded")
    desk.save_universe(unit, tuple(grids))


def _instrument(symbol: str) -> Instrument:
    return Instrument(
        symbol=symbol,
        base=symbol.partition("/")[0],
        quote="USDT",
        tick=Decimal("0.01"),
        step=Decimal("0.001"),
        min_quantity=Decimal("0.001"),
        min_notional=Decimal(5),
    )
