"""The desk as a process of a simulated machine: started, stopped, killed at any await, and started again on the same files."""

from __future__ import annotations

import asyncio
import random
import sqlite3
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, field
from typing import Any

from bot.graph import Graph, build_graph
from bot.lifecycle import shut_down, start
from bot.surroundings import Surroundings
from config.settings import Settings
from services.charts.spec import PictureSpec
from services.domain import crashpoints
from services.domain.errors import SortieError, Unavailable
from tests.sim.faults import Weather
from tests.sim.loop import LIFE, Died, VirtualLoop
from tests.sim.trace import Trace
from tests.sim.watch import Watch

START_WITHIN_S = 180.0
STOP_WITHIN_S = 90.0
COMMITTED = "storage.commit.after"
COMMITS = ("storage.commit.before", COMMITTED, "paper.commit.before", "paper.commit.after")
FULL = "database or disk is full"
WRITER = "desk-writer"
# The head of a PNG of 900 by 600.
PICTURE = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x03\x84\x00\x00\x02\x58\x08\x02\x00\x00\x00"


class PlainPictures:
    """Pictures without drawing."""

    def __init__(self, weather: Weather) -> None:
        self._weather = weather

    async def png(self, _spec: PictureSpec) -> bytes:
        await asyncio.sleep(0.03)
        if self._weather.strikes("chart.fails"):
            raise Unavailable("CHART_TIMEOUT", limit_s=10)
        return PICTURE

    async def close(self) -> None:
        return


@dataclass(slots=True, kw_only=True)
class Machine:
    """One machine and what runs on it; ``graph`` is the desk that is ready, None while none is."""

    loop: VirtualLoop
    settings: Settings
    token: str
    surroundings: Callable[[], Surroundings]
    weather: Weather
    watch: Watch
    trace: Trace
    twin: Callable[[Graph], None]
    chance: random.Random
    graph: Graph | None = None
    ready_at: float = 0.0
    starts: int = 0
    deaths: int = 0
    restarts: int = 0
    die_at: str = ""
    _life: int = 0
    _alive: Graph | None = None
    _gone: asyncio.Event = field(default_factory=asyncio.Event)
    _stop: asyncio.Event = field(default_factory=asyncio.Event)
    _graves: list[Any] = field(default_factory=list)
    _off: bool = False

    def __post_init__(self) -> None:
        self.loop.disk = self._disk
        self.loop.on_death = self.kill
        crashpoints.install(self._reached)

    async def run(self) -> None:
        """Keep a desk running until the machine is switched off, as a service manager does."""
        while not self._off:
            await self._live()
            if not self._off:
                await asyncio.sleep(self.chance.uniform(0.5, 20))

    def switch_off(self) -> None:
        """Stop the desk for good, as SIGTERM does."""
        self._off = True
        self._stop.set()

    def restart(self) -> bool:
        """Stop the desk that is ready; it is started again. Tell whether one was."""
        if self.graph is None:
            return False
        self.restarts += 1
        self._stop.set()
        return True

    def kill(self) -> bool:
        """End the desk where it stands; tell whether there was one."""
        if self._alive is None:
            return False
        self.deaths += 1
        self.trace.note("machine", "the desk died")
        self._bury()
        self._gone.set()
        return True

    async def _live(self) -> None:
        self._life += 1
        self.starts += 1
        self.trace.note("machine", f"start {self.starts}")
        self._gone, self._stop = asyncio.Event(), asyncio.Event()
        if self._off:
            self._stop.set()
        context = copy_context()
        context.run(LIFE.set, self._life)
        self._plan_early_death()
        process = self.loop.create_task(self._process(), context=context)
        gone = self.loop.create_task(self._gone.wait())
        await asyncio.wait((process, gone), return_when=asyncio.FIRST_COMPLETED)
        gone.cancel()
        if not process.done():
            self._graves.append(process)
        elif (error := process.exception()) is not None:
            self._ended_by(error)
        self.graph = None

    def _ended_by(self, error: BaseException) -> None:
        """Take down why a desk ended by itself; only what it says by its own errors may end it."""
        self.trace.note("machine", f"the desk ended by {type(error).__name__}")
        if not isinstance(error, SortieError) or self.weather.cleared:
            self.watch.fail("runs", f"{type(error).__name__}: {error}")
        self._bury()

    def _plan_early_death(self) -> None:
        if "process.crash.in_start" in self.weather.on and not self.weather.cleared and self.chance.random() < 0.3:
            self.loop.call_later(self.chance.uniform(0, 2), self._die_early, self._life)

    def _die_early(self, life: int) -> None:
        if life == self._life and self.graph is None and not self.weather.cleared and self.kill():
            self.weather.count("process.crash.in_start")

    async def _process(self) -> None:
        graph = self._alive = build_graph(self.settings, self.token, "simulated:1", self.surroundings())
        self.twin(graph)
        try:
            async with asyncio.timeout(START_WITHIN_S):
                await start(graph)
            self.graph, self.ready_at = graph, self.loop.time()
            self.trace.note("machine", "ready")
            await self._stop.wait()
        finally:
            self.graph = None
            async with asyncio.timeout(STOP_WITHIN_S):
                await shut_down(graph)
            self._alive = None
        self.trace.note("machine", "stopped")

    def _bury(self) -> None:
        """Close the files as the system does for a dead process; everything else stays as it was."""
        self.loop.kill(self._life)
        graph, self._alive, self.graph = self._alive, None, None
        if graph is not None:
            graph.trading.database._engine.dispose()
            graph.trading.database._read_engine.dispose()
            graph.trading.paper._store.close()
            self._graves.append(graph)

    def _disk(self, executor: Executor | None) -> float:
        """Say how long a thread's job takes; a database that is locked fails after the busy timeout."""
        weather = self.weather
        writes = isinstance(executor, ThreadPoolExecutor) and executor._thread_name_prefix == WRITER
        if writes and (weather.lasts("disk.locked.spell") or weather.strikes("disk.locked")):
            raise sqlite3.OperationalError("database is locked")
        if weather.lasts("everything.slow") or weather.strikes("disk.slow"):
            return weather.between(0.05, 1.5)
        return weather.between(0.0005, 0.003) if writes else 0.0003

    def _reached(self, point: str) -> None:
        """Let what the weather says happen at a commit."""
        if LIFE.get() != self._life:
            return
        if point == COMMITTED:
            self.watch.committed()
        weather = self.weather
        if point == self.die_at and not weather.cleared:
            self.die_at = ""
            weather.count("process.crash.at_commit")
            raise Died
        if point == "storage.commit.before" and (weather.lasts("disk.full.spell") or weather.strikes("disk.full")):
            raise sqlite3.OperationalError(FULL)
        if point == "paper.commit.before" and (weather.lasts("disk.full.spell") or weather.strikes("paper.disk.full")):
            raise sqlite3.OperationalError(FULL)
