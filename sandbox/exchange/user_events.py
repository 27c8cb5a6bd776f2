"""What an account's owner is told as it happens, as values."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from sandbox.exchange.accounts import Account
from sandbox.exchange.orders import Balance, Execution, Order, OrderList


class ReportKind(StrEnum):
    """Binance's execution types."""

    NEW = "NEW"
    CANCELED = "CANCELED"
    REPLACED = "REPLACED"
    REJECTED = "REJECTED"
    TRADE = "TRADE"
    EXPIRED = "EXPIRED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """An order has changed; a cancellation may carry an id of its own."""

    kind: ReportKind
    order: Order
    at: int
    execution: Execution | None = None
    cancel_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BalancesChanged:
    """Trading has touched these balances."""

    balances: tuple[tuple[str, Balance], ...]
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Transferred:
    """Something was paid in or out."""

    asset: str
    delta: Decimal
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ListChanged:
    """An order list has begun, moved on or ended; `orders` are its orders in the list's order."""

    order_list: OrderList
    orders: tuple[Order, ...]
    at: int


UserEvent = Report | BalancesChanged | Transferred | ListChanged
Publish = Callable[[Account, UserEvent], None]
