"""The WebSocket API: the same orders and reads as REST, signed request by request, and the account's events."""

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from tests.sandbox_exchange.traders import ccxt_client, trading

SYMBOL = "BTCUSDT"
PATH = "/exchange/ws-api/v3"


async def ask(socket: Any, request: dict[str, Any]) -> Any:
    """Send a request and wait for its answer."""
    await socket.send_json(request)
    return await asyncio.wait_for(socket.receive_json(), 40)


async def test_an_order_is_placed_read_and_cancelled() -> None:
    async with trading() as stand, stand.http.ws_connect(PATH) as socket:
        price = str((stand.price() * Decimal("0.9")).quantize(Decimal("0.01")))
        sent = {"symbol": SYMBOL, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.1", "price": price}
        placed = await ask(socket, stand.signed("order.place", **sent, newClientOrderId="ws1"))
        tested = await ask(socket, stand.signed("order.test", **sent))
        status = await ask(socket, stand.signed("order.status", symbol=SYMBOL, origClientOrderId="ws1"))
        opened = await ask(socket, stand.signed("openOrders.status", symbol=SYMBOL))
        account = await ask(socket, stand.signed("account.status", omitZeroBalances=True))
        cancelled = await ask(socket, stand.signed("order.cancel", symbol=SYMBOL, origClientOrderId="ws1"))

    assert (placed["status"], placed["result"]["status"], tested["result"]) == (200, "NEW", {})
    assert [limit["rateLimitType"] for limit in placed["rateLimits"]] == ["ORDERS", "ORDERS", "REQUEST_WEIGHT"]
    assert status["result"]["orderId"] == opened["result"][0]["orderId"] == placed["result"]["orderId"]
    assert account["result"]["balances"][1]["locked"] != "0.00000000"
    assert cancelled["result"]["status"] == "CANCELED"
    assert stand.exchange.writes.by_client_id() == {"ws1": 2}


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"quantity": "90"}, 400, -2010),
        ({"signature": "0" * 64}, 400, -1022),
        ({"apiKey": "0" * 64}, 401, -2015),
        ({"timestamp": 5}, 400, -1021),
        ({"side": "HOLD"}, 400, -1117),
    ],
    ids=["funds", "signature", "key", "time", "side"],
)
async def test_refusals_have_a_status_and_a_code(change: dict[str, Any], status: int, code: int) -> None:
    async with trading() as stand, stand.http.ws_connect(PATH) as socket:
        sent = {"symbol": SYMBOL, "side": "SELL", "type": "MARKET", "quantity": "0.1"}
        own = {key: value for key, value in change.items() if key not in ("signature", "apiKey")}
        request = stand.signed("order.place", **(sent | own))
        request["params"] |= {key: value for key, value in change.items() if key in ("signature", "apiKey")}
        answer = await ask(socket, request)

    assert (answer["status"], answer["error"]["code"], answer["id"]) == (status, code, request["id"])


async def test_public_data_and_the_session() -> None:
    async with trading() as stand, stand.http.ws_connect(PATH) as socket:
        time = await ask(socket, {"id": 1, "method": "time", "params": {"returnRateLimits": False}})
        info = await ask(socket, {"id": 2, "method": "exchangeInfo", "params": {"symbols": ["BTCUSDT"]}})
        book = await ask(socket, {"id": 3, "method": "v3/ticker.book", "params": {"symbol": SYMBOL}})
        logon = await ask(socket, stand.signed("session.logon"))
        session = await ask(socket, {"id": 5, "method": "session.status"})
        unknown = await ask(socket, {"id": 6, "method": "order.shout"})
        await socket.send_str("[")
        wrong = await asyncio.wait_for(socket.receive_json(), 40)

    assert time == {"id": 1, "status": 200, "result": {"serverTime": stand.exchange.market.now()}}
    assert info["result"]["symbols"][0]["symbol"] == book["result"]["symbol"] == SYMBOL
    assert (logon["error"]["code"], unknown["error"]["code"], wrong["error"]["code"]) == (-4056, -1020, -1135)
    assert session["result"]["apiKey"] is None


async def test_ccxt_trades_over_it() -> None:
    async with trading() as stand, ccxt_client(stand) as client:
        placed = await client.create_order_ws("BTC/USDT", "market", "buy", 0.1)
        found = await client.fetch_order_ws(placed["id"], "BTC/USDT")
        rest = await client.create_order_ws("BTC/USDT", "limit", "sell", 0.1, float(stand.price()) * 1.1)
        cancelled = await client.cancel_order_ws(rest["id"], "BTC/USDT")

    assert (placed["status"], found["filled"], cancelled["status"]) == ("closed", 0.1, "canceled")


async def test_a_list_is_told_with_its_orders() -> None:
    async with trading() as stand, stand.http.ws_connect(PATH) as socket:
        await ask(socket, stand.signed("userDataStream.subscribe.signature"))
        up, down = (str((stand.price() * Decimal(share)).quantize(Decimal("0.01"))) for share in ("1.1", "0.9"))
        legs = {"aboveType": "LIMIT_MAKER", "abovePrice": up, "belowType": "STOP_LOSS", "belowStopPrice": down}
        await stand.call("POST", "orderList/oco", symbol=SYMBOL, side="SELL", quantity="0.4", **legs)
        told = [(await asyncio.wait_for(socket.receive_json(), 40))["event"] for _ in range(4)]

    assert [event["e"] for event in told] == ["executionReport", "executionReport", "listStatus", "outboundAccountPosition"]
    assert [(event["o"], event["x"], event["w"]) for event in told[:2]] == [
        ("STOP_LOSS", "NEW", False),
        ("LIMIT_MAKER", "NEW", True),
    ]
    assert (told[2]["c"], told[2]["l"], len(told[2]["O"])) == ("OCO", "EXEC_STARTED", 2)
    assert told[3]["B"] == [{"a": "BTC", "f": "1.60000000", "l": "0.40000000"}]
