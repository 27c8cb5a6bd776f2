"""What makes time pass for those who only listen: a look at the market every few milliseconds, while the server runs."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator

from aiohttp import web

from sandbox.exchange.exchange import Exchange
from sandbox.exchange.ws_market import MarketStreams
from sandbox.exchange.ws_wire import Wire

log = logging.getLogger(__name__)

_PERIOD = 0.05


def add_pump(app: web.Application, exchange: Exchange, streams: MarketStreams, wires: set[Wire]) -> None:
    """Run the pump as long as the application runs, and end every connection with it."""

    async def running(_: web.Application) -> AsyncIterator[None]:
        task = asyncio.create_task(_pump(exchange, streams))
        yield
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    async def shutting_down(_: web.Application) -> None:
        await asyncio.gather(*(wire.close() for wire in list(wires)))

    app.cleanup_ctx.append(running)
    app.on_shutdown.append(shutting_down)


async def _pump(exchange: Exchange, streams: MarketStreams) -> None:
    while True:
        try:
            exchange.engine.advance()
            streams.tick()
        except Exception:
            log.exception("exchange.pump_failed")
        await asyncio.sleep(_PERIOD)
