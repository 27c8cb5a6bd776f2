"""Order lists: one hold for both legs, one leg's fill ends the other, a cancelled leg ends the list."""

from decimal import Decimal
from typing import Any

import pytest

from tests.sandbox_exchange.traders import Stand, ccxt_client, trading

SYMBOL = "BTCUSDT"


def at(stand: Stand, share: str) -> str:
    """Give a price as a share of the last one, on the grid."""
    return str((stand.price() * Decimal(share)).quantize(Decimal("0.01")))


async def place_exits(stand: Stand, **more: object) -> dict[str, Any]:
    """Place an OCO that sells 0.4 BTC, with a target far above and a stop far below."""
    sent: dict[str, object] = {
        "symbol": SYMBOL,
        "side": "SELL",
        "quantity": "0.4",
        "aboveType": "LIMIT_MAKER",
        "abovePrice": at(stand, "1.1"),
        "belowType": "STOP_LOSS",
        "belowStopPrice": at(stand, "0.9"),
    }
    status, answer = await stand.call("POST", "orderList/oco", **(sent | more))
    assert status == 200, answer
    return dict(answer)


async def states(stand: Stand) -> dict[str, str]:
    """List the account's orders by type."""
    _, orders = await stand.call("GET", "allOrders", symbol=SYMBOL)
    return {order["type"]: order["status"] for order in orders}


async def test_both_legs_are_covered_by_one_hold() -> None:
    async with trading() as stand:
        answer = await place_exits(stand, listClientOrderId="exits", aboveClientOrderId="up", belowClientOrderId="down")
        balance = stand.account.balance("BTC")
        _, opened = await stand.call("GET", "openOrderList")
        _, named = await stand.call("GET", "orderList", origClientOrderId="exits")

    assert (balance.free, balance.locked) == (Decimal("1.6"), Decimal("0.4"))
    assert (answer["contingencyType"], answer["listStatusType"], answer["listOrderStatus"]) == (
        "OCO",
        "EXEC_STARTED",
        "EXECUTING",
    )
    assert [each["clientOrderId"] for each in answer["orders"]] == ["down", "up"]
    assert [(each["type"], each["status"], each["workingTime"] > 0) for each in answer["orderReports"]] == [
        ("STOP_LOSS", "NEW", False),
        ("LIMIT_MAKER", "NEW", True),
    ]
    assert opened == [named] == [{key: value for key, value in answer.items() if key != "orderReports"}]


@pytest.mark.parametrize("part", ["0.1", "0.4"])
async def test_a_fill_of_one_leg_expires_the_other(part: str) -> None:
    async with trading() as stand:
        answer = await place_exits(stand)
        target = answer["orders"][1]["orderId"]
        await stand.control("accounts/ann/fill", {"order": target, "quantity": part})
        found, balance = await states(stand), stand.account.balance("BTC")
        _, named = await stand.call("GET", "orderList", orderListId=answer["orderListId"])

    whole = part == "0.4"
    assert found == {"STOP_LOSS": "EXPIRED", "LIMIT_MAKER": "FILLED" if whole else "PARTIALLY_FILLED"}
    assert balance.locked == Decimal("0.4") - Decimal(part)
    assert named["listOrderStatus"] == ("ALL_DONE" if whole else "EXECUTING")


async def test_a_triggered_stop_sells_and_expires_the_target() -> None:
    async with trading() as stand:
        answer = await place_exits(stand)
        await stand.control("accounts/ann/fill", {"order": answer["orders"][0]["orderId"], "price": at(stand, "0.9")})
        found, balance = await states(stand), stand.account.balance("BTC")

    assert found == {"STOP_LOSS": "FILLED", "LIMIT_MAKER": "EXPIRED"}
    assert (balance.free, balance.locked) == (Decimal("1.6"), Decimal(0))


