"""One seed: desk, people, chat, venues and market in virtual time and whatever weather; then calm, rest, and the count."""

from __future__ import annotations

import asyncio
import gc
import logging
import random
import secrets
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path

import structlog
from aiogram.types import Update

from bot.graph import Graph
from bot.surroundings import Surroundings
from config.settings import Settings
from sandbox.telegram.world import ANN, CARL, CORA, DESK, OLGA, TOM
from sandbox.telegram.world import World as Telegram
from services.domain import crashpoints
from services.domain.ports import Venue
from services.operations.evidence import Material
from services.operations.places import halt_file, paper_file
from services.operations.venue_book import VenueBook, read_paper_book
from tests import blank
from tests.sim.chat import ChatServer
from tests.sim.clocks import SeededIds, ServerClock, VirtualClock, VirtualTicker, at
from tests.sim.desk import COMMITS, Machine, PlainPictures
from tests.sim.ending import judge, why_not_at_rest
from tests.sim.faults import MOMENTS, SPELLS, Weather
from tests.sim.loop import NothingLeft, Spinning, VirtualLoop
from tests.sim.market import BAR_S, SeededMarket
from tests.sim.people import PEOPLE, Crowd
from tests.sim.trace import Trace
from tests.sim.venues import BadLine, SpotExchange, bare_positions
from tests.sim.watch import Watch, plant_triggers
from tests.trading.spot_venue import LONE, PAIRS, STOPLESS, SYMBOL

BOT_ID = 770001
PID = 4711
SPOT = "tom-spot"
NOWHERE = "http://127.0.0.1:1"
REST_WITHIN_S = 300.0
SETTLED_S = 10.0
BARE_AT_MOST_S = 90
LEAST_BARE = Decimal(10)
SPELL_S = (3, 90)
# An ordinary hour, a digest that falls due, and a day that ends.
STARTS = ("12:00", "12:00", "16:57", "23:56")
# What waits for a second person: nothing, the larger trades, what the strategy calls, or everything.
ASKS: Sequence[Mapping[str, object]] = (
    {},
    {"trade_loss": "15"},
    {"trade_loss": "15"},
    {"trade_strategies": ("coin",)},
    {"trade_loss": "0.01"},
)
Twin = Callable[[Graph], None]


