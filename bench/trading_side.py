"""A trading side in the bench's own process over its own files, built as `sortie run` builds it, with one trader at paper."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path

from bench.programs import BenchError
from bot.logging import close_logging, configure_logging
from bot.nursery import TaskNursery
from bot.system import StageWakeups, SystemClock, SystemIds
from bot.wiring import Outside, Trading, build_market, build_trading
from config.breakers import DisciplineSettings
from config.groups import DeskSettings, PaperSettings
from config.limits import RiskSettings
from config.settings import Settings
from migrations.api import upgrade
from services.access.roles import RoleBook
from services.domain.entries import EntryKind
from services.domain.market import Instrument, Quote
from services.domain.money import Price, Quantity
from services.domain.people import Actor, Role
from services.domain.ports import Venue
from services.domain.signals import Mission, Side, Signal, targets_of
from services.domain.trades import Terminal
from services.missions.entries import EntryWish
from services.missions.fire import Fired
from services.operations.stages import Stages
from services.storage import desk, missions, orders, previews, terminals
from services.storage.database import Unit
from services.storage.desk import Lease

TRADER = 1001
LEASE_S = 600.0
JOBS_S = 60.0
SENT_EVERY = 10
PRICE = Decimal(100)
PAPER = PaperSettings(latency_ms=0, start_balance=Decimal(10_000_000))
# One trader does in minutes what others do in a year.
DISCIPLINE = DisciplineSettings(shots_per_day=100_000)
RISK = RiskSettings(
    open_positions=1000,
    default_per_trade=Decimal("0.00005"),
    confirm_s=3600,
    daily_loss=Decimal("0.5"),
    writes_per_minute=1_000_000,
    quote_age_s=60,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TradingSide:
    """One trader and many instruments; every price is the same until the bench moves it."""

    trading: Trading
    nursery: TaskNursery
    symbols: Sequence[str]

    async def fire_all(self, symbols: Sequence[str] | None = None) -> None:
        """Fire once for each instrument, or for those named, and let the venue execute all of it."""
        await self._fire_each(EntryWish(kind=EntryKind.TAKE), self.symbols if symbols is None else symbols)
        self.show_prices()
        await self.trading.paper.settle()

    async def rest_all(self) -> None:
        """Have one entry rest for each instrument, below the market."""
        await self._fire_each(EntryWish(kind=EntryKind.LIMIT, price=Price(PRICE * Decimal("0.95"))), self.symbols)

    async def confirm(self, symbol: str) -> tuple[Fired, float]:
        """Confirm a fresh preview of one more trade, which is not sent; return it, and the seconds that the tap took."""
        self.show_prices()
        actor = self.actor()
        token = await self._preview(actor, symbol, EntryWish(kind=EntryKind.TAKE))
        began = time.perf_counter()
        outcome = await self.trading.fire(actor, token)
        took = time.perf_counter() - began
        if not isinstance(outcome, Fired):
            raise BenchError(f"a prepared preview did not fire: {outcome}")
        return outcome, took

    async def send_all(self) -> None:
        """Send what is committed until nothing waits."""
        self.show_prices()
        await self.trading.executor.send_waiting()
        await self.nursery.wait_for_jobs(JOBS_S)

    async def look(self) -> None:
        """Book what is new at the account."""
        self.show_prices()
        await self.trading.sync.look(await self.terminal())

    async def reconcile(self) -> None:
        """Compare the account; raise BenchError when a difference is found where there is none."""
        self.show_prices()
        if await self.trading.sync.reconcile_all():
            raise BenchError("desk and venue differ where nothing was changed")

    async def working(self) -> int:
        """Count the orders that work."""
        terminal = await self.terminal()
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

    def actor(self) -> Actor:
        """Return the trader, as who does something new."""
        correlation = SystemIds().row()
        return Actor(kind="person", id=TRADER, name="Ann", channel="bench", correlation=correlation, chat_id=TRADER)

    async def _fire_each(self, wish: EntryWish, symbols: Sequence[str]) -> None:
        for index, symbol in enumerate(symbols):
            if index % SENT_EVERY == 0:
                # An entry that waits too long for its turn finds an old price, and is not sent.
                await self.send_all()
            await self._fire(symbol, wish)
        await self.send_all()

    async def _fire(self, symbol: str, wish: EntryWish) -> None:
        actor = self.actor()
        token = await self._preview(actor, symbol, wish)
        outcome = await self.trading.fire(actor, token)
        if not isinstance(outcome, Fired):
            raise BenchError(f"a prepared preview did not fire: {outcome}")

    async def _preview(self, actor: Actor, symbol: str, wish: EntryWish) -> str:
        """Offer a mission and return the Confirm token of its preview."""
        trading = self.trading
        mission = await trading.database.write(lambda unit: self._mission(unit, symbol))
        await trading.preview(actor, mission.id, wish=wish)
        shown = await trading.database.read(lambda unit: previews.find(unit, mission.id, TRADER))
        if shown is None or shown.token_id is None:
            failed = [check.code.value for check in shown.checks if not check.passed] if shown is not None else []
            raise BenchError(f"the gate refused a prepared mission on {symbol}: {', '.join(failed)}")
        return shown.token_id

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

    async def terminal(self) -> Terminal:
        """Return the one account."""
        return (await self.trading.database.read(terminals.everything))[0]


@asynccontextmanager
async def trading_side(
    folder: Path, symbols: Sequence[str], venue: Callable[[Venue], Venue] = lambda same: same, risk: RiskSettings = RISK
) -> AsyncIterator[TradingSide]:
    """Open a trading side with one trader, whose account was compared once; ``venue`` may wrap the paper venue."""
    settings = Settings(desk=DeskSettings(state_dir=folder / "state"), paper=PAPER, risk=risk, discipline=DISCIPLINE)
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
    trading = build_trading(settings, outside, venue)
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
        books = TradingSide(trading=trading, nursery=nursery, symbols=symbols)
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
