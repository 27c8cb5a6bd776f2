"""The endpoints of order lists: place them in their four forms, read them, cancel them."""

from typing import Any

from sandbox.exchange.accounts import Account
from sandbox.exchange.errors import ApiRefusal
from sandbox.exchange.list_placing import check_pair, place_pair, place_sequence
from sandbox.exchange.lists import cancel_list
from sandbox.exchange.order_payloads import (
    ack_payload,
    cancelled_payload,
    full_payload,
    list_payload,
    list_report_payload,
    result_payload,
)
from sandbox.exchange.orders import ListStatus, Order, OrderList, OrderType
from sandbox.exchange.payloads import Payload
from sandbox.exchange.private_call import PrivateCall, PrivateEndpoint, require, weigh
from sandbox.exchange.query import bad_combination
from sandbox.exchange.tickets import Names, leg_names, read_ticket, shared_quantity, shared_side

_ROWS = 500
_MOST_ROWS = 1_000
_ABOVE, _BELOW = leg_names("above"), leg_names("below")
_WORKING, _PENDING = leg_names("working"), leg_names("pending")
_PENDING_ABOVE, _PENDING_BELOW = leg_names("pendingAbove"), leg_names("pendingBelow")
_LIMIT_LEG = Names(
    price="price",
    stop_price="",
    time_in_force="",
    trailing="",
    quote_quantity="",
    iceberg="limitIcebergQty",
    client_id="limitClientOrderId",
    strategy_id="limitStrategyId",
    strategy_type="limitStrategyType",
)
_STOP_LEG = Names(
    price="stopLimitPrice",
    stop_price="stopPrice",
    time_in_force="stopLimitTimeInForce",
    quote_quantity="",
    iceberg="stopIcebergQty",
    client_id="stopClientOrderId",
    strategy_id="stopStrategyId",
    strategy_type="stopStrategyType",
)
_LIST_FIELDS = ("listClientOrderId", "newOrderRespType", "selfTradePreventionMode")


def place_oco(call: PrivateCall) -> Any:
    """Place an OCO of which each leg names its type."""
    query, symbol = call.query, call.symbol
    side, quantity = shared_side(query, "side"), shared_quantity(query, "quantity")
    above, below = (read_ticket(query, symbol, leg, side=side, quantity=quantity) for leg in (_ABOVE, _BELOW))
    check_pair(above, below)
    return _placed(call, place_pair(call.engine, call.account, above, below, _list_id(call)))


def place_old_oco(call: PrivateCall) -> Any:
    """Place an OCO in the older form: a limit order at `price`, and a stop that is a limit order with `stopLimitPrice`."""
    query, symbol = call.query, call.symbol
    side, quantity = shared_side(query, "side"), shared_quantity(query, "quantity")
    kind = OrderType.STOP_LOSS if query.text("stopLimitPrice") is None else OrderType.STOP_LOSS_LIMIT
    limit = read_ticket(query, symbol, _LIMIT_LEG, kind=OrderType.LIMIT_MAKER, side=side, quantity=quantity)
    stop = read_ticket(query, symbol, _STOP_LEG, kind=kind, side=side, quantity=quantity)
    return _placed(call, place_pair(call.engine, call.account, limit, stop, _list_id(call)))


def place_oto(call: PrivateCall) -> Any:
    """Place an order and one that begins when it has filled."""
    query, symbol = call.query, call.symbol
    require(query, _WORKING.price, _WORKING.quantity, _PENDING.quantity)
    working, pending = read_ticket(query, symbol, _WORKING), read_ticket(query, symbol, _PENDING)
    return _placed(call, place_sequence(call.engine, call.account, working, [pending], _list_id(call)))


def place_otoco(call: PrivateCall) -> Any:
    """Place an order and an OCO that begins when it has filled."""
    query, symbol = call.query, call.symbol
    require(query, _WORKING.price, _WORKING.quantity, _PENDING.quantity)
    working = read_ticket(query, symbol, _WORKING)
    side, quantity = shared_side(query, _PENDING.side), shared_quantity(query, _PENDING.quantity)
    legs = (_PENDING_ABOVE, _PENDING_BELOW)
    above, below = (read_ticket(query, symbol, leg, side=side, quantity=quantity) for leg in legs)
    check_pair(above, below)
    return _placed(call, place_sequence(call.engine, call.account, working, [below, above], _list_id(call)))


def cancel(call: PrivateCall) -> Any:
    """Cancel a list by either id."""
    symbol = call.symbol
    call.engine.advance()
    found = _named(call, call.account, "listClientOrderId")
    if found is None or found.symbol != symbol or found.status is ListStatus.ALL_DONE:
        raise ApiRefusal(-2011, "Unknown order sent.")
    at, cancel_id = call.engine.market.now(), call.cancel_id()
    orders = cancel_list(call.engine.books, call.account, found.id, at, cancel_id)
    reports = [cancelled_payload(order, cancel_id) for order in orders]
    return list_report_payload(call.account.lists[found.id], orders, reports, at)


def order_list(call: PrivateCall) -> Any:
    """Give one list by either id."""
    call.engine.advance()
    found = _named(call, call.seen, "origClientOrderId")
    if found is None or not _visible(call, found):
        raise ApiRefusal(-2018, "Order list does not exist.")
    return _listed(call.seen, found)


def open_lists(call: PrivateCall) -> Any:
    """List the lists that still have an open order."""
    call.engine.advance()
    running = [each for each in call.seen.lists.values() if each.status is not ListStatus.ALL_DONE]
    return [_listed(call.seen, each) for each in running if _visible(call, each)]


