"""Faults of the private side: what took effect and what did not, however the answer was lost."""

import asyncio
from collections import Counter
from decimal import Decimal
from typing import Any

import aiohttp
import ccxt.async_support as ccxt
import pytest

from tests.sandbox_exchange.traders import Stand, ccxt_client, trading

PAIR, SYMBOL = "BTC/USDT", "BTCUSDT"
_SECONDS = 40.0


@pytest.mark.parametrize(
    ("fault", "error", "accepted"),
    [
        ({"kind": "lost"}, ccxt.NetworkError, True),
        ({"kind": "reset"}, ccxt.NetworkError, False),
        ({"kind": "outage"}, ccxt.NetworkError, False),
        ({"kind": "error"}, ccxt.OperationFailed, True),
        ({"kind": "error", "after": False}, ccxt.OperationFailed, False),
        ({"kind": "error", "code": -1007, "message": "Timeout waiting for response."}, ccxt.RequestTimeout, True),
        ({"kind": "error", "amount": 429, "code": -1003, "message": "Too many."}, ccxt.DDoSProtection, False),
        ({"kind": "error", "amount": 418, "code": -1003, "message": "Banned."}, ccxt.DDoSProtection, False),
        ({"kind": "5xx"}, ccxt.ExchangeNotAvailable, False),
        ({"kind": "5xx", "after": True}, ccxt.ExchangeNotAvailable, True),
        ({"kind": "half"}, ccxt.ExchangeError, True),
        ({"kind": "garbage", "body": "{}"}, None, True),
        ({"kind": "garbage", "body": ""}, None, True),
        ({"kind": "garbage", "after": False}, None, False),
    ],
    ids=lambda value: "-".join(map(str, value.values())).replace(" ", "_") if isinstance(value, dict) else None,
)
async def test_what_took_effect_is_there_however_the_answer_was_lost(
    fault: dict[str, Any], error: type[Exception] | None, accepted: bool
) -> None:
    async with trading() as stand, ccxt_client(stand) as client:
        await client.load_markets()
        await stand.control("faults", {"family": "writes", "count": 1} | fault)
        sending = client.create_order(PAIR, "limit", "buy", 0.1, float(stand.price()) * 0.9, {"clientOrderId": "once"})
        if error is None:
            assert (await sending)["id"] is None
        else:
            with pytest.raises(error):
                await sending
        found = await stand.call("GET", "order", symbol=SYMBOL, origClientOrderId="once")
        writes = await stand.control("writes")

    assert found[0] == (200 if accepted else 400)
    assert writes["by_client_id"] == {"once": 1}


@pytest.mark.parametrize("after", [True, False], ids=["told-late", "accepted-late"])
async def test_an_order_whose_client_hung_up_is_there_in_the_end(after: bool) -> None:
    async with trading() as stand, ccxt_client(stand) as client:
        await client.load_markets()
        fault = {"kind": "delay", "amount": 0.5, "family": "writes", "count": 1, "after": after}
        await stand.control("faults", fault)
        sending = client.create_order(PAIR, "limit", "buy", 0.1, float(stand.price()) * 0.9, {"clientOrderId": "late"})
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(sending, 0.1)
        at_once = bool(stand.account.orders)
        async with asyncio.timeout(_SECONDS):
            while not stand.account.orders:
                await asyncio.sleep(0.02)

    assert at_once is after
    assert [order.ticket.client_id for order in stand.account.orders.values()] == ["late"]


async def test_a_ban_tells_how_long_it_lasts() -> None:
    async with trading() as stand:
        await stand.control("faults", {"kind": "error", "amount": 418, "code": -1003, "retry_after": 120, "count": 1})
        status, _, headers = await stand.call_with_headers("GET", "account")

    assert (status, headers["Retry-After"]) == (418, "120")


async def test_a_fault_of_one_family_leaves_the_others_alone() -> None:
    async with trading() as stand:
        await stand.control("faults", {"kind": "5xx", "family": "writes", "method": "DELETE"})
        placed, order = await stand.call("POST", "order", symbol=SYMBOL, side="BUY", type="MARKET", quantity="0.1")
        read, _ = await stand.call("GET", "openOrders", symbol=SYMBOL)
        async with stand.http.delete(f"/exchange/api/v3/order?symbol={SYMBOL}&orderId={order['orderId']}") as response:
            deleted = response.status

    assert (placed, read, deleted) == (200, 200, 502)


