"""Everything that watches the desk and shows it to the outside: the loop's delay, metrics and health, the heartbeat."""

from __future__ import annotations

import structlog

from bot.heartbeat import Heartbeat
from bot.metrics import Build, Looks, Meters, Scrape
from bot.nursery import TaskNursery
from bot.release import VERSION
from bot.web import WebServer
from bot.web_signals import AlertPort
from config.settings import Settings
from handlers.web.guard import Guard
from handlers.web.health import AskHealth, State
from handlers.web.signals import Receive
from migrations import api
from services.domain.errors import Misconfigured, Unavailable
from services.domain.measures import Timed
from services.domain.ports import Clock, Ids
from services.operations.heartbeat import JudgePings
from services.operations.loop_lag import LoopLag
from services.operations.places import backup_folder
from services.operations.stages import Stages
from services.operations.tallies import RECONCILE, Tallies, oldest_comparison_s, store
from services.storage.database import Database

log = structlog.get_logger()
SAMPLE_EVERY_S = 10.0
SAMPLES_STORED = 6


class Monitoring:
    """Built with the desk, opened before it starts, and run beside it; nothing of the desk waits for it."""

    def __init__(
        self,
        settings: Settings,
        meters: Meters,
        tallies: Tallies,
        database: Database,
        stages: Stages,
        clock: Clock,
        ids: Ids,
        receive: Receive | None = None,
    ) -> None:
        """``receive`` takes alerts of senders outside; without it there is nothing at their address."""
        self._settings = settings
        self._meters = meters
        self._tallies = tallies
        self._database = database
        self._stages = stages
        self._clock = clock
        self._ids = ids
        self._receive = receive
        self.loop_lag = LoopLag(database, clock, ids, meters)
        self.web: WebServer | None = None

    async def open(self) -> None:
        """Listen where a port is set; raise Misconfigured when it is taken or the key cannot be read."""
        web = self._settings.web
        if web.port is None:
            return
        looks = self._looks()

        async def look() -> State:
            seen = await looks()
            return State(
                version=seen.build.version,
                config=seen.build.config,
                stages=seen.stages,
                halted_by_file=seen.halt_file,
                readings=seen.readings,
            )

        guard = Guard(self._key(), web.per_minute, self._clock.monotonic)
        alerts = AlertPort(self._receive) if self._receive is not None else None
        self.web = WebServer(web, AskHealth(look), Scrape(self._meters, looks), guard, self._meters, alerts)
        await self.web.open()

    def start(self, nursery: TaskNursery) -> None:
        """Run what runs all the time."""
        nursery.stage("loop", self.loop_lag.run)
        nursery.stage("tallies", self._keep_tallies)
        if self._settings.heartbeat.url is not None:
            judge = JudgePings(self._database, self._ids)
            heartbeat = Heartbeat(self._settings.heartbeat, self._stages.ages, judge, self._clock, self._meters)
            nursery.stage("heartbeat", heartbeat.run)

    async def ready(self, seconds: float) -> None:
        """Note how long the start took, on disk at once: the next crash may come before the next minute."""
        self._meters.time(Timed.READY, seconds)
        await self._store()

    async def close(self) -> None:
        """Listen no more, and store what was counted."""
        if self.web is not None:
            await self.web.close()
        await self._store()

    async def _keep_tallies(self) -> None:
        looks = 0
        while True:
            await self._clock.sleep(SAMPLE_EVERY_S)
            age_s = await self._database.glance(oldest_comparison_s)
            if age_s is not None:
                self._tallies.add(RECONCILE, age_s)
            looks += 1
            if looks % SAMPLES_STORED == 0:
                await self._store()

    async def _store(self) -> None:
        taken = self._tallies.take()
        if not taken:
            return
        try:
            await self._database.write(lambda unit: store(unit, taken))
        except Unavailable as error:
            log.warning("tallies.not_stored", reason=error.code)
            self._tallies.give_back(taken)

    def _looks(self) -> Looks:
        state = self._settings.desk.state_dir
        build = Build(version=VERSION, config=self._settings.fingerprint[:12], schema=api.head())
        backups = backup_folder(self._settings.backup.dir, state)
        return Looks(self._database, self._stages.ages, self.loop_lag.delay, build, state, backups)

    def _key(self) -> str | None:
        file = self._settings.web.key_file
        try:
            return self._settings.web.read_key()
        except (OSError, ValueError) as error:
            cause = error.strerror if isinstance(error, OSError) else "it holds no key of 16 visible ASCII characters or more"
            fix = "correct web.key_file, or write a key into it: openssl rand -hex 24"
            raise Misconfigured("WEB_KEY", file=file, cause=cause, fix=fix) from error
