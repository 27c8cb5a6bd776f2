"""A spot exchange in memory: sales are locked, a list is one stop and one target, and nothing is reduce-only.

Prices are the test's; what executes and when is exact. With a folder its state is kept on disk, so that it outlives the desk.
"""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from services.domain.errors import Unavailable, VenueRejected
from services.domain.money import ZERO, Price, Quantity
from services.domain.orders import (
    Balance,
    OrderRequest,
    OrderSide,
    OrderType,
    TimeInForce,
    VenueFill,
    VenueOrder,
    VenuePosition,
)
from services.domain.ports import Capabilities, Clock
from services.domain.states import LIVE_ORDER_STATES, OrderState
from tests.trading.rig import ANN

ACCOUNT = f"paper-{ANN}"
SYMBOL = "BTC/USDT"
STATE = "spot.pickle"
EPOCH = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
PAIRS = Capabilities(
    long=True,
    short=False,
    order_types=frozenset(OrderType),
    reduce_only=False,
    order_lists=True,
    list_size=2,
    replace_lists=False,
    exits_lock=True,
)
LONE = replace(PAIRS, order_lists=False, list_size=1)
STOPLESS = replace(LONE, order_types=frozenset({OrderType.MARKET, OrderType.LIMIT}))


@dataclass(kw_only=True)
class Ledger:
    """Everything that the exchange remembers."""

    base: Decimal = ZERO
    money: Decimal = Decimal(100_000)
    bid: Price = field(default_factory=lambda: Price(Decimal("63999.99")))
    ask: Price = field(default_factory=lambda: Price(Decimal("64000.01")))
    orders: dict[str, VenueOrder] = field(default_factory=dict)
    fills: list[VenueFill] = field(default_factory=list)
    writes: list[str] = field(default_factory=list)
    filled_at: list[datetime] = field(default_factory=list)
    overdrawn: list[str] = field(default_factory=list)
    worst: Decimal = ZERO


