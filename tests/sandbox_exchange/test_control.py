"""The operator's side: information, the planner's series, the start, and faults that do what they say."""

from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient

from sandbox.exchange.errors import MarketError
from sandbox.exchange.faults import Family, FaultBoard, Target
from sandbox.exchange.seeded import SeededSource
from tests.sandbox_exchange.stand import API, NOON_MS, HandClock, build, running, serving

Client = TestClient[web.Request, web.Application]


async def post(client: Client, path: str, body: Any) -> tuple[int, Any]:
    async with client.post(f"/market/{path}", json=body) as response:
        return response.status, await response.json()


async def get(client: Client, path: str) -> Any:
    async with client.get(path) as response:
        return await response.json()


async def test_information_before_and_after_the_start() -> None:
    async with serving(build()) as client:
        before = await get(client, "/market/info")
        status, after = await post(client, "start", {"index": 700, "close_in": 20})

    assert before == {
        "playing": "Seeded market, seed 7, one bar a minute",
        "source": "seeded",
        "seed": 7,
        "bar_seconds": 60,
        "timeframe": "1m",
        "started": False,
        "index": None,
        "minimum_start": 500,
        "last_index": None,
        "finished": False,
        "recorded_at": None,
        "symbols": ["BTCUSDT", "ETHUSDT", "BNBUSDT", "LTCUSDT"],
        "now": "2026-03-02T12:00:00+00:00",
    }
    assert (status, after) == (200, before | {"started": True, "index": 700})


async def test_a_planner_sees_the_bars_that_will_be_served() -> None:
    clock = HandClock()
    async with serving(build(clock=clock)) as client:
        series = await get(client, "/market/series?bars=650")
        await post(client, "start", {"index": 640, "close_in": 20})
        await get(client, f"{API}/klines?symbol=BNBUSDT&interval=1m")
        clock.forward(20)
        rows = await get(client, f"{API}/klines?symbol=BNBUSDT&interval=1m&limit=1000")
    binance_coin = series["symbols"]["BNBUSDT"]

    assert (binance_coin["tick"], binance_coin["step"]) == ("0.01000000", "0.00100000")
    assert binance_coin["indexes"] == list(range(650))
    assert [[float(text) for text in row[1:6]] for row in rows[:-1]] == binance_coin["candles"][:641]
    assert (series["timeframe"], series["minimum_start"]) == ("1m", 500)


async def test_a_planner_may_begin_anywhere() -> None:
    async with serving(build()) as client:
        series = await get(client, "/market/series?bars=3&from=1000")
    bars = SeededSource(7).bars("BTCUSDT", 1000, 1002)

    assert series["symbols"]["BTCUSDT"]["indexes"] == [1000, 1001, 1002]
    assert [row[3] for row in series["symbols"]["BTCUSDT"]["candles"]] == [bar.close / 100 for bar in bars]


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        {"index": "700", "close_in": 20},
        {"index": True, "close_in": 20},
        {"index": 700},
        {"index": 700, "close_in": "soon"},
        {"index": 700, "close_in": 61},
        {"index": 7, "close_in": 20},
    ],
)
async def test_bad_starts_are_told_and_change_nothing(body: Any) -> None:
    async with serving(build()) as client:
        status, answer = await post(client, "start", body)

        assert (status, list(answer)) == (400, ["error"])
        assert not (await get(client, "/market/info"))["started"]


@pytest.mark.parametrize("query", ["bars=x", "bars=99999999", "from=-1"])
async def test_bad_series_requests_are_told(query: str) -> None:
    async with serving(build()) as client, client.get(f"/market/series?{query}") as response:
        assert response.status == 400


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://example.com"}, {"Host": "example.com"}, {"Host": "example.com:80"}, {"Origin": "null"}]
)
async def test_other_sites_cannot_move_the_market(headers: dict[str, str]) -> None:
    async with serving(build()) as client:
        async with client.post("/market/start", json={"index": 700, "close_in": 20}, headers=headers) as response:
            assert response.status == 403
        assert not (await get(client, "/market/info"))["started"]
        async with client.get("/market/info", headers={"Origin": "http://localhost:8080"}) as response:
            assert response.status == 200


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "flood"},
        {"kind": 5},
        {"kind": "delay", "amount": "long"},
        {"kind": "delay", "amount": -1},
        {"kind": "5xx", "amount": 404},
        {"kind": "reset", "count": 0},
        {"kind": "reset", "count": 1.5},
        {"kind": "reset", "seconds": 0},
        {"kind": "reset", "colour": "red"},
        {"clear": "all"},
    ],
)
async def test_bad_faults_are_told_and_switch_nothing_on(body: dict[str, Any]) -> None:
    async with serving(build()) as client:
        status, answer = await post(client, "faults", body)

        assert (status, list(answer)) == (400, ["error"])
        assert (await get(client, "/market/faults"))["active"] == []