def whole(_graph: Graph) -> None:
    """Break nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to play: a seed, the simulated minutes, what is broken on purpose, and whether every line of the trace is kept."""

    seed: int
    minutes: float
    twin: Twin = whole
    keep: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What one seed came to; ``hash`` stands for everything that happened."""

    seed: int
    hash: str
    minutes: float
    events: Counter[str]
    faults: Counter[str]
    starts: int
    deaths: int
    restarts: int
    trades: int
    fills: int
    broken: tuple[tuple[str, str], ...]
    lines: tuple[str, ...]


class World:
    """Everything of one seed."""

    def __init__(self, plan: Plan, folder: Path, loop: VirtualLoop) -> None:
        self._plan = plan
        self._loop = loop
        self._folder = folder
        chance = random.Random(f"world {plan.seed}")
        self._chance = random.Random(f"desk {plan.seed}")
        self._trace = Trace(loop.time, keep=plan.keep)
        self._weather = Weather(plan.seed, self._trace.note)
        self._clock = VirtualClock(at(chance.choice(STARTS)), loop)
        self._market = SeededMarket(plan.seed, self._clock, self._weather)
        kind, fee, shrinks = chance.choice((PAIRS, PAIRS, LONE, STOPLESS)), chance.choice(("0", "0.001")), chance.random() < 0.5
        self._spot = SpotExchange(self._clock, kind, SPOT, self._market.skew, base_fee=fee, shrinks=shrinks)
        started = (ANN, TOM, CARL, CORA, OLGA)
        self._telegram = Telegram(
            clock=ServerClock(self._clock), bot_id=BOT_ID, seed=plan.seed, started=started, limits_on=False
        )
        self._server = ChatServer(self._telegram, self._weather, self._trace)
        self._crowd = Crowd(plan.seed, self._telegram, self._trace)
        self._ids = SeededIds(plan.seed)
        self._bare: Counter[str] = Counter()
        database = folder / "sortie.db"
        database.write_bytes(empty_database())
        settings = _settings(folder, chance)
        self._watch = Watch(database, halt_file(folder), self._trace, settings.approvals)
        self._machine = Machine(
            loop=loop,
            settings=settings,
            token=f"{BOT_ID}:{secrets.token_hex(18)}",
            surroundings=self._surroundings,
            weather=self._weather,
            watch=self._watch,
            trace=self._trace,
            twin=plan.twin,
            chance=random.Random(f"machine {plan.seed}"),
        )

    async def run(self) -> None:
        """Let people and faults have their time, then let the desk come to rest, and count."""
        loop, machine = self._loop, self._machine
        process = loop.create_task(machine.run())
        tasks = [loop.create_task(self._seconds()), *(loop.create_task(self._crowd.live(each)) for each in PEOPLE)]
        tasks += [loop.create_task(self._spells(point)) for point in SPELLS if point in self._weather.on]
        tasks += [loop.create_task(self._moments(point)) for point in MOMENTS if point in self._weather.on]
        await asyncio.sleep(self._plan.minutes * 60)
        self._crowd.gone, self._market.still = True, True
        self._weather.clear()
        self._clock.ahead = timedelta()
        self._trace.note("world", "calm")
        await self._rest()
        machine.switch_off()
        await process
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._watch.committed()
        self._watch.last()

    def report(self, error: Exception | None = None) -> Report:
        """Say what it came to."""
        if error is not None:
            self._watch.fail("runs", f"{type(error).__name__}: {error}")
        return Report(
            seed=self._plan.seed,
            hash=self._trace.digest,
            minutes=round(self._loop.time() / 60, 1),
            events=self._trace.counts,
            faults=self._weather.fired,
            starts=self._machine.starts,
            deaths=self._machine.deaths,
            restarts=self._machine.restarts,
            trades=self._watch.count("trades"),
            fills=self._watch.count("fills"),
            broken=tuple(self._watch.broken),
            lines=tuple(self._trace.lines),
        )

    def close(self) -> None:
        """Let go of files and hooks."""
        crashpoints.install(None)
        self._watch.close()

    def _surroundings(self) -> Surroundings:
        return Surroundings(
            clock=self._clock,
            ids=self._ids,
            chance=self._chance.random,
            pid=PID,
            ticker=lambda: VirtualTicker(self._clock.now),
            charts=lambda: PlainPictures(self._weather),
            session=self._server.session,
            line=self._server.line,
            market=self._market,
            venue=self._line_to_paper,
            exchange=lambda _name, _quotes: BadLine(self._spot, self._weather, self._watch.written, outside=True),
        )

    def _line_to_paper(self, paper: Venue) -> Venue:
        return BadLine(paper, self._weather, self._watch.written, outside=False)

    async def _seconds(self) -> None:
        while True:
            await asyncio.sleep(1)
            self._market.second()
            bid, ask = self._market.quote(SYMBOL)
            self._spot.price(str(bid), str(ask))
            self._watch.look()
            self._look_for_bare()

    def _look_for_bare(self) -> None:
        """Count the seconds of fair weather in which a position has stood without a stop at its venue."""
        graph = self._machine.graph
        fair = self._weather.fair and self._loop.time() - self._machine.ready_at > SETTLED_S
        bare = self._bare_now(graph) if graph is not None and fair else set()
        self._bare = Counter({place: self._bare[place] + 1 for place in bare})
        for place, seconds in self._bare.items():
            if seconds == BARE_AT_MOST_S:
                self._watch.fail("protected", f"{place} stands without a stop for {seconds} s")

    def _bare_now(self, graph: Graph) -> set[str]:
        found = {SPOT} if self._spot.bare() * self._spot.ledger.bid > LEAST_BARE else set()
        for (account, symbol), quantity in bare_positions(graph.trading.paper).items():
            if quantity * self._market.quote(symbol)[0] > LEAST_BARE:
                found.add(f"{account} {symbol}")
        return found

    async def _spells(self, point: str) -> None:
        chance = random.Random(f"{point} {self._plan.seed}")
        while True:
            await asyncio.sleep(chance.expovariate(1 / SPELLS[point]))
            if not self._weather.cleared:
                self._weather.begin(point)
                await asyncio.sleep(chance.uniform(*SPELL_S))
                self._weather.end(point)

    async def _moments(self, point: str) -> None:
        chance = random.Random(f"{point} {self._plan.seed}")
        while True:
            await asyncio.sleep(chance.expovariate(1 / MOMENTS[point]))
            if not self._weather.cleared and self._happens(point, chance):
                self._weather.count(point)

    def _happens(self, point: str, chance: random.Random) -> bool:
        if point == "process.restart":
            return self._machine.restart()
        if point == "process.crash":
            return self._machine.kill()
        if point == "process.crash.at_commit":
            self._machine.die_at = chance.choice(COMMITS)
            return False
        if point == "market.gap":
            self._market.gap()
        elif point == "market.spike":
            self._market.spike()
        elif point == "clock.ahead":
            self._clock.ahead = timedelta(seconds=chance.choice((0, 0.5, 2, 30)))
        elif point == "clock.behind":
            self._clock.ahead = -timedelta(seconds=chance.choice((0.5, 2)))
        return True

    async def _rest(self) -> None:
        """Wait until nothing waits any more, and judge at that moment."""
        end, why = self._loop.time() + REST_WITHIN_S, "the desk never became ready"
        while self._loop.time() < end:
            await asyncio.sleep(1)
            graph = self._machine.graph
            if graph is not None:
                why = why_not_at_rest(graph)
                if not why:
                    judge(graph, self._watch, self._material(), self._server.delivered)
                    return
        self._watch.fail("at rest", why)

    def _material(self) -> Material:
        paper = read_paper_book(paper_file(self._folder), self._clock)
        books: list[VenueBook] = [self._spot.book(), *([paper] if paper is not None else [])]
        return Material(
            books=lambda: books,
            transcript="\n".join(self._telegram.transcript(chat) for chat in (*(each.id for each in PEOPLE), DESK)),
            secrets=frozenset({self._machine.token}),
            halt_file=halt_file(self._folder),
            settled=True,
        )


def play(plan: Plan) -> Report:
    """Play one seed and say what it came to."""
    home = Path("/dev/shm") if Path("/dev/shm").is_dir() else Path(tempfile.gettempdir())
    with tempfile.TemporaryDirectory(prefix="sortie-sim-", dir=home) as folder, _quiet():
        try:
            return _played(plan, Path(folder))
        finally:
            _let_go()


def _played(plan: Plan, folder: Path) -> Report:
    loop = VirtualLoop()
    # What dies in here is pending for ever; that is no news.
    loop.set_exception_handler(lambda *_: None)
    world = World(plan, folder, loop)
    try:
        loop.run_until_complete(world.run())
        return world.report()
    except (Spinning, NothingLeft) as error:
        return world.report(error)
    finally:
        world.close()
        asyncio.set_event_loop(None)
        loop.close()


def _let_go() -> None:
    """Let what died in a world that nobody holds any more go without a word, here and not in the middle of another test."""
    # Remembers updates, and by their bot all the rest.
    Update.event_type.fget.cache_clear()  # type: ignore[attr-defined]
    hook, sys.unraisablehook = sys.unraisablehook, lambda _: None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            while gc.collect():
                pass
    finally:
        sys.unraisablehook = hook


@contextmanager
def _quiet() -> Iterator[None]:
    """Let nothing be logged; afterwards the log is what it was."""
    before = structlog.get_config()
    silent = structlog.make_filtering_bound_logger(logging.CRITICAL)
    structlog.configure(wrapper_class=silent, cache_logger_on_first_use=False)
    try:
        yield
    finally:
        structlog.configure(**before)


@cache
def empty_database() -> bytes:
    """Return a migrated database without rows that takes down its own moves."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "sortie.db")
        file.write_bytes(blank.empty_database())
        plant_triggers(file)
        return file.read_bytes()


