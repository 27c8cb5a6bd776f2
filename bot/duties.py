"""What the desk does all the time: its stages and its ticks, started in the order in which a trade flows."""

from __future__ import annotations

import asyncio
from functools import partial

import structlog

from bot.backups import start_backups
from bot.graph import LEASE_S, Graph
from bot.wiring import Exchange
from handlers.jobs.ticks import Ticks
from services.domain.errors import Unavailable
from services.operations.leases import renew_all

log = structlog.get_logger()
RENEW_S = 5.0
PRICES_EVERY_S = 10
SWEEP_EVERY_S = 600
SOURCES_EVERY_S = 60
CALIBRATE_EVERY_S = 600
BREAKERS_EVERY_S = 2
PROPOSALS_EVERY_S = 1
ROLES_EVERY_S = 2
WARM_UP_AGAIN_S = 1.0
WARM_UP_AGAIN_MOST_S = 30.0
TRADING_STAGES = (
    "feed",
    "scan",
    "missions",
    "executor",
    "fills",
    "reconcile",
    "resolve",
    "entries",
    "keep",
    "breakers",
    "kill",
    "halt",
    "deadman",
    "scheduler",
    "digest",
)
CHAT_STAGES = ("sender", "intake", "database")


class Duties:
    """Starts what runs for ever, supervised by the nursery and called by the ticker."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    def start_stopping(self) -> None:
        """Start what stops the desk and sends its exits: a kill that a crash cut short goes on before the market is read."""
        graph, trading = self._graph, self._graph.trading
        for name, work in (
            ("paper", trading.paper.run),
            ("executor", trading.executor.run),
            ("fills", trading.sync.run_fills),
            ("resolve", trading.resolve.run),
            ("kill", trading.work_kill.run),
            ("halt", trading.watch_halt.run),
            ("leases", self._renew_leases),
        ):
            graph.nursery.stage(name, work)

    def start_trading(self) -> None:
        """Start everything that follows the market and the venues."""
        graph, trading = self._graph, self._graph.trading
        for name, work in (
            ("feed", self._run_feed),
            ("reconcile", trading.sync.run_reconcile),
            ("entries", trading.entries.run),
            ("signals", graph.senders.work.run),
            ("kill", trading.work_kill.run),
            ("halt", trading.watch_halt.run),
            ("deadman", graph.dead_man.run),
            ("leases", self._renew_leases),
        ):
            graph.nursery.stage(name, work)
        for name, exchange in trading.exchanges.items():
            graph.nursery.stage(f"stream {name}", partial(_listen, exchange))
        self._start_ticks()
        for name in TRADING_STAGES:
            graph.stages.attach(name)

    def start_chat(self) -> None:
        """Start speaking and listening."""
        graph = self._graph
        graph.nursery.stage("sender", graph.sender.run)
        graph.nursery.stage("answered", graph.intake.flush_answered)
        graph.nursery.stage("requests", graph.requests.run)
        graph.nursery.stage("writes", graph.writes.run)
        graph.monitoring.start(graph.nursery)
        graph.alarms.start(graph.nursery)
        graph.nursery.stage("intake", graph.intake.poll if graph.webhook is None else graph.webhook.watch)
        for name in CHAT_STAGES:
            graph.stages.attach(name)

    def _start_ticks(self) -> None:
        graph, trading, ticker = self._graph, self._graph.trading, self._graph.ticker
        ticks = Ticks(
            graph.feed,
            graph.scan,
            trading.offer,
            trading.expire,
            graph.digests,
            graph.watch,
            trading.database,
            graph.ids,
            graph.stages,
        )
        ticker.every(1, "scan", ticks.scan)
        ticker.every(1, "missions", ticks.missions)
        ticker.every(2, "digest", ticks.digest)
        ticker.every(1, "watch", self._watch)
        ticker.every(1, "keep", self._keep)
        ticker.every(BREAKERS_EVERY_S, "breakers", self._watch_breakers)
        ticker.every(1, "auto", self._fire_by_itself)
        ticker.every(ROLES_EVERY_S, "roles", self._end_leases)
        ticker.every(PROPOSALS_EVERY_S, "proposals", self._tend_proposals)
        ticker.every(PRICES_EVERY_S, "prices", ticks.prices)
        ticker.every(graph.settings.correlation.every_s, "correlations", graph.measure_correlations)
        ticker.every(graph.settings.screening.every_s, "screen", graph.screen)
        ticker.every(CALIBRATE_EVERY_S, "calibration", graph.measure_calibration)
        ticker.every(SWEEP_EVERY_S, "sweep", ticks.sweep)
        ticker.every(SOURCES_EVERY_S, "sources", graph.senders.follow)
        ticker.every(SWEEP_EVERY_S, "routes", self._measure_routes)
        start_backups(graph)
        graph.news.start(graph.settings, ticker)
        graph.recording.start(ticker)
        ticker.start()
        graph.feed.on_closed(lambda: ticker.hurry("scan"))

    async def _run_feed(self) -> None:
        graph, pause = self._graph, WARM_UP_AGAIN_S
        while not graph.feed.instruments:
            try:
                await graph.warm_up()
            except Unavailable as error:
                log.warning("feed.cold", error=str(error), pause_s=pause)
                await graph.clock.sleep(pause)
                pause = min(pause * 2, WARM_UP_AGAIN_MOST_S)
        await graph.feed.run()

    async def _keep(self) -> None:
        await self._graph.keep_stops()
        await self._graph.watch_trades()
        self._graph.stages.beat("keep")

    async def _watch(self) -> None:
        graph = self._graph
        for name in await graph.watch():
            graph.nursery.restart(name)
        for name in ("scan", "missions", "digest"):
            graph.stages.plan(name, graph.ticker.next_run(name))
        graph.stages.beat("scheduler")

    async def _watch_breakers(self) -> None:
        await self._graph.trading.watch_breakers()

    async def _fire_by_itself(self) -> None:
        await self._graph.fire_by_itself()

    async def _end_leases(self) -> None:
        await self._graph.end_leases()

    async def _tend_proposals(self) -> None:
        await self._graph.proposals.tend_approvals()
        await self._graph.proposals.tend_changes()

    async def _measure_routes(self) -> None:
        await self._graph.trading.measure_routes()

    async def _renew_leases(self) -> None:
        graph = self._graph
        while True:
            await graph.clock.sleep(RENEW_S)
            renew = partial(renew_all, ids=graph.ids, leases=graph.leases, seconds=LEASE_S)
            lost = await graph.trading.database.write(renew)
            if lost:
                log.error("lease.lost", roles=lost)


async def _listen(exchange: Exchange) -> None:
    """Follow an account's stream; where there is none, what is polled is all there is."""
    await exchange.run_streams()
    await asyncio.Event().wait()
