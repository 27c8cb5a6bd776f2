"""The market data adapter over unmodified ccxt: against the sandbox's exchange, and against answers that are wrong."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, timedelta
from decimal import Decimal
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from ccxt import TICK_SIZE
from structlog.testing import CapturingLogger

from config.groups import VenueSettings
from services.domain.errors import Misconfigured, SortieError, Unavailable
from services.domain.market import Instrument
from services.venues import ccxt_market
from services.venues.ccxt_client import grid_instrument
from services.venues.ccxt_market import CcxtMarketData
from tests.sandbox_exchange.stand import NOON, running, serving
from tests.sandbox_exchange.stand import HandClock as SandboxClock
from tests.venues.hands import START, HandClock

D = Decimal
SYMBOLS = ("BTC/USDT", "ETH/USDT")


@asynccontextmanager
async def reading(base_url: str, clock: HandClock | None = None, **changes: Any) -> AsyncIterator[CcxtMarketData]:
    market = CcxtMarketData("here", VenueSettings(base_url=base_url, **{"timeout_s": 5, **changes}), clock or HandClock())
    try:
        yield market
    finally:
        if market._exchange is not None:
            market._exchange.timeout_on_exit = 0  # a pause of ccxt for encrypted connections
        await market.close()


async def test_sandbox_exchange_is_read_as_the_desk_reads_any_exchange() -> None:
    sandbox_clock = SandboxClock()
    sandbox_clock.forward(35)
    async with (
        serving(running(600, clock=sandbox_clock, bar_seconds=10)) as served,
        reading(str(served.make_url("/exchange")), HandClock(NOON)) as market,
    ):
        grids = await market.instruments(SYMBOLS)
        quotes = await market.quotes(SYMBOLS)
        candles = await market.candles("ETH/USDT", "10s", 51)
        stamp = await market.server_time()

    assert grids[0] == Instrument(
        symbol="BTC/USDT",
        base="BTC",
        quote="USDT",
        tick=D("0.01"),
        step=D("0.00001"),
        min_quantity=D("0.00001"),
        min_notional=D(5),
        max_quantity=D(9_000_000),
    )
    assert [quote.symbol for quote in quotes] == list(SYMBOLS)
    assert all(0 < quote.bid < quote.ask and quote.bid_size > 0 and quote.ask_size > 0 for quote in quotes)
    assert all(isinstance(number, Decimal) for number in (quotes[0].bid, quotes[0].ask, quotes[0].bid_size))
    assert [quote.received_at for quote in quotes] == [NOON, NOON]
    assert all(abs(quote.feed_time - stamp) <= timedelta(seconds=10) for quote in quotes)
    assert stamp == sandbox_clock.now()
    assert len(candles) == 51
    assert [later.time - earlier.time for earlier, later in pairwise(candles)] == [timedelta(seconds=10)] * 50
    assert candles[-1].time == NOON + timedelta(seconds=30)
    assert all(isinstance(number, float) for number in candles[-1][1:])


def listed(**market: Any) -> Any:
    """Return an exchange of ccxt's that lists one market."""
    limits = {"amount": {"min": 0.001, "max": 500.0}, "market": {"min": None, "max": 120.5}, "cost": {"min": 5, "max": None}}
    found = {"base": "BTC", "quote": "USDT", "precision": {"amount": 0.001, "price": 0.01}, "limits": limits} | market
    return SimpleNamespace(markets={"BTC/USDT": found}, precisionMode=TICK_SIZE)


@pytest.mark.parametrize(
    ("amount", "market", "most"),
    [(500, 120.5, "120.5"), (500, None, "500"), (None, None, None), (500, 0, "500")],
    ids=["market", "amount", "none", "zero"],
)
def test_the_largest_order_is_what_fits_at_market_too(amount: float | None, market: float | None, most: str | None) -> None:
    limits = {"amount": {"min": 1, "max": amount}, "market": {"min": 1, "max": market}, "cost": {"min": 5, "max": None}}

    assert grid_instrument(listed(limits=limits), "BTC/USDT").max_quantity == (None if most is None else D(most))


