"""The desk of a drill: a database, a paper book, people and a market of its own, with the stages that a desk runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path

from bot.drills.faults import FaultyVenue
from bot.drills.market import MIDDLES, DrillMarket, instruments
from bot.nursery import TaskNursery
from bot.system import StageWakeups, SystemClock, SystemIds
from bot.wiring import Outside, Trading, build_market, build_trading
from config.groups import DatabaseSettings, PaperSettings
from config.limits import RiskSettings
from config.settings import Settings
from migrations.api import upgrade
from services.domain.drills import CutShort
from services.domain.entries import EntryKind
from services.domain.money import Price
from services.domain.orders import Order, VenueOrder
from services.domain.people import Actor, Person, Role
from services.domain.ports import Clock
from services.domain.signals import Mission, Side, Signal, targets_of
from services.domain.trades import Terminal, TerminalMode, Trade
from services.missions.entries import EntryWish
from services.missions.fire import Fired, FireOutcome
from services.operations.evidence import Material
from services.operations.judgement import CheckResult
from services.operations.places import paper_file
from services.operations.venue_book import read_paper_book
from services.operations.verify import run_all
from services.storage import desk, missions, orders, people, previews, terminals, trades
from services.storage.database import Unit
from services.storage.desk import Lease

ANN, BEN, CARL = 1, 2, 3
NAMES = {ANN: "Ann", BEN: "Ben", CARL: "Carl"}
LEASE_S = 600.0
LOOK_EVERY_S = 0.1
PATIENCE_S = 20.0
# No sender runs in a drill: nothing that people should be told reaches a chat.
CHAT_CHECK = 7


class NoBeats:
    """Signs of life that nobody watches: a drill sees for itself what does not happen."""

    def beat(self, stage: str, *, detail: str = "") -> None:
        """Take the sign."""


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """A running desk whose venue fails when it is told to."""

    settings: Settings
    trading: Trading
    venue: FaultyVenue
    clock: Clock
    ids: SystemIds
    nursery: TaskNursery

    def actor(self, person_id: int) -> Actor:
        """Return one of the drill's people, in a private chat."""
        return Actor(
            kind="person",
            id=person_id,
            name=NAMES[person_id],
            channel="drill",
            correlation=self.ids.row(),
            chat_id=person_id,
        )

    async def fire(self, person_id: int, symbol: str, kind: EntryKind, price: Price | None = None) -> FireOutcome:
        """Open a mission's preview and confirm it; raise CutShort when the preview itself is refused."""
        mission = await self._mission(symbol)
        actor = self.actor(person_id)
        await self.trading.preview(actor, mission.id, wish=EntryWish(kind=kind, price=price))
        shown = await self.trading.database.read(lambda unit: previews.find(unit, mission.id, person_id))
        if shown is None or shown.token_id is None:
            failed = [check.code for check in shown.checks if not check.passed] if shown is not None else []
            raise CutShort(f"the gate refuses a preview: {', '.join(failed)}")
        return await self.trading.fire(actor, shown.token_id)

    async def enter(self, person_id: int, symbol: str, kind: EntryKind, price: Price | None = None) -> str:
        """Fire and return the trade's id; raise CutShort when the gate does not let it."""
        outcome = await self.fire(person_id, symbol, kind, price)
        if not isinstance(outcome, Fired):
            raise CutShort(f"an entry was not taken: {outcome}")
        return outcome.trade_id

    async def refusal(self, person_id: int, symbol: str) -> str:
        """Try an entry and return why it is refused, empty when it is taken."""
        mission, actor = await self._mission(symbol), self.actor(person_id)
        await self.trading.preview(actor, mission.id)
        shown = await self.trading.database.read(lambda unit: previews.find(unit, mission.id, person_id))
        failed = [check.code for check in shown.checks if not check.passed] if shown is not None else ["NO_PREVIEW"]
        return ", ".join(failed)

    async def until(self, holds: Callable[[], Awaitable[bool]], patience_s: float | None = None) -> bool:
        """Wait until something holds; tell whether it came to hold in time."""
        deadline = self.clock.monotonic() + (PATIENCE_S if patience_s is None else patience_s)
        while not await holds():
            if self.clock.monotonic() > deadline:
                return False
            await self.clock.sleep(LOOK_EVERY_S)
        return True

    async def trade(self, trade_id: str) -> Trade:
        """Return a trade as the desk has it."""
        found = await self.trading.database.read(lambda unit: trades.find(unit, trade_id))
        if found is None:
            raise CutShort("a trade of the drill is gone")
        return found

    async def orders_of(self, trade_id: str) -> list[Order]:
        """Return a trade's orders as the desk has them."""
        return await self.trading.database.read(lambda unit: orders.of_trade(unit, trade_id))

    async def at_venue(self) -> list[VenueOrder]:
        """Return every order that works at the venue, asked past the faults."""
        return [each for person in (ANN, BEN) for each in await self.trading.paper.open_orders(account_of(person))]

    async def held(self) -> dict[tuple[int, str], Decimal]:
        """Return every position at the venue by person and symbol, asked past the faults."""
        return {
            (person, each.symbol): each.quantity
            for person in (ANN, BEN)
            for each in await self.trading.paper.positions(account_of(person))
        }

    async def invariants(self) -> Sequence[CheckResult]:
        """Ask what always holds, except whether the chat was told."""
        state = self.settings.desk.state_dir

        def books() -> list[object]:
            book = read_paper_book(paper_file(state), self.clock)
            return [book] if book is not None else []

        results = await run_all(self.trading.database, Material(books=books))  # type: ignore[arg-type]
        return [each for each in results if each.number != CHAT_CHECK]

    async def _mission(self, symbol: str) -> Mission:
        now, middle = self.clock.now(), MIDDLES[symbol]
        signal = Signal(
            id=self.ids.row(),
            source="drill",
            symbol=symbol,
            timeframe="1m",
            side=Side.LONG,
            entry_low=Price(middle),
            entry_high=Price(middle * Decimal("1.001")),
            stop=Price(middle * Decimal("0.98")),
            targets=targets_of([Price(middle * Decimal("1.03")), Price(middle * Decimal("1.05"))]),
            score=70,
            score_parts={"setup": 40, "regime": 30},
            created_at=now,
            expires_at=now + timedelta(minutes=10),
            candle_time=None,
            reason="a drill",
        )

        def body(unit: Unit) -> Mission:
            missions.add_signal(unit, signal, None)
            return self.trading.offer.open(unit, Actor.job("drill", signal.id), signal)

        return await self.trading.database.write(body)


