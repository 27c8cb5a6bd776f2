"""Updates in: each is stored before the next is asked for, handled once, and what a crash cut off is answered at start."""

from __future__ import annotations

import asyncio
import hmac
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import aiohttp
import structlog
from aiohttp import web

from bot.polling import Ask, Line
from bot.withholding import withhold
from config.groups import TelegramSettings
from services.domain.errors import AlreadyDone, Unavailable
from services.domain.ports import Clock, Nursery, StageBeat, Wakeups
from services.domain.states import UpdateState
from services.storage import updates
from services.storage.database import Database, Unit, UpdateTicket, current_update

log = structlog.get_logger()
ALLOWED = ("message", "callback_query", "my_chat_member")
CONCURRENT = 64
BACKOFF_MOST_S = 15.0
MOST_ID = 2**63 - 1
PATIENCE_S = 0.3
STORE_AGAIN_S = 0.5

RawUpdate = Mapping[str, Any]
Handle = Callable[[RawUpdate], Awaitable[None]]


class Intake:
    """Stores updates and hands them to the dispatcher, at most ``CONCURRENT`` at once, each person's in their order.

    What ``cannot_wait``, a tap or a stop, overtakes the same person's earlier update when that is held up, by a chat that
    may not be written to for a while, say; and it has places of its own.
    """

    def __init__(
        self,
        database: Database,
        handle: Handle,
        settings: TelegramSettings,
        line: Line,
        clock: Clock,
        wakeups: Wakeups,
        nursery: Nursery,
        beats: StageBeat,
        cannot_wait: Callable[[RawUpdate], bool],
    ) -> None:
        self._database = database
        self._handle = handle
        self._settings = settings
        self._line = line
        self._clock = clock
        self._wakeups = wakeups
        self._nursery = nursery
        self._beats = beats
        self._cannot_wait = cannot_wait
        self._slots = {hurried: asyncio.Semaphore(CONCURRENT) for hurried in (False, True)}
        self._answered: set[int] = set()
        self._tails: dict[int, asyncio.Future[None]] = {}
        self._stopping = False

    async def poll(self) -> None:
        """Ask for updates for ever; the next question confirms what is stored."""
        # Ids start anew after a week of silence, so a kept offset could hide updates: what is stored is known by its row.
        offset = 0
        pause = 0.5
        async with self._line() as ask:
            while not self._stopping:
                try:
                    batch = await self._ask(ask, offset)
                except (aiohttp.ClientError, TimeoutError, ValueError, Unavailable) as error:
                    log.warning("intake.poll.failed", error=type(error).__name__, pause_s=pause)
                    await asyncio.sleep(pause)
                    pause = min(pause * 2, BACKOFF_MOST_S)
                    continue
                pause = 0.5
                try:
                    if batch:
                        await self.accept(batch)
                except Unavailable as error:
                    # What is not stored is not confirmed: the next question brings it again.
                    log.warning("intake.not_stored", reason=error.code)
                    offset = 0
                    await self._clock.sleep(STORE_AGAIN_S)
                    continue
                offset = max(int(each["update_id"]) for each in batch) + 1 if batch else 0
                self._beats.beat("intake")

    async def accept(self, batch: Sequence[RawUpdate]) -> None:
        """Store a batch in one commit and start what is new in it."""
        received_at = self._clock.now()
        answered = sorted(self._answered)
        batch = [withhold(update, stops=self._cannot_wait(update)) for update in batch]

        def body(unit: Unit) -> list[int]:
            updates.finish(unit, answered, UpdateState.DONE)
            # In ASCII: half a surrogate pair, which JSON can carry, is nothing that a database could store.
            return updates.store(unit, [(int(each["update_id"]), json.dumps(each)) for each in batch])

        fresh = set(await self._database.write(body, urgent=True))
        self._answered.difference_update(answered)
        for update in batch:
            if int(update["update_id"]) in fresh:
                self.start(update, received_at)

    def start(self, update: RawUpdate, received_at: datetime | None = None) -> None:
        """Handle one stored update in the background, after the same person's earlier ones."""
        who = sender_of(update)
        before = self._tails.get(who)
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._tails[who] = done
        self._nursery.spawn(f"update {update['update_id']}", self._run(update, received_at, who, before, done))

    async def flush_answered(self) -> None:
        """Mark answered reads done, about once a second."""
        while True:
            await self._flush()
            await self._clock.sleep(1.0)

    async def stop(self) -> None:
        """Ask for no more updates."""
        self._stopping = True

    async def drain(self, seconds: float) -> None:
        """Let what is being handled end, then mark what was answered."""
        end = self._clock.monotonic() + seconds
        while self._tails and self._clock.monotonic() < end:
            await self._clock.sleep(0.02)
        await self._flush()

    async def webhook(self, request: web.Request) -> web.Response:
        """Take one update by webhook: 401 without the secret, 400 for what is none, 200 after it is kept, else 503."""
        secret = self._settings.webhook_secret
        given = request.headers.get("X-Telegram-Bot-Api-Secret-Token", "").encode(errors="surrogateescape")
        if secret is None or not hmac.compare_digest(given, secret.get_secret_value().encode()):
            return web.Response(status=401)
        try:
            update = json.loads(await request.read())
        except (ValueError, RecursionError):
            return web.Response(status=400)
        if not is_update(update):
            return web.Response(status=400)
        try:
            await self.accept([update])
        except Unavailable as error:
            # The server posts it again.
            log.warning("intake.webhook.failed", code=error.code)
            return web.Response(status=503)
        self._beats.beat("intake")
        return web.Response()

    async def _flush(self) -> None:
        """Mark done what was answered; what the database does not take now is marked the next time."""
        if self._answered:
            answered = sorted(self._answered)
            await self._database.write(lambda unit: updates.finish(unit, answered, UpdateState.DONE))
            self._answered.difference_update(answered)

    async def _run(
        self,
        update: RawUpdate,
        received_at: datetime | None,
        who: int,
        before: asyncio.Future[None] | None,
        done: asyncio.Future[None],
    ) -> None:
        ticket = UpdateTicket(int(update["update_id"]), received_at)
        try:
            hurried = self._cannot_wait(update)
            if before is not None:
                await asyncio.wait([before], timeout=PATIENCE_S if hurried else None)
            async with self._slots[hurried]:
                current_update.set(ticket)
                await self._handle(update)
            self._answered.add(ticket.update_id)
        except AlreadyDone:
            log.info("update.replayed", update=ticket.update_id)
        finally:
            done.set_result(None)
            if self._tails.get(who) is done:
                del self._tails[who]

    async def _ask(self, ask: Ask, offset: int) -> list[RawUpdate]:
        wait = self._settings.poll_timeout_s
        question = {"offset": offset, "timeout": wait, "limit": 100, "allowed_updates": list(ALLOWED)}
        answer = await ask(question, wait + 10)
        if not isinstance(answer, dict) or not answer.get("ok"):
            code = answer.get("error_code") if isinstance(answer, dict) else None
            log.warning("intake.poll.refused", code=code)
            retry = answer.get("parameters", {}).get("retry_after", 1) if isinstance(answer, dict) else 1
            await asyncio.sleep(float(retry))
            raise Unavailable("GET_UPDATES", code=code)
        result = answer["result"]
        return [each for each in result if is_update(each)]


def is_update(found: object) -> bool:
    """Tell whether this can be kept: an object with an id that a database takes."""
    number = found.get("update_id") if isinstance(found, dict) else None
    return isinstance(number, int) and not isinstance(number, bool) and 0 <= number <= MOST_ID


def sender_of(update: RawUpdate) -> int:
    """Return the numeric id of whoever sent an update, 0 when there is none."""
    for kind in ALLOWED:
        body = update.get(kind)
        if isinstance(body, dict):
            sender = body.get("from")
            if isinstance(sender, dict):
                number = sender.get("id", 0)
                return number if isinstance(number, int) else 0
    return 0