@pytest.mark.parametrize("leg", [0, 1], ids=["stop", "target"])
async def test_cancelling_one_leg_cancels_the_list(leg: int) -> None:
    async with trading() as stand:
        answer = await place_exits(stand)
        status, _ = await stand.call("DELETE", "order", symbol=SYMBOL, orderId=answer["orders"][leg]["orderId"])
        found, free = await states(stand), stand.account.balance("BTC").free
        again, _ = await stand.call("DELETE", "orderList", symbol=SYMBOL, orderListId=answer["orderListId"])

    assert (status, again) == (200, 400)
    assert found == {"STOP_LOSS": "CANCELED", "LIMIT_MAKER": "CANCELED"}
    assert free == 2


async def test_a_list_is_cancelled_by_its_client_id_or_with_all_orders() -> None:
    async with trading() as stand:
        await place_exits(stand, listClientOrderId="exits")
        _, by_id = await stand.call("DELETE", "orderList", symbol=SYMBOL, listClientOrderId="exits")
        await place_exits(stand)
        _, by_symbol = await stand.call("DELETE", "openOrders", symbol=SYMBOL)

    assert by_id["listOrderStatus"] == by_symbol[0]["listOrderStatus"] == "ALL_DONE"
    assert {report["status"] for report in by_symbol[0]["orderReports"]} == {"CANCELED"}


async def test_the_older_form_places_the_same_list() -> None:
    async with trading() as stand, ccxt_client(stand) as client:
        answer = await client.private_post_order_oco(
            {
                "symbol": SYMBOL,
                "side": "SELL",
                "quantity": "0.4",
                "price": at(stand, "1.1"),
                "stopPrice": at(stand, "0.9"),
                "stopLimitPrice": at(stand, "0.89"),
                "stopLimitTimeInForce": "GTC",
            }
        )

    assert [report["type"] for report in answer["orderReports"]] == ["STOP_LOSS_LIMIT", "LIMIT_MAKER"]


async def test_ccxt_places_and_cancels_a_list() -> None:
    async with trading() as stand, ccxt_client(stand) as client:
        answer = await client.private_post_orderlist_oco(
            {
                "symbol": SYMBOL,
                "side": "SELL",
                "quantity": "0.4",
                "aboveType": "LIMIT_MAKER",
                "abovePrice": at(stand, "1.1"),
                "belowType": "STOP_LOSS",
                "belowStopPrice": at(stand, "0.9"),
            }
        )
        opened = await client.fetch_open_orders("BTC/USDT")
        await client.cancel_order(answer["orders"][0]["orderId"], "BTC/USDT")
        left = await client.fetch_open_orders("BTC/USDT")

    assert len(opened) == 2 and not left


async def test_an_entry_brings_its_exits_to_life() -> None:
    async with trading() as stand:
        entry, target, stop = at(stand, "0.95"), at(stand, "1.1"), at(stand, "0.9")
        _, answer = await stand.call(
            "POST",
            "orderList/otoco",
            symbol=SYMBOL,
            workingType="LIMIT",
            workingSide="BUY",
            workingPrice=entry,
            workingQuantity="0.5",
            workingTimeInForce="GTC",
            pendingSide="SELL",
            pendingQuantity="0.4",
            pendingAboveType="LIMIT_MAKER",
            pendingAbovePrice=target,
            pendingBelowType="STOP_LOSS",
            pendingBelowStopPrice=stop,
        )
        before = {each.ticket.type.value: each.status.value for each in stand.account.orders.values()}
        locked = stand.account.balance("BTC").locked
        await stand.control("accounts/ann/fill", {"order": answer["orders"][0]["orderId"]})
        after = await states(stand)

    assert answer["contingencyType"] == "OTO"
    assert before == {"LIMIT": "NEW", "STOP_LOSS": "PENDING_NEW", "LIMIT_MAKER": "PENDING_NEW"} and locked == 0
    assert after == {"LIMIT": "FILLED", "STOP_LOSS": "NEW", "LIMIT_MAKER": "NEW"}
    assert stand.account.balance("BTC").locked == Decimal("0.4")


