"""Telegram's side of a measurement: the sandbox as a process of its own, its people, and every call that a bot made."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp

from bench.programs import BenchError, Program, running, wait_for

GROUP = -1001000000001
MISSIONS_TOPIC = 2
SEED, FIRST_BAR, BAR_S = 7, 600, 10
SEEDED = ("--seed", str(SEED))
COLLECT_S = 0.5
START_S = 30.0
AT_ONCE = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class BotCall:
    """One call of the bot as the server logged it; ``at`` is Unix time when the server had it."""

    number: int
    at: float
    method: str
    parameters: Mapping[str, Any]
    ok: bool
    error_code: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The keys of an account at the sandbox's exchange."""

    key: str
    secret: str


class Chat:
    """The sandbox's page API: people who press and write, and the log of calls."""

    def __init__(self, http: aiohttp.ClientSession, url: str, token: str) -> None:
        self.url = url
        self.token = token
        self._http = http
        self._seen = 0

    async def add_people(self, count: int) -> list[int]:
        """Add people who have pressed Start and return their ids; the bot hears nothing of it."""

        async def one(index: int) -> int:
            person = await self._post("person", {"name": f"Person {index}"})
            await self._post("start", {"person": person["id"]})
            return int(person["id"])

        ids: list[int] = []
        for first in range(0, count, AT_ONCE):
            ids += await asyncio.gather(*(one(index) for index in range(first, min(first + AT_ONCE, count))))
        await self.forget_updates()
        return ids

    async def forget_updates(self) -> None:
        """Take the waiting updates away from a bot that does not run."""
        async with self._http.post(f"{self.url}/bot{self.token}/getUpdates", json={"offset": -1}) as answer:
            pending = (await answer.json())["result"]
        if pending:
            body = {"offset": pending[-1]["update_id"] + 1}
            async with self._http.post(f"{self.url}/bot{self.token}/getUpdates", json=body) as answer:
                answer.raise_for_status()

    async def say(self, person: int, text: str) -> int:
        """Write to the bot in private and return the message's id."""
        return int((await self._post("say", {"person": person, "chat_id": person, "text": text}))["message_id"])

    async def press(self, person: int, chat_id: int, message_id: int, data: str) -> str:
        """Press a button and return the callback query's id."""
        body = {"person": person, "chat_id": chat_id, "message_id": message_id, "data": data}
        return str((await self._post("press", body))["callback_query_id"])

    async def hold_updates(self, seconds: float) -> None:
        """Let the next batch of updates reach the bot this much later."""
        await self._post("faults", {"kind": "delay", "method": "getUpdates", "delay": seconds, "count": 1})

    async def prices(self) -> Mapping[str, Decimal]:
        """Return the market's last prices by symbol."""
        async with self._http.get(f"{self.url}/exchange/api/v3/ticker/price") as answer:
            return {each["symbol"]: Decimal(each["price"]) for each in await answer.json()}

    async def open_account(self, balance: Decimal) -> Account:
        """Open an account at the exchange with so much USDT."""
        body = {"name": "main", "balances": {"USDT": str(balance)}}
        async with self._http.post(f"{self.url}/market/accounts", json=body) as answer:
            opened = await answer.json()
        if "secret" not in opened:
            raise BenchError(f"the exchange opened no account: {opened}")
        return Account(key=opened["key"], secret=opened["secret"])

    async def order_writes(self) -> Mapping[str, float]:
        """Return when the exchange had each order first, as Unix time by client id."""
        async with self._http.get(f"{self.url}/market/writes") as answer:
            writes = (await answer.json())["writes"]
        return {name: write["at"] / 1000 for write in reversed(writes) for name in write["client_ids"]}

    async def is_polled(self) -> bool:
        """Tell whether a bot waits for updates and none is pending."""
        async with self._http.get(f"{self.url}/page/updates") as answer:
            body = await answer.json()
        return bool(body["held"]) and body["pending"] == 0

    async def until_polled(self, program: Program) -> None:
        """Wait until a bot waits for updates."""
        end = time.monotonic() + START_S
        while not await self.is_polled():
            program.require_alive()
            if time.monotonic() > end:
                raise BenchError(f"{program.name} did not ask for updates within {START_S:g} s")
            await asyncio.sleep(0.05)

    async def skip_calls(self) -> None:
        """Let the calls made so far count as read."""
        await self._records()

    async def new_calls(self) -> list[BotCall]:
        """Return the calls since this was asked last; the server keeps the newest two thousand."""
        before = self._seen
        records = await self._records()
        if records and records[0]["number"] != before + 1:
            raise BenchError("the log of calls was not read often enough")
        return [_call(record) for record in records]

    async def _records(self) -> list[Any]:
        async with self._http.get(f"{self.url}/page/calls", params={"since": str(self._seen)}) as answer:
            records: list[Any] = (await answer.json())["calls"]
        if records:
            self._seen = records[-1]["number"]
        return records

    async def _post(self, act: str, body: Mapping[str, Any]) -> Any:
        async with self._http.post(f"{self.url}/page/{act}", json=body) as answer:
            said = await answer.json()
            if answer.status != 200:
                raise BenchError(f"the sandbox refused {act}: {said}")
            return said


class CallLog:
    """Gathers what the bot calls while a load runs."""

    def __init__(self, chat: Chat) -> None:
        self._chat = chat
        self._calls: list[BotCall] = []
        self._lock = asyncio.Lock()

    async def read(self) -> Sequence[BotCall]:
        """Return all calls since the log was opened."""
        async with self._lock:
            self._calls += await self._chat.new_calls()
        return self._calls

    async def follow(self) -> None:
        """Read on for ever."""
        while True:
            await self.read()
            await asyncio.sleep(COLLECT_S)


@asynccontextmanager
async def following(chat: Chat) -> AsyncIterator[CallLog]:
    """Gather the calls made from here on."""
    await chat.skip_calls()
    log = CallLog(chat)
    task = asyncio.create_task(log.follow())
    try:
        yield log
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def sandbox(folder: Path, *, limits: bool, market: Sequence[str] = SEEDED) -> AsyncIterator[Chat]:
    """Run a sandbox; ``limits`` are Telegram's documented rates, ``market`` the flags that say what is played."""
    ready = folder / "sandbox.json"
    token = f"{secrets.randbelow(10**9) + 10**9}:{secrets.token_urlsafe(26)[:35]}"
    command = ["-m", "sandbox", "--ready-file", str(ready), "--limits", "on" if limits else "off"]
    command += [*market, "--start", str(FIRST_BAR), "--bar", str(BAR_S)]
    async with running("sandbox", command, folder, SANDBOX_TOKEN=token) as program:
        port = await wait_for("the sandbox's port", lambda: _port(ready), program, START_S)
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
            yield Chat(http, f"http://127.0.0.1:{port}", token)


def _port(ready: Path) -> int | None:
    return int(json.loads(ready.read_text(encoding="utf-8"))["port"]) if ready.exists() else None


def _call(record: Mapping[str, Any]) -> BotCall:
    try:
        parameters = json.loads(record["parameters"])
    except ValueError:
        # A long call is logged cut off; what is measured by its parameters is short.
        parameters = {}
    return BotCall(
        number=record["number"],
        at=record["at"],
        method=record["method"],
        parameters=parameters,
        ok=record["ok"],
        error_code=record["error_code"],
    )
