"""The ccxt venue at the sandbox's exchange, in this process, with market and time in the test's hands."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from config.groups import VenueSettings
from sandbox.exchange.exchange import Exchange
from sandbox.exchange.instruments import Bar, Instrument
from sandbox.exchange.keys import new_key
from sandbox.exchange.market import Market
from sandbox.exchange.placement import Running
from sandbox.exchange.web import setup
from services.venues.ccxt_spot import CcxtVenue
from tests.venues.conformance import ACCOUNT
from tests.venues.hands import BTC, START, Board, quote

FIRST = 600
BAR_S = 1
SYMBOLS = ("BTCUSDT", "ETHUSDT")
VOLUME = 10**12


class ShownSource:
    """Flat bars at the prices that a test shows, one after the other; before them the first one."""

    kind, seed, name, minimum_start = "shown", None, "shown", 500

    def __init__(self) -> None:
        self.instruments = tuple(
            Instrument(
                symbol=symbol,
                traded_asset=symbol.removesuffix("USDT"),
                quote_asset="USDT",
                price_decimals=2,
                volume_decimals=3,
                step_decimals=3,
                min_notional="5",
            )
            for symbol in SYMBOLS
        )
        self.prices = [10_000]

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
    own_market = True

    def __init__(self, balances: dict[str, Decimal]) -> None:
        self.clock = SharedClock()
        self.source = ShownSource()
        self.board = Board()
        self.news: list[str] = []
        self.exchange = Exchange(
            Market(
                source=self.source,
                clock=self.clock,
                bar_seconds=BAR_S,
                placement=Running(index=FIRST, opens_at=int(START.timestamp() * 1000)),
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

    def writes_of(self, client_id: str) -> int:
        """Count the writes that named a client id."""
        return self.exchange.writes.by_client_id()[client_id]


@asynccontextmanager
async def sandbox_bench(*, balances: dict[str, Decimal] | None = None, **changes: Any) -> AsyncIterator[SandboxBench]:
    """Serve an exchange and open a venue's account of 10,000 USDT there."""
    bench = SandboxBench(balances or {"USDT": Decimal(10_000)})
    app = web.Application()
    setup(app, bench.exchange)
    async with TestClient(TestServer(app, host="127.0.0.1")) as client:
        # Time moves by hand while requests carry the time of day: the window takes what a test moves.
        fields = {"recv_window_ms": 60_000, "timeout_s": 5, "streams": False, **changes}
        base_url, key, secret = str(client.make_url("/exchange")), bench.account.key, bench.account.secret
        settings = VenueSettings(base_url=base_url, api_key=key, secret=secret, **fields)
        bench.venue = CcxtVenue("sandbox", settings, bench.clock, lambda: [BTC], bench.board, bench.news.append)
        try:
            await bench.venue.open_account(ACCOUNT, "USDT")
            yield bench
        finally:
            await bench.venue.close()
