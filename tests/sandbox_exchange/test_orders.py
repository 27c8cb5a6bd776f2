"""Signed requests over REST: official fields, Binance's refusals in its words, reads with all their parameters, counts."""

import json
import os
import secrets
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest

from sandbox.exchange.errors import MarketError
from sandbox.exchange.keys import read_entries
from sandbox.exchange.limits import ORDER_LIMITS
from sandbox.exchange.orders import OrderType
from sandbox.exchange.private_api import PRIVATE_ENDPOINTS
from sandbox.exchange.private_call import PrivateEndpoint
from sandbox.exchange.recorded import RecordedSource
from sandbox.exchange.signing import sign
from tests.sandbox_exchange.stand import HandClock, candle_file, candle_rows, running
from tests.sandbox_exchange.traders import Stand, trading

SYMBOL = "BTCUSDT"
LIMIT = {"symbol": SYMBOL, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.1", "price": "0.9"}
STOP = {"symbol": SYMBOL, "side": "SELL", "type": "STOP_LOSS", "quantity": "0.1", "stopPrice": "0.9"}


def priced(stand: Stand, sent: dict[str, Any]) -> dict[str, Any]:
    """Turn shares of the last price into prices on the grid, and leave everything else alone."""
    found = {}
    for key, value in sent.items():
        if key in ("price", "stopPrice") and isinstance(value, str) and value.startswith(("0.", "1.", "9.")):
            value = str((stand.price() * Decimal(value)).quantize(Decimal("0.01")))
        if value is not None:
            found[key] = value
    return found


async def place(stand: Stand, sent: dict[str, Any]) -> Any:
    """Place an order that must be accepted."""
    status, answer = await stand.call("POST", "order", **priced(stand, sent))
    assert status == 200, answer
    return answer


_DECIMAL = r"^([0-9]{1,20})(\.[0-9]{1,20})?$"
_PRECISION = "Parameter 'quantity' has too much precision."
_IMMEDIATELY = "Stop price would trigger immediately."


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        ({"side": None}, -1102, "Mandatory parameter 'side' was not sent, was empty/null, or malformed."),
        ({"price": None}, -1102, "Mandatory parameter 'price' was not sent, was empty/null, or malformed."),
        ({"timeInForce": None}, -1102, "Mandatory parameter 'timeInForce' was not sent, was empty/null, or malformed."),
        ({"side": "HOLD"}, -1117, "Invalid side."),
        ({"type": "LIMITED"}, -1116, "Invalid orderType."),
        ({"timeInForce": "GTX"}, -1115, "Invalid timeInForce."),
        ({"quantity": "0"}, -1013, "Invalid quantity."),
        ({"quantity": "-1"}, -1100, f"Illegal characters found in parameter 'quantity'; legal range is '{_DECIMAL}'."),
        ({"quantity": "0.123456789"}, -1111, _PRECISION),
        ({"quantity": "0.123456"}, -1013, "Filter failure: LOT_SIZE"),
        ({"quantity": "10000000"}, -1013, "Filter failure: LOT_SIZE"),
        ({"price": "56000.001"}, -1013, "Filter failure: PRICE_FILTER"),
        ({"price": "9.5"}, -1013, "Filter failure: PERCENT_PRICE_BY_SIDE"),
        ({"quantity": "0.00001"}, -1013, "Filter failure: NOTIONAL"),
        ({"quantity": "1", "icebergQty": "0.01"}, -1013, "Filter failure: ICEBERG_PARTS"),
        ({"quantity": "9"}, -2010, "Account has insufficient balance for requested action."),
        ({"type": "LIMIT_MAKER", "timeInForce": None, "price": "1.1"}, -2010, "Order would immediately match and take."),
        ({"stopPrice": "0.9"}, -1106, "Parameter 'stopPrice' sent when not required."),
        ({"type": "MARKET", "timeInForce": None}, -1106, "Parameter 'price' sent when not required."),
        ({"type": "MARKET", "timeInForce": None, "price": None, "quantity": None}, -1102, None),
        ({"newClientOrderId": "no spaces"}, -1100, None),
        ({"newClientOrderId": "x" * 37}, -1100, None),
        ({"strategyType": "5"}, -1134, None),
        ({"trailingDelta": "50"}, -2010, "Trailing stop orders are not supported for this symbol."),
        ({"extra": "1"}, -1104, None),
        ({"symbol": "NOPEUSDT"}, -1121, "Invalid symbol."),
        (STOP | {"stopPrice": "1.1", "price": None, "timeInForce": None}, -2010, _IMMEDIATELY),
        (STOP | {"type": "TAKE_PROFIT", "price": None, "timeInForce": None}, -2010, _IMMEDIATELY),
        (STOP | {"side": "BUY", "price": None, "timeInForce": None}, -2010, _IMMEDIATELY),
    ],
    ids=lambda value: None if isinstance(value, str | None) else str(value) if isinstance(value, int) else "-".join(value),
)
async def test_what_cannot_be_placed_is_refused_in_the_exchange_s_words(
    change: dict[str, Any], code: int, words: str | None
) -> None:
    async with trading() as stand:
        status, answer = await stand.call("POST", "order", **priced(stand, LIMIT | change))

    assert (status, answer["code"]) == (400, code)
    assert words is None or answer["msg"] == words
    assert not stand.account.orders and stand.account.balance("USDT").locked == 0


