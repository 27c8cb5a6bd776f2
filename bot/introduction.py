"""Getting to know the chat server: who the bot is, how updates come, which commands each role is offered; tried until it works.

The desk does not wait for it: with the chat out of reach, protection, exits and reconciliation must run all the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog
from aiogram import Bot
from aiogram.exceptions import TelegramAPIError, TelegramUnauthorizedError

from bot.webhook import point_webhook
from config.groups import TelegramSettings
from services.domain.errors import Misconfigured
from services.domain.ports import Clock, Nursery
from services.storage.counters import get_fact, set_fact
from services.storage.database import Database

log = structlog.get_logger()
USERNAME = "bot.username"
PAUSE_FIRST_S = 0.5
PAUSE_MOST_S = 15.0
PATIENCE_S = 6.0


class Introduction:
    """Knows the bot's username, from the server or from the last time it was asked."""

    def __init__(
        self,
        bot: Bot,
        database: Database,
        settings: TelegramSettings,
        clock: Clock,
        nursery: Nursery,
        allowed: tuple[str, ...],
        publish: Callable[[], Awaitable[None]],
    ) -> None:
        self._bot = bot
        self._database = database
        self._settings = settings
        self._clock = clock
        self._nursery = nursery
        self._allowed = allowed
        self._publish = publish
        self._answered = asyncio.Event()
        self._refused = False
        self.username = ""

    async def begin(self) -> None:
        """Ask in the background and wait a little for the answer; raise Misconfigured when the token is refused."""
        known = await self._database.read(lambda unit: get_fact(unit, USERNAME))
        self.username = known or ""
        self._nursery.spawn("introduction", self._until_known())
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self._answered.wait()
        except TimeoutError:
            log.error("telegram.unreachable", goes_on=True)
        if self._refused:
            fix = "take the token again from @BotFather, then run `sortie init`"
            raise Misconfigured("TOKEN_REFUSED", key="telegram.token", where="settings", fix=fix)

    async def _until_known(self) -> None:
        pause = PAUSE_FIRST_S
        while True:
            try:
                await self._introduce()
            except TelegramUnauthorizedError:
                self._refused = True
                self._answered.set()
                log.error("telegram.token_refused")
                return
            except (TelegramAPIError, TimeoutError, OSError) as error:
                log.warning("telegram.not_introduced", error=type(error).__name__, pause_s=pause)
                await self._clock.sleep(pause)
                pause = min(pause * 2, PAUSE_MOST_S)
            else:
                self._answered.set()
                await self._publish()
                return

    async def _introduce(self) -> None:
        me = await self._bot.get_me()
        known, self.username = self.username, me.username or ""
        if known != self.username:
            await self._database.write(lambda unit: set_fact(unit, USERNAME, self.username))
        telegram = self._settings
        if telegram.mode == "polling":
            await self._bot.delete_webhook()
            return
        await point_webhook(self._bot, telegram, self._allowed)
