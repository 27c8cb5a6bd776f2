"""The chat page with what a load needs on top: presses, the bot's calls as they come, faults, and the venue's writes."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import aiohttp

from bot.demo.sandbox_client import SandboxClient, SandboxError

FOLLOW_EVERY_S = 0.25


class Page(SandboxClient):
    """One sandbox, asked by many people."""

    def __init__(self, address: str) -> None:
        super().__init__(address)
        self._seen = 0
        self._toasted: set[str] = set()

    async def add_trader(self, name: str) -> None:
        """Let somebody join who has pressed Start."""
        person = await self._ask("POST", "/page/person", {"name": name, "note": "trader"})
        await self.press_start(int(person["id"]))

    async def press(self, person: int, chat_id: int, message_id: float, data: str) -> str:
        """Press a button that the message carries, as the person sees it now; return the callback query's id."""
        body = {"person": person, "chat_id": chat_id, "message_id": message_id, "data": data}
        return str((await self._ask("POST", "/page/tap", body))["callback_query_id"])

    async def fault(self, kind: str, **terms: object) -> str:
        """Switch a fault of the chat on; return its id."""
        answer = await self._ask("POST", "/page/faults", {"kind": kind, **terms})
        return str(answer["active"][-1]["id"])

    async def clear_faults(self) -> None:
        """Switch the chat's faults off."""
        await self._ask("POST", "/page/faults", {"clear": True})

    async def writes_by_client_id(self) -> Mapping[str, int]:
        """Return how often the exchange was asked to place each client id; a cancel names the order it takes away."""
        writes = (await self._ask("GET", "/market/writes"))["writes"]
        return Counter(name for each in writes if each["method"] == "POST" for name in each["client_ids"])

    def was_toasted(self, query: str) -> bool:
        """Tell whether the bot answered a tap while the person could still see it."""
        return query in self._toasted

    async def follow_calls(self) -> None:
        """Read what the bot calls for ever, so that no answer to a tap is missed."""
        while True:
            # A sandbox that is stopped for a while answers again later; its calls are kept meanwhile.
            with suppress(SandboxError):
                await self._read_calls()
            await asyncio.sleep(FOLLOW_EVERY_S)

    async def _read_calls(self) -> None:
        rows = (await self._ask("GET", f"/page/calls?since={self._seen}"))["calls"]
        if rows and self._seen and rows[0]["number"] != self._seen + 1:
            raise AssertionError("the bot's calls were not read often enough")
        for row in rows:
            self._seen = row["number"]
            if row["method"].lower() == "answercallbackquery" and row["ok"]:
                self._toasted.add(str(_parameters(row)["callback_query_id"]))

    async def stop_limits(self) -> None:
        """Let the exchange count its limits without enforcing them."""
        await self._ask("POST", "/market/limits", {"enforced": False})

    async def is_up(self) -> bool:
        """Tell whether the sandbox answers."""
        try:
            async with self._session.get(f"{self.address}/page/updates", timeout=aiohttp.ClientTimeout(total=1)) as answer:
                return answer.status == 200
        except (aiohttp.ClientError, TimeoutError):
            return False


def _parameters(row: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads(row["parameters"])
    return found
