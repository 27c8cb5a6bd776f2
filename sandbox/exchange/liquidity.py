"""What accounts can trade against: the book and the tape of the market, less what they have taken in the same step."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from sandbox.exchange.amounts import ZERO, price_of, quantity_of
from sandbox.exchange.course import STEPS
from sandbox.exchange.day import average_price
from sandbox.exchange.filters import Prices
from sandbox.exchange.instruments import Instrument
from sandbox.exchange.orders import Side
from sandbox.exchange.quotes import Book, read_book
from sandbox.exchange.snapshot import Snapshot

_LEVELS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A quantity that can be had at a price; `source` tells the tape from the book, whose prices may be equal."""

    price: Decimal
    quantity: Decimal
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A quantity that is traded at a price."""

    price: Decimal
    quantity: Decimal


class Liquidity:
    """Remember what was taken from each symbol in its present step.

    `most` limits, by symbol, how much all accounts together can take in one step: a thin book on request.
    """

    def __init__(self) -> None:
        self.most: dict[str, Decimal] = {}
        self._taken: dict[str, tuple[int, dict[tuple[Side, str, Decimal], Decimal]]] = {}

    def left(self, symbol: str, step: int, side: Side, offers: Iterable[Offer]) -> Iterator[Offer]:
        """Give what is left of the offers that a side takes from."""
        taken = self._taken_in(symbol, step)
        most = self.most.get(symbol)
        room = None if most is None else most - sum(taken.values(), ZERO)
        for offer in offers:
            quantity = offer.quantity - taken.get((side, offer.source, offer.price), ZERO)
            if room is not None:
                quantity = min(quantity, room)
                room -= max(quantity, ZERO)
            if quantity > 0:
                yield Offer(price=offer.price, quantity=quantity, source=offer.source)

    def take(self, symbol: str, step: int, side: Side, offers: Iterable[Offer], quantity: Decimal) -> None:
        """Note that a quantity was taken, from the first of the offers on."""
        taken = self._taken_in(symbol, step)
        for offer in offers:
            if quantity <= 0:
                return
            key = (side, offer.source, offer.price)
            taken[key] = taken.get(key, ZERO) + min(quantity, offer.quantity)
            quantity -= offer.quantity

    def _taken_in(self, symbol: str, step: int) -> dict[tuple[Side, str, Decimal], Decimal]:
        known = self._taken.get(symbol)
        if known is None or known[0] != step:
            known = self._taken[symbol] = (step, {})
        return known[1]


class Moment:
    """A symbol at one moment, as an order meets it."""

    def __init__(self, snapshot: Snapshot, instrument: Instrument, liquidity: Liquidity) -> None:
        self.instrument = instrument
        self.symbol = instrument.symbol
        self.at = snapshot.at
        self.number = snapshot.index * STEPS + snapshot.step
        self.ended = snapshot.ended(self.symbol)
        self._snapshot = snapshot
        self._book: Book | None = None
        self._position = snapshot.position(self.symbol)
        self._liquidity = liquidity
        self.last = price_of(instrument, self._position.price)

    def prices(self) -> Prices:
        """Give what the filters measure against."""
        traded = average_price(self._snapshot, self.symbol)
        return Prices(last=self.last, average=price_of(self.instrument, traded.quote) / traded.volume)

    def best(self, side: Side) -> Decimal | None:
        """Give the best price on the book that a side would take, None where trading has ended."""
        return next((offer.price for offer in self._levels(side)), None)

    def offers(self, side: Side) -> list[Offer]:
        """List what a side can take from the book, the best price first."""
        return list(self._liquidity.left(self.symbol, self.number, side, self._levels(side)))

    def comes_to(self, side: Side, limit: Decimal) -> bool:
        """Tell whether tape or book are at a limit or past it, so that there may be a supply for it."""
        prices = [price for price in (self.last, self.best(side)) if price is not None]
        return limit >= min(prices) if side is Side.BUY else limit <= max(prices)

    def supply(self, side: Side, limit: Decimal) -> list[Offer]:
        """List what comes to an order resting at a limit: the book that has moved past it, and the tape."""
        sign = 1 if side is Side.BUY else -1
        offers = [*self._prints(side, limit), *self._levels(side)]
        reached = [offer for offer in offers if (limit - offer.price) * sign >= 0]
        return list(self._liquidity.left(self.symbol, self.number, side, reached))

    def take(self, side: Side, offers: Iterable[Offer], quantity: Decimal) -> None:
        """Note that a quantity was taken from the offers."""
        self._liquidity.take(self.symbol, self.number, side, offers, quantity)

    def _levels(self, side: Side) -> Iterator[Offer]:
        book = self._book = self._book or read_book(self._snapshot, self.symbol, _LEVELS)
        for level in book.asks if side is Side.BUY else book.bids:
            yield Offer(
                price=price_of(self.instrument, level.price),
                quantity=quantity_of(self.instrument, level.size),
                source="book",
            )

    def _prints(self, side: Side, limit: Decimal) -> Iterator[Offer]:
        """Give this step's trade; at the very limit it only counts where the other side was the taker."""
        course, step = self._position.course, self._position.step
        quantity = course.quantities[step] // self.instrument.units_per_step * self.instrument.units_per_step
        trades_now = self._position.bar.index * STEPS + step == self.number
        reaches = self.last != limit or course.buyer_takes[step] == (side is Side.SELL)
        if quantity and trades_now and reaches:
            yield Offer(price=self.last, quantity=quantity_of(self.instrument, quantity), source="tape")


def walk(
    offers: Iterable[Offer],
    side: Side,
    step: Decimal,
    *,
    quantity: Decimal | None = None,
    money: Decimal | None = None,
    limit: Decimal | None = None,
) -> list[Part]:
    """Take offers in turn, up to a quantity and an amount of money, none beyond the limit price."""
    parts: list[Part] = []
    for offer in offers:
        if limit is not None and (offer.price > limit if side is Side.BUY else offer.price < limit):
            break
        wanted = offer.quantity if quantity is None else min(offer.quantity, quantity)
        if money is not None:
            wanted = min(wanted, money / offer.price // step * step)
        if wanted <= 0:
            break
        parts.append(Part(price=offer.price, quantity=wanted))
        quantity = None if quantity is None else quantity - wanted
        money = None if money is None else money - wanted * offer.price
    return parts


def cost(parts: Iterable[Part]) -> Decimal:
    """Add up what parts are worth."""
    return sum((part.price * part.quantity for part in parts), ZERO)


def total(parts: Iterable[Part]) -> Decimal:
    """Add up the quantities of parts."""
    return sum((part.quantity for part in parts), ZERO)