@pytest.mark.parametrize(("size", "taken"), [(None, True), (1, True), ("0.01", False), (100, False)])
def test_what_is_counted_in_contracts_is_not_taken_for_its_base(size: object, taken: bool) -> None:
    if taken:
        assert grid_instrument(listed(contractSize=size), "BTC/USDT").step == D("0.001")
    else:
        with pytest.raises(ValueError, match="counted in contracts"):
            grid_instrument(listed(contractSize=size), "BTC/USDT")


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ({"kind": "5xx"}, "MARKET_UNREACHABLE"),
        ({"kind": "reset"}, "MARKET_UNREACHABLE"),
        ({"kind": "outage"}, "MARKET_UNREACHABLE"),
        ({"kind": "garbage"}, "MARKET_MALFORMED"),
        ({"kind": "half"}, None),
        ({"kind": "delay", "amount": 30}, "MARKET_TIMEOUT"),
    ],
)
async def test_fault_of_the_exchange_is_unavailable_and_passes(fault: dict[str, Any], code: str | None) -> None:
    async with (
        serving(running(600, clock=SandboxClock())) as served,
        reading(str(served.make_url("/exchange")), HandClock(NOON), timeout_s=1 if fault["kind"] == "delay" else 10) as market,
    ):
        await market.instruments(SYMBOLS)
        await served.post("/market/faults", json=fault)

        errors = [
            await failure(market.quotes(SYMBOLS)),
            await failure(market.candles("BTC/USDT", "1m", 3)),
            await failure(market.instruments(SYMBOLS)),
            await failure(market.server_time()),
        ]
        await served.post("/market/faults", json={"clear": True})

        assert all(isinstance(error, Unavailable) for error in errors)
        assert code is None or {error.code for error in errors} == {code}
        assert not any("127.0.0.1" in str(error) for error in errors)
        assert len(await market.instruments(SYMBOLS)) == len(await market.quotes(SYMBOLS)) == 2


async def failure(awaitable: Any) -> SortieError:
    with pytest.raises(SortieError) as caught:
        await awaitable
    return caught.value


def symbol_info(base: str, quote: str) -> dict[str, Any]:
    return {
        "symbol": f"{base}{quote}",
        "status": "TRADING",
        "baseAsset": base,
        "quoteAsset": quote,
        "orderTypes": ["LIMIT", "MARKET"],
        "isSpotTradingAllowed": True,
        "permissions": ["SPOT"],
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": "0.01", "maxPrice": "1000000", "tickSize": "0.01000000"},
            {"filterType": "LOT_SIZE", "minQty": "0.00100000", "maxQty": "9000", "stepSize": "0.00010000"},
            {"filterType": "NOTIONAL", "minNotional": "5.00000000"},
        ],
    }


def ticker(symbol: str, **changes: Any) -> dict[str, Any]:
    stamp = int(START.timestamp() * 1000)
    plain = {"bidPrice": "100.00", "bidQty": "2", "askPrice": "100.01", "askQty": "3", "lastPrice": "100"}
    return {"symbol": symbol, "openTime": stamp - 86_400_000, "closeTime": stamp, **plain, **changes}