@pytest.mark.parametrize("kind", ["reset", "outage"])
async def test_reset_and_outage_drop_the_connection(kind: str) -> None:
    async with serving(running(clock=HandClock())) as client:
        await post(client, "faults", {"kind": kind})
        with pytest.raises(aiohttp.ClientConnectionError):
            await get(client, f"{API}/time")
        listed = (await post(client, "faults", {"clear": True}))[1]

        assert listed["active"] == []
        assert listed["fired"][kind] >= 1
        assert await get(client, f"{API}/time") == {"serverTime": NOON_MS}


async def test_server_errors_garbage_and_half_bodies() -> None:
    async with serving(running(clock=HandClock())) as client:
        await post(client, "faults", {"kind": "5xx", "amount": 504, "count": 1})
        async with client.get(f"{API}/time") as response:
            assert (response.status, response.content_type) == (504, "text/html")
        await post(client, "faults", {"kind": "garbage", "count": 1})
        async with client.get(f"{API}/time") as response:
            assert (response.status, response.content_type) == (200, "text/html")
        await post(client, "faults", {"kind": "half", "count": 1})
        async with client.get(f"{API}/exchangeInfo") as response:
            with pytest.raises(aiohttp.ClientPayloadError):
                await response.read()

        assert (await get(client, "/market/faults"))["fired"] == {"5xx": 1, "garbage": 1, "half": 1}
        assert await get(client, f"{API}/time") == {"serverTime": NOON_MS}


async def test_a_delay_delays() -> None:
    async with serving(running(clock=HandClock())) as client:
        await post(client, "faults", {"kind": "delay", "amount": 30, "path": "time"})
        with pytest.raises(TimeoutError):
            async with client.get(f"{API}/time", timeout=aiohttp.ClientTimeout(total=0.05)) as response:
                await response.read()

        assert await get(client, f"{API}/ping") == {}


async def test_stale_quotes_stand_while_candles_go_on() -> None:
    clock = HandClock()
    async with serving(running(clock=clock)) as client:
        await post(client, "faults", {"kind": "stale", "seconds": 100})
        before = await get(client, f"{API}/ticker/bookTicker")
        clock.forward(90)
        during = await get(client, f"{API}/ticker/bookTicker")
        rows = await get(client, f"{API}/klines?symbol=BTCUSDT&interval=1m")
        clock.forward(10)
        after = await get(client, f"{API}/ticker/bookTicker")

    assert during == before
    assert rows[-1][0] == NOON_MS + 60_000
    assert after != before


async def test_stale_candles_are_asked_for_by_path() -> None:
    clock = HandClock()
    async with serving(running(clock=clock)) as client:
        await post(client, "faults", {"kind": "stale", "path": "klines"})
        before = await get(client, f"{API}/ticker/bookTicker")
        clock.forward(90)
        rows = await get(client, f"{API}/klines?symbol=BTCUSDT&interval=1m")

        assert rows[-1][0] == NOON_MS
        assert await get(client, f"{API}/ticker/bookTicker") != before


async def test_a_skewed_clock_says_another_time() -> None:
    async with serving(running(clock=HandClock())) as client:
        await post(client, "faults", {"kind": "skew", "amount": -45.5})

        assert (await get(client, f"{API}/time"))["serverTime"] == NOON_MS - 45_500
        assert (await get(client, f"{API}/exchangeInfo"))["serverTime"] == NOON_MS - 45_500


async def test_a_fault_can_be_narrowed_to_a_symbol() -> None:
    async with serving(running(clock=HandClock())) as client:
        await post(client, "faults", {"kind": "5xx", "symbol": "ETHUSDT"})
        statuses = []
        for query in ("symbol=BTCUSDT", "symbol=ETHUSDT", 'symbols=["BTCUSDT","ETHUSDT"]'):
            async with client.get(f"{API}/ticker/price?{query}") as response:
                statuses.append(response.status)

    assert statuses == [200, 502, 502]


def test_faults_end_by_count_and_by_time() -> None:
    board = FaultBoard()
    board.add("reset", now=0, count=2)
    board.add("garbage", now=0, seconds=5)
    struck = [sorted(board.strike(Target(family=Family.PUBLIC, path="time"), now=at)) for at in (0, 1_000, 2_000, 5_000)]

    assert struck == [["garbage", "reset"], ["garbage", "reset"], ["garbage"], []]
    assert board.active(now=5_000) == []
    assert dict(board.fired) == {"reset": 2, "garbage": 3}


def test_one_fault_is_cleared_by_its_number() -> None:
    board = FaultBoard()
    first, second = board.add("delay", now=0), board.add("delay", now=0, amount=9)
    board.clear(first.number)

    assert board.active(now=0) == [second]
    with pytest.raises(MarketError, match="there are delay, 5xx, error, reset"):
        board.add("flood", now=0)