def all_lists(call: PrivateCall) -> Any:
    """List all lists, from an id on, or of a span of time, or the newest."""
    first_id = call.query.integer("fromId")
    start, end = call.span()
    limit = call.query.limit(default=_ROWS, most=_MOST_ROWS)
    if first_id is not None and (start is not None or end is not None):
        raise bad_combination()
    call.engine.advance()
    found = [each for each in call.seen.lists.values() if _visible(call, each) and each.id >= (first_id or 0)]
    found = [each for each in found if (start or 0) <= each.created_at and (end is None or each.created_at <= end)]
    forward = first_id is not None or start is not None
    return [_listed(call.seen, each) for each in (found[:limit] if forward else found[-limit:])]


def _list_id(call: PrivateCall) -> str:
    return call.query.client_id("listClientOrderId") or ""


def _named(call: PrivateCall, books: Account, client_name: str) -> OrderList | None:
    number, client_id = call.query.integer("orderListId"), call.query.client_id(client_name)
    if number is None and client_id is None:
        raise ApiRefusal(-1102, f"Param '{client_name}' or 'orderListId' must be sent, but both were empty/null!")
    if number is not None:
        return books.lists.get(number)
    return next((each for each in reversed(books.lists.values()) if each.client_id == client_id), None)


def _visible(call: PrivateCall, found: OrderList) -> bool:
    return not set(found.order_ids) <= call.account.hidden_orders


def _orders(books: Account, found: OrderList) -> list[Order]:
    return [books.orders[number] for number in found.order_ids]


def _listed(books: Account, found: OrderList) -> Payload:
    orders = _orders(books, found)
    at = found.created_at if found.status is ListStatus.EXEC_STARTED else max(order.updated_at for order in orders)
    return list_payload(found, orders, at)


def _placed(call: PrivateCall, found: OrderList) -> Payload:
    kind = call.query.choice("newOrderRespType", ("ACK", "RESULT", "FULL"), "RESULT")
    orders = _orders(call.account, found)
    if kind == "ACK":
        reports = [ack_payload(order) for order in orders]
    elif kind == "RESULT":
        reports = [result_payload(order) for order in orders]
    else:
        reports = [full_payload(order, call.account.executions) for order in orders]
    return list_report_payload(found, orders, reports, found.created_at)


def _leg_fields(names: Names) -> tuple[str, ...]:
    return (
        names.price,
        names.stop_price,
        names.trailing,
        names.time_in_force,
        names.iceberg,
        names.client_id,
        names.strategy_id,
        names.strategy_type,
    )


LIST_ENDPOINTS = (
    PrivateEndpoint(
        method="POST",
        path="orderList/oco",
        answer=place_oco,
        weight=weigh(1),
        mandatory=("symbol", "side", "quantity", _ABOVE.type, _BELOW.type),
        optional=(*_LIST_FIELDS, *_leg_fields(_ABOVE), *_leg_fields(_BELOW)),
        orders=2,
        trades=True,
        name="orderList.place.oco",
    ),
    PrivateEndpoint(
        method="POST",
        path="order/oco",
        answer=place_old_oco,
        weight=weigh(1),
        mandatory=("symbol", "side", "quantity", "price", "stopPrice"),
        optional=tuple(name for name in (*_LIST_FIELDS, *_leg_fields(_LIMIT_LEG), *_leg_fields(_STOP_LEG)) if name),
        orders=2,
        trades=True,
        name="orderList.place",
    ),
    PrivateEndpoint(
        method="POST",
        path="orderList/oto",
        answer=place_oto,
        weight=weigh(1),
        mandatory=("symbol", _WORKING.type, _WORKING.side, _PENDING.type, _PENDING.side),
        optional=(*_LIST_FIELDS, _WORKING.quantity, *_leg_fields(_WORKING), _PENDING.quantity, *_leg_fields(_PENDING)),
        orders=2,
        trades=True,
        name="orderList.place.oto",
    ),
    PrivateEndpoint(
        method="POST",
        path="orderList/otoco",
        answer=place_otoco,
        weight=weigh(1),
        mandatory=("symbol", _WORKING.type, _WORKING.side, _PENDING.side, _PENDING_ABOVE.type, _PENDING_BELOW.type),
        optional=(
            *_LIST_FIELDS,
            _WORKING.quantity,
            *_leg_fields(_WORKING),
            _PENDING.quantity,
            *_leg_fields(_PENDING_ABOVE),
            *_leg_fields(_PENDING_BELOW),
        ),
        orders=3,
        trades=True,
        name="orderList.place.otoco",
    ),
    PrivateEndpoint(
        method="DELETE",
        path="orderList",
        answer=cancel,
        weight=weigh(1),
        mandatory=("symbol",),
        optional=("orderListId", "listClientOrderId", "newClientOrderId"),
        trades=True,
        name="orderList.cancel",
    ),
    PrivateEndpoint(
        method="GET",
        path="orderList",
        answer=order_list,
        weight=weigh(4),
        optional=("orderListId", "origClientOrderId"),
        name="orderList.status",
    ),
    PrivateEndpoint(method="GET", path="openOrderList", answer=open_lists, weight=weigh(6), name="openOrderLists.status"),
    PrivateEndpoint(
        method="GET",
        path="allOrderList",
        answer=all_lists,
        weight=weigh(20),
        optional=("fromId", "startTime", "endTime", "limit"),
        name="allOrderLists",
    ),
)
