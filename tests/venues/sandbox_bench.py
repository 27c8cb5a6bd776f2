"""The ccxt venue at the sandbox's exchange, in this process, with market and time in the test's hands."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, Protocol

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.typedefs import Handler

from config.groups import VenueSettings
from sandbox.exchange.exchange import Exchange
from sandbox.exchange.instruments import Bar, Instrument
from sandbox.exchange.keys import new_key
from sandbox.exchange.market import Market
from sandbox.exchange.placement import Running
from sandbox.exchange.web import setup
from services.domain.ports import Clock
from services.venues.ccxt_spot import CcxtVenue
from tests.venues.conformance import ACCOUNT
from tests.venues.hands import BTC, START, Board, quote

FIRST = 600
BAR_S = 1
SYMBOLS = ("BTCUSDT", "ETHUSDT")
VOLUME = 10**12


class Lost(Enum):
    """How a reply gets lost after the exchange has done what was asked."""

    RESET = "reset"
    UNAVAILABLE = "unavailable"
    GARBAGE = "garbage"
    HALF = "half"


class ShownSource:
    """Flat bars at the prices that a test shows, one after the other; before them the first one."""

    kind, seed, name, minimum_start = "shown", None, "shown", 500

    def __init__(self, first: int, step_decimals: int) -> None:
        self.instruments = tuple(
            Instrument(
                symbol=symbol,
                traded_asset=symbol.removesuffix("USDT"),
                quote_asset="USDT",
                price_decimals=2,
                volume_decimals=step_decimals,
                step_decimals=step_decimals,
                min_notional="5",
            )
            for symbol in SYMBOLS
        )
        self.prices = [first]

    def last_index(self, symbol: str) -> int | None:
        return None

    def bar(self, symbol: str, index: int) -> Bar:
        price = self.prices[max(0, min(index - FIRST, len(self.prices) - 1))]
        return Bar(index=index, open=price, high=price, low=price, close=price, volume=VOLUME)

    def latest_bar(self, symbol: str, index: int) -> Bar:
        return self.bar(symbol, index)

    def bars(self, symbol: str, first: int, last: int, *, limit: int | None = None, newest: bool = False) -> list[Bar]:
        rows = [self.bar(symbol, index) for index in range(first, last + 1)]
        return rows if limit is None else rows[-limit:] if newest else rows[:limit]

    def describe(self, bar_seconds: int) -> str:
        return "the prices of a test"

    def recorded_at(self, index: int) -> str | None:
        return None


class MovedClock(Clock, Protocol):
    """A clock that a test moves."""

    def forward(self, seconds: float) -> None:
        """Let time pass."""


class SharedClock:
    """One clock for exchange and venue, moved by hand; who sleeps only lets others run."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> datetime:
        return START + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)

    def forward(self, seconds: float) -> None:
        self.seconds += seconds


class SandboxBench:
    """The venue, the exchange's own books, and the price."""

    venue: CcxtVenue
    http: TestClient[web.Request, web.Application]
    own_market = True

    def __init__(
        self, balances: dict[str, Decimal], clock: MovedClock | None = None, *, first: int = 10_000, step_decimals: int = 3
    ) -> None:
        self.clock: MovedClock = clock or SharedClock()
        self.source = ShownSource(first, step_decimals)
        self.board = Board()
        self.base_url = ""
        self.venues: list[CcxtVenue] = []
        self.news: list[str] = []
        self.lose: Iterator[Lost | None] = itertools.repeat(None)
        self.exchange = Exchange(
            Market(
                source=self.source,
                clock=self.clock,
                bar_seconds=BAR_S,
                placement=Running(index=FIRST, opens_at=int(self.clock.now().timestamp() * 1000)),
                keep=lambda kept: None,
            )
        )
        self.account = self.exchange.engine.open_account(name="main", key=new_key(), secret=new_key(), balances=balances)

    def now(self) -> datetime:
        return self.clock.now()

    async def show(self, bid: str, ask: str, *, size: str = "5", symbol: str = BTC.symbol) -> None:
        """Let the bar end without trades, then open the next at the shown bid, with so much to be had in its first step."""
        most = self.exchange.engine.liquidity.most
        most.update(dict.fromkeys(SYMBOLS, Decimal(0)))
        self.clock.forward(BAR_S * 0.99)
        self.exchange.engine.advance()
        most.update(dict.fromkeys(SYMBOLS, Decimal(size)))
        self.source.prices.append(int(Decimal(bid) * 100))
        self.clock.forward(BAR_S * 0.01)
        self.exchange.engine.advance()
        self.board.quotes[symbol] = quote(bid, ask, self.clock.now(), size=size, symbol=symbol)

    async def silence(self) -> None:
        """Let the last quote grow stale."""
        self.clock.forward(60)

    @web.middleware
    async def lose_replies(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Let the exchange carry a write out and spoil its reply in the next way of ``lose``."""
        reply = await handler(request)
        if request.method == "GET" or request.path.startswith("/market"):
            return reply
        how = next(self.lose)
        if how is Lost.RESET and request.transport is not None:
            request.transport.abort()
        elif how is Lost.UNAVAILABLE:
            return web.json_response({"code": -1007, "msg": "Timeout waiting for response from backend server."}, status=503)
        elif how is Lost.GARBAGE:
            return web.Response(text="<html>", content_type="application/json")
        elif how is Lost.HALF and isinstance(reply, web.Response):
            return web.Response(body=(reply.body or b"")[:40], content_type="application/json")
        return reply

    def another_venue(self, **changes: Any) -> CcxtVenue:
        """Build a venue of the same account that remembers nothing, as after a restart."""
        fields = {"timeout_s": 5, "streams": False, **changes}
        settings = VenueSettings(base_url=self.base_url, api_key=self.account.key, secret=self.account.secret, **fields)
        venue = CcxtVenue("sandbox", settings, self.clock, lambda: [BTC], self.board, self.news.append)
        self.keep_time(venue)
        self.venues.append(venue)
        return venue

    def keep_time(self, venue: CcxtVenue) -> None:
        """Let signed requests carry the time that the test moves."""
        clients = venue._clients
        for exchange in (clients.reader, clients.writer, clients.listener):
            exchange.milliseconds = lambda: round(self.now().timestamp() * 1000)

    def writes_of(self, client_id: str) -> int:
        """Count the writes that named a client id."""
        return self.exchange.writes.by_client_id()[client_id]


@asynccontextmanager
async def serving(bench: SandboxBench) -> AsyncIterator[SandboxBench]:
    """Serve a bench's exchange."""
    app = web.Application(middlewares=[bench.lose_replies])
    setup(app, bench.exchange)
    async with TestClient(TestServer(app, host="127.0.0.1")) as client:
        bench.base_url, bench.http = str(client.make_url("/exchange")), client
        try:
            yield bench
        finally:
            for venue in bench.venues:
                await venue.close()


@asynccontextmanager
async def sandbox_bench(*, balances: dict[str, Decimal] | None = None, **changes: Any) -> AsyncIterator[SandboxBench]:
    """Serve an exchange and open a venue's account of 10,000 USDT there."""
    async with serving(SandboxBench(balances or {"USDT": Decimal(10_000)})) as bench:
        bench.venue = bench.another_venue(**changes)
        await bench.venue.open_account(ACCOUNT, "USDT")
        yield bench
