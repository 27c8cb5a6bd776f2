"""The public API over HTTP: official fields, Binance's refusals in its words, weights and their limit."""

from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient

from sandbox.exchange.recorded import RecordedSource
from sandbox.exchange.seeded import SeededSource
from sandbox.exchange.weights import WEIGHT_PER_MINUTE, day_ticker_weight, depth_weight
from tests.sandbox_exchange.stand import API, NOON_MS, HandClock, build, candle_file, candle_rows, running, serving

Client = TestClient[web.Request, web.Application]


async def get(client: Client, path: str) -> tuple[int, Any]:
    async with client.get(f"{API}/{path}") as response:
        return response.status, await response.json()


@pytest.mark.parametrize(
    ("path", "code", "words"),
    [
        ("klines?symbol=NOPEUSDT&interval=1m", -1121, "Invalid symbol."),
        ("klines?symbol=BTCUSDT&interval=2m", -1120, "Invalid interval."),
        ("klines?symbol=BTCUSDT&interval=60s", -1120, "Invalid interval."),
        (
            "klines?interval=1m",
            -1102,
            "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed.",
        ),
        (
            "klines?symbol=BTCUSDT",
            -1102,
            "Mandatory parameter 'interval' was not sent, was empty/null, or malformed.",
        ),
        ("depth?symbol=", -1102, "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed."),
        (
            "depth?symbol=btcusdt",
            -1100,
            "Illegal characters found in parameter 'symbol'; legal range is '^[A-Z0-9-_.]{1,20}$'.",
        ),
        (
            "depth?symbol=BTCUSDT&limit=ten",
            -1100,
            "Illegal characters found in parameter 'limit'; legal range is '^[0-9]{1,20}$'.",
        ),
        ("depth?symbol=BTCUSDT&limit=0", -1130, "Data sent for parameter 'limit' is not valid."),
        ("depth?symbol=BTCUSDT&limit=", -1105, "Parameter 'limit' was empty."),
        (
            "klines?symbol=BTCUSDT&interval=1m&startTime=99999999999999999999",
            -1130,
            "Data sent for parameter 'startTime' is not valid.",
        ),
        ("ping?x=1", -1101, "Too many parameters; expected '0' and received '1'."),
        (
            "klines?symbol=BTCUSDT&interval=1m&x=1",
            -1104,
            "Not all sent parameters were read; read '2' parameter(s) but was sent '3'.",
        ),
        ("depth?symbol=BTCUSDT&symbol=ETHUSDT", -1101, "Duplicate values for a parameter detected."),
        (
            'ticker/price?symbol=BTCUSDT&symbols=["ETHUSDT"]',
            -1128,
            "Combination of optional parameters invalid.",
        ),
        ('ticker/price?symbols=["NOPEUSDT"]', -1121, "Invalid symbol."),
        ("ticker/price?symbols=[]", -1105, "Parameter 'symbols' was empty."),
        ('ticker/price?symbols=["BTCUSDT","BTCUSDT"]', -1151, "Symbol is present multiple times in the list."),
        ("ticker/24hr?type=LONG", -1130, "Data sent for parameter 'type' is not valid."),
        ("exchangeInfo?symbol=BTCUSDT&permissions=SPOT", -1128, "Combination of optional parameters invalid."),
        ("aggTrades?symbol=BTCUSDT&fromId=1&startTime=1", -1128, "Combination of optional parameters invalid."),
    ],
)
async def test_bad_requests_are_refused_in_binances_words(path: str, code: int, words: str) -> None:
    async with serving(running(clock=HandClock())) as client:
        assert await get(client, path) == (400, {"code": code, "msg": words})


@pytest.mark.parametrize("symbols", ["BTCUSDT", '["btcusdt"]', "[1]", '{"a":1}', '["BTCUSDT"'])
async def test_malformed_symbol_lists_are_refused(symbols: str) -> None:
    async with serving(running(clock=HandClock())) as client:
        status, body = await get(client, f"ticker/price?symbols={symbols}")

    assert (status, body["code"]) == (400, -1100)