async def test_a_cancelled_entry_takes_the_waiting_order_along() -> None:
    async with trading() as stand:
        _, answer = await stand.call(
            "POST",
            "orderList/oto",
            symbol=SYMBOL,
            workingType="LIMIT",
            workingSide="BUY",
            workingPrice=at(stand, "0.95"),
            workingQuantity="0.5",
            workingTimeInForce="GTC",
            pendingType="STOP_LOSS",
            pendingSide="SELL",
            pendingQuantity="0.5",
            pendingStopPrice=at(stand, "0.9"),
        )
        await stand.call("DELETE", "order", symbol=SYMBOL, orderId=answer["orders"][0]["orderId"])
        found = await states(stand)

    assert found == {"LIMIT": "CANCELED", "STOP_LOSS": "CANCELED"}
    assert stand.account.balance("USDT").free == 100_000


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"abovePrice": "0.95"}, -2010),
        ({"belowStopPrice": "1.05"}, -2010),
        ({"quantity": "3"}, -2010),
        ({"aboveType": "MARKET", "abovePrice": None}, -1158),
        ({"aboveType": "STOP_LOSS", "abovePrice": None, "aboveStopPrice": "1.1"}, -1197),
        ({"belowType": "LIMIT_MAKER", "belowStopPrice": None, "belowPrice": "0.9"}, -1168),
        ({"belowType": "TAKE_PROFIT"}, -1199),
        ({"belowType": "STOP_LOSS_LIMIT"}, -1102),
        ({"aboveClientOrderId": "same", "belowClientOrderId": "same"}, -2010),
    ],
    ids=["target-below", "stop-above", "too-much", "market", "two-stops", "two-limits", "two-targets", "no-price", "same-id"],
)
async def test_a_list_that_cannot_be_is_refused_and_locks_nothing(change: dict[str, str | None], code: int) -> None:
    async with trading() as stand:
        sent: dict[str, Any] = {
            "symbol": SYMBOL,
            "side": "SELL",
            "quantity": "0.4",
            "aboveType": "LIMIT_MAKER",
            "abovePrice": "1.1",
            "belowType": "STOP_LOSS",
            "belowStopPrice": "0.9",
        } | change
        sent = {key: at(stand, value) if key.endswith("Price") and value else value for key, value in sent.items()}
        status, answer = await stand.call("POST", "orderList/oco", **{key: value for key, value in sent.items() if value})

    assert (status, answer["code"]) == (400, code)
    assert stand.account.balance("BTC").locked == 0 and not stand.account.open_ids


async def test_cancel_and_replace_may_half_fail() -> None:
    async with trading() as stand:
        _, first = await stand.call(
            "POST", "order", symbol=SYMBOL, side="BUY", type="LIMIT", timeInForce="GTC", quantity="0.1", price=at(stand, "0.9")
        )
        change = {"symbol": SYMBOL, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.1"}
        mode = {"cancelReplaceMode": "STOP_ON_FAILURE"}
        good = change | mode | {"price": at(stand, "0.91"), "cancelOrderId": first["orderId"]}
        replaced, answer = await stand.call("POST", "order/cancelReplace", **good)
        none, failed = await stand.call("POST", "order/cancelReplace", **good)
        allowed, half = await stand.call("POST", "order/cancelReplace", **(good | {"cancelReplaceMode": "ALLOW_FAILURE"}))
        too_much = good | {"quantity": "50", "cancelOrderId": answer["newOrderResponse"]["orderId"]}
        lost, other = await stand.call("POST", "order/cancelReplace", **too_much)

    assert (replaced, answer["cancelResult"], answer["newOrderResult"]) == (200, "SUCCESS", "SUCCESS")
    assert (none, failed["code"], failed["data"]["newOrderResult"]) == (400, -2022, "NOT_ATTEMPTED")
    assert (allowed, half["code"], half["data"]["newOrderResult"]) == (409, -2021, "SUCCESS")
    assert (lost, other["code"], other["data"]["cancelResult"]) == (409, -2021, "SUCCESS")