class SpotVenue:
    """Ann's account for BTC/USDT; the others are empty.

    ``hidden`` fills and those after them are not told yet, ``refuses`` names the answer to each type of order that is refused.
    """

    name = "paper"

    def __init__(
        self,
        clock: Clock,
        capabilities: Capabilities = PAIRS,
        *,
        base_fee: str = "0",
        shrinks: bool = False,
        folder: Path | None = None,
    ) -> None:
        self._clock = clock
        self.capabilities = capabilities
        self._base_fee = Decimal(base_fee)
        self._shrinks = shrinks
        self._file = folder / STATE if folder else None
        self.ledger = pickle.loads(self._file.read_bytes()) if self._file and self._file.exists() else Ledger()
        self.hidden: set[str] = set()
        self.refuses: dict[OrderType, str] = {}
        self.refuses_lists = ""
        self.depth: Decimal | None = None
        self._opened: datetime | None = None
        self._from_the_start = False

    @property
    def held(self) -> Decimal:
        """Return how much of the base asset there is, locked or free."""
        return Decimal(self.ledger.base)

    @property
    def locked(self) -> Decimal:
        """Return what resting sales hold: a list holds its quantity once."""
        lists: dict[str, Decimal] = {}
        for order in self.working():
            if order.side is OrderSide.SELL:
                key = order.list_id or order.venue_id
                lists[key] = max(lists.get(key, ZERO), order.quantity - self._list_filled(order))
        return sum(lists.values(), ZERO)

    def working(self) -> list[VenueOrder]:
        """Return the orders that work."""
        return [order for order in self.ledger.orders.values() if order.state in LIVE_ORDER_STATES]

    def price(self, bid: str, ask: str | None = None) -> None:
        """Move the market; what it reaches executes in full."""
        self.ledger.bid, self.ledger.ask = Price(Decimal(bid)), Price(Decimal(ask or bid))
        for order in self.working():
            reached = order.stop_price is not None and self.ledger.bid <= order.stop_price
            if self.ledger.orders[order.venue_id].state in LIVE_ORDER_STATES and (
                reached or (order.stop_price is None and order.price is not None and self.ledger.bid >= order.price)
            ):
                self.execute(order.client_id or "", at=None if reached else order.price)
        self._keep()

    def execute(self, client_id: str, quantity: str | None = None, at: Price | None = None) -> None:
        """Execute a resting order, or a part of it; the other leg of its list ends, or shrinks where the venue does so."""
        order = self._by_client(client_id)
        assert order is not None
        size = Decimal(quantity) if quantity else order.quantity - order.filled
        self._fill(order, size, at or order.price or self.ledger.bid)
        for leg in self._legs(order)[1:]:
            if not self._shrinks or self._by_client(client_id).state is OrderState.FILLED:  # type: ignore[union-attr]
                self._put(replace(leg, state=OrderState.EXPIRED))
            else:
                self._put(replace(leg, quantity=Quantity(leg.quantity - size)))
        self._keep()

    async def place(self, account: str, order: OrderRequest) -> VenueOrder:
        """Take one order; what can execute at once does."""
        self.ledger.writes.append(order.client_id[:16])
        placed = self._accept(order, None)
        reach = self.ledger.bid if order.side is OrderSide.SELL else self.ledger.ask
        at_once = order.type is OrderType.MARKET or (
            order.type is OrderType.LIMIT and order.price is not None and (order.price - reach) * order.side.sign >= 0
        )
        if at_once:
            self._fill(placed, min(placed.quantity, self.depth or placed.quantity), reach)
        left = self.ledger.orders[placed.venue_id]
        if left.state in LIVE_ORDER_STATES and (order.type is OrderType.MARKET or order.time_in_force is TimeInForce.IOC):
            self._put(replace(left, state=OrderState.EXPIRED))
        self._keep()
        return self.ledger.orders[placed.venue_id]

    async def place_list(self, account: str, orders: Sequence[OrderRequest]) -> Sequence[VenueOrder]:
        """Take a stop and a target for the same quantity."""
        self.ledger.writes.append(orders[0].client_id[:16])
        if not self.capabilities.order_lists or len(orders) != self.capabilities.list_size:
            raise VenueRejected("LIST_SHAPE")
        if self.refuses_lists:
            raise VenueRejected(self.refuses_lists)
        for order in orders:
            if order.type is OrderType.LIMIT and order.price is not None and order.price <= self.ledger.bid:
                raise VenueRejected("POST_ONLY", price=order.price)
        list_id = f"l-{len(self.ledger.orders)}"
        first = self._accept(orders[0], list_id)
        placed = [first, self._accept(orders[1], list_id, twin=first)]
        self._keep()
        return placed

    async def replace_list(self, account: str, cancels: Sequence[str], orders: Sequence[OrderRequest]) -> Sequence[VenueOrder]:
        """Refuse: this exchange has no such step."""
        raise VenueRejected("NOT_OFFERED")

    async def cancel(self, account: str, symbol: str, client_ids: Sequence[str]) -> Sequence[VenueOrder]:
        """Cancel a list by one of its orders; several unrelated ones are refused."""
        self.ledger.writes.append(f"cancel {client_ids[0]}")
        asked = [order for name in client_ids if (order := self._by_client(name)) is not None]
        if not asked:
            raise VenueRejected("UNKNOWN_ORDER")
        legs = self._legs(asked[0])
        if any(order not in legs for order in asked):
            raise VenueRejected("ONE_WRITE")
        for order in legs:
            if order.state in LIVE_ORDER_STATES:
                self._put(replace(order, state=OrderState.CANCELED))
        self._keep()
        return [self.ledger.orders[order.venue_id] for order in legs]

    async def find(self, account: str, symbol: str, client_id: str) -> VenueOrder | None:
        """Return an order in whatever state; fills are told from the first on once one of ours was looked up."""
        found = self._by_client(client_id)
        self._from_the_start |= found is not None
        return found

    async def open_orders(self, account: str) -> Sequence[VenueOrder]:
        """Return what works."""
        return self.working() if account == ACCOUNT else []

    async def fills_since(self, account: str, sequence: int) -> Sequence[VenueFill]:
        """Return fills, but for the hidden ones and those after them, and for those of before the account was opened here."""
        if self._opened is None:
            raise Unavailable("ACCOUNT_NOT_OPEN", venue=self.name, account=account)
        told: list[VenueFill] = []
        self._from_the_start |= bool(sequence)
        for fill, at in zip(self.ledger.fills, self.ledger.filled_at, strict=True):
            if at < self._opened and not self._from_the_start:
                continue
            if fill.venue_fill_id in self.hidden or account != ACCOUNT:
                break
            told.append(fill)
        return [fill for fill in told if fill.sequence > sequence]

    async def positions(self, account: str) -> Sequence[VenuePosition]:
        """Return what is held."""
        return [VenuePosition(symbol=SYMBOL, quantity=self.ledger.base)] if self.ledger.base and account == ACCOUNT else []

    async def balance(self, account: str) -> Balance:
        """Return money and coins at the bid."""
        equity = self.ledger.money + self.ledger.base * self.ledger.bid
        return Balance(currency="USDT", equity=equity, free=self.ledger.money, received_at=self._clock.now())

    async def open_account(self, account: str, currency: str, since: datetime | None = None) -> None:
        """Take as the desk's what is filled from now on, or since the desk first used the account."""
        self._opened = self._opened or since or self._clock.now()

    async def keep_alive(self, account: str, seconds: float) -> None:
        """Refuse: nothing is cancelled here on silence."""
        raise VenueRejected("NOT_OFFERED")

    async def stand_down(self, account: str) -> None:
        """Do nothing: silence means nothing here."""

    async def may_withdraw(self) -> bool | None:
        """Say no: these keys only trade."""
        return False

    async def run_streams(self) -> None:
        """Say that there is no stream: what is polled is all there is."""

    async def close(self) -> None:
        """Do nothing: no connection is held."""

    def _accept(self, order: OrderRequest, list_id: str | None, twin: VenueOrder | None = None) -> VenueOrder:
        if order.type not in self.capabilities.order_types:
            raise VenueRejected("ORDER_TYPE", type=order.type)
        if order.type in self.refuses:
            raise VenueRejected(self.refuses[order.type])
        if order.stop_price is not None and order.stop_price >= self.ledger.bid:
            raise VenueRejected("WOULD_TRIGGER", price=order.stop_price)
        if order.side is OrderSide.SELL and twin is None and order.quantity > self.ledger.base - self.locked:
            self.ledger.overdrawn.append(order.client_id)
            raise VenueRejected("INSUFFICIENT_BALANCE", needed=order.quantity)
        if self._by_client(order.client_id) is not None:
            raise VenueRejected("DUPLICATE_CLIENT_ID")
        placed = VenueOrder(
            client_id=order.client_id,
            venue_id=f"o-{len(self.ledger.orders) + 1}",
            symbol=order.symbol,
            side=order.side,
            type=order.type,
            quantity=order.quantity,
            filled=Quantity(ZERO),
            price=order.price,
            stop_price=order.stop_price,
            state=OrderState.ACCEPTED,
            list_id=list_id,
            updated_at=self._now(),
        )
        self._put(placed)
        return placed

    def _fill(self, order: VenueOrder, quantity: Decimal, price: Price) -> None:
        buying = order.side is OrderSide.BUY
        fee = quantity * self._base_fee if buying else quantity * price * Decimal("0.001")
        number = len(self.ledger.fills) + 1
        self.ledger.filled_at.append(self._clock.now())
        self.ledger.fills.append(
            VenueFill(
                venue_fill_id=f"f-{number}",
                sequence=number,
                client_id=order.client_id,
                venue_order_id=order.venue_id,
                symbol=order.symbol,
                side=order.side,
                quantity=Quantity(quantity),
                price=price,
                fee=fee,
                fee_currency="BTC" if buying else "USDT",
                time=self._now(),
            )
        )
        self.ledger.base += (quantity - fee) if buying else -quantity
        self.ledger.money += -quantity * price if buying else quantity * price - fee
        filled = order.filled + quantity
        state = OrderState.FILLED if filled == order.quantity else OrderState.PARTIAL
        self._put(replace(order, filled=Quantity(filled), state=state))
        assert self.ledger.base >= 0, "more was sold than there was"

    def _legs(self, order: VenueOrder) -> list[VenueOrder]:
        others = [o for o in self.ledger.orders.values() if order.list_id and o.list_id == order.list_id]
        return [order, *(o for o in others if o.venue_id != order.venue_id)]

    def _list_filled(self, order: VenueOrder) -> Decimal:
        return order.filled if self._shrinks else sum((leg.filled for leg in self._legs(order)), ZERO)

    def _by_client(self, client_id: str) -> VenueOrder | None:
        return next((o for o in self.ledger.orders.values() if o.client_id == client_id), None)

    def _put(self, order: VenueOrder) -> None:
        self.ledger.orders[order.venue_id] = replace(order, updated_at=self._now())

    def _now(self) -> datetime:
        return EPOCH + timedelta(milliseconds=len(self.ledger.fills) + len(self.ledger.orders))

    def _keep(self) -> None:
        if self._file is not None:
            fresh = self._file.with_suffix(".new")
            fresh.write_bytes(pickle.dumps(self.ledger))
            fresh.replace(self._file)
