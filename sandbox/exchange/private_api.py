"""The private API without a wire: the table of its endpoints, and the way of a request through key, time and limits."""

from typing import Any

from sandbox.exchange.account_api import ACCOUNT_ENDPOINTS
from sandbox.exchange.accounts import Account
from sandbox.exchange.exchange import Exchange
from sandbox.exchange.list_api import LIST_ENDPOINTS
from sandbox.exchange.order_api import ORDER_ENDPOINTS
from sandbox.exchange.private_call import PrivateCall, PrivateEndpoint
from sandbox.exchange.query import Query
from sandbox.exchange.replace_api import REPLACE_ENDPOINTS
from sandbox.exchange.signing import check_permission

PRIVATE_ENDPOINTS: tuple[PrivateEndpoint, ...] = (
    *ORDER_ENDPOINTS,
    *REPLACE_ENDPOINTS,
    *LIST_ENDPOINTS,
    *ACCOUNT_ENDPOINTS,
)


def answer(exchange: Exchange, endpoint: PrivateEndpoint, account: Account, query: Query, seen: Account | None) -> Any:
    """Answer a request whose sender is known; `seen` are the books that a stale read sees. Raises ApiRefusal."""
    if endpoint.trades:
        check_permission(account)
    now = exchange.market.now()
    if endpoint.orders:
        exchange.counts.check(account.name, endpoint.orders, now)
    call = PrivateCall(engine=exchange.engine, account=account, query=query, seen=seen or account, counts=exchange.counts)
    payload = endpoint.answer(call)
    if endpoint.orders:
        exchange.counts.add(account.name, endpoint.orders, now)
    return payload
