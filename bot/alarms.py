"""What calls people: escalation, the second channel, crashes as alerts, and two clocks compared."""

from __future__ import annotations

from collections.abc import Callable

import structlog
from aiogram import Bot
from aiogram.client.session.middlewares.base import BaseRequestMiddleware, NextRequestMiddlewareType
from aiogram.methods import Response, TelegramMethod
from aiogram.methods.base import TelegramType

from bot.extras import CHANNELS, ensure
from bot.nursery import TaskNursery
from bot.second_channel import SecondChannel
from config.settings import Settings
from services.domain.errors import Misconfigured, Unavailable
from services.domain.ports import Clock, Ids, MarketData, Wakeups
from services.operations.clock_watch import LOOK_EVERY_S, WatchClock
from services.operations.crashes import BookCrashes
from services.operations.escalation import Escalate
from services.operations.stages import Stages
from services.reporting.live import Live
from services.storage.database import Database

log = structlog.get_logger()
EVERY_S = 1.0


class TelegramLife(BaseRequestMiddleware):
    """Notes when the chat server last answered anything, be it an update or a message."""

    def __init__(self, clock: Clock, stages: Stages) -> None:
        self._clock = clock
        self._stages = stages
        self._answered_at = clock.monotonic()

    async def __call__(
        self, make_request: NextRequestMiddlewareType[TelegramType], bot: Bot, method: TelegramMethod[TelegramType]
    ) -> Response[TelegramType]:
        """Make the call and pass on what it brings."""
        answer = await make_request(bot, method)
        self._answered_at = self._clock.monotonic()
        return answer

    def silence(self) -> float:
        """Return the seconds since the last answer."""
        heard = self._stages.age("intake")
        spoken = self._clock.monotonic() - self._answered_at
        return min(spoken, heard.total_seconds()) if heard is not None else spoken


class Alarms:
    """Built with the desk and run beside it."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        market: MarketData,
        live: Callable[[], Live],
        stages: Stages,
        crashes: BookCrashes,
        clock: Clock,
        ids: Ids,
        wakeups: Wakeups,
    ) -> None:
        self._clock = clock
        self._stages = stages
        self._crashes = crashes
        self.life = TelegramLife(clock, stages)
        urls = _urls(settings)
        own, telegram = settings.alerts, settings.telegram
        silent_after_s = max(2 * own.telegram_silent_s, telegram.poll_timeout_s + own.telegram_silent_s)
        self.escalate = Escalate(database, clock, ids, own, self.life.silence, silent_after_s, len(urls))
        self.channel = SecondChannel(database, own, settings.desk.name, live, clock, wakeups, urls) if urls else None
        self.clocks = WatchClock(database, market, clock, ids, settings.market.venue)

    def start(self, nursery: TaskNursery) -> None:
        """Run what runs all the time."""
        nursery.stage("alarms", self._run)
        nursery.stage("clocks", self._compare_clocks)
        if self.channel is not None:
            nursery.stage("outside", self.channel.run)
        self._stages.attach("alarms")

    async def _run(self) -> None:
        while True:
            try:
                await self._crashes()
                await self.escalate()
                self._stages.beat("alarms")
            except Unavailable as error:
                log.warning("alarms.not_stored", reason=str(error))
            await self._clock.sleep(EVERY_S)

    async def _compare_clocks(self) -> None:
        while True:
            await self._clock.sleep(LOOK_EVERY_S)
            await self.clocks()


def _urls(settings: Settings) -> tuple[str, ...]:
    """Return the addresses of the second channel; raise Misconfigured when their file cannot be read."""
    try:
        urls = settings.alerts.read_urls()
    except OSError as error:
        fix = "correct alerts.urls_file, or look at its owner and mode"
        raise Misconfigured("ALERT_URLS", file=settings.alerts.urls_file, cause=error.strerror, fix=fix) from error
    if urls:
        ensure(CHANNELS)
    return urls
