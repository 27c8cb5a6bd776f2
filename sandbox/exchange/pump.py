"""What makes time pass for those who only listen: a look at the market every few milliseconds, while the server runs."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Sequence

from aiohttp import web

from sandbox.exchange.ws_wire import Wire

log = logging.getLogger(__name__)

_PERIOD = 0.05

Tick = Callable[[], None]


def add_pump(app: web.Application, ticks: Sequence[Tick], wires: set[Wire]) -> None:
    """Call the ticks as long as the application runs, and end every connection with it."""

    async def running(_: web.Application) -> AsyncIterator[None]:
        task = asyncio.create_task(_pump(ticks))
        yield
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    async def shutting_down(_: web.Application) -> None:
        await asyncio.gather(*(wire.close() for wire in list(wires)))

    app.cleanup_ctx.append(running)
    app.on_shutdown.append(shutting_down)


async def _pump(ticks: Sequence[Tick]) -> None:
    while True:
        try:
            for tick in ticks:
                tick()
        except Exception:
            log.exception("exchange.pump_failed")
        await asyncio.sleep(_PERIOD)
