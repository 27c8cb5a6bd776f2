"""The venue's book in memory, and the draft in which a change is worked out before it is committed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

import structlog

from services.domain.errors import VenueRejected
from services.domain.money import ZERO, Price, Quantity
from services.domain.orders import OrderRequest, OrderSide, OrderType, TimeInForce, VenueFill, VenueOrder
from services.domain.states import LIVE_ORDER_STATES, ORDER_MOVES, OrderState, move

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperAccount:
    """An account's cash, in its one currency."""

    name: str
    currency: str
    cash: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperPosition:
    """A net position, positive when long.

    ``cost`` is the entry value of what is open, ``borrow`` the borrow cost of a short up to ``since`` that is not charged yet.
    """

    account: str
    symbol: str
    quantity: Decimal
    cost: Decimal
    borrow: Decimal
    since: datetime

    def reducible(self, side: OrderSide) -> Decimal:
        """Return how much an order of that side could close."""
        return max(ZERO, -self.quantity * side.sign)


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperOrder:
    """An order on the book.

    ``taken_off`` is what a list's targets executed in this stop's place. ``reserve_price`` is what an entry's funds are held
    at. ``rested`` is true after the first match, ``triggered`` once a stop's price was reached, ``reason`` says why a final
    order did not fill.
    """

    sequence: int
    account: str
    request: OrderRequest
    state: OrderState
    filled: Decimal
    taken_off: Decimal
    reserve_price: Decimal
    list_id: str | None
    triggered: bool
    rested: bool
    reason: str | None
    accepted_at: datetime
    due_at: datetime
    updated_at: datetime

    @property
    def quantity(self) -> Decimal:
        """Return what the order works for, less what its list executed in its place."""
        return self.request.quantity - self.taken_off

    @property
    def remaining(self) -> Decimal:
        """Return what is still to be executed."""
        return self.quantity - self.filled

    @property
    def live(self) -> bool:
        """Tell whether the order still works."""
        return self.state in LIVE_ORDER_STATES

    @property
    def immediate(self) -> bool:
        """Tell whether the order executes at its first match or not at all."""
        return self.request.type is OrderType.MARKET or self.request.time_in_force in (TimeInForce.IOC, TimeInForce.FOK)

    @property
    def venue_id(self) -> str:
        """Return the venue's name for the order."""
        return f"o-{self.sequence}"

    def report(self) -> VenueOrder:
        """Return the order as the venue reports it."""
        return VenueOrder(
            client_id=self.request.client_id,
            venue_id=self.venue_id,
            symbol=self.request.symbol,
            side=self.request.side,
            type=self.request.type,
            quantity=Quantity(self.quantity),
            filled=Quantity(self.filled),
            price=self.request.price,
            stop_price=self.request.stop_price,
            state=self.state,
            list_id=self.list_id,
            updated_at=self.updated_at,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperFill:
    """An execution; ``sequence`` counts over all accounts of the venue."""

    sequence: int
    account: str
    order_sequence: int
    client_id: str
    symbol: str
    side: OrderSide
    quantity: Decimal
    price: Decimal
    fee: Decimal
    fee_currency: str
    at: datetime
    maker: bool | None = None

    def report(self) -> VenueFill:
        """Return the fill as the venue reports it."""
        return VenueFill(
            venue_fill_id=f"p-{self.sequence}",
            sequence=self.sequence,
            client_id=self.client_id,
            venue_order_id=f"o-{self.order_sequence}",
            symbol=self.symbol,
            side=self.side,
            quantity=Quantity(self.quantity),
            price=Price(self.price),
            fee=self.fee,
            fee_currency=self.fee_currency,
            time=self.at,
            maker=self.maker,
        )


class Book:
    """What is committed: accounts, open positions and live orders, with the next numbers to give out.

    ``silences`` says when an account's entries are cancelled unless it is heard of before.
    """

    def __init__(self, *, revision: int = 0, next_order: int = 1, next_fill: int = 1) -> None:
        self.revision = revision
        self.next_order = next_order
        self.next_fill = next_fill
        self.accounts: dict[str, PaperAccount] = {}
        self.positions: dict[str, dict[str, PaperPosition]] = {}
        self.live: dict[int, PaperOrder] = {}
        self.by_symbol: dict[str, set[int]] = {}
        self.by_account: dict[str, set[int]] = {}
        self.silences: dict[str, datetime] = {}

    def put_position(self, position: PaperPosition) -> None:
        """Keep an open position, forget a flat one."""
        held = self.positions.setdefault(position.account, {})
        if position.quantity:
            held[position.symbol] = position
        else:
            held.pop(position.symbol, None)

    def put_order(self, order: PaperOrder) -> None:
        """Keep a live order, forget a final one; the store remembers it."""
        by_symbol = self.by_symbol.setdefault(order.request.symbol, set())
        by_account = self.by_account.setdefault(order.account, set())
        if order.live:
            self.live[order.sequence] = order
            by_symbol.add(order.sequence)
            by_account.add(order.sequence)
        else:
            self.live.pop(order.sequence, None)
            by_symbol.discard(order.sequence)
            by_account.discard(order.sequence)

    def merge(self, draft: Draft) -> None:
        """Take over a draft that has been committed."""
        self.accounts.update(draft.accounts)
        for position in draft.positions.values():
            self.put_position(position)
        for order in draft.orders.values():
            self.put_order(order)
        for account, ends_at in draft.silences.items():
            if ends_at is None:
                self.silences.pop(account, None)
            else:
                self.silences[account] = ends_at
        self.next_order, self.next_fill = draft.next_order, draft.next_fill
        self.revision += 1


class Draft:
    """A change being worked out: reads fall through to the book, writes stay here until they are committed."""

    def __init__(self, book: Book) -> None:
        self.book = book
        self.accounts: dict[str, PaperAccount] = {}
        self.positions: dict[tuple[str, str], PaperPosition] = {}
        self.orders: dict[int, PaperOrder] = {}
        self.fills: list[PaperFill] = []
        self.silences: dict[str, datetime | None] = {}
        self.next_order = book.next_order
        self.next_fill = book.next_fill

    @property
    def empty(self) -> bool:
        """Tell whether nothing changed."""
        return not (self.accounts or self.positions or self.orders or self.silences)

    @property
    def accounts_with_news(self) -> set[str]:
        """Return the accounts in which something was filled or ended."""
        return {fill.account for fill in self.fills} | {order.account for order in self.orders.values() if not order.live}

    def account(self, name: str) -> PaperAccount:
        """Return an account; raise VenueRejected when it was never opened."""
        found = self.accounts.get(name) or self.book.accounts.get(name)
        if found is None:
            raise VenueRejected("UNKNOWN_ACCOUNT", account=name)
        return found

    def position(self, account: str, symbol: str, now: datetime) -> PaperPosition:
        """Return a position, flat when there is none."""
        changed = self.positions.get((account, symbol))
        if changed is not None:
            return changed
        kept = self.book.positions.get(account, {}).get(symbol)
        if kept is not None:
            return kept
        return PaperPosition(account=account, symbol=symbol, quantity=ZERO, cost=ZERO, borrow=ZERO, since=now)

    def held(self, account: str) -> list[PaperPosition]:
        """Return the account's open positions by symbol."""
        merged = dict(self.book.positions.get(account, {}))
        merged.update({symbol: each for (owner, symbol), each in self.positions.items() if owner == account})
        return [merged[symbol] for symbol in sorted(merged) if merged[symbol].quantity]

    def order(self, sequence: int) -> PaperOrder:
        """Return an order of this draft or a live one of the book."""
        return self.orders.get(sequence) or self.book.live[sequence]

    def live_of_symbol(self, symbol: str) -> Iterator[PaperOrder]:
        """Yield the symbol's live orders of all accounts, in the order of acceptance."""
        fresh = {sequence for sequence, order in self.orders.items() if order.request.symbol == symbol}
        return self._live(self.book.by_symbol.get(symbol, set()) | fresh)

    def live_of_account(self, account: str) -> Iterator[PaperOrder]:
        """Yield the account's live orders of all symbols, in the order of acceptance."""
        fresh = {sequence for sequence, order in self.orders.items() if order.account == account}
        return self._live(self.book.by_account.get(account, set()) | fresh)

    def _live(self, sequences: set[int]) -> Iterator[PaperOrder]:
        for sequence in sorted(sequences):
            order = self.order(sequence)
            if order.live:
                yield order

    def put(self, order: PaperOrder) -> PaperOrder:
        """Keep a new or changed order."""
        self.orders[order.sequence] = order
        return order

    def finish(self, order: PaperOrder, state: OrderState, reason: str, now: datetime) -> PaperOrder:
        """End an order without a further fill."""
        return self.put(replace(order, state=move(ORDER_MOVES, order.state, state), reason=reason, updated_at=now))

    def take_order_number(self) -> int:
        """Return the next order's sequence."""
        self.next_order += 1
        return self.next_order - 1

    def take_fill_number(self) -> int:
        """Return the next fill's sequence."""
        self.next_fill += 1
        return self.next_fill - 1


def log_outcome(draft: Draft) -> None:
    """Log what a committed change filled or ended."""
    for fill in draft.fills:
        log.info("paper.filled", account=fill.account, fill=fill.sequence, client_id=fill.client_id, symbol=fill.symbol)
    for order in draft.orders.values():
        if order.reason is not None:
            log.info("paper.ended", account=order.account, client_id=order.request.client_id, reason=order.reason)
