"""The process: start, recover, run, stop. A start is a recovery; there is one path."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import signal

import structlog

from bot.duties import Duties
from bot.graph import Graph, build_graph
from bot.live_confirming import JournalLive
from bot.lock import AlreadyRunning, DeskLock
from bot.readiness import ServiceManager
from bot.surroundings import Surroundings
from config.settings import Settings
from migrations.api import upgrade
from services.access import audience
from services.domain.errors import Misconfigured, SortieError, Unavailable
from services.domain.notices import Event, Topic
from services.domain.people import Actor, Role
from services.operations.status import NAMED_LIVE, READY
from services.storage import people, terminals
from services.storage.counters import set_fact
from services.storage.database import Unit

log = structlog.get_logger()
DRAIN_S = 8.0
FLUSH_S = 4.0
WARM_UP_S = 45.0


class Desk:
    """One run of the desk."""

    def __init__(self, settings: Settings, token: str, lock: DeskLock, confirmed_live: frozenset[str] = frozenset()) -> None:
        self._settings = settings
        self._surroundings = Surroundings(confirmed_live=confirmed_live)
        self._token = token
        self._lock = lock
        self._stop = asyncio.Event()
        self._taken_by: str | None = None

    async def run(self) -> None:
        """Run until a signal says stop; raise AlreadyRunning when another process has, or takes, the desk."""
        async with self._lock:
            await asyncio.to_thread(upgrade, self._settings.database_url)
            await self._run()
        if self._taken_by is not None:
            raise AlreadyRunning(self._taken_by)

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        for name in ("SIGTERM", "SIGINT"):
            with contextlib.suppress(NotImplementedError):
                loop.add_signal_handler(getattr(signal, name), self._stop.set)
        outside = self._surroundings
        confirmed = JournalLive(self._settings, outside.clock, outside.ids, outside.confirmed_live)
        graph = await confirmed(lambda: build_graph(self._settings, self._token, self._lock.owner, outside))
        manager = ServiceManager(graph.stages.alive, graph.clock)
        try:
            await start(graph)
            graph.nursery.stage("watchdog", manager.run)
            manager.ready()
            graph.nursery.stage("lock", self._watch_lock)
            # What was built for the start stays for ever: the collector need not look at it again.
            gc.collect()
            gc.freeze()
            await self._stop.wait()
        finally:
            manager.stopping()
            await shut_down(graph, superseded=self._taken_by is not None)

    async def _watch_lock(self) -> None:
        """Stop when another process has the desk."""
        self._taken_by = await self._lock.lost()
        log.error("lock.lost", holder=self._taken_by)
        self._stop.set()


async def start(graph: Graph) -> None:
    """Recover and start every stage; raise Misconfigured when a mandatory one is missing."""
    settings, trading = graph.settings, graph.trading
    log.info("desk.starting", config=settings.fingerprint[:12], pid=graph.surroundings.pid)
    began = graph.clock.monotonic()
    await graph.monitoring.open()
    await graph.take_leases()
    pid = graph.surroundings.pid
    live = sorted(graph.surroundings.confirmed_live)
    await trading.database.write(lambda unit: _open_run(unit, settings.fingerprint, pid, live))
    await graph.switch.seed(disabled=settings.strategies.disabled, sandboxed=settings.strategies.sandboxed)
    await graph.seed_people()
    await graph.proposals.retire_limits()
    await graph.proposals.look_for_unbound()
    await graph.proposals.retire_live()
    await graph.news.read_calendar.restore()
    await trading.paper.open()
    await graph.connect()
    await trading.resolve.adopt_sent()
    duties = Duties(graph)
    duties.start_stopping()
    await graph.recover_halts()
    await _warm_up(graph)
    await trading.sync.reconcile_all()
    duties.start_trading()
    await graph.recover_updates()
    duties.start_chat()
    missing = graph.stages.missing_mandatory()
    if missing:
        raise Misconfigured("STAGES_MISSING", key="stages", where=", ".join(missing), fix="this build is incomplete")
    ready = json.dumps({"pid": pid, "at": graph.clock.now().isoformat()})
    await trading.database.write(lambda unit: set_fact(unit, READY, ready))
    await graph.monitoring.ready(graph.clock.monotonic() - began)
    log.info("desk.ready", pid=pid)


def _open_run(unit: Unit, config: str, pid: int, live: list[str]) -> None:
    """Close every terminal to entries until its venue was compared, and journal the start in the same unit."""
    terminals.forget_reconciliation(unit)
    set_fact(unit, NAMED_LIVE, json.dumps(live))
    unit.record(Actor.job("start", f"start-{unit.now.isoformat()}"), "desk.started", pid=pid, config=config[:12])


async def _warm_up(graph: Graph) -> None:
    """Read the market; without it the desk runs all the same, closed to entries, so that exits and halts work."""
    try:
        async with asyncio.timeout(WARM_UP_S):
            await graph.warm_up()
    except (Unavailable, TimeoutError) as error:
        log.error("market.not_warm", error=str(error) or type(error).__name__)


async def shut_down(graph: Graph, *, superseded: bool = False) -> None:
    """Stop intake, settle what is in flight, flush, say goodbye, let go; one that was ``superseded`` says nothing."""
    log.info("desk.stopping")
    try:
        await graph.monitoring.close()
        await graph.stop_intake(DRAIN_S)
        graph.ticker.stop()
        async with asyncio.timeout(DRAIN_S):
            await graph.trading.executor.drain()
        if not superseded:
            await graph.trading.database.write(lambda unit: _say_goodbye(unit, graph.settings.desk.name))
            await graph.sender.flush(FLUSH_S)
    except (SortieError, TimeoutError) as error:
        log.error("desk.stop.hurried", error=str(error) or type(error).__name__)
    await graph.close()
    log.info("desk.stopped")


def _say_goodbye(unit: Unit, desk_name: str) -> None:
    actor = Actor.job("stop", f"stop-{unit.now.isoformat()}")
    facts = {"desk": desk_name}
    audience.tell_topic(unit, Topic.RISK, "goodbye", facts, silent=True)
    for person in people.everyone(unit, Role.COMMANDER):
        audience.tell_person(unit, person, Event.PEOPLE, "goodbye", facts)
    set_fact(unit, READY, "")
    unit.record(actor, "desk.stopped")
