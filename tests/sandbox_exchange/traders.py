"""Accounts on a served exchange, and unmodified clients that trade for them."""

import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import ccxt.pro as ccxtpro
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from sandbox.exchange.accounts import Account, Terms
from sandbox.exchange.exchange import Exchange
from sandbox.exchange.market import Market
from sandbox.exchange.signing import sign
from sandbox.exchange.web import setup
from tests.sandbox_exchange.stand import API, HandClock, running

BALANCES = {"USDT": Decimal(100_000), "BTC": Decimal(2)}
Client = TestClient[web.Request, web.Application]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stand:
    """A served exchange, the account that trades on it, and the clock of both."""

    clock: HandClock
    exchange: Exchange
    account: Account
    http: Client

    async def call(self, method: str, path: str, **params: object) -> tuple[int, Any]:
        """Send a signed request as the documentation says; give status and body."""
        status, body, _ = await self.call_with_headers(method, path, **params)
        return status, body

    async def call_with_headers(self, method: str, path: str, **params: object) -> tuple[int, Any, Mapping[str, str]]:
        sent = {"timestamp": self.exchange.market.now(), **params}
        text = urlencode({key: value for key, value in sent.items() if value is not None})
        signed = f"{text}&signature={sign(self.account.secret, text)}"
        headers = {"X-MBX-APIKEY": self.account.key, "Content-Type": "application/x-www-form-urlencoded"}
        if method in ("POST", "PUT"):
            request = self.http.request(method, f"{API}/{path}", data=signed, headers=headers)
        else:
            request = self.http.request(method, f"{API}/{path}?{signed}", headers=headers)
        async with request as response:
            return response.status, await response.json(content_type=None), response.headers

    def signed(self, method: str, **params: object) -> dict[str, Any]:
        """Write a signed request to the WebSocket API."""
        sent = {"apiKey": self.account.key, "timestamp": self.exchange.market.now()} | params
        text = "&".join(
            f"{name}={str(value).lower() if isinstance(value, bool) else value}" for name, value in sorted(sent.items())
        )
        return {"id": method, "method": method, "params": sent | {"signature": sign(self.account.secret, text)}}

    async def control(self, path: str, body: object | None = None) -> Any:
        """Ask the operator's side, or tell it something."""
        request = self.http.get(f"/market/{path}") if body is None else self.http.post(f"/market/{path}", json=body)
        async with request as response:
            answer = await response.json()
            assert response.status == 200, answer
            return answer

    def price(self, symbol: str = "BTCUSDT") -> Decimal:
        return self.exchange.engine.moment(symbol).last


def open_account(
    exchange: Exchange, name: str = "ann", balances: Mapping[str, Decimal] = BALANCES, terms: Terms | None = None
) -> Account:
    """Open an account with a random key."""
    key, secret = secrets.token_hex(32), secrets.token_hex(32)
    return exchange.engine.open_account(name=name, key=key, secret=secret, balances=balances, terms=terms)


@asynccontextmanager
async def trading(
    *,
    index: int = 600,
    seconds: float = 5,
    balances: Mapping[str, Decimal] = BALANCES,
    terms: Terms | None = None,
    market: Market | None = None,
    clock: HandClock | None = None,
) -> AsyncIterator[Stand]:
    """Serve an exchange whose market is `seconds` into a bar, with one account."""
    hand = clock or HandClock()
    hand.forward(seconds)
    exchange = Exchange(market or running(index, clock=hand))
    account = open_account(exchange, balances=balances, terms=terms)
    app = web.Application()
    setup(app, exchange)
    async with TestClient(TestServer(app, host="127.0.0.1")) as http:
        yield Stand(clock=hand, exchange=exchange, account=account, http=http)


@asynccontextmanager
async def ccxt_client(stand: Stand, account: Account | None = None) -> AsyncIterator[ccxtpro.binance]:
    """Open an unmodified ccxt client, REST and streams, whose addresses all derive from the served exchange's."""
    who = account or stand.account
    root = str(stand.http.make_url("/exchange"))
    streams = root.replace("http://", "ws://")
    rest = dict.fromkeys(("public", "private", "v1"), f"{root}/api/v3")
    client = ccxtpro.binance(
        {
            "apiKey": who.key,
            "secret": who.secret,
            "enableRateLimit": False,
            "urls": {
                "api": rest
                | {"sapi": f"{root}/sapi/v1", "ws": {"spot": f"{streams}/stream", "ws-api": {"spot": f"{streams}/ws-api/v3"}}}
            },
            "options": {
                "fetchMarkets": {"types": ["spot"]},
                "fetchCurrencies": False,
                "fetchMargins": False,
                "warnOnFetchOpenOrdersWithoutSymbol": False,
                "createOrder": {"quoteOrderQty": False},
            },
        }
    )
    client.milliseconds = stand.exchange.market.now
    try:
        yield client
    finally:
        await client.close()
