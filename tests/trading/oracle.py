"""Stands before the paper venue and reckons every limit from the venue's own books when an entry is about to be written."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from config.limits import RiskSettings
from services.domain.market import Instrument, Quote
from services.domain.orders import OrderRequest, OrderRole, OrderSide, VenueOrder
from services.domain.ports import Venue

# The desk measures its day by the prices of its trades, the venue by what its account is worth: they differ by a hair.
HAIR = Decimal("0.001")


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """One position, or an entry that is on its way: signed quantity, and the value at the dearer of cost and market."""

    account: str
    symbol: str
    quantity: Decimal
    value: Decimal


@dataclass
class Book:
    """What an account paid for a position, from its executions alone; ``closed_at`` is when it was last flat."""

    quantity: Decimal = Decimal(0)
    average: Decimal = Decimal(0)
    closed_at: datetime | None = None

    def take(self, quantity: Decimal, price: Decimal, at: datetime) -> None:
        after = self.quantity + quantity
        if self.quantity * quantity >= 0:
            self.average = (self.quantity * self.average + quantity * price) / after
        elif after * self.quantity < 0:
            self.average = price
        self.quantity = after
        self.closed_at = at if after == 0 else self.closed_at


@dataclass
class Oracle:
    """Passes everything on; ``broken`` names each limit that an entry would break, ``sent`` counts the entries.

    The test says which stop an entry was asked with, and what an account was worth when its day began.
    """

    venue: Venue
    limits: RiskSettings
    fee: Decimal
    now: Callable[[], datetime]
    quote_of: Callable[[str], Quote | None]
    instruments: dict[str, Instrument]
    accounts: Sequence[str]
    stops: dict[tuple[str, str], Decimal] = field(default_factory=dict)
    opened: dict[str, Decimal] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)
    sent: list[tuple[datetime, str]] = field(default_factory=list)
    _entries: dict[str, OrderRequest] = field(default_factory=dict)
    _books: dict[tuple[str, str], Book] = field(default_factory=lambda: defaultdict(Book))
    _seen: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.venue, name)

    async def place(self, account: str, order: OrderRequest) -> VenueOrder:
        if order.role is OrderRole.ENTRY:
            self.broken += [name async for name in self._broken_by(account, order)]
            self.sent.append((self.now(), account))
            self._entries[order.client_id] = order
        return await self.venue.place(account, order)

    async def _held(self, account: str) -> list[Held]:
        """Return positions at the dearer of cost and market, and entries that the venue has taken and not executed."""
        for fill in await self.venue.fills_since(account, self._seen[account]):
            self._books[account, fill.symbol].take(fill.quantity * fill.side.sign, fill.price, fill.time)
            self._seen[account] = fill.sequence
        found = []
        for each in await self.venue.positions(account):
            quote = self.quote_of(each.symbol)
            dearer = max(self._books[account, each.symbol].average, quote.mid if quote is not None else Decimal(0))
            found.append(Held(account=account, symbol=each.symbol, quantity=each.quantity, value=abs(each.quantity) * dearer))
        for order in await self.venue.open_orders(account):
            asked = self._entries.get(order.client_id or "")
            if asked is not None and asked.price is not None:
                left = order.quantity - order.filled
                signed = left * order.side.sign
                found.append(Held(account=account, symbol=order.symbol, quantity=signed, value=left * asked.price))
        return found

    def _limit(self, name: str, account: str, symbol: str) -> Any:
        """Return the tightest value of a limit that is a maximum, None where it is off."""
        where = {"instrument": symbol, "terminal": account, "tier": self.instruments[symbol].tier.value}
        values = [getattr(self.limits, name)]
        values += [each.value for each in self.limits.scoped if each.limit == name and where.get(each.scope) == each.subject]
        return min((each for each in values if each is not None), default=None)

    async def _broken_by(self, account: str, order: OrderRequest) -> AsyncIterator[str]:
        holdings = {each: await self._held(each) for each in self.accounts}
        worth = {each: await self.venue.balance(each) for each in self.accounts}
        measured = self._of_the_order(account, order, worth[account].equity, worth[account].free)
        measured |= self._of_the_account(account, order, holdings[account], worth[account].equity)
        measured |= self._of_the_desk(account, order, holdings, sum((each.equity for each in worth.values()), Decimal(0)))
        for name, value in measured.items():
            limit = self._limit(name, account, order.symbol)
            if limit is not None and value > Decimal(str(limit)):
                yield f"{name}: {value} > {limit} for {order.quantity} {order.symbol} at {order.price}"
        for fault in self._of_other_kinds(account, order, holdings[account], worth[account].free, worth[account].equity):
            yield fault

    def _of_the_order(self, account: str, order: OrderRequest, equity: Decimal, free: Decimal) -> dict[str, Decimal]:
        assert order.price is not None
        stop, price, quote = self.stops[account, order.symbol], order.price, self.quote_of(order.symbol)
        loss = order.quantity * (abs(price - stop) + (price + stop) * self.fee)
        spread = (quote.ask - quote.bid) / quote.mid * 10_000 if quote is not None else Decimal("Infinity")
        age = (self.now() - quote.received_at).total_seconds() if quote is not None else 1e9
        return {
            "per_trade": loss / equity,
            "max_notional": order.quantity * price / equity,
            "max_spread_bps": spread,
            "quote_age_s": Decimal(str(age)),
            "trades_per_hour": Decimal(self._placed_since(account, timedelta(hours=1)) + 1),
            "writes_per_minute": Decimal(self._placed_since(account, timedelta(minutes=1)) + 1),
            "daily_loss": (self.opened[account] - equity) / self.opened[account] - HAIR,
        }

    def _of_the_account(self, account: str, order: OrderRequest, held: Sequence[Held], equity: Decimal) -> dict[str, Decimal]:
        value = order.quantity * (order.price or Decimal(0))
        tier = self.instruments[order.symbol].tier
        here = [each for each in held if each.symbol == order.symbol]
        alike = [each for each in held if self.instruments[each.symbol].tier is tier]
        return {
            "leverage": (_values(held) + value) / equity,
            "instrument_share": (_values(here) + value) / equity,
            "tier_share": (_values(alike) + value) / equity,
            "open_positions": Decimal(len({each.symbol for each in held}) + 1),
        }

    def _of_the_desk(
        self, account: str, order: OrderRequest, holdings: dict[str, list[Held]], equity: Decimal
    ) -> dict[str, Decimal]:
        value, every = order.quantity * (order.price or Decimal(0)), [each for held in holdings.values() for each in held]
        net = sum((each.value.copy_sign(each.quantity) for each in every), value * order.side.sign)
        return {
            "gross_exposure": (_values(every) + value) / equity,
            "net_exposure": abs(net) / equity,
            "desk_positions": Decimal(len({(each.account, each.symbol) for each in every}) + 1),
            "person_positions": Decimal(len({each.symbol for each in holdings[account]}) + 1),
            "instrument_positions": Decimal(len({each.account for each in every if each.symbol == order.symbol}) + 1),
        }

    def _of_other_kinds(
        self, account: str, order: OrderRequest, held: Sequence[Held], free: Decimal, equity: Decimal
    ) -> Iterator[str]:
        """Yield what is broken that is no maximum: grid, bounds, funds, the price, a second trade on the instrument."""
        instrument, price = self.instruments[order.symbol], order.price or Decimal(0)
        quote, stop = self.quote_of(order.symbol), self.stops[account, order.symbol]
        left = free - order.quantity * price * (1 + self.fee)
        if order.quantity % instrument.step or price % instrument.tick:
            yield "grid"
        if not instrument.min_quantity <= order.quantity <= (instrument.max_quantity or order.quantity):
            yield f"size: {order.quantity}"
        if left < equity * (self.limits.cash_reserve or 0):
            yield f"cash_reserve: {left} of {equity}"
        if any(each.symbol == order.symbol for each in held):
            yield f"duplicate: {order.symbol} at {account}"
        closed, rest = self._books[account, order.symbol].closed_at, self.limits.instrument_cooldown_s
        if closed is not None and rest is not None and (self.now() - closed).total_seconds() < rest:
            yield f"instrument_cooldown_s: {self.now() - closed}"
        if quote is not None:
            touch = quote.ask if order.side is OrderSide.BUY else quote.bid
            room = min(abs(touch - stop) * self.limits.collar_share, touch * self.limits.collar_cap_bps / 10_000)
            if (price - touch) * order.side.sign > room:
                yield f"collar: {price} for {touch}"

    def _placed_since(self, account: str, before: timedelta) -> int:
        return sum(at > self.now() - before and each == account for at, each in self.sent)


def _values(held: Sequence[Held]) -> Decimal:
    return sum((each.value for each in held), Decimal(0))