@pytest.mark.parametrize("path", ["orders", "klines/", "", "../v3x", "margin/account"])
async def test_what_is_not_served_is_not_found(path: str) -> None:
    async with serving(running(clock=HandClock())) as client, client.get(f"{API}/{path}") as response:
        assert response.status == 404


async def test_only_get_is_taken() -> None:
    async with serving(running(clock=HandClock())) as client, client.post(f"{API}/ping") as response:
        assert response.status == 405


@pytest.mark.parametrize(
    "path",
    [
        "exchangeInfo",
        "klines?symbol=BTCUSDT&interval=1m",
        "ticker/24hr",
        "ticker/price",
        "ticker/bookTicker",
        "depth?symbol=BTCUSDT",
        "trades?symbol=BTCUSDT",
        "aggTrades?symbol=BTCUSDT",
        "avgPrice?symbol=BTCUSDT",
    ],
)
async def test_a_held_market_is_not_ready(path: str) -> None:
    async with serving(build()) as client:
        status, body = await get(client, path)
        assert (status, body["code"]) == (503, -1001)
        assert await get(client, "ping") == (200, {})
        assert await get(client, "time") == (200, {"serverTime": NOON_MS})


async def test_klines_have_twelve_fields_and_exact_text() -> None:
    clock = HandClock()
    clock.forward(30)
    bar = SeededSource(7).latest_bar("BTCUSDT", 599)
    async with serving(running(clock=clock)) as client:
        _, rows = await get(client, "klines?symbol=BTCUSDT&interval=1m&limit=2")
        assert await get(client, "uiKlines?symbol=BTCUSDT&interval=1m&limit=2") == (200, rows)
    row = rows[0]

    assert len(row) == 12
    assert (row[0], row[6]) == (NOON_MS - 60_000, NOON_MS - 1)
    assert row[1:5] == [f"{value // 100}.{value % 100:02d}000000" for value in (bar.open, bar.high, bar.low, bar.close)]
    assert row[5] == f"{bar.volume // 100_000}.{bar.volume % 100_000:05d}000"
    assert float(row[7]) == pytest.approx(float(row[5]) * float(row[4]), rel=0.05)
    assert isinstance(row[8], int)
    assert 0 < float(row[9]) < float(row[5])
    assert 0 < float(row[10]) < float(row[7])
    assert row[11] == "0"


async def test_exchange_info_lists_filters_of_each_symbol() -> None:
    async with serving(running(clock=HandClock())) as client:
        _, everything = await get(client, "exchangeInfo")
        _, one = await get(client, "exchangeInfo?symbol=ETHUSDT")
        _, two = await get(client, 'exchangeInfo?symbols=["LTCUSDT","BTCUSDT"]')
        _, spot = await get(client, "exchangeInfo?permissions=SPOT&symbolStatus=BREAK")
    ether = one["symbols"][0]
    filters = {each["filterType"]: each for each in ether["filters"]}

    assert [each["symbol"] for each in everything["symbols"]] == ["BTCUSDT", "ETHUSDT", "BNBUSDT", "LTCUSDT"]
    assert [each["symbol"] for each in two["symbols"]] == ["LTCUSDT", "BTCUSDT"]
    assert spot["symbols"] == []
    assert everything["serverTime"] == NOON_MS
    assert {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 6000} in (
        everything["rateLimits"]
    )
    assert (ether["status"], ether["baseAsset"], ether["quoteAsset"]) == ("TRADING", "ETH", "USDT")
    assert "STOP_LOSS_LIMIT" in ether["orderTypes"]
    assert ether["permissionSets"] == [["SPOT"]]
    assert filters["PRICE_FILTER"]["tickSize"] == "0.01000000"
    assert filters["LOT_SIZE"]["stepSize"] == filters["MARKET_LOT_SIZE"]["stepSize"] == "0.00010000"
    assert filters["NOTIONAL"]["minNotional"] == "5.00000000"


