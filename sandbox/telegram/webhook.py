"""Webhook delivery: updates posted to the bot's address, in order within a chat, until taken."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import aiohttp

from sandbox.telegram import requests
from sandbox.telegram.api import BotApi
from sandbox.telegram.failures import Refused
from sandbox.telegram.files import Upload
from sandbox.telegram.methods_updates import touch_webhook
from sandbox.telegram.state import Webhook
from sandbox.telegram.updates import Update

_SECONDS = 60
_LOOKAHEAD = 500
_OUTAGE_LOOK_SECONDS = 0.1
_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 30.0
PROOF_HEADER = "X-Telegram-Bot-Api-Secret-Token"


class WebhookDelivery:
    """Post pending updates to the webhook, up to its number of connections at once."""

    def __init__(self, api: BotApi, flush: Callable[[], None]) -> None:
        self._api = api
        self._world = api.world
        self._flush = flush
        self._task: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()
        self._busy_lanes: set[int] = set()
        self._posting: set[asyncio.Task[None]] = set()
        self._pause = 0.0

    def start(self) -> None:
        """Begin to deliver; whatever else wants to know of new updates still does."""
        before = self._world.updates.on_added

        def added() -> None:
            before()
            self._wake.set()

        self._world.updates.on_added = added
        self._task = asyncio.create_task(self._run())
        self._wake.set()

    async def close(self) -> None:
        """Stop delivering; what was not taken stays pending."""
        tasks = [*self._posting, *([self._task] if self._task else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self) -> None:
        timeout = aiohttp.ClientTimeout(total=_SECONDS)
        connector = aiohttp.TCPConnector(limit=100)
        async with aiohttp.ClientSession(timeout=timeout, connector=connector) as session:
            while True:
                await self._wake.wait()
                self._wake.clear()
                webhook = self._world.webhook
                if self._world.faults.is_out:
                    asyncio.get_running_loop().call_later(_OUTAGE_LOOK_SECONDS, self._wake.set)
                elif webhook.url:
                    self._post_what_can_go(session, webhook)

    def _post_what_can_go(self, session: aiohttp.ClientSession, webhook: Webhook) -> None:
        for update in self._world.updates.first(_LOOKAHEAD):
            if len(self._posting) >= webhook.max_connections:
                return
            if update.lane not in self._busy_lanes:
                self._busy_lanes.add(update.lane)
                task = asyncio.create_task(self._post(session, webhook, update))
                self._posting.add(task)
                task.add_done_callback(self._posting.discard)

    async def _post(self, session: aiohttp.ClientSession, webhook: Webhook, update: Update) -> None:
        """Post one update; on failure wait before its lane goes on, longer each time."""
        try:
            failure = await self._posted(session, webhook, update)
            if not failure and self._world.faults.take_for_batch("duplicate_updates"):
                failure = await self._posted(session, webhook, update)
            if failure and self._world.webhook is webhook:
                webhook.last_error_at, webhook.last_error = self._world.now(), failure
                touch_webhook(self._world)
                self._pause = min(max(self._pause * 2, _FIRST_PAUSE), _LONGEST_PAUSE)
                await asyncio.sleep(self._pause)
            else:
                self._pause = 0.0
        finally:
            self._busy_lanes.discard(update.lane)
            self._flush()
            # The slot of this task is free once it is done, which is after the next look at the queue.
            asyncio.get_running_loop().call_soon(self._wake.set)

    async def _posted(self, session: aiohttp.ClientSession, webhook: Webhook, update: Update) -> str:
        """Post an update and confirm it when it was taken; return what went wrong, or ""."""
        headers = {"Content-Type": "application/json"}
        if webhook.secret:
            headers[PROOF_HEADER] = webhook.secret
        try:
            async with session.post(
                webhook.url, data=update.text.encode(), headers=headers, allow_redirects=False, ssl=False
            ) as answer:
                if not 200 <= answer.status < 300:
                    return f"Wrong response from the webhook: {answer.status} {answer.reason}"
                parameters, uploads = await _answered_call(answer)
        except TimeoutError:
            return "Read timeout expired"
        except aiohttp.ClientConnectorError:
            return "Connection refused"
        except (aiohttp.ClientError, OSError) as error:
            return f"Connection failed: {type(error).__name__}"
        self._world.updates.confirm(update)
        if isinstance(parameters.get("method"), str):
            self._api.call(parameters.pop("method"), parameters, uploads)
        return ""


async def _answered_call(answer: aiohttp.ClientResponse) -> tuple[dict[str, Any], dict[str, Upload]]:
    """Read the method a bot may put into its answer, whose result is never told; an unreadable one is none."""
    try:
        return await requests.read_answer(answer)
    except Refused:
        return {}, {}