def _settings(folder: Path, chance: random.Random) -> Settings:
    keys = {"api_key": secrets.token_hex(16), "secret": secrets.token_hex(16)}
    return Settings(
        desk={"state_dir": folder},
        telegram={"api_base": NOWHERE},
        people={"commanders": (CARL, CORA), "traders": (ANN, TOM), "observers": (OLGA,)},
        chats={name: str(DESK) for name in ("missions", "fills", "risk", "digest")},
        venues={"binance": {"base_url": NOWHERE}, "spot": {"base_url": NOWHERE, **keys}},
        terminals={SPOT: {"venue": "spot", "owner": TOM}},
        market={"instruments": ("BTC/USDT", "ETH/USDT"), "timeframe": f"{BAR_S}s", "history": 50},
        signals={"cooldown_s": 20, "min_score": 1, "offers_per_hour": 200, "offers_per_day": 1000, "expiry_bars": 8},
        strategies={"folders": (Path(__file__).parent / "strategies",), "disabled": ("breakout", "mean_reversion", "trend")},
        protection={
            "on_failure": chance.choice(("close", "watch", "alert")),
            "break_even_r": chance.choice((None, "0.5")),
            "trail": chance.choice(("off", "r", "percent")),
            "time_stop_min": chance.choice((None, 3)),
        },
        killing={"rearm_wait_s": 2},
        approvals=chance.choice(ASKS) | {"quorum": chance.choice((1, 1, 2)), "trade_lasts_s": 60, "lasts_s": 90},
        risk={"max_spread_bps": 50, "daily_loss": "0.5", "open_positions": 6},
    )
