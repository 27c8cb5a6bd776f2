"""A desk without a chat: real use cases, real database, real paper venue; prices and time are the test's."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import ExitStack, asynccontextmanager, closing, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import make_url

from bot.nursery import TaskNursery
from bot.system import StageWakeups, SystemIds
from bot.wiring import Outside, Trading, build_trading
from config.settings import Settings
from services.domain.market import Instrument, Quote
from services.domain.money import Price, Quantity
from services.domain.people import Actor, Person, Role
from services.domain.ports import Venue
from services.domain.signals import Mission, Side, Signal, targets_of
from services.domain.trades import Terminal, TerminalMode
from services.execution.rearming import RESUME_WORD
from services.operations.places import paper_file
from services.storage import desk, missions, people, terminals
from services.storage.database import Unit
from services.storage.desk import Lease
from tests.blank import migrate
from tests.gate.witness import witnessed
from tests.one_thread import one_thread

BTC = Instrument(
    symbol="BTC/USDT",
    base="BTC",
    quote="USDT",
    tick=Decimal("0.01"),
    step=Decimal("0.00001"),
    min_quantity=Decimal("0.00001"),
    min_notional=Decimal(5),
)
ETH = Instrument(
    symbol="ETH/USDT",
    base="ETH",
    quote="USDT",
    tick=Decimal("0.01"),
    step=Decimal("0.0001"),
    min_quantity=Decimal("0.0001"),
    min_notional=Decimal(5),
)
ANN, TOM, CARL = 1001, 1002, 2001
MOST_ROUNDS, CALM_ROUNDS = 12, 2
START = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


class HandClock:
    """Time that moves when the test says so; sleeping yields and moves it on."""

    def __init__(self, now: datetime = START) -> None:
        self.time = now
        self.seconds = 0.0

    def now(self) -> datetime:
        return self.time

    def monotonic(self) -> float:
        return self.seconds

    def advance(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)
        self.seconds += seconds

    async def sleep(self, seconds: float) -> None:
        self.advance(seconds)
        await asyncio.sleep(0)


class NoBeats:
    """Signs of life that nobody watches."""

    def beat(self, stage: str, *, detail: str = "") -> None:
        return


@dataclass
class Rig:
    settings: Settings
    trading: Trading
    clock: HandClock
    nursery: TaskNursery
    lease: Lease
    files: Sequence[sqlite3.Connection]
    crashes: list[BaseException] = field(default_factory=list)

    def quote(self, bid: str, ask: str, symbol: str = "BTC/USDT", size: str = "100") -> Quote:
        quote = Quote(
            symbol=symbol,
            bid=Price(Decimal(bid)),
            ask=Price(Decimal(ask)),
            bid_size=Quantity(Decimal(size)),
            ask_size=Quantity(Decimal(size)),
            feed_time=self.clock.now(),
            received_at=self.clock.now(),
        )
        self.trading.quotes.put(quote)
        return quote

    async def price(self, bid: str, ask: str, symbol: str = "BTC/USDT", size: str = "100") -> None:
        """Show a price to desk and venue, and let both work on it until nothing more happens."""
        await self.trading.paper.on_quote(self.quote(bid, ask, symbol, size))
        await self.settle()

    async def settle(self) -> None:
        """Send, match and book until the desk and the venue are at rest."""
        calm, books = 0, self._books()
        for _ in range(MOST_ROUNDS):
            await self.trading.work_kill()
            await self.trading.executor.send_waiting()
            await self.nursery.wait_for_jobs(5)
            await self.trading.paper.settle()
            await self.trading.resolve.resolve_all()
            await self.trading.entries()
            for terminal in await self.trading.database.read(terminals.everything):
                await self.trading.sync.look(terminal)
            before, books = books, self._books()
            calm = calm + 1 if books == before else 0
            if calm == CALM_ROUNDS:
                break
        if self.crashes:
            raise self.crashes[0]

    def _books(self) -> object:
        """Return what differs once time passed or the desk or the paper venue wrote; without files nobody can tell."""
        if not self.files:
            return object()
        return self.clock.seconds, [each.execute("PRAGMA data_version").fetchone() for each in self.files]

    async def step(self, person_id: int = ANN) -> None:
        """Let every stage work once, for one person's terminal."""
        await self.trading.work_kill()
        await self.trading.executor.send_waiting()
        await self.nursery.wait_for_jobs(5)
        await self.trading.paper.settle()
        await self.trading.resolve.resolve_all()
        await self.trading.sync.look(await self.read(partial(terminals.find, terminal_id=f"paper-{person_id}")))
        if self.crashes:
            raise self.crashes[0]

    async def mission(
        self,
        *,
        symbol: str = "BTC/USDT",
        side: Side = Side.LONG,
        entry: tuple[str, str] = ("64000", "64100"),
        stop: str = "63000",
        targets: tuple[str, ...] = ("66000", "67500"),
        lasts: float = 600,
    ) -> Mission:
        now = self.clock.now()
        signal = Signal(
            id=SystemIds().row(),
            source="strategy:trend@1",
            symbol=symbol,
            timeframe="1m",
            side=side,
            entry_low=Price(Decimal(entry[0])),
            entry_high=Price(Decimal(entry[1])),
            stop=Price(Decimal(stop)),
            targets=targets_of([Price(Decimal(each)) for each in targets]),
            score=70,
            score_parts={"setup": 40, "regime": 30},
            created_at=now,
            expires_at=now + timedelta(seconds=lasts),
            candle_time=None,
            reason="test",
        )

        def body(unit: Unit) -> Mission:
            missions.add_signal(unit, signal, None)
            return self.trading.offer.open(unit, Actor.job("scan", "test"), signal)

        return await self.trading.database.write(body)

    def actor(self, person_id: int = ANN) -> Actor:
        return Actor(
            kind="person", id=person_id, name=str(person_id), channel="test", correlation=SystemIds().row(), chat_id=person_id
        )

    async def read(self, body: Callable[[Unit], Any]) -> Any:
        return await self.trading.database.read(body)