async def test_a_client_id_is_refused_only_while_its_order_is_open() -> None:
    async with trading() as stand:
        sent = LIMIT | {"newClientOrderId": "again"}
        first = await place(stand, sent)
        status, refused = await stand.call("POST", "order", **priced(stand, sent))
        await stand.call("DELETE", "order", symbol=SYMBOL, origClientOrderId="again")
        second = await place(stand, sent)
        market = {"symbol": SYMBOL, "side": "BUY", "type": "MARKET", "quantity": "0.1", "newClientOrderId": "twice"}
        bought = [await place(stand, market), await place(stand, market)]
        _, newest = await stand.call("GET", "order", symbol=SYMBOL, origClientOrderId="again")

    assert (status, refused["msg"]) == (400, "Duplicate order sent.")
    assert newest["orderId"] == second["orderId"] != first["orderId"]
    assert [order["status"] for order in bought] == ["FILLED", "FILLED"]


@pytest.mark.parametrize("kind", ["ACK", "RESULT", "FULL"])
async def test_answers_have_the_official_fields(kind: str) -> None:
    async with trading() as stand:
        answer = await place(stand, LIMIT | {"price": "1.01", "newOrderRespType": kind, "strategyId": 7})

    ack = {"symbol", "orderId", "orderListId", "clientOrderId", "transactTime"}
    result = ack | {
        *("price", "origQty", "executedQty", "origQuoteOrderQty", "cummulativeQuoteQty", "status", "timeInForce", "type"),
        *("side", "workingTime", "selfTradePreventionMode", "strategyId"),
    }
    assert set(answer) == {"ACK": ack, "RESULT": result, "FULL": result | {"fills"}}[kind]
    assert kind != "FULL" or set(answer["fills"][0]) == {"price", "qty", "commission", "commissionAsset", "tradeId"}


async def test_an_order_a_trade_and_an_account_have_the_official_fields() -> None:
    async with trading() as stand:
        placed = await place(stand, {"symbol": SYMBOL, "side": "SELL", "type": "MARKET", "quantity": "0.1"})
        _, order = await stand.call("GET", "order", symbol=SYMBOL, orderId=placed["orderId"])
        _, trades = await stand.call("GET", "myTrades", symbol=SYMBOL)
        _, account = await stand.call("GET", "account")
        _, rates = await stand.call("GET", "account/commission", symbol=SYMBOL)
        cancelled = (await stand.call("DELETE", "order", symbol=SYMBOL, orderId=(await place(stand, STOP))["orderId"]))[1]

    assert set(order) == {
        *("symbol", "orderId", "orderListId", "clientOrderId", "price", "origQty", "executedQty", "cummulativeQuoteQty"),
        *("status", "timeInForce", "type", "side", "stopPrice", "icebergQty", "time", "updateTime", "isWorking"),
        *("workingTime", "origQuoteOrderQty", "selfTradePreventionMode"),
    }
    assert set(trades[0]) == {
        *("symbol", "id", "orderId", "orderListId", "price", "qty", "quoteQty", "commission", "commissionAsset", "time"),
        *("isBuyer", "isMaker", "isBestMatch"),
    }
    assert {"commissionRates", "uid", "balances", "permissions", "accountType", "canTrade"} <= set(account)
    assert rates["standardCommission"]["taker"] == "0.00100000" and rates["discount"]["discountAsset"] == "BNB"
    assert (cancelled["status"], cancelled["orderListId"]) == ("CANCELED", -1)
    assert Decimal(cancelled["stopPrice"]) > 0