class Wire:
    """A Binance-like server that answers what a test tells it to, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answers: dict[str, Callable[[], web.Response]] = {}
        self.say("exchangeInfo", {"symbols": [symbol_info("BTC", "USDT"), symbol_info("ETH", "USDT")]})
        self.say("ticker/24hr", [ticker("BTCUSDT"), ticker("ETHUSDT")])
        self.say("time", {"serverTime": int(START.timestamp() * 1000)})

    def say(self, path: str, body: Any, status: int = 200, headers: dict[str, str] | None = None) -> None:
        text = body if isinstance(body, str) else json.dumps(body)
        self.answers[path] = lambda: web.Response(text=text, status=status, headers=headers, content_type="application/json")

    async def handle(self, request: web.Request) -> web.Response:
        self.asked.append(request.path)
        return self.answers[request.path.removeprefix("/exchange/api/v3/")]()


@pytest.fixture
async def wire() -> AsyncIterator[tuple[Wire, CcxtMarketData]]:
    wire, app = Wire(), web.Application()
    app.router.add_get("/{path:.*}", wire.handle)
    async with TestServer(app, host="127.0.0.1") as server, reading(str(server.make_url("/exchange"))) as market:
        yield wire, market


async def test_only_the_public_paths_of_the_other_address_are_asked(wire: tuple[Wire, CcxtMarketData]) -> None:
    server, market = wire

    await market.instruments(SYMBOLS)
    await market.quotes(SYMBOLS)
    await market.server_time()

    assert server.asked == ["/exchange/api/v3/exchangeInfo", "/exchange/api/v3/ticker/24hr", "/exchange/api/v3/time"]


@pytest.mark.parametrize(
    "broken",
    [
        {"bidPrice": "0.00000000"},
        {"askPrice": "0"},
        {"bidPrice": "100.02"},
        {"bidPrice": "-5"},
        {"bidPrice": "NaN"},
        {"bidQty": "-1"},
        {"askPrice": None},
        {"bidQty": None},
    ],
)
async def test_unusable_quote_is_left_out_and_never_mended(
    wire: tuple[Wire, CcxtMarketData], broken: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    server, market = wire
    said = CapturingLogger()
    monkeypatch.setattr(ccxt_market, "log", said)
    server.say("ticker/24hr", [ticker("BTCUSDT", **broken), ticker("ETHUSDT")])

    first = await market.quotes(SYMBOLS)
    await market.quotes(SYMBOLS)
    server.say("ticker/24hr", [ticker("BTCUSDT"), ticker("ETHUSDT")])
    later = await market.quotes(SYMBOLS)

    assert [quote.symbol for quote in first] == ["ETH/USDT"]
    assert [quote.symbol for quote in later] == list(SYMBOLS)
    assert [call.args for call in said.calls] == [("market.quote_left_out",), ("market.quote_back",)]


async def test_no_usable_quote_at_all_is_unavailable(wire: tuple[Wire, CcxtMarketData]) -> None:
    server, market = wire
    server.say("ticker/24hr", [])

    assert (await failure(market.quotes(SYMBOLS))).code == "MARKET_NO_QUOTES"


async def test_quote_without_the_exchanges_stamp_is_unavailable(wire: tuple[Wire, CcxtMarketData]) -> None:
    server, market = wire
    server.say("ticker/24hr", [ticker("BTCUSDT", closeTime=None), ticker("ETHUSDT")])

    assert (await failure(market.quotes(SYMBOLS))).code == "MARKET_NO_STAMP"


async def test_symbol_that_is_not_listed_names_the_setting(wire: tuple[Wire, CcxtMarketData]) -> None:
    _, market = wire

    error = await failure(market.instruments(("BTC/USDT", "DOGE/EUR")))

    assert isinstance(error, Misconfigured)
    assert (error.code, error.values["key"], error.values["value"]) == (
        "UNKNOWN_INSTRUMENT",
        "market.instruments",
        "DOGE/EUR",
    )


@pytest.mark.parametrize("body", ["{}", "[]", "", "busy", '{"symbols": []}', '{"symbols": "none"}', "<html></html>"])
async def test_garbled_list_of_markets_is_not_taken_for_an_empty_one(wire: tuple[Wire, CcxtMarketData], body: str) -> None:
    server, market = wire
    right = server.answers["exchangeInfo"]
    server.say("exchangeInfo", body)

    error = await failure(market.instruments(SYMBOLS))
    server.answers["exchangeInfo"] = right

    assert isinstance(error, Unavailable)
    assert len(await market.instruments(SYMBOLS)) == 2


@pytest.mark.parametrize(
    "row",
    [
        [0, "1", "2", "0.5", "1.5"],
        [0, "1", "2", "0.5", "NaN", "1"],
        [0, "1", "inf", "0.5", "1.5", "1"],
        [0, "3", "2", "0.5", "1.5", "1"],
        [0, "1", "2", "0", "1.5", "1"],
        [0, "1", "2", "0.5", "1.5", "-1"],
        [None, "1", "2", "0.5", "1.5", "1"],
    ],
)
async def test_candle_that_contradicts_itself_is_unavailable(wire: tuple[Wire, CcxtMarketData], row: list[Any]) -> None:
    server, market = wire
    server.say("klines", [row])

    assert isinstance(await failure(market.candles("BTC/USDT", "1m", 5)), Unavailable)


async def test_candles_come_oldest_first_whatever_their_order(wire: tuple[Wire, CcxtMarketData]) -> None:
    server, market = wire
    server.say("klines", [[60_000, "2", "3", "1", "2", "7"], [0, "1", "2", "0.5", "1.5", "4"]])

    candles = await market.candles("BTC/USDT", "1m", 5)

    assert [candle.close for candle in candles] == [1.5, 2]


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (429, {"code": -1003, "msg": "Too many requests."}, "MARKET_RATE_LIMITED"),
        (418, {"code": -1003, "msg": "Way too many requests."}, "MARKET_RATE_LIMITED"),
        (400, {"code": -1120, "msg": "Invalid interval."}, "MARKET_REFUSED"),
        (503, "busy", "MARKET_UNREACHABLE"),
    ],
)
async def test_refusals_keep_their_kind(wire: tuple[Wire, CcxtMarketData], status: int, body: Any, code: str) -> None:
    server, market = wire
    server.say("klines", body, status)

    error = await failure(market.candles("BTC/USDT", "7s", 5))

    assert (error.code, error.values["call"]) == (code, "candles")


async def test_nobody_listening_is_unavailable() -> None:
    async with reading("http://127.0.0.1:9/exchange") as market:
        assert (await failure(market.quotes(SYMBOLS))).code == "MARKET_UNREACHABLE"


async def test_exchange_that_ccxt_does_not_know_names_the_setting() -> None:
    async with reading("http://127.0.0.1:9", exchange="nowhere") as market:
        error = await failure(market.server_time())

    assert (error.code, error.values["key"]) == ("UNKNOWN_EXCHANGE", "venues.here.exchange")


async def test_timeframe_that_the_real_exchange_does_not_serve_names_the_setting() -> None:
    market = CcxtMarketData("binance", VenueSettings(), HandClock())
    try:
        error = await failure(market.candles("BTC/USDT", "10s", 5))
    finally:
        await market.close()

    assert (error.code, error.values["key"]) == ("TIMEFRAME", "market.timeframe")


@pytest.mark.parametrize("exchange", ["kraken", "okx", "bybit", "kucoin", "gate", "coinbase"])
async def test_every_address_of_another_exchange_is_replaced_too(exchange: str) -> None:
    async with reading("http://127.0.0.1:9/there", exchange=exchange) as market:
        assert (await failure(market.server_time())).code == "MARKET_UNREACHABLE"
        client = market._exchange
        assert client is not None
        left = [url for url in texts([client.urls.get("api"), client.urls.get("test")]) if "127.0.0.1:9/there" not in url]

    assert left == []


def texts(tree: Any) -> list[str]:
    if isinstance(tree, dict | list):
        return [text for each in (tree.values() if isinstance(tree, dict) else tree) for text in texts(each)]
    return [tree] if isinstance(tree, str) else []


async def test_caller_that_stops_waiting_leaves_a_client_that_still_works(wire: tuple[Wire, CcxtMarketData]) -> None:
    _, market = wire
    first = asyncio.create_task(market.instruments(SYMBOLS))
    for _ in range(3):
        await asyncio.sleep(0)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)

    assert len(await market.instruments(SYMBOLS)) == 2


async def test_stamps_are_aware(wire: tuple[Wire, CcxtMarketData]) -> None:
    _, market = wire

    assert (await market.server_time()).tzinfo is UTC
    assert (await market.quotes(SYMBOLS))[0].feed_time == START