def account_of(person_id: int) -> str:
    """Return the terminal, and the venue's account, of one of the drill's people."""
    return f"paper-{person_id}"


def drill_settings(settings: Settings, folder: Path) -> Settings:
    """Return the desk's settings for a folder of a drill: no terminal, address or limit of the real desk is among them."""
    own = {
        "desk": settings.desk.model_copy(update={"state_dir": folder, "currency": "USDT"}),
        "database": DatabaseSettings(busy_timeout_s=settings.database.busy_timeout_s),
        "terminals": {},
        "paper": PaperSettings(),
        "risk": RiskSettings(),
    }
    return settings.model_copy(update=own)


@asynccontextmanager
async def running_world(settings: Settings, alter: Callable[[Trading], Trading] = lambda same: same) -> AsyncIterator[World]:
    """Run a desk on a folder that is the drill's alone; ``alter`` lets a test put something broken in its place."""
    await asyncio.to_thread(upgrade, settings.database_url)
    clock, ids, nursery, venue = SystemClock(), SystemIds(), TaskNursery(), FaultyVenue()
    held: list[Lease] = []
    outside = Outside(
        clock=clock,
        ids=ids,
        wakeups=StageWakeups(),
        nursery=nursery,
        beats=NoBeats(),
        market=build_market(settings, clock),
        lease=lambda: held[0] if held else None,
    )
    trading = alter(build_trading(settings, outside, venue.around))
    world = World(settings=settings, trading=trading, venue=venue, clock=clock, ids=ids, nursery=nursery)
    try:
        take = partial(desk.take_lease, role="executor", owner="drill", seconds=LEASE_S, force=True)
        held += [lease for lease in [await trading.database.write(take)] if lease is not None]
        await _furnish(world)
        yield world
    finally:
        await nursery.close()
        await outside.market.close()
        await trading.paper.close()
        await trading.database.close()


async def _furnish(world: World) -> None:
    trading, nursery = world.trading, world.nursery
    trading.instruments.update({each.symbol: each for each in instruments()})
    await trading.paper.open()
    await trading.database.write(_people)
    trading.quotes.subscribe(trading.paper.offer)
    market = DrillMarket(trading.quotes, world.clock)
    market.show()
    await trading.sync.reconcile_all()
    for name, work in (
        ("market", market.run),
        ("paper", trading.paper.run),
        ("executor", trading.executor.run),
        ("fills", trading.sync.run_fills),
        ("reconcile", trading.sync.run_reconcile),
        ("resolve", trading.resolve.run),
        ("entries", trading.entries.run),
        ("kill", trading.work_kill.run),
    ):
        nursery.stage(name, work)


def _people(unit: Unit) -> None:
    for person_id, role in ((ANN, Role.TRADER), (BEN, Role.TRADER), (CARL, Role.COMMANDER)):
        name = NAMES[person_id]
        people.save_role(unit, Person(id=person_id, name=name, username=None, role=role, zone="UTC", locale="en"), None)
        if role is Role.TRADER:
            terminals.add(
                unit,
                Terminal(
                    id=account_of(person_id),
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
    desk.save_universe(unit, instruments())