async def test_stale_reads_show_the_past_until_the_fault_ends() -> None:
    async with trading() as stand:
        await stand.control("faults", {"kind": "stale", "family": "reads"})
        _, order = await stand.call("POST", "order", symbol=SYMBOL, side="BUY", type="MARKET", quantity="0.1")
        gone, _ = await stand.call("GET", "order", symbol=SYMBOL, orderId=order["orderId"])
        _, before = await stand.call("GET", "account", omitZeroBalances="true")
        truth = await stand.control("accounts/ann")
        await stand.control("faults", {"clear": True})
        there, _ = await stand.call("GET", "order", symbol=SYMBOL, orderId=order["orderId"])

    assert (gone, there) == (400, 200)
    assert before["balances"][0] == {"asset": "BTC", "free": "2.00000000", "locked": "0.00000000"}
    assert [each["orderId"] for each in truth["orders"]] == [order["orderId"]]


async def test_hidden_orders_and_trades_are_missing_from_every_read() -> None:
    async with trading() as stand:
        _, order = await stand.call("POST", "order", symbol=SYMBOL, side="BUY", type="MARKET", quantity="0.1")
        trade = order["fills"][0]["tradeId"]
        await stand.control("accounts/ann/hide", {"orders": [order["orderId"]], "trades": [trade]})
        status, _ = await stand.call("GET", "order", symbol=SYMBOL, orderId=order["orderId"])
        _, orders = await stand.call("GET", "allOrders", symbol=SYMBOL)
        _, trades = await stand.call("GET", "myTrades", symbol=SYMBOL)
        truth = await stand.control("accounts/ann")

    assert (status, orders, trades) == (400, [], [])
    assert [each["id"] for each in truth["trades"]] == [trade]


async def subscribed(stand: Stand, socket: Any) -> None:
    """Subscribe to the account's events on the WebSocket API."""
    await socket.send_json(stand.signed("userDataStream.subscribe.signature"))
    assert (await socket.receive_json())["result"] == {"subscriptionId": 0}


async def paid(stand: Stand, *amounts: int) -> None:
    """Pay amounts into the account, each of which is an event of its own."""
    for amount in amounts:
        await stand.control("accounts/ann/transfer", {"asset": "USDT", "amount": amount})


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ({"kind": "drop", "count": 1}, [2, 3]),
        ({"kind": "duplicate", "count": 1}, [1, 1, 2, 3]),
        ({"kind": "delay", "amount": 0.3, "count": 1}, [2, 3, 1]),
    ],
    ids=["drop", "duplicate", "delay"],
)
async def test_events_are_dropped_doubled_and_late(fault: dict[str, Any], told: list[int]) -> None:
    async with trading() as stand, stand.http.ws_connect("/exchange/ws-api/v3") as socket:
        await subscribed(stand, socket)
        await stand.control("faults", {"family": "events", "path": "balanceUpdate"} | fault)
        await paid(stand, 1, 2, 3)
        heard: list[int] = []
        async with asyncio.timeout(_SECONDS):
            while len(heard) < len(told):
                event = (await socket.receive_json())["event"]
                if event["e"] == "balanceUpdate":
                    heard.append(int(Decimal(event["d"])))

    assert heard == told


async def test_an_event_out_of_order_comes_after_the_next() -> None:
    async with trading() as stand, stand.http.ws_connect("/exchange/ws-api/v3") as socket:
        await subscribed(stand, socket)
        await stand.control("faults", {"kind": "reorder", "family": "events", "path": "balanceUpdate", "count": 1})
        await paid(stand, 1, 2)
        heard = [(await asyncio.wait_for(socket.receive_json(), _SECONDS))["event"]["e"] for _ in range(4)]

    usual = ["balanceUpdate", "outboundAccountPosition"]
    assert heard == [*reversed(usual), *usual]


