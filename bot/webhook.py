"""Updates by webhook: the address that the chat server posts to, and the look whether it still does."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Sequence

import structlog
from aiogram import Bot
from aiogram.exceptions import TelegramAPIError
from aiohttp import web

from config.groups import TelegramSettings
from services.domain.errors import Misconfigured
from services.domain.ports import Clock, StageBeat

log = structlog.get_logger()
MAX_BODY = 1_048_576
PATH = "/telegram"
LOOK_EVERY_S = 20.0


async def point_webhook(bot: Bot, settings: TelegramSettings, allowed: Sequence[str]) -> None:
    """Tell the chat server to post updates to the settings' address, with their secret."""
    secret = settings.webhook_secret
    await bot.set_webhook(
        url=settings.webhook_url or "",
        secret_token=secret.get_secret_value() if secret else None,
        allowed_updates=list(allowed),
    )


class Webhook:
    """Listens while the desk runs; its stage shows life as long as the chat server knows the address."""

    def __init__(
        self,
        bot: Bot,
        settings: TelegramSettings,
        allowed: Sequence[str],
        take: Callable[[web.Request], Awaitable[web.Response]],
        clock: Clock,
        beats: StageBeat,
    ) -> None:
        self._bot = bot
        self._settings = settings
        self._allowed = allowed
        self._take = take
        self._clock = clock
        self._beats = beats
        self._runner: web.AppRunner | None = None

    async def open(self) -> None:
        """Listen; raise Misconfigured when the address cannot be had."""
        app = web.Application(client_max_size=MAX_BODY)
        app.router.add_post(PATH, self._take)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        host, port = self._settings.webhook_host, self._settings.webhook_port
        try:
            await web.TCPSite(self._runner, host, port).start()
        except OSError as error:
            raise Misconfigured(
                "WEBHOOK_PORT",
                key="telegram.webhook_port",
                cause=f"{host}:{port} cannot be had: {os.strerror(error.errno or 0)}",
                fix="stop what listens there, or set another `telegram.webhook_port`; two desks need two",
            ) from error

    async def close(self) -> None:
        """Take no more updates; the server keeps them until the next start."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def watch(self) -> None:
        """Look for ever whether the server posts here, and tell it again when it does not: a quiet chat is no silent stage."""
        while True:
            try:
                await self._look()
            except (TelegramAPIError, TimeoutError, OSError) as error:
                log.warning("webhook.not_seen", error=type(error).__name__)
            await self._clock.sleep(LOOK_EVERY_S)

    async def _look(self) -> None:
        info = await self._bot.get_webhook_info()
        if info.url != self._settings.webhook_url:
            log.warning("webhook.lost")
            await point_webhook(self._bot, self._settings, self._allowed)
        elif info.pending_update_count and info.last_error_message:
            log.warning("webhook.failing", waiting=info.pending_update_count, error=info.last_error_message)
            return
        self._beats.beat("intake")
