"""The endpoints that read an account: its orders, trades, balances, rates and counts."""

from typing import Any

from sandbox.exchange.errors import ApiRefusal
from sandbox.exchange.limits import ORDER_LIMITS
from sandbox.exchange.order_payloads import account_payload, commission_payload, order_payload, trade_row
from sandbox.exchange.private_call import PrivateCall, PrivateEndpoint, weigh
from sandbox.exchange.query import Query, bad_combination

_ROWS = 500
_MOST_ROWS = 1_000


def order(call: PrivateCall) -> Any:
    """Give one order by either id."""
    call.engine.advance()
    found = call.named_order(call.seen)
    if found is None or not call.visible(found):
        raise ApiRefusal(-2013, "Order does not exist.")
    return order_payload(found)


def open_orders(call: PrivateCall) -> Any:
    """List the open orders of a symbol or of all."""
    symbol = call.optional_symbol()
    call.engine.advance()
    return [order_payload(each) for each in call.seen.open_orders(symbol) if call.visible(each)]


def all_orders(call: PrivateCall) -> Any:
    """List a symbol's orders from an id on, or of a span of time, or the newest."""
    symbol, first_id = call.symbol, call.query.integer("orderId")
    start, end = call.span()
    limit = call.query.limit(default=_ROWS, most=_MOST_ROWS)
    call.engine.advance()
    found = [each for each in call.seen.orders.values() if each.ticket.symbol == symbol and call.visible(each)]
    if first_id is not None:
        found = [each for each in found if each.id >= first_id]
    if start is not None or end is not None:
        found = [each for each in found if (start or 0) <= each.created_at and (end is None or each.created_at <= end)]
    forward = first_id is not None or start is not None
    return [order_payload(each) for each in (found[:limit] if forward else found[-limit:])]


def my_trades(call: PrivateCall) -> Any:
    """List a symbol's trades: of an order, from an id on, of a span of time, or the newest."""
    symbol, order_id, first_id = call.symbol, call.query.integer("orderId"), call.query.integer("fromId")
    start, end = call.span()
    limit = call.query.limit(default=_ROWS, most=_MOST_ROWS)
    if first_id is not None and (start is not None or end is not None):
        raise bad_combination()
    call.engine.advance()
    found = call.shown_executions(symbol)
    if order_id is not None:
        found = [each for each in found if each.order_id == order_id]
    if first_id is not None:
        found = [each for each in found if each.id >= first_id]
    if start is not None or end is not None:
        found = [each for each in found if (start or 0) <= each.at and (end is None or each.at <= end)]
    forward = first_id is not None or start is not None
    return [trade_row(each) for each in (found[:limit] if forward else found[-limit:])]


def account(call: PrivateCall) -> Any:
    """Give the account with its balances."""
    call.engine.advance()
    omit_zero = call.query.choice("omitZeroBalances", ("true", "false"), "false") == "true"
    return account_payload(call.seen, omit_zero=omit_zero)


def commission(call: PrivateCall) -> Any:
    """Give what trading a symbol costs the account."""
    return commission_payload(call.account, call.symbol)


def order_counts(call: PrivateCall) -> Any:
    """Give how many orders the account has placed in the present intervals."""
    now = call.engine.market.now()
    return [
        {
            "rateLimitType": "ORDERS",
            "interval": limit.interval,
            "intervalNum": limit.number,
            "limit": limit.most,
            "count": call.counts.used(call.account.name, limit, now),
        }
        for limit in ORDER_LIMITS
    ]


def nothing(call: PrivateCall) -> Any:
    """List what this exchange never has: allocations and trades that were prevented."""
    call.query.symbol(call.engine.instruments)
    return []


def _weigh_open_orders(query: Query) -> int:
    return 80 if query.text("symbol") is None else 6


def _weigh_trades(query: Query) -> int:
    return 20 if query.text("orderId") is None else 5


ACCOUNT_ENDPOINTS = (
    PrivateEndpoint(
        method="GET",
        path="order",
        answer=order,
        weight=weigh(4),
        mandatory=("symbol",),
        optional=("orderId", "origClientOrderId"),
        name="order.status",
    ),
    PrivateEndpoint(
        method="GET",
        path="openOrders",
        answer=open_orders,
        weight=_weigh_open_orders,
        optional=("symbol",),
        name="openOrders.status",
    ),
    PrivateEndpoint(
        method="GET",
        path="allOrders",
        answer=all_orders,
        weight=weigh(20),
        mandatory=("symbol",),
        optional=("orderId", "startTime", "endTime", "limit"),
        name="allOrders",
    ),
    PrivateEndpoint(
        method="GET",
        path="myTrades",
        answer=my_trades,
        weight=_weigh_trades,
        mandatory=("symbol",),
        optional=("orderId", "startTime", "endTime", "fromId", "limit"),
        name="myTrades",
    ),
    PrivateEndpoint(
        method="GET",
        path="account",
        answer=account,
        weight=weigh(20),
        optional=("omitZeroBalances",),
        name="account.status",
    ),
    PrivateEndpoint(
        method="GET",
        path="account/commission",
        answer=commission,
        weight=weigh(20),
        mandatory=("symbol",),
        name="account.commission",
    ),
    PrivateEndpoint(
        method="GET",
        path="rateLimit/order",
        answer=order_counts,
        weight=weigh(40),
        name="account.rateLimits.orders",
    ),
    PrivateEndpoint(
        method="GET",
        path="myPreventedMatches",
        answer=nothing,
        weight=weigh(20),
        mandatory=("symbol",),
        optional=("preventedMatchId", "orderId", "fromPreventedMatchId", "limit"),
        name="myPreventedMatches",
    ),
    PrivateEndpoint(
        method="GET",
        path="myAllocations",
        answer=nothing,
        weight=weigh(20),
        mandatory=("symbol",),
        optional=("startTime", "endTime", "fromAllocationId", "limit", "orderId"),
        name="myAllocations",
    ),
)
