"""Instructions, orders and fills: what the desk asks of a venue, and what the venue says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from services.domain.money import Price, Quantity
from services.domain.signals import Side
from services.domain.states import InstructionState, OrderState


class OrderSide(StrEnum):
    """Which way an order moves the position."""

    BUY = "buy"
    SELL = "sell"

    @property
    def sign(self) -> int:
        """Return +1 for a buy and -1 for a sell."""
        return 1 if self is OrderSide.BUY else -1


def entry_side(side: Side) -> OrderSide:
    """Return the order side that opens a trade."""
    return OrderSide.BUY if side is Side.LONG else OrderSide.SELL


def exit_side(side: Side) -> OrderSide:
    """Return the order side that reduces a trade."""
    return OrderSide.SELL if side is Side.LONG else OrderSide.BUY


class OrderType(StrEnum):
    """How an order executes."""

    MARKET = "market"
    LIMIT = "limit"
    STOP = "stop"


class TimeInForce(StrEnum):
    """How long an order works; POST rests until it is cancelled, and is refused where it would trade at once."""

    GTC = "gtc"
    IOC = "ioc"
    FOK = "fok"
    POST = "post"


class OrderRole(StrEnum):
    """What an order is to its trade."""

    ENTRY = "entry"
    STOP = "stop"
    TARGET = "target"
    CLOSE = "close"
    FOREIGN = "foreign"


class InstructionKind(StrEnum):
    """The shape of a venue write."""

    PLACE = "place"
    PLACE_LIST = "place_list"
    REPLACE_LIST = "replace_list"
    CANCEL = "cancel"


class Purpose(StrEnum):
    """Why the write is made; everything but ENTRY reduces or protects and passes a halt."""

    ENTRY = "entry"
    PROTECT = "protect"
    CLOSE = "close"
    CANCEL = "cancel"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRequest:
    """One order as a venue is asked for it.

    ``client_id`` has at most 18 letters and digits; its last two name the order within its instruction.
    ``price`` bounds a limit order, ``stop_price`` triggers a stop.
    """

    client_id: str
    symbol: str
    side: OrderSide
    type: OrderType
    role: OrderRole
    quantity: Quantity
    price: Price | None = None
    stop_price: Price | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    reduce_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruction:
    """One write to a venue; committed before it is sent, sent at most once.

    ``orders`` are what it puts at the venue, ``cancels`` the client ids that it takes away. ``deadline`` and ``collar``
    bound an entry: past either it is never sent. ``epoch`` is the lease under which it was claimed.
    """

    id: str
    trade_id: str | None
    terminal_id: str
    symbol: str
    kind: InstructionKind
    purpose: Purpose
    state: InstructionState
    orders: tuple[OrderRequest, ...]
    cancels: tuple[str, ...]
    deadline: datetime | None
    collar: Price | None
    correlation: str
    created_at: datetime
    epoch: int | None = None
    sent_at: datetime | None = None
    answered_at: datetime | None = None
    answer: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueOrder:
    """An order as the venue reports it; ``list_id`` joins orders of one list."""

    client_id: str | None
    venue_id: str
    symbol: str
    side: OrderSide
    type: OrderType
    quantity: Quantity
    filled: Quantity
    price: Price | None
    stop_price: Price | None
    state: OrderState
    list_id: str | None
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An order as the desk keeps it; ``instruction_id`` is None for a foreign one."""

    client_id: str
    venue_id: str | None
    instruction_id: str | None
    trade_id: str | None
    terminal_id: str
    symbol: str
    role: OrderRole
    side: OrderSide
    type: OrderType
    quantity: Quantity
    filled: Quantity
    price: Price | None
    stop_price: Price | None
    state: OrderState
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueFill:
    """An execution as the venue reports it, identified by the venue's own id; ``sequence`` orders a venue's fills.

    ``maker`` tells whether it rested in the book; None where the venue does not say.
    """

    venue_fill_id: str
    sequence: int
    client_id: str | None
    venue_order_id: str
    symbol: str
    side: OrderSide
    quantity: Quantity
    price: Price
    fee: Decimal
    fee_currency: str
    time: datetime
    maker: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """A terminal's account: equity and free funds in ``currency``, stamped when read."""

    currency: str
    equity: Decimal
    free: Decimal
    received_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class VenuePosition:
    """A net position as the venue reports it, positive when long."""

    symbol: str
    quantity: Decimal


CLIENT_ID_BASE = 16


def client_id(instruction_id: str, index: int) -> str:
    """Derive the client id of the ``index``-th order of an instruction: its id and two digits."""
    if len(instruction_id) != CLIENT_ID_BASE or not 0 <= index <= 99:
        raise ValueError(f"no client id for {instruction_id!r} #{index}")
    return f"{instruction_id}{index:02d}"
