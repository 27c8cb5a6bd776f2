"""Stored requests: longer work that a use case, a person or the shell asked for, carried out once."""

from __future__ import annotations

import structlog
from aiogram import Bot
from aiogram.exceptions import TelegramAPIError

from services.domain.people import Actor
from services.domain.ports import Ids, Wakeups
from services.execution.manage import take_back_entry
from services.storage import desk, trades
from services.storage.database import Database, Unit

log = structlog.get_logger()
POLL_S = 2.0


class Requests:
    """Carries requests out, oldest first."""

    def __init__(self, database: Database, bot: Bot, ids: Ids, wakeups: Wakeups) -> None:
        self._database = database
        self._bot = bot
        self._ids = ids
        self._wakeups = wakeups

    async def run(self) -> None:
        """Carry out for ever; woken by commits, at the latest every two seconds."""
        while True:
            for row in await self._database.read(desk.open_requests):
                await self._carry_out(row.id, row.kind, row.terms, row.correlation)
            await self._wakeups.wait("requests", POLL_S)

    async def _carry_out(self, request_id: str, kind: str, terms: dict[str, str], correlation: str) -> None:
        actor = Actor.job(f"request {kind}", correlation)
        if kind == "leave_chat":
            try:
                await self._bot.leave_chat(int(terms["chat"]))
            except TelegramAPIError as error:
                log.warning("chat.not_left", chat=terms["chat"], error=type(error).__name__)
        elif kind != "revoked":
            log.error("request.unknown", kind=kind)

        def body(unit: Unit) -> None:
            if not desk.finish_request(unit, request_id):
                return
            if kind == "revoked":
                for trade in trades.live(unit, person_id=int(terms["person"])):
                    take_back_entry(unit, actor, self._ids, trade)
            unit.record(actor, f"request.{kind}", **terms)

        await self._database.write(body)