async def test_all_views_of_one_moment_agree() -> None:
    clock = HandClock()
    clock.forward(22)
    async with serving(running(clock=clock)) as client:
        _, book = await get(client, "depth?symbol=BTCUSDT&limit=7")
        _, best = await get(client, "ticker/bookTicker?symbol=BTCUSDT")
        _, price = await get(client, "ticker/price?symbol=BTCUSDT")
        _, day = await get(client, "ticker/24hr?symbol=BTCUSDT")
        _, mini = await get(client, "ticker/24hr?symbol=BTCUSDT&type=MINI")
        _, rows = await get(client, "klines?symbol=BTCUSDT&interval=1m&limit=1000")
        _, tape = await get(client, "trades?symbol=BTCUSDT&limit=3")
        _, average = await get(client, "avgPrice?symbol=BTCUSDT")

    assert (len(book["bids"]), len(book["asks"])) == (7, 7)
    assert [best["bidPrice"], best["bidQty"]] == book["bids"][0] == [day["bidPrice"], day["bidQty"]]
    assert [best["askPrice"], best["askQty"]] == book["asks"][0] == [day["askPrice"], day["askQty"]]
    assert price["price"] == day["lastPrice"] == rows[-1][4] == tape[-1]["price"] == mini["lastPrice"]
    assert float(best["bidPrice"]) <= float(price["price"]) <= float(best["askPrice"])
    assert day["count"] == sum(row[8] for row in rows)
    assert float(day["volume"]) == pytest.approx(sum(float(row[5]) for row in rows))
    assert float(day["quoteVolume"]) == pytest.approx(sum(float(row[7]) for row in rows))
    assert day["highPrice"] == max((row[2] for row in rows), key=float)
    assert day["lastId"] == tape[-1]["id"]
    assert (day["openPrice"], day["closeTime"]) == (rows[0][1], NOON_MS + 22_000)
    assert float(day["weightedAvgPrice"]) == pytest.approx(float(day["quoteVolume"]) / float(day["volume"]))
    assert float(day["priceChange"]) == pytest.approx(float(day["lastPrice"]) - float(day["openPrice"]))
    assert mini.items() <= day.items()
    assert average["mins"] == 5
    assert float(average["price"]) == pytest.approx(
        sum(float(row[7]) for row in rows[-5:]) / sum(float(row[5]) for row in rows[-5:])
    )


async def test_one_symbol_is_an_object_and_several_are_a_list() -> None:
    async with serving(running(clock=HandClock())) as client:
        for path in ("ticker/price", "ticker/bookTicker", "ticker/24hr"):
            _, one = await get(client, f"{path}?symbol=LTCUSDT")
            _, some = await get(client, f'{path}?symbols=["LTCUSDT"]')
            _, every = await get(client, path)

            assert some == [one]
            assert [each["symbol"] for each in every] == ["BTCUSDT", "ETHUSDT", "BNBUSDT", "LTCUSDT"]
            assert every[3] == one


async def test_the_tape_adds_up_to_the_candles() -> None:
    clock = HandClock()
    clock.forward(45)
    async with serving(running(clock=clock)) as client:
        _, rows = await get(client, "klines?symbol=ETHUSDT&interval=1m&limit=3")
        _, tape = await get(client, f"aggTrades?symbol=ETHUSDT&startTime={rows[0][0]}&endTime={rows[0][6]}&limit=1000")
        _, newest = await get(client, "aggTrades?symbol=ETHUSDT&limit=5")
        _, until = await get(client, f"aggTrades?symbol=ETHUSDT&endTime={newest[1]['T']}&limit=2")
        _, following = await get(client, f"aggTrades?symbol=ETHUSDT&fromId={newest[2]['a']}&limit=2")
        _, recent = await get(client, "trades?symbol=ETHUSDT&limit=5")
    row = rows[0]

    assert sum(float(each["q"]) for each in tape) == pytest.approx(float(row[5]))
    assert sum(float(each["p"]) * float(each["q"]) for each in tape) == pytest.approx(float(row[7]))
    assert sum(float(each["q"]) for each in tape if not each["m"]) == pytest.approx(float(row[9]))
    assert len(tape) == row[8]
    assert (tape[0]["p"], tape[-1]["p"]) == (row[1], row[4])
    assert newest[-1]["T"] <= NOON_MS + 45_000
    assert until == newest[:2]
    assert following == newest[2:4]
    assert [each["id"] for each in recent] == [each["a"] for each in newest]
    assert [each["a"] for each in tape] == sorted({each["a"] for each in tape})


