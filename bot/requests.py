"""Stored requests: longer work that a use case, a person or the shell asked for, carried out once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

import structlog
from aiogram import Bot
from aiogram.exceptions import TelegramAPIError, TelegramNetworkError, TelegramRetryAfter, TelegramServerError

from services.access.chats import LEAVE_CHAT
from services.access.roles import MENU, REVOKED
from services.domain.people import Actor
from services.domain.ports import Ids, Wakeups
from services.execution.taking_back import take_back_entry
from services.storage import desk, trades
from services.storage.database import Database, Unit

log = structlog.get_logger()
POLL_S = 2.0


class Requests:
    """Carries requests out, oldest first."""

    def __init__(
        self, database: Database, bot: Bot, ids: Ids, wakeups: Wakeups, show_menu: Callable[[int], Awaitable[None]]
    ) -> None:
        self._database = database
        self._bot = bot
        self._ids = ids
        self._wakeups = wakeups
        self._show_menu = show_menu

    async def run(self) -> None:
        """Carry out for ever; woken by commits, at the latest every two seconds."""
        while True:
            waiting = await self._database.read(desk.open_requests)
            # What touches orders does not wait for a chat server that is out of reach.
            for row in sorted(waiting, key=lambda row: row.kind != REVOKED):
                await self._carry_out(row.id, row.kind, row.terms, row.correlation)
            await self._wakeups.wait("requests", POLL_S)

    async def _carry_out(self, request_id: str, kind: str, terms: dict[str, str], correlation: str) -> None:
        actor = Actor.job(f"request {kind}", correlation)
        try:
            await self._ask_server(kind, terms)
        except (TelegramNetworkError, TelegramRetryAfter, TelegramServerError, TimeoutError, OSError) as error:
            log.info("request.postponed", kind=kind, error=type(error).__name__)
            return
        except TelegramAPIError as error:
            log.warning("request.refused", kind=kind, terms=terms, error=type(error).__name__)

        def body(unit: Unit) -> None:
            if not desk.finish_request(unit, request_id):
                return
            if kind == REVOKED:
                for trade in trades.live(unit, person_id=int(terms["person"])):
                    take_back_entry(unit, actor, self._ids, trade)
            unit.record(actor, f"request.{kind}", **terms)

        await self._database.write(body)

    async def _ask_server(self, kind: str, terms: Mapping[str, str]) -> None:
        if kind == LEAVE_CHAT:
            await self._bot.leave_chat(int(terms["chat"]))
        elif kind == MENU:
            await self._show_menu(int(terms["person"]))
        elif kind != REVOKED:
            log.error("request.unknown", kind=kind)
