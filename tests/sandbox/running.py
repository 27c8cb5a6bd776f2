"""The server in this process, on a free port of loopback."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
from aiohttp import web

from sandbox.clock import Clock, SystemClock
from sandbox.server import create_app
from sandbox.telegram.world import ANN, CARL, World

from .conftest import BOT_ID


def new_token() -> str:
    return f"{BOT_ID}:{secrets.token_urlsafe(26)[:35]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    world: World
    url: str
    token: str
    http: aiohttp.ClientSession

    async def call(self, method: str, /, **parameters: Any) -> dict[str, Any]:
        """Call a method with JSON and return the whole answer."""
        async with self.http.post(f"{self.url}/bot{self.token}/{method}", json=parameters) as answer:
            body: dict[str, Any] = await answer.json()
            assert answer.status == (200 if body["ok"] else body["error_code"])
            return body

    async def page(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """Get from the page's API, or post to it, and return the JSON; the status must be 200."""
        if body is None:
            request = self.http.get(f"{self.url}/page/{path}")
        else:
            request = self.http.post(f"{self.url}/page/{path}", json=body)
        async with request as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json()


@asynccontextmanager
async def running(
    *, clock: Clock | None = None, control_url: str = "", flush: Callable[[], None] = lambda: None
) -> AsyncIterator[Running]:
    """Serve a world in which Ann and Carl have started the bot."""
    token = new_token()
    world = World(clock=clock or SystemClock(), bot_id=BOT_ID, started=(ANN, CARL), limits_on=False)
    app = create_app(world, token=token, control_url=control_url, flush=flush).app
    async with serving(app) as url, aiohttp.ClientSession() as http:
        yield Running(world=world, url=url, token=token, http=http)


@asynccontextmanager
async def serving(app: web.Application) -> AsyncIterator[str]:
    """Serve any application on a free port; yield its address."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
