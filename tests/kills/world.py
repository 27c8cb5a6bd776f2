"""Everything around the desk: the sandbox's chat and exchange in a process of their own, and the desk's settings for them."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from bot.demo.desk_settings import TERMINAL, VENUE, desk_terms
from bot.demo.exchange_account import ExchangeAccount
from bot.demo.exchange_book import compared
from bot.demo.processes import Child
from bot.demo.sandbox_client import Cast, SandboxError
from config.groups import TelegramSettings
from services.operations.venue_book import VenueBook
from tests.kills.desk_process import DeskProcess
from tests.kills.page import Page

CURRENCY = "USDT"
BALANCE = Decimal(100_000)
FIRST_BAR, BAR_S = 600, 10
ANN, TOM, CARL, CORA, OLGA = 1001, 1002, 2001, 2002, 3001
STARTED = (ANN, TOM, CARL, CORA, OLGA)
NEWCOMERS = ("Una", "Vic", "Wes", "Xen")
SANDBOX_READY_S = 60.0
# Room for many trades at once, and for a chat in which people are faster than people.
ROOM: Mapping[str, str] = {
    "SORTIE_RISK__OPEN_POSITIONS": "6",
    "SORTIE_RISK__DAILY_LOSS": "1",
    "SORTIE_RISK__LEVERAGE": "20",
    "SORTIE_RISK__WRITES_PER_MINUTE": "100000",
    # Hours of chance lose, and nobody here is to be held back for it: the load is what is wanted.
    "SORTIE_DISCIPLINE__COOLDOWN_S": "0",
    "SORTIE_DISCIPLINE__TILT_LOSSES": "100000",
    "SORTIE_DISCIPLINE__MEDIC_FROM": "1",
    "SORTIE_DISCIPLINE__MEDIC_BEFORE": "1",
    "SORTIE_DISCIPLINE__SHOTS_PER_DAY": "100000",
    "SORTIE_BREAKERS__DRAWDOWN": "1",
    "SORTIE_BREAKERS__STREAK_WARN": "99999",
    "SORTIE_BREAKERS__STREAK_LOCK": "100000",
    "SORTIE_BREAKERS__SLIPPAGE_ENTRIES": "100000",
    "SORTIE_SIGNALS__OFFERS_PER_HOUR": "100000",
    "SORTIE_SIGNALS__OFFERS_PER_DAY": "100000",
    "SORTIE_SIGNALS__COOLDOWN_S": "5",
    "SORTIE_PAPER__LATENCY_MS": "40",
    "SORTIE_KILLING__REARM_WAIT_S": "1",
    # As the service and the image set it.
    "MALLOC_ARENA_MAX": "2",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """One sandbox, who is in its chat, and the desk that serves them."""

    folder: Path
    page: Page
    cast: Cast
    desk: DeskProcess
    sandbox: Child
    secrets: frozenset[str]
    environment: Mapping[str, str]

    def another(self, more: Mapping[str, str]) -> DeskProcess:
        """Return a second process on the same desk, with ``more`` in its environment, whose output has a file of its own."""
        return DeskProcess(self.folder, {**self.environment, **more}, name="another")

    async def exchange_book(self) -> VenueBook:
        """Return the exchange's book as the invariants compare it."""
        read_at = datetime.now(UTC)
        return compared(await self.page.account(TERMINAL), VENUE, CURRENCY, read_at)

    async def transcript(self) -> str:
        """Return all chats as text."""
        chats = [self.cast.group_id, *(member.id for member in self.cast.members)]
        return "\n".join([await self.page.transcript(chat_id) for chat_id in chats])


@asynccontextmanager
async def world(folder: Path, seed: int, more: Mapping[str, str] | None = None) -> AsyncIterator[World]:
    """Run a sandbox with an account at its exchange; the desk is ready to be started, with ``more`` settings."""
    folder.mkdir(parents=True, exist_ok=True)
    token = f"{secrets.randbelow(10**9) + 10**9}:{secrets.token_urlsafe(26)[:35]}"
    account = ExchangeAccount(
        name=TERMINAL, accounts_file=folder / "accounts.json", keys_file=folder / "desk" / "exchange-keys.json"
    )
    account.order()
    sandbox = Child("sandbox", ["sandbox"], folder / "sandbox.log")
    page: Page | None = None
    desk: DeskProcess | None = None
    try:
        page = Page(await _start(sandbox, folder, seed, account, token))
        account.hand_over()
        await page.pay_in(TERMINAL, CURRENCY, BALANCE)
        await page.stop_limits()
        for name in NEWCOMERS:
            await page.add_trader(name)
        cast = await page.cast()
        environment = await _environment(page, cast, token, account, folder) | dict(more or {})
        desk = DeskProcess(folder, environment)
        secret = frozenset({token}) | account.secrets()
        yield World(folder=folder, page=page, cast=cast, desk=desk, sandbox=sandbox, secrets=secret, environment=environment)
    finally:
        if desk is not None:
            await desk.close()
        if page is not None:
            await page.close()
        await sandbox.stop(5)


async def _start(sandbox: Child, folder: Path, seed: int, account: ExchangeAccount, token: str) -> str:
    ready = folder / "sandbox.ready"
    arguments = ["--ready-file", str(ready), "--limits", "off", "--started", ",".join(map(str, STARTED))]
    arguments += ["--seed", str(seed), "--start", str(FIRST_BAR), "--bar", str(BAR_S)]
    arguments += ["--accounts", str(account.accounts_file)]
    await sandbox.start(arguments, os.environ | {"SANDBOX_TOKEN": token, "PYTHONUNBUFFERED": "1"})
    end = time.monotonic() + SANDBOX_READY_S
    while not ready.exists():
        if not sandbox.running or time.monotonic() > end:
            raise SandboxError(f"the sandbox did not start: {sandbox.last_line()}")
        await asyncio.sleep(0.05)
    return f"http://127.0.0.1:{json.loads(ready.read_text(encoding='utf-8'))['port']}"


async def _environment(page: Page, cast: Cast, token: str, account: ExchangeAccount, folder: Path) -> dict[str, str]:
    market = await page.market()
    terms = desk_terms(
        cast=cast,
        market=market,
        address=page.address,
        token=token,
        keys=account.keys_file,
        state=folder / "desk",
        now=datetime.now(UTC),
    )
    assert terms.telegram.token is not None
    fast = TelegramSettings(
        token=terms.telegram.token,
        api_base=page.address,
        poll_timeout_s=2,
        messages_per_second=500,
        chat_per_minute=100_000,
        group_per_minute=100_000,
    )
    return replace(terms, telegram=fast).environment(os.environ) | dict(ROOM)
