"""The ccxt venue against a server of the test's own."""

from __future__ import annotations

import asyncio
import secrets
import socket
import ssl
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from config.groups import VenueSettings
from services.domain.market import Instrument
from services.venues.ccxt_spot import CcxtVenue
from tests.venues.conformance import ACCOUNT
from tests.venues.hands import BTC, Board
from tests.venues.scripted_exchange import TYPES, Script, ScriptedExchange, certificate_for, scripted

HOST = "api.binance.com"


class RealClock:
    """The computer's clock, ``ahead`` seconds off when a test moves it, by wall and by watch."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def now(self) -> datetime:
        return datetime.fromtimestamp(time.time() + self.ahead, UTC)

    def monotonic(self) -> float:
        return time.monotonic() + self.ahead

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class Resolver(AbstractResolver):
    """Sends one host to a port of loopback and knows no other: nothing leaves this computer."""

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET) -> list[ResolveResult]:
        assert host == self._host, f"a request to {host}"
        return [
            ResolveResult(
                hostname=host, host="127.0.0.1", port=self._port, family=socket.AF_INET, proto=0, flags=socket.AI_NUMERICHOST
            )
        ]

    async def close(self) -> None:
        """Hold nothing."""


class Scripted:
    """A venue, the server that it talks to, its clock and quotes."""

    def __init__(self, venue: CcxtVenue, exchange: ScriptedExchange, clock: RealClock, board: Board) -> None:
        self.venue = venue
        self.exchange = exchange
        self.clock = clock
        self.board = board


def keys() -> dict[str, Any]:
    return {"api_key": secrets.token_hex(32), "secret": secrets.token_hex(32)}


@asynccontextmanager
async def scripted_venue(
    script: Script,
    *,
    real_host: bool = False,
    instruments: tuple[Instrument, ...] = (BTC,),
    types: Sequence[str] = TYPES,
    **changes: Any,
) -> AsyncIterator[Scripted]:
    """Open a venue's account at a scripted exchange, under a loopback address or under Binance's own host name."""
    server_side, client_side = certificate_for(HOST) if real_host else (None, None)
    async with scripted(script, server_side, types) as exchange:

        def connect(context: ssl.SSLContext) -> aiohttp.BaseConnector:
            if client_side is None:
                return aiohttp.TCPConnector(ssl=context)
            return aiohttp.TCPConnector(ssl=client_side, resolver=Resolver(HOST, exchange.port))

        base_url = None if real_host else f"http://127.0.0.1:{exchange.port}"
        settings = VenueSettings(**{"base_url": base_url, "timeout_s": 5, **keys(), **changes})
        clock, board = RealClock(), Board()
        venue = CcxtVenue("here", settings, clock, lambda: instruments, board, lambda account: None, connect=connect)
        try:
            await venue.open_account(ACCOUNT, "USDT")
            yield Scripted(venue, exchange, clock, board)
        finally:
            await venue.close()
