"""Small servers on loopback that answer as Telegram or a venue would, rightly or not."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from aiohttp import web

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def serving(answer: Answer) -> AsyncIterator[str]:
    """Serve every path with one function; give the address."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    try:
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()


def bot_api(token: str, *, ahead: timedelta = timedelta()) -> Answer:
    """Answer getMe for one token; every other token is unknown. The clock may be off."""

    async def answer(request: web.Request) -> web.Response:
        date = {"Date": format_datetime(datetime.now(UTC) + ahead, usegmt=True)}
        if request.path == f"/bot{token}/getMe":
            me = {"id": int(token.split(":")[0]), "is_bot": True, "first_name": "Desk", "username": "a_desk_bot"}
            return web.json_response({"ok": True, "result": me}, headers=date)
        body = {"ok": False, "error_code": 401, "description": "Unauthorized"}
        return web.json_response(body, status=401, headers=date)

    return answer


def binance(*, ahead: timedelta = timedelta()) -> Answer:
    """Answer Binance's time request, by a clock that may be off."""

    async def answer(request: web.Request) -> web.Response:
        assert request.path.endswith("/api/v3/time")
        return web.json_response({"serverTime": int((datetime.now(UTC) + ahead).timestamp() * 1000)})

    return answer
