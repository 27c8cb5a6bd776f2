"""Pages of others on loopback, well behaved and not."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

from aiohttp import web

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def site(pages: Mapping[str, Answer]) -> AsyncIterator[str]:
    """Serve pages by their path; yield the address."""
    app = web.Application()
    for path, answer in pages.items():
        app.router.add_get(path, answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    try:
        served = web.TCPSite(runner, "127.0.0.1", 0)
        await served.start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def text(body: str | bytes, **headers: str) -> Answer:
    """Answer with a body and headers; underscores in their names are dashes."""
    plain = body.encode() if isinstance(body, str) else body

    async def answer(request: web.Request) -> web.StreamResponse:
        return web.Response(body=plain, headers={name.replace("_", "-"): value for name, value in headers.items()})

    return answer