async def test_weight_is_counted_and_its_limit_ends_with_the_minute() -> None:
    clock = HandClock()
    clock.forward(20.2)
    async with serving(running(clock=clock)) as client:
        async with client.get(f"{API}/ping") as response:
            assert response.headers["X-MBX-USED-WEIGHT-1M"] == response.headers["X-MBX-USED-WEIGHT"] == "1"
        for _ in range((WEIGHT_PER_MINUTE - 1) // 250):
            await get(client, "depth?symbol=BTCUSDT&limit=1001")
        async with client.get(f"{API}/depth?symbol=BTCUSDT&limit=1001") as response:
            refused = await response.json()
            assert (response.status, response.headers["Retry-After"]) == (429, "40")
            assert int(response.headers["X-MBX-USED-WEIGHT-1M"]) > WEIGHT_PER_MINUTE
        clock.forward(40)
        async with client.get(f"{API}/ping") as response:
            assert (response.status, response.headers["X-MBX-USED-WEIGHT-1M"]) == (200, "1")

    assert refused["code"] == -1003
    assert "current limit is 6000 request weight per 1 MINUTE" in refused["msg"]


@pytest.mark.parametrize(
    ("limit", "weight"), [(1, 5), (100, 5), (101, 25), (500, 25), (501, 50), (1000, 50), (1001, 250), (5000, 250)]
)
def test_depth_weighs_by_its_levels(limit: int, weight: int) -> None:
    assert depth_weight(limit) == weight


@pytest.mark.parametrize(("symbols", "weight"), [(1, 2), (20, 2), (21, 40), (100, 40), (101, 80), (None, 80)])
def test_day_tickers_weigh_by_their_symbols(symbols: int | None, weight: int) -> None:
    assert day_ticker_weight(symbols) == weight


async def test_a_deep_book_is_served_and_capped() -> None:
    async with serving(running(clock=HandClock())) as client:
        _, book = await get(client, "depth?symbol=LTCUSDT&limit=50000")
        _, usual = await get(client, "depth?symbol=LTCUSDT")

    assert len(book["asks"]) == 5_000
    assert all(float(price) > 0 for price, _ in book["bids"])
    assert usual["bids"] == book["bids"][:100]


async def test_averages_and_tickers_hold_in_a_long_gap(tmp_path: Path) -> None:
    path = candle_file(tmp_path, candle_rows(3_000, skip=range(600, 2_900)))
    clock = HandClock()
    market = running(599, clock=clock, source=RecordedSource([path]))
    clock.forward(36 * 3_600)
    async with serving(market) as client:
        _, average = await get(client, "avgPrice?symbol=BTCUSDT")
        _, day = await get(client, "ticker/24hr?symbol=BTCUSDT")
        _, trades = await get(client, "trades?symbol=BTCUSDT&limit=1")

    assert float(day["lowPrice"]) <= float(average["price"]) <= float(day["highPrice"])
    assert day["lastPrice"] == trades[0]["price"] == "120.05000000"
    assert trades[0]["time"] < NOON_MS + 60_000


async def test_bars_without_volume_have_prices_and_no_trades(tmp_path: Path) -> None:
    rows = [row.rpartition(",")[0] + ",0" for row in candle_rows(510)]
    market = running(505, clock=HandClock(), source=RecordedSource([candle_file(tmp_path, rows)]))
    async with serving(market) as client:
        _, average = await get(client, "avgPrice?symbol=BTCUSDT")
        _, day = await get(client, "ticker/24hr?symbol=BTCUSDT")
        _, book = await get(client, "ticker/bookTicker?symbol=BTCUSDT")
        _, price = await get(client, "ticker/price?symbol=BTCUSDT")

        assert await get(client, "trades?symbol=BTCUSDT") == (200, [])
        assert await get(client, "aggTrades?symbol=BTCUSDT&startTime=0") == (200, [])
    assert average["price"] == price["price"] == day["weightedAvgPrice"] == day["lastPrice"]
    assert (day["firstId"], day["lastId"], day["count"]) == (-1, -1, 0)
    assert float(book["bidQty"]) > 0