async def resume(rig: Rig) -> None:
    """Let Carl lift the desk's halt, and let the wait pass."""
    for _ in range(3):
        await rig.trading.work_kill()
        await rig.step()
    done = await rig.trading.resume(rig.actor(CARL), None, RESUME_WORD)
    if done.due_at is not None:
        rig.clock.advance((done.due_at - rig.clock.now()).total_seconds())
        await rig.trading.watch_halt()


def make_settings(folder: Path, **groups: Any) -> Settings:
    paper = {"latency_ms": 0, "slippage_bps": "0", **groups.pop("paper", {})}
    killing = {"rearm_wait_s": 1, **groups.pop("killing", {})}
    discipline = {"cooldown_s": 0, "tilt_losses": 10_000, "shots_per_day": 10_000, **groups.pop("discipline", {})}
    place = {"state_dir": folder, **groups.pop("desk", {})}
    return Settings(desk=place, paper=paper, killing=killing, discipline=discipline, **groups)


@asynccontextmanager
async def desk_at(
    folder: Path,
    *,
    clock: HandClock | None = None,
    wrap: Callable[[Venue], Venue] = lambda same: same,
    people_too: bool = True,
    proven: bool = True,
    threads: bool = False,
    **groups: Any,
) -> AsyncIterator[Rig]:
    """Open a desk on a folder; opening the same folder again, without ``people_too``, is a restart.

    ``proven`` lets the block fail when something was written that no verdict allows; without it another judge looks.
    ``threads`` gives the desk's jobs threads, as outside of tests; they run on the loop otherwise.
    """
    settings = make_settings(folder, **groups)
    if people_too:
        migrate(settings.database_url)
    clock = clock or HandClock()
    crashes: list[BaseException] = []
    nursery = TaskNursery(lambda _name, error: crashes.append(error))
    held: list[Lease] = []
    outside = Outside(
        clock=clock,
        ids=SystemIds(),
        wakeups=StageWakeups(),
        nursery=nursery,
        beats=NoBeats(),
        market=None,  # type: ignore[arg-type]
        lease=lambda: held[0],
    )
    unproven: list[str] = []
    watched = witnessed(settings.database_url, unproven)
    trading = build_trading(settings, outside, lambda venue: watched(wrap(venue)))
    with nullcontext() if threads else one_thread(), ExitStack() as looks:
        try:
            owner = f"test-{id(trading)}"
            lease = await trading.database.write(lambda unit: desk.take_lease(unit, "executor", owner, 60, force=True))
            assert lease is not None
            held.append(lease)
            trading.instruments.update({each.symbol: each for each in (BTC, ETH)})
            await trading.paper.open()
            files = [looks.enter_context(closing(sqlite3.connect(file))) for file in _files(settings)]
            rig = Rig(
                settings=settings, trading=trading, clock=clock, nursery=nursery, lease=lease, files=files, crashes=crashes
            )
            if people_too:
                await trading.database.write(_people)
            rig.quote("63999.99", "64000.01")
            await trading.resolve.adopt_sent()
            await trading.sync.reconcile_all()
            yield rig
            assert not (proven and unproven), unproven
        finally:
            await nursery.close()
            await trading.paper.close()
            await trading.database.close()


def _files(settings: Settings) -> list[Path]:
    """Return the desk's books and the paper venue's, where both are files."""
    books = make_url(settings.database_url)
    return [Path(str(books.database)), paper_file(settings.desk.state_dir)] if books.get_backend_name() == "sqlite" else []


def _people(unit: Unit) -> None:
    for person_id, name, role in ((ANN, "Ann", Role.TRADER), (TOM, "Tom", Role.TRADER), (CARL, "Carl", Role.COMMANDER)):
        person = Person(id=person_id, name=name, username=name.lower(), role=role, zone="UTC", locale="en")
        people.save_role(unit, person, None)
        terminals.add(
            unit,
            Terminal(
                id=f"paper-{person_id}",
                name=f"{name.lower()}-paper",
                venue="paper",
                mode=TerminalMode.PAPER,
                owner_id=person_id,
                currency="USDT",
                can_short=True,
                active=True,
                reconciled_at=None,
            ),
        )
    desk.save_universe(unit, (BTC, ETH))
