"""An unmodified ccxt.pro client listens: its own orders, trades and balances, and the market's streams."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import ccxt.pro as ccxtpro
import pytest

from tests.sandbox_exchange.traders import Stand, ccxt_client, trading

PAIR = "BTC/USDT"
_SECONDS = 40.0


async def heard(waiting: Awaitable[Any]) -> Any:
    """Wait for what a stream says, not for ever."""
    return await asyncio.wait_for(waiting, _SECONDS)


async def until(holds: Callable[[], bool]) -> None:
    """Look again and again until something holds, not for ever."""
    async with asyncio.timeout(_SECONDS):
        while not holds():
            await asyncio.sleep(0.02)


def state(orders: list[dict[str, Any]]) -> tuple[Any, ...]:
    """Keep what the newest order says; the client writes over its orders."""
    return tuple(orders[-1][key] for key in ("clientOrderId", "status", "filled"))


async def listening(stand: Stand, client: ccxtpro.binance) -> None:
    """Wait until the client's user stream stands: a payment that is told proves it."""
    await client.load_markets()
    waiting = asyncio.ensure_future(client.watch_balance())
    while not waiting.done():
        stand.exchange.engine.books.transfer(
            stand.account, "LTC", stand.account.balance("LTC").free + 1, stand.exchange.market.now()
        )
        await asyncio.wait([waiting], timeout=0.05)
    await waiting


async def test_an_order_is_told_when_it_is_placed_filled_and_cancelled() -> None:
    async with trading() as stand, ccxt_client(stand) as client:
        await listening(stand, client)
        told = []
        orders, trades = asyncio.ensure_future(client.watch_orders()), asyncio.ensure_future(client.watch_my_trades())
        await asyncio.sleep(0)
        price = float(stand.price()) * 0.9
        placed = await client.create_order(PAIR, "limit", "buy", 0.3, price, {"clientOrderId": "told1"})
        told.append(state(await heard(orders)))
        following = asyncio.ensure_future(client.watch_orders())
        await stand.control("accounts/ann/fill", {"order": int(placed["id"]), "quantity": "0.1"})
        told.append(state(await heard(following)))
        traded = await heard(trades)
        following = asyncio.ensure_future(client.watch_orders())
        await client.cancel_order(placed["id"], PAIR)
        told.append(state(await heard(following)))

    assert told == [
        ("told1", "open", 0),
        ("told1", "open", 0.1),
        ("told1", "canceled", 0.1),
    ]
    assert [(trade["amount"], trade["takerOrMaker"], trade["order"]) for trade in traded] == [(0.1, "maker", placed["id"])]
    assert traded[0]["fee"] == {"cost": 0.0001, "currency": "BTC"}


async def test_balances_are_told_as_they_change() -> None:
    async with trading() as stand, ccxt_client(stand) as client:
        await listening(stand, client)
        await stand.control("accounts/ann/transfer", {"asset": "BTC", "amount": "0.5"})
        await until(lambda: client.balance["spot"].get("BTC", {}).get("free") == 2.5)
        await client.create_order(PAIR, "limit", "sell", 0.5, float(stand.price()) * 1.1)
        await until(lambda: client.balance["spot"]["BTC"]["used"] == 0.5)

    assert client.balance["spot"]["BTC"] == {"free": 2.0, "used": 0.5, "total": 2.5}


async def test_the_market_is_told_step_by_step() -> None:
    async with trading() as stand, ccxt_client(stand) as client:
        await client.load_markets()
        quote = (await heard(client.watch_bids_asks([PAIR])))[PAIR]
        close = (await heard(client.watch_ohlcv(PAIR, "1m")))[-1][4]
        ticker = await heard(client.watch_ticker(PAIR))
        book = await client.fetch_order_book(PAIR)
        waiting = asyncio.ensure_future(client.watch_trades(PAIR))
        while not waiting.done():
            stand.clock.forward(1)
            await asyncio.wait([waiting], timeout=0.05)
        trades = waiting.result()

    assert (quote["bid"], quote["ask"]) == (book["bids"][0][0], book["asks"][0][0])
    assert close == ticker["last"]
    assert trades[0]["amount"] > 0


async def test_a_book_that_is_kept_by_its_changes_is_the_book() -> None:
    async with trading() as stand, ccxt_client(stand) as client:
        await client.load_markets()
        waiting = asyncio.ensure_future(client.watch_order_book(PAIR, 10))
        for _ in range(400):
            stand.clock.forward(1)
            await asyncio.wait([waiting], timeout=0.05)
            if waiting.done():
                break
        kept = await waiting
        stand.clock.forward(1)
        await until(lambda: kept["nonce"] == stand.exchange.engine.moment("BTCUSDT").number)
        fetched = await client.fetch_order_book(PAIR, 100)

    assert kept["bids"][:100] == fetched["bids"] and kept["asks"][:100] == fetched["asks"]


async def test_a_cut_line_is_an_error_and_the_next_call_is_told_again() -> None:
    async with trading() as stand, ccxt_client(stand) as client:
        await listening(stand, client)
        waiting = asyncio.ensure_future(client.watch_orders())
        await asyncio.sleep(0)
        cut = await stand.control("disconnect", {})
        with pytest.raises(ccxtpro.NetworkError):
            await heard(waiting)
        await listening(stand, client)

    assert cut["connections"] == 1


async def test_a_closed_candle_is_told_once_as_closed() -> None:
    async with trading(seconds=58) as stand, stand.http.ws_connect("/exchange/ws/btcusdt@kline_1m") as socket:
        first = await heard(socket.receive_json())
        stand.clock.forward(3)
        closed, opened = await heard(socket.receive_json()), await heard(socket.receive_json())

    assert [each["k"]["x"] for each in (first, closed, opened)] == [False, True, False]
    assert first["k"]["t"] == closed["k"]["t"] == opened["k"]["t"] - 60_000


async def test_combined_streams_carry_their_names() -> None:
    path = "/exchange/stream?streams=btcusdt@bookTicker/ethusdt@ticker/nope@ticker"
    async with trading() as stand, stand.http.ws_connect(path) as socket:
        told = [await heard(socket.receive_json()) for _ in range(2)]
        await socket.send_json({"method": "UNSUBSCRIBE", "params": ["btcusdt@bookTicker"], "id": 1})
        gone = await heard(socket.receive_json())
        await socket.send_json({"method": "LIST_SUBSCRIPTIONS", "id": 2})
        left = await heard(socket.receive_json())
        await socket.send_json({"method": "SHOUT", "id": 3})
        wrong = await heard(socket.receive_json())

    assert [(each["stream"], each["data"]["s"]) for each in told] == [
        ("btcusdt@bookTicker", "BTCUSDT"),
        ("ethusdt@ticker", "ETHUSDT"),
    ]
    assert (gone, left) == ({"result": None, "id": 1}, {"result": ["ethusdt@ticker"], "id": 2})
    assert (wrong["error"]["code"], wrong["id"]) == (2, 3)
