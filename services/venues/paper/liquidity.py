"""What a quote lets orders execute: levels behind the best price, and what earlier orders have taken of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from services.domain.market import Instrument, Quote
from services.domain.money import ZERO, ceil_to, floor_to
from services.domain.orders import OrderSide

LEVELS = 10
IMPACT_BPS = Decimal(1)
BPS = Decimal(10_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """A price of the quote's side and the quantity that is still to be had there."""

    price: Decimal
    available: Decimal


class Liquidity:
    """One quote of one instrument, used up by the orders that execute against it."""

    def __init__(self, quote: Quote, instrument: Instrument) -> None:
        self.quote = quote
        self.instrument = instrument
        self._taken = {OrderSide.BUY: ZERO, OrderSide.SELL: ZERO}

    def copy(self) -> Liquidity:
        """Return the same quote with as much left, to try a match on."""
        twin = Liquidity(self.quote, self.instrument)
        twin._taken = dict(self._taken)
        return twin

    def touch(self, side: OrderSide) -> Decimal:
        """Return the best price at which an order of that side executes."""
        return self.quote.ask if side is OrderSide.BUY else self.quote.bid

    def levels(self, side: OrderSide) -> Iterator[Level]:
        """Yield what an order of that side may take, best price first."""
        shown = self.quote.ask_size if side is OrderSide.BUY else self.quote.bid_size
        size = floor_to(shown, self.instrument.step)
        best = self.touch(side)
        distance = max(self.instrument.tick, ceil_to(best * IMPACT_BPS / BPS, self.instrument.tick))
        taken = self._taken[side]
        for index in range(LEVELS):
            price = best + distance * index * side.sign
            available = min(size, size * (index + 1) - taken)
            if available > 0 and price > 0:
                yield Level(price=price, available=available)

    def take(self, side: OrderSide, quantity: Decimal) -> None:
        """Use up a quantity from the best level on."""
        self._taken[side] += quantity

    def slipped(self, price: Decimal, side: OrderSide, slippage_bps: Decimal) -> Decimal:
        """Return a level's price worsened by the slippage, on the tick grid and above zero."""
        tick = self.instrument.tick
        if side is OrderSide.BUY:
            return ceil_to(price * (1 + slippage_bps / BPS), tick)
        return max(tick, floor_to(price * (1 - slippage_bps / BPS), tick))
