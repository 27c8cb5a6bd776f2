"""The endpoints that place, test and cancel orders."""

from typing import Any

from sandbox.exchange.engine import Placed
from sandbox.exchange.errors import ApiRefusal, invalid_value
from sandbox.exchange.order_payloads import (
    ack_payload,
    cancelled_payload,
    full_payload,
    list_report_payload,
    result_payload,
    test_payload,
)
from sandbox.exchange.orders import NO_LIST, Order, OrderType, Status, Ticket
from sandbox.exchange.payloads import Payload
from sandbox.exchange.private_call import PrivateCall, PrivateEndpoint, weigh
from sandbox.exchange.query import Query
from sandbox.exchange.tickets import SINGLE, read_ticket

_RESPONSES = ("ACK", "RESULT", "FULL")
_RESTRICTIONS = {"ONLY_NEW": Status.NEW, "ONLY_PARTIALLY_FILLED": Status.PARTIALLY_FILLED}

ORDER_FIELDS = (
    SINGLE.quantity,
    SINGLE.quote_quantity,
    SINGLE.price,
    SINGLE.stop_price,
    SINGLE.trailing,
    SINGLE.time_in_force,
    SINGLE.iceberg,
    SINGLE.strategy_id,
    SINGLE.strategy_type,
    "newOrderRespType",
    "selfTradePreventionMode",
)


def place(call: PrivateCall) -> Any:
    """Place an order; the answer is FULL for market and limit orders, else ACK, unless one is asked for."""
    ticket = read_ticket(call.query, call.symbol)
    return placed_payload(call.query, ticket, call.engine.place(call.account, ticket))


def test(call: PrivateCall) -> Any:
    """Check an order against the filters without placing it."""
    ticket = read_ticket(call.query, call.symbol)
    call.engine.check_form(ticket)
    return test_payload(call.account) if _computes_rates(call.query) else {}


def cancel(call: PrivateCall) -> Any:
    """Cancel an order by either id, and with it the list that it belongs to."""
    order = call.named_order(call.account)
    if order is None:
        raise ApiRefusal(-2011, "Unknown order sent.")
    check_restriction(call, order)
    cancel_id = call.cancel_id()
    return cancelled_payload(call.engine.cancel(call.account, order, cancel_id), cancel_id)


def cancel_all(call: PrivateCall) -> Any:
    """Cancel every open order of a symbol; a list is answered as one."""
    symbol = call.symbol
    call.engine.advance()
    opened = call.account.open_orders(symbol)
    if not opened:
        raise ApiRefusal(-2011, "Unknown order sent.")
    cancel_id = call.cancel_id()
    answers: list[Payload] = []
    for order in opened:
        if call.account.orders[order.id].open:
            answers.append(_ended_payload(call, call.engine.cancel(call.account, order, cancel_id), cancel_id))
    return answers


def placed_payload(query: Query, ticket: Ticket, placed: Placed) -> Payload:
    """Write the answer to a new order in the form that was asked for."""
    usual = "FULL" if ticket.type in (OrderType.MARKET, OrderType.LIMIT) else "ACK"
    kind = query.choice("newOrderRespType", _RESPONSES, usual)
    if kind == "ACK":
        return ack_payload(placed.order)
    return full_payload(placed.order, placed.executions) if kind == "FULL" else result_payload(placed.order)


def check_restriction(call: PrivateCall, order: Order) -> None:
    """Refuse to cancel an order that is not in the state which the request names."""
    wanted = call.query.text("cancelRestrictions")
    if wanted is None:
        return
    if wanted not in _RESTRICTIONS:
        raise ApiRefusal(-1145, "Invalid cancelRestrictions.")
    call.engine.advance()
    if call.account.orders[order.id].status is not _RESTRICTIONS[wanted]:
        raise ApiRefusal(-2011, "Order was not canceled due to cancel restrictions.")


def _ended_payload(call: PrivateCall, order: Order, cancel_id: str) -> Payload:
    if order.list_id == NO_LIST:
        return cancelled_payload(order, cancel_id)
    order_list = call.account.lists[order.list_id]
    orders = [call.account.orders[number] for number in order_list.order_ids]
    reports = [cancelled_payload(each, cancel_id) for each in orders]
    return list_report_payload(order_list, orders, reports, order.updated_at)


def _computes_rates(query: Query) -> bool:
    text = query.text("computeCommissionRates") or "false"
    if text not in ("true", "false"):
        raise invalid_value("computeCommissionRates")
    return text == "true"


ORDER_ENDPOINTS = (
    PrivateEndpoint(
        method="POST",
        path="order",
        answer=place,
        weight=weigh(1),
        mandatory=("symbol", "side", "type"),
        optional=(SINGLE.client_id, *ORDER_FIELDS),
        orders=1,
        trades=True,
        name="order.place",
    ),
    PrivateEndpoint(
        method="POST",
        path="order/test",
        answer=test,
        weight=lambda query: 20 if _computes_rates(query) else 1,
        mandatory=("symbol", "side", "type"),
        optional=(SINGLE.client_id, "computeCommissionRates", *ORDER_FIELDS),
        trades=True,
        name="order.test",
    ),
    PrivateEndpoint(
        method="DELETE",
        path="order",
        answer=cancel,
        weight=weigh(1),
        mandatory=("symbol",),
        optional=("orderId", "origClientOrderId", "newClientOrderId", "cancelRestrictions"),
        trades=True,
        name="order.cancel",
    ),
    PrivateEndpoint(
        method="DELETE",
        path="openOrders",
        answer=cancel_all,
        weight=weigh(1),
        mandatory=("symbol",),
        trades=True,
        name="openOrders.cancelAll",
    ),
)
