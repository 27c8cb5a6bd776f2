"""An unmodified ccxt client trades: orders, reads and the classes of its errors."""

from decimal import Decimal

import ccxt.async_support as ccxt
import pytest

from tests.sandbox_exchange.traders import ccxt_client, trading

PAIR = "BTC/USDT"


async def test_a_market_order_takes_from_the_book_and_is_found_by_its_client_id() -> None:
    async with trading() as stand, ccxt_client(stand) as client:
        bought = await client.create_order(PAIR, "market", "buy", 0.5, None, {"clientOrderId": "ann1"})
        found = await client.fetch_order("", PAIR, {"clientOrderId": "ann1"})
        trades = await client.fetch_my_trades(PAIR)
        balance = await client.fetch_balance()

    assert (bought["status"], bought["filled"], found["id"]) == ("closed", 0.5, bought["id"])
    assert sum(trade["amount"] for trade in trades) == 0.5
    assert {trade["takerOrMaker"] for trade in trades} == {"taker"}
    assert balance["BTC"]["free"] == pytest.approx(2.5 - 0.0005)
    assert balance["USDT"]["total"] == pytest.approx(100_000 - bought["cost"])


async def test_a_resting_order_is_open_locks_money_and_can_be_cancelled() -> None:
    async with trading() as stand, ccxt_client(stand) as client:
        price = float(stand.price() * Decimal("0.9"))
        placed = await client.create_order(PAIR, "limit", "buy", 0.1, price, {"clientOrderId": "rest1"})
        opened = await client.fetch_open_orders(PAIR)
        locked = (await client.fetch_balance())["USDT"]["used"]
        cancelled = await client.cancel_order(placed["id"], PAIR)
        free = (await client.fetch_balance())["USDT"]["free"]

    assert [order["clientOrderId"] for order in opened] == ["rest1"]
    assert locked == pytest.approx(placed["price"] * 0.1)
    assert (cancelled["status"], free) == ("canceled", 100_000)


async def test_every_kind_of_order_is_taken() -> None:
    async with trading() as stand, ccxt_client(stand) as client:
        last = float(stand.price())
        maker = await client.create_order(PAIR, "limit", "sell", 0.1, last * 1.1, {"postOnly": True})
        stop = await client.create_order(PAIR, "market", "sell", 0.1, None, {"stopLossPrice": last * 0.9})
        stop_limit = await client.create_order(PAIR, "limit", "sell", 0.1, last * 0.88, {"stopLossPrice": last * 0.9})
        target = await client.create_order(PAIR, "market", "sell", 0.1, None, {"takeProfitPrice": last * 1.1})
        ioc = await client.create_order(PAIR, "limit", "buy", 0.1, last * 0.9, {"timeInForce": "IOC"})
        fok = await client.create_order(PAIR, "limit", "buy", 0.1, last * 1.1, {"timeInForce": "FOK"})
        tested = await client.create_order(PAIR, "limit", "buy", 0.1, last * 0.9, {"test": True})
        opened = {order["id"]: order for order in await client.fetch_open_orders()}
        cancelled = await client.cancel_all_orders(PAIR)

    assert opened[stop["id"]]["triggerPrice"] == pytest.approx(last * 0.9, abs=0.01)
    assert set(opened) == {maker["id"], stop["id"], stop_limit["id"], target["id"]}
    assert (ioc["status"], fok["status"], tested["id"]) == ("expired", "closed", None)
    assert len(cancelled) == 4


async def test_refusals_have_the_right_classes() -> None:
    async with trading() as stand, ccxt_client(stand) as client:
        last = float(stand.price())
        await client.load_markets()
        with pytest.raises(ccxt.InsufficientFunds):
            await client.create_order(PAIR, "market", "buy", 5)
        with pytest.raises(ccxt.OrderImmediatelyFillable):
            await client.create_order(PAIR, "limit", "sell", 0.1, last * 0.9, {"postOnly": True})
        with pytest.raises(ccxt.OrderImmediatelyFillable):
            await client.create_order(PAIR, "market", "sell", 0.1, None, {"stopLossPrice": last * 1.1})
        with pytest.raises(ccxt.OrderNotFound):
            await client.cancel_order("77", PAIR)
        with pytest.raises(ccxt.OrderNotFound):
            await client.fetch_order("77", PAIR)
        with pytest.raises(ccxt.BadRequest):
            await client.create_order(PAIR, "limit", "buy", 0.00001, last)
        await client.create_order(PAIR, "limit", "buy", 0.1, last * 0.9, {"clientOrderId": "twice"})
        with pytest.raises(ccxt.InvalidOrder):
            await client.create_order(PAIR, "limit", "buy", 0.1, last * 0.9, {"clientOrderId": "twice"})
        client.milliseconds = lambda: stand.exchange.market.now() - 60_000
        with pytest.raises(ccxt.InvalidNonce):
            await client.fetch_balance()


async def test_a_wrong_secret_and_an_unknown_key_are_refused() -> None:
    async with trading() as stand, ccxt_client(stand) as client:
        await client.load_markets()
        client.secret = "0" * 64
        with pytest.raises(ccxt.AuthenticationError):
            await client.fetch_balance()
        client.apiKey = "0" * 64
        with pytest.raises(ccxt.AuthenticationError):
            await client.fetch_balance()


async def test_an_order_is_edited_and_its_history_read() -> None:
    async with trading() as stand, ccxt_client(stand) as client:
        price = float(stand.price())
        first = await client.create_order(PAIR, "limit", "buy", 0.1, price * 0.9)
        edited = await client.edit_order(first["id"], PAIR, "limit", "buy", 0.2, price * 0.91)
        bought = await client.create_order(PAIR, "market", "buy", 0.1)
        orders = await client.fetch_orders(PAIR)
        closed = await client.fetch_closed_orders(PAIR)
        trades = await client.fetch_order_trades(bought["id"], PAIR)

    assert [(order["id"], order["status"]) for order in orders] == [
        (first["id"], "canceled"),
        (edited["id"], "open"),
        (bought["id"], "closed"),
    ]
    assert [order["id"] for order in closed] == [bought["id"]]
    assert sum(trade["amount"] for trade in trades) == 0.1