async def test_an_outage_cuts_the_streams_and_refuses_new_ones() -> None:
    async with trading() as stand, stand.http.ws_connect("/exchange/ws/btcusdt@bookTicker") as socket:
        await socket.receive_json()
        await stand.control("faults", {"kind": "outage"})
        cut = await asyncio.wait_for(socket.receive(), _SECONDS)
        with pytest.raises(aiohttp.ClientError):
            await stand.http.ws_connect("/exchange/ws/btcusdt@bookTicker")

    assert cut.data is None or cut.type.name in ("CLOSE", "CLOSED", "ERROR")


async def test_streams_stand_still_while_data_is_stale() -> None:
    async with trading() as stand, stand.http.ws_connect("/exchange/ws/btcusdt@bookTicker") as socket:
        first = await asyncio.wait_for(socket.receive_json(), _SECONDS)
        await stand.control("faults", {"kind": "stale", "family": "streams"})
        stand.clock.forward(1)
        async with asyncio.timeout(_SECONDS):
            while not (await stand.control("faults"))["fired"].get("stale"):
                await asyncio.sleep(0.02)
        await stand.control("faults", {"clear": True})
        stand.clock.forward(1)
        then = await asyncio.wait_for(socket.receive_json(), _SECONDS)

    assert then["u"] == first["u"] + 2


async def test_a_manual_sale_is_an_order_like_any_other() -> None:
    async with trading() as stand:
        await stand.control("accounts/ann/order", {"symbol": SYMBOL, "side": "SELL", "quantity": "0.5"})
        rest = {"symbol": SYMBOL, "side": "BUY", "quantity": "0.5", "price": "50000", "client_id": "by_hand"}
        resting = await stand.control("accounts/ann/order", rest)
        await stand.control("accounts/ann/cancel", {"order": resting["orderId"]})
        _, orders = await stand.call("GET", "allOrders", symbol=SYMBOL)

    assert orders[0]["clientOrderId"].startswith("web_")
    assert [(each["status"], each["side"]) for each in orders] == [("FILLED", "SELL"), ("CANCELED", "BUY")]
    assert orders[1]["clientOrderId"] == "by_hand"


async def test_a_thousand_lost_replies_are_a_thousand_orders() -> None:
    async with trading() as stand, ccxt_client(stand) as client:
        await client.load_markets()
        await stand.control("limits", {"enforced": False})
        await stand.control("faults", {"kind": "lost", "family": "writes"})
        names = [f"lost{number}" for number in range(1_000)]

        async def send(name: str) -> bool:
            side = "buy" if name[-1] in "02468" else "sell"
            try:
                await client.create_order(PAIR, "market", side, 0.001, None, {"clientOrderId": name})
            except ccxt.NetworkError:
                return True
            return False

        lost = [await asyncio.gather(*map(send, names[start : start + 50])) for start in range(0, 1_000, 50)]
        writes = await stand.control("writes")

    assert all(map(all, lost))
    assert writes["by_client_id"] == dict.fromkeys(names, 1)
    assert Counter(order.ticket.client_id for order in stand.account.orders.values()) == dict.fromkeys(names, 1)


async def test_a_thin_book_fills_in_part_and_the_rest_as_time_goes_on() -> None:
    async with trading() as stand:
        await stand.control("liquidity", {"symbol": SYMBOL, "most": "0.04"})
        price = str((stand.price() * Decimal("1.05")).quantize(Decimal("0.01")))
        sent = {"symbol": SYMBOL, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.1", "price": price}
        _, order = await stand.call("POST", "order", **sent)
        seen = []
        for _ in range(2):
            stand.clock.forward(1)
            _, found = await stand.call("GET", "order", symbol=SYMBOL, orderId=order["orderId"])
            seen.append((found["status"], found["executedQty"]))
        _, trades = await stand.call("GET", "myTrades", symbol=SYMBOL)

    assert (order["status"], order["executedQty"]) == ("PARTIALLY_FILLED", "0.04000000")
    assert seen == [("PARTIALLY_FILLED", "0.08000000"), ("FILLED", "0.10000000")]
    assert [trade["isMaker"] for trade in trades] == [False, True, True]