async def test_reads_page_by_id_and_by_time() -> None:
    async with trading() as stand:
        placed = []
        for _ in range(4):
            placed.append(await place(stand, {"symbol": SYMBOL, "side": "SELL", "type": "MARKET", "quantity": "0.1"}))
            stand.clock.forward(1)
        ids, times = [order["orderId"] for order in placed], [order["transactTime"] for order in placed]

        async def found(path: str, key: str, **params: object) -> list[int]:
            status, rows = await stand.call("GET", path, symbol=SYMBOL, **params)
            assert status == 200, rows
            return [row[key] for row in rows]

        assert await found("allOrders", "orderId", orderId=ids[2]) == ids[2:]
        assert await found("allOrders", "orderId", limit=2) == ids[2:]
        assert await found("allOrders", "orderId", startTime=times[1], limit=2) == ids[1:3]
        assert await found("allOrders", "orderId", endTime=times[1]) == ids[:2]
        assert await found("myTrades", "orderId", orderId=ids[1]) == [ids[1]]
        assert await found("myTrades", "orderId", startTime=times[2]) == ids[2:]
        trades = await found("myTrades", "id")
        assert await found("myTrades", "id", fromId=trades[1], limit=1) == [trades[1]]
        _, both = await stand.call("GET", "myTrades", symbol=SYMBOL, fromId=1, startTime=5)
        _, long = await stand.call("GET", "allOrders", symbol=SYMBOL, startTime=0, endTime=86_400_001)
        _, unnamed = await stand.call("GET", "order", symbol=SYMBOL)

    assert (both["code"], long["code"], unnamed["code"]) == (-1128, -1127, -1102)


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"timestamp": None}, 400, -1102),
        ({"timestamp": "yesterday"}, 400, -1100),
        ({"timestamp": 1_000}, 400, -1021),
        ({"recvWindow": 70_000}, 400, -1131),
        ({"key": None}, 401, -2014),
        ({"key": "0" * 64}, 401, -2015),
        ({"signature": "0" * 64}, 400, -1022),
        ({"signature": None}, 400, -1102),
    ],
    ids=["no-time", "odd-time", "old", "wide", "no-key", "unknown-key", "wrong-signature", "no-signature"],
)
async def test_who_signs_wrongly_is_refused(change: dict[str, Any], status: int, code: int) -> None:
    async with trading() as stand:
        text = "&".join(
            f"{name}={value}"
            for name, value in {"timestamp": stand.exchange.market.now(), **change}.items()
            if name not in ("key", "signature") and value is not None
        )
        signature = change.get("signature", sign(stand.account.secret, text))
        signed = text if signature is None else f"{text}&signature={signature}"
        key = change.get("key", stand.account.key)
        headers = {} if key is None else {"X-MBX-APIKEY": key}
        async with stand.http.get(f"/exchange/api/v3/account?{signed}", headers=headers) as response:
            found = response.status, (await response.json())["code"]

    assert found == (status, code)


async def test_a_clock_that_is_off_refuses_timestamps() -> None:
    async with trading() as stand:
        statuses = []
        for ahead in (-2, 30, 4):
            await stand.control("faults", {"kind": "skew", "amount": ahead, "count": 1})
            status, answer = await stand.call("GET", "account")
            statuses.append((status, answer.get("code")))

    assert statuses == [(400, -1021), (400, -1021), (200, None)]


async def test_a_recording_that_has_ended_takes_no_orders(tmp_path: Path) -> None:
    clock = HandClock()
    market = running(505, clock=clock, source=RecordedSource([candle_file(tmp_path, candle_rows(506))]))
    async with trading(market=market, clock=clock) as stand:
        rest = await place(stand, LIMIT)
        stand.clock.forward(120)
        status, refused = await stand.call("POST", "order", **priced(stand, LIMIT))
        _, cancelled = await stand.call("DELETE", "order", symbol=SYMBOL, orderId=rest["orderId"])

    assert (status, refused["code"], refused["msg"]) == (400, -1013, "Market is closed.")
    assert cancelled["status"] == "CANCELED"


async def test_a_key_may_lose_its_rights_and_be_revoked() -> None:
    async with trading() as stand:
        await stand.control("accounts/ann/terms", {"can_trade": False})
        read, _ = await stand.call("GET", "openOrders")
        write, refused = await stand.call("POST", "order", **priced(stand, LIMIT))
        await stand.control("accounts/ann/terms", {"revoked": True})
        gone, revoked = await stand.call("GET", "account")

    assert (read, write, gone) == (200, 401, 401)
    assert refused["code"] == revoked["code"] == -2015


async def test_orders_are_counted_and_too_many_refused() -> None:
    async with trading() as stand:
        headers: list[tuple[str, str]] = []
        for _ in range(2):
            _, _, found = await stand.call_with_headers("POST", "order", **priced(stand, LIMIT))
            headers.append((found["X-MBX-ORDER-COUNT-10S"], found["X-MBX-ORDER-COUNT-1D"]))
        _, counts = await stand.call("GET", "rateLimit/order")
        stand.exchange.counts.add("ann", ORDER_LIMITS[0].most - 2, stand.exchange.market.now())
        status, refused, last = await stand.call_with_headers("POST", "order", **priced(stand, LIMIT))
        stand.clock.forward(10)
        after, _ = await stand.call("POST", "order", **priced(stand, LIMIT))

    assert headers == [("1", "1"), ("2", "2")]
    assert [(row["interval"], row["count"]) for row in counts] == [("SECOND", 2), ("DAY", 2)]
    assert (status, refused["code"], last["Retry-After"], after) == (429, -1015, "5", 200)


