"""One signed request, and what every endpoint of the private API needs to answer it."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from sandbox.exchange.accounts import Account
from sandbox.exchange.books import made_up_id
from sandbox.exchange.engine import Engine
from sandbox.exchange.errors import ApiRefusal, missing_parameter
from sandbox.exchange.order_counts import OrderCounts
from sandbox.exchange.orders import Execution, Order
from sandbox.exchange.query import Query

_DAY = 86_400_000


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivateCall:
    """One request: its account, its parameters, and the books that a read may see, which may be those of the past."""

    engine: Engine
    account: Account
    query: Query
    seen: Account
    counts: OrderCounts

    @property
    def symbol(self) -> str:
        """Give the mandatory symbol."""
        return self.query.symbol(self.engine.instruments)

    def optional_symbol(self) -> str | None:
        """Give the symbol where one was sent."""
        return None if self.query.text("symbol") is None else self.symbol

    def cancel_id(self, name: str = "newClientOrderId") -> str:
        """Give the id of a cancellation, made up where the request brought none."""
        return self.query.client_id(name) or made_up_id(f"cancel {self.engine.market.now()}")

    def visible(self, order: Order) -> bool:
        """Tell whether reads show an order."""
        return order.id not in self.account.hidden_orders

    def named_order(self, books: Account, id_name: str = "orderId", client_name: str = "origClientOrderId") -> Order | None:
        """Find the order that the request names by either id, None where there is none; raises without an id."""
        symbol = self.symbol
        number, client_id = self.query.integer(id_name), self.query.client_id(client_name)
        if number is None and client_id is None:
            raise ApiRefusal(-1102, f"Param '{client_name}' or '{id_name}' must be sent, but both were empty/null!")
        order = books.orders.get(number) if number is not None else books.by_client_id(symbol, client_id or "")
        if order is None or order.ticket.symbol != symbol or client_id not in (None, order.ticket.client_id):
            return None
        return order

    def shown_executions(self, symbol: str) -> list[Execution]:
        """List the trades of a symbol that reads show, oldest first."""
        hidden = self.account.hidden_executions
        return [each for each in self.seen.executions if each.symbol == symbol and each.id not in hidden]

    def span(self) -> tuple[int | None, int | None]:
        """Give start and end of the request in milliseconds; raises for more than a day between them."""
        start, end = self.query.integer("startTime"), self.query.integer("endTime")
        if start is not None and end is not None and end - start > _DAY:
            raise ApiRefusal(-1127, "More than 24 hours between startTime and endTime.")
        return start, end


def require(query: Query, *names: str) -> None:
    """Refuse a request that lacks a parameter which only some of its kind need."""
    for name in names:
        if not query.text(name):
            raise missing_parameter(name)


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivateEndpoint:
    """A method and path, its parameters, its weight, how many orders it counts for, and its answer.

    `name` is how the WebSocket API calls it, None where it has no such method there.
    """

    method: str
    path: str
    answer: Callable[[PrivateCall], Any]
    weight: Callable[[Query], int]
    mandatory: Collection[str] = ()
    optional: Collection[str] = ()
    orders: int = 0
    trades: bool = False
    name: str | None = None


def weigh(weight: int) -> Callable[[Query], int]:
    """Weigh every request the same."""
    return lambda query: weight
