"""The account's own stream: a hint that something happened, never the only word on what."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import structlog

from services.domain.errors import SortieError
from services.domain.ports import Clock
from services.venues.ccxt_spot.activity import Activity
from services.venues.ccxt_spot.calls import Caller
from services.venues.ccxt_spot.clients import Clients

if TYPE_CHECKING:
    from ccxt.async_support.base.exchange import Exchange

log = structlog.get_logger()
LOOK_S = 0.5
LONGEST_PAUSE_S = 30.0
STEADY_S = 60.0


class AccountStream:
    """Listens to the account's orders for ever and hints at what it hears; after each new connection at everything.

    ``heard`` is called when something is to be looked at. ``steady`` tells whether the connection stands.
    """

    def __init__(
        self,
        name: str,
        caller: Caller,
        clients: Clients,
        activity: Activity,
        clock: Clock,
        symbols: Callable[[], Sequence[str]],
        heard: Callable[[], None],
    ) -> None:
        self._name = name
        self._caller = caller
        self._clients = clients
        self._activity = activity
        self._clock = clock
        self._symbols = symbols
        self._heard = heard
        self.steady = False

    async def run(self) -> None:
        """Connect, listen, and connect again with growing pauses; return at once where the exchange has no such stream."""
        pause = 1.0
        while True:
            started = self._clock.monotonic()
            try:
                await self._caller.ready()
                if not self._clients.listener.has.get("watchOrders"):
                    log.info("venue.stream.none", venue=self._name)
                    return
                await self._listen(self._clients.listener)
            except _stream_errors() as error:
                log.warning("venue.stream.lost", venue=self._name, error=type(error).__name__)
            self._lost()
            pause = 1.0 if self._clock.monotonic() - started > STEADY_S else min(pause * 2, LONGEST_PAUSE_S)
            await self._clock.sleep(pause)

    async def _listen(self, exchange: Exchange) -> None:
        while True:
            waiting = asyncio.ensure_future(exchange.watch_orders())
            try:
                while not waiting.done():
                    self._note_connection(exchange)
                    await asyncio.wait([waiting], timeout=LOOK_S)
                orders: Sequence[Mapping[str, Any]] = waiting.result()
            finally:
                waiting.cancel()
                await asyncio.gather(waiting, return_exceptions=True)
            self._activity.touch({str(order["symbol"]) for order in orders if order.get("symbol")})
            self._heard()

    def _note_connection(self, exchange: Exchange) -> None:
        stands = any(client.isConnected and client.subscriptions for client in exchange.clients.values())
        if stands and not self.steady:
            log.info("venue.stream.connected", venue=self._name)
            self.steady = True
            # What happened while nobody listened is asked for.
            self._look_everywhere()
        elif not stands and self.steady:
            self._lost()

    def _lost(self) -> None:
        if self.steady:
            self.steady = False
            self._look_everywhere()

    def _look_everywhere(self) -> None:
        self._activity.touch(self._symbols())
        self._heard()


def _stream_errors() -> tuple[type[Exception], ...]:
    import ccxt.async_support as ccxt

    return (SortieError, ccxt.BaseError, OSError, TimeoutError, ValueError, LookupError, TypeError, AttributeError)
