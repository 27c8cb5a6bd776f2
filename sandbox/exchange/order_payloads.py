"""Write orders, trades and accounts in the form of Binance's spot API."""

from collections.abc import Iterable, Sequence
from typing import Any

from sandbox.exchange.accounts import DISCOUNT, DISCOUNT_ASSET, Account
from sandbox.exchange.amounts import text
from sandbox.exchange.orders import Execution, Order, OrderList
from sandbox.exchange.payloads import Payload

_BASIS_POINTS = 10_000


def ack_payload(order: Order) -> Payload:
    """Write the shortest answer to a new order."""
    return {
        "symbol": order.ticket.symbol,
        "orderId": order.id,
        "orderListId": order.list_id,
        "clientOrderId": order.ticket.client_id,
        "transactTime": order.updated_at,
    }


def result_payload(order: Order) -> Payload:
    """Write the answer of type RESULT to a new order."""
    return ack_payload(order) | _state(order) | _working_time(order) | _modes(order) | _optional(order)


def full_payload(order: Order, executions: Iterable[Execution]) -> Payload:
    """Write the answer of type FULL, with what the order has traded at once."""
    fills = [
        {
            "price": text(each.price),
            "qty": text(each.quantity),
            "commission": text(each.commission),
            "commissionAsset": each.commission_asset,
            "tradeId": each.id,
        }
        for each in executions
        if each.order_id == order.id
    ]
    return result_payload(order) | {"fills": fills}


def order_payload(order: Order) -> Payload:
    """Write an order that was asked for."""
    return {
        "symbol": order.ticket.symbol,
        "orderId": order.id,
        "orderListId": order.list_id,
        "clientOrderId": order.ticket.client_id,
        **_state(order),
        "stopPrice": text(order.ticket.stop_price),
        "icebergQty": text(order.ticket.iceberg),
        "time": order.created_at,
        "updateTime": order.updated_at,
        "isWorking": order.working_at is not None,
        "workingTime": -1 if order.working_at is None else order.working_at,
        **_modes(order),
        **_strategy(order),
    }


def cancelled_payload(order: Order, cancel_id: str) -> Payload:
    """Write the answer to a cancellation, which has an id of its own."""
    return {
        "symbol": order.ticket.symbol,
        "origClientOrderId": order.ticket.client_id,
        "orderId": order.id,
        "orderListId": order.list_id,
        "clientOrderId": cancel_id,
        "transactTime": order.updated_at,
        **_state(order),
        **_modes(order),
        **_optional(order),
    }


def list_payload(order_list: OrderList, orders: Sequence[Order], at: int) -> Payload:
    """Write an order list with the names of its orders."""
    return {
        "orderListId": order_list.id,
        "contingencyType": order_list.contingency.value,
        "listStatusType": order_list.status.value,
        "listOrderStatus": order_list.order_status,
        "listClientOrderId": order_list.client_id,
        "transactionTime": at,
        "symbol": order_list.symbol,
        "orders": [
            {"symbol": each.ticket.symbol, "orderId": each.id, "clientOrderId": each.ticket.client_id} for each in orders
        ],
    }


def list_report_payload(order_list: OrderList, orders: Sequence[Order], reports: Sequence[Payload], at: int) -> Payload:
    """Write an order list with a full report on each of its orders."""
    return list_payload(order_list, orders, at) | {"orderReports": list(reports)}


def trade_row(execution: Execution) -> Payload:
    """Write one trade of an account."""
    return {
        "symbol": execution.symbol,
        "id": execution.id,
        "orderId": execution.order_id,
        "orderListId": execution.list_id,
        "price": text(execution.price),
        "qty": text(execution.quantity),
        "quoteQty": text(execution.quote),
        "commission": text(execution.commission),
        "commissionAsset": execution.commission_asset,
        "time": execution.at,
        "isBuyer": execution.buyer,
        "isMaker": execution.maker,
        "isBestMatch": True,
    }


def account_payload(account: Account, *, omit_zero: bool) -> Payload:
    """Write an account with its balances."""
    maker, taker = account.terms.maker, account.terms.taker
    rows = [
        {"asset": asset, "free": text(held.free), "locked": text(held.locked)}
        for asset, held in sorted(account.balances.items())
        if held.free or held.locked or not omit_zero
    ]
    return {
        "makerCommission": int(maker * _BASIS_POINTS),
        "takerCommission": int(taker * _BASIS_POINTS),
        "buyerCommission": 0,
        "sellerCommission": 0,
        "commissionRates": {"maker": text(maker), "taker": text(taker), "buyer": text(maker * 0), "seller": text(maker * 0)},
        "canTrade": account.terms.can_trade,
        "canWithdraw": True,
        "canDeposit": True,
        "brokered": False,
        "requireSelfTradePrevention": False,
        "preventSor": False,
        "updateTime": account.updated_at,
        "accountType": "SPOT",
        "balances": rows,
        "permissions": ["SPOT"],
        "uid": account.number,
    }


def commission_payload(account: Account, symbol: str) -> Payload:
    """Write what trading a symbol costs an account."""
    return {
        "symbol": symbol,
        "standardCommission": _rates(account, 1),
        "specialCommission": _rates(account, 0),
        "taxCommission": _rates(account, 0),
        "discount": {
            "enabledForAccount": account.terms.discounted,
            "enabledForSymbol": True,
            "discountAsset": DISCOUNT_ASSET,
            "discount": text(DISCOUNT),
        },
    }


def test_payload(account: Account) -> Payload:
    """Write the commission rates that a tested order would have."""
    return {
        "standardCommissionForOrder": {"maker": text(account.terms.maker), "taker": text(account.terms.taker)},
        "specialCommissionForOrder": {"maker": text(account.terms.maker * 0), "taker": text(account.terms.taker * 0)},
        "taxCommissionForOrder": {"maker": text(account.terms.maker * 0), "taker": text(account.terms.taker * 0)},
        "discount": {
            "enabledForAccount": account.terms.discounted,
            "enabledForSymbol": True,
            "discountAsset": DISCOUNT_ASSET,
            "discount": text(DISCOUNT),
        },
    }


def _rates(account: Account, share: int) -> Payload:
    nothing = text(account.terms.maker * 0)
    return {
        "maker": text(account.terms.maker * share),
        "taker": text(account.terms.taker * share),
        "buyer": nothing,
        "seller": nothing,
    }


def _state(order: Order) -> Payload:
    ticket = order.ticket
    return {
        "price": text(ticket.price),
        "origQty": text(order.quantity),
        "executedQty": text(order.executed),
        "origQuoteOrderQty": text(ticket.quote_quantity),
        "cummulativeQuoteQty": text(order.quote),
        "status": order.status.value,
        "timeInForce": ticket.time_in_force.value,
        "type": ticket.type.value,
        "side": ticket.side.value,
    }


def _working_time(order: Order) -> Payload:
    return {"workingTime": -1 if order.working_at is None else order.working_at}


def _modes(order: Order) -> Payload:
    return {"selfTradePreventionMode": "NONE"}


def _optional(order: Order) -> Payload:
    """Write the fields that only some orders have."""
    found: dict[str, Any] = {}
    if order.ticket.stop_price:
        found["stopPrice"] = text(order.ticket.stop_price)
    if order.ticket.iceberg:
        found["icebergQty"] = text(order.ticket.iceberg)
    return found | _strategy(order)


def _strategy(order: Order) -> Payload:
    named = {"strategyId": order.ticket.strategy_id, "strategyType": order.ticket.strategy_type}
    return {name: value for name, value in named.items() if value is not None}