async def test_whoever_goes_on_past_the_limit_is_banned() -> None:
    async with trading() as stand:
        stand.exchange.weights.used = 6_000
        stand.exchange.weights.charge(0, stand.exchange.market.now())
        stand.exchange.weights.used = 6_000
        statuses = [(await stand.call_with_headers("GET", "account"))[0::2] for _ in range(22)]
        stand.clock.forward(119)
        still, body = await stand.call("GET", "account")
        stand.clock.forward(2)
        again, _ = await stand.call("GET", "account")

    assert [status for status, _ in statuses] == [429] * 20 + [418] * 2
    assert (statuses[0][1]["Retry-After"], statuses[-1][1]["Retry-After"]) == ("55", "120")
    assert (still, body["code"], again) == (418, -1003, 200)


async def test_at_most_five_stops_may_wait_on_a_symbol() -> None:
    async with trading() as stand:
        for _ in range(5):
            await place(stand, STOP)
        status, refused = await stand.call("POST", "order", **priced(stand, STOP))

    assert (status, refused["msg"]) == (400, "Filter failure: MAX_NUM_ALGO_ORDERS")


_WORDS = (
    "",
    "0",
    "1",
    "-1",
    "0.1",
    "1e5",
    "BTCUSDT",
    "BUY",
    "SELL",
    "GTC",
    "FOK",
    "true",
    "57000",
    "9" * 25,
    "<script>",
    "\u00e9",
    "[]",
)


@pytest.mark.parametrize("endpoint", PRIVATE_ENDPOINTS, ids=lambda each: f"{each.method}-{each.path.replace('/', '-')}")
async def test_no_parameters_break_an_endpoint(endpoint: PrivateEndpoint) -> None:
    rng = Random(endpoint.path)
    words = [*_WORDS, *(kind.value for kind in OrderType)]
    statuses = set()
    async with trading() as stand:
        await stand.control("limits", {"enforced": False})
        for _ in range(40):
            sent = {name: rng.choice(words) for name in endpoint.optional if rng.random() < 0.3}
            sent |= {name: rng.choice(words) for name in endpoint.mandatory}
            likely = {"symbol": SYMBOL, "side": "SELL", "quantity": "0.1"}
            sent |= {name: value for name, value in likely.items() if name in sent and rng.random() < 0.8}
            status, _ = await stand.call(endpoint.method, endpoint.path, **sent)
            statuses.add(status)

    assert statuses <= {200, 400, 409}


async def test_control_opens_accounts_and_pays() -> None:
    async with trading() as stand:
        opened = await stand.control("accounts", {"name": "bob", "balances": {"USDT": "50"}, "maker": "0"})
        await stand.control("accounts/bob/transfer", {"asset": "USDT", "amount": "-20"})
        listed = await stand.control("accounts")
        refused = []
        for path, body in (
            ("accounts", {"name": "bob"}),
            ("accounts/bob/transfer", {"asset": "USDT", "amount": "-31"}),
            ("accounts/carl/transfer", {"asset": "USDT", "amount": "1"}),
            ("accounts/bob/order", {"symbol": SYMBOL, "side": "BUY", "quantity": "1"}),
            ("accounts/bob/cancel", {"order": 5}),
        ):
            async with stand.http.post(f"/market/{path}", json=body) as response:
                refused.append((response.status, bool((await response.json())["error"])))

    assert len(opened["key"]) == len(opened["secret"]) == 64
    assert "secret" not in listed["accounts"][1]
    assert listed["accounts"][1]["balances"] == {"USDT": {"free": "30.00000000", "locked": "0.00000000"}}
    assert refused == [(400, True)] * 5


def test_the_file_of_accounts_is_completed_and_kept_from_others(tmp_path: Path) -> None:
    path = tmp_path / "accounts.json"
    first = read_entries(path)
    path.write_text(json.dumps({"accounts": [{"name": "ann", "balances": {"BTC": "1.5"}}]}), encoding="utf-8")
    completed, again = read_entries(path), read_entries(path)

    assert [(entry.name, dict(entry.balances)) for entry in first] == [("main", {"USDT": Decimal(10_000)})]
    assert completed == again and completed[0].key != first[0].key and len(completed[0].secret) == 64
    assert completed[0].balances == {"BTC": Decimal("1.5")}
    assert os.stat(path).st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "text",
    ["", "[]", '{"accounts": [{"nom": "ann"}]}', '{"accounts": [{"name": "a", "balances": {"BTC": "x"}}]}'],
    ids=["empty", "list", "unknown-key", "no-number"],
)
def test_a_wrong_file_of_accounts_is_told(tmp_path: Path, text: str) -> None:
    path = tmp_path / f"{secrets.token_hex(4)}.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(MarketError, match="cannot be read"):
        read_entries(path)
