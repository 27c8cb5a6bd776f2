"""What an account asks for and what became of it: tickets, orders, order lists, executions and balances, as values."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from sandbox.exchange.amounts import ZERO, ceiled

NO_LIST = -1


class Side(StrEnum):
    BUY = "BUY"
    SELL = "SELL"


class OrderType(StrEnum):
    LIMIT = "LIMIT"
    LIMIT_MAKER = "LIMIT_MAKER"
    MARKET = "MARKET"
    STOP_LOSS = "STOP_LOSS"
    STOP_LOSS_LIMIT = "STOP_LOSS_LIMIT"
    TAKE_PROFIT = "TAKE_PROFIT"
    TAKE_PROFIT_LIMIT = "TAKE_PROFIT_LIMIT"

    @property
    def waits_for_a_price(self) -> bool:
        """Tell whether the order works only once its stop price has traded."""
        return self in (OrderType.STOP_LOSS, OrderType.STOP_LOSS_LIMIT, OrderType.TAKE_PROFIT, OrderType.TAKE_PROFIT_LIMIT)

    @property
    def takes_at_market(self) -> bool:
        """Tell whether the order has no limit price."""
        return self in (OrderType.MARKET, OrderType.STOP_LOSS, OrderType.TAKE_PROFIT)

    @property
    def stops_a_loss(self) -> bool:
        """Tell whether the stop price lies on the losing side: below the market for a sale, above it for a purchase."""
        return self in (OrderType.STOP_LOSS, OrderType.STOP_LOSS_LIMIT)


class TimeInForce(StrEnum):
    GTC = "GTC"
    IOC = "IOC"
    FOK = "FOK"


class Status(StrEnum):
    NEW = "NEW"
    PENDING_NEW = "PENDING_NEW"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"


_OPEN = (Status.NEW, Status.PENDING_NEW, Status.PARTIALLY_FILLED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """What one order asks for. A market purchase may name the money to spend in place of a quantity."""

    symbol: str
    side: Side
    type: OrderType
    client_id: str
    time_in_force: TimeInForce = TimeInForce.GTC
    quantity: Decimal = ZERO
    quote_quantity: Decimal = ZERO
    price: Decimal = ZERO
    stop_price: Decimal = ZERO
    iceberg: Decimal = ZERO
    strategy_id: int | None = None
    strategy_type: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A ticket that was accepted, and what became of it; times in milliseconds.

    `pair` is the list of an order whose twin may fill in its place: both are covered by one hold. `working_at` is
    None until the order is in the book; a stop gets there by its trigger.
    """

    id: int
    ticket: Ticket
    quantity: Decimal
    status: Status
    created_at: int
    updated_at: int
    working_at: int | None
    list_id: int = NO_LIST
    pair: int | None = None
    executed: Decimal = ZERO
    quote: Decimal = ZERO

    @property
    def open(self) -> bool:
        """Tell whether the order may still fill."""
        return self.status in _OPEN

    @property
    def working(self) -> bool:
        """Tell whether the order is in the book."""
        return self.open and self.working_at is not None

    @property
    def remaining(self) -> Decimal:
        """Give the quantity that has not filled."""
        return self.quantity - self.executed

    @property
    def need(self) -> Decimal:
        """Give what must be held for the rest: the traded asset for a sale, money for a purchase."""
        if self.status not in (Status.NEW, Status.PARTIALLY_FILLED):
            return ZERO
        return needed(self.ticket, self.remaining)

    @property
    def hold(self) -> tuple[str, int]:
        """Name the hold that covers the order, which a pair shares."""
        return ("order", self.id) if self.pair is None else ("pair", self.pair)


def needed(ticket: Ticket, quantity: Decimal) -> Decimal:
    """Tell what must be held for a quantity that waits at the ticket's price."""
    if ticket.side is Side.SELL:
        return quantity
    return ceiled(quantity * (ticket.price or ticket.stop_price))


class Contingency(StrEnum):
    OCO = "OCO"
    OTO = "OTO"


class ListStatus(StrEnum):
    """Binance's listStatusType."""

    EXEC_STARTED = "EXEC_STARTED"
    UPDATED = "UPDATED"
    ALL_DONE = "ALL_DONE"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderList:
    """Orders that depend on each other. The first of `order_ids` works at once in an OTO, the others follow its fill."""

    id: int
    symbol: str
    contingency: Contingency
    client_id: str
    order_ids: tuple[int, ...]
    status: ListStatus
    created_at: int

    @property
    def order_status(self) -> str:
        """Name Binance's listOrderStatus."""
        return "ALL_DONE" if self.status is ListStatus.ALL_DONE else "EXECUTING"


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """One trade of an order; the commission is in the asset it names."""

    id: int
    order_id: int
    list_id: int
    symbol: str
    price: Decimal
    quantity: Decimal
    quote: Decimal
    commission: Decimal
    commission_asset: str
    at: int
    buyer: bool
    maker: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """What an account has of an asset: free, and locked by its open orders."""

    free: Decimal = ZERO
    locked: Decimal = ZERO
