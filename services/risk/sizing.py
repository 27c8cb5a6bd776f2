"""How much: from fresh equity and the stop distance, rounded toward less risk; missing data refuses."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from config.groups import RiskSettings
from services.domain.market import Instrument, Quote
from services.domain.money import ZERO, Price, Quantity, ceil_to, floor_to, truncate_to
from services.domain.signals import Side


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """What a round trip costs, as shares of the traded value: fee on each side and slippage at the stop."""

    fee: Decimal
    slippage: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """The sizes a preview offers, in base units; ``largest`` passes the gate's size rules, one step more does not."""

    half: Quantity
    full: Quantity
    largest: Quantity

    def named(self, name: str) -> Quantity:
        """Return a size by the name on its button: half, full or max."""
        return {"half": self.half, "full": self.full, "max": self.largest}[name]


def touch_price(quote: Quote, side: Side) -> Price:
    """Return the price at which an entry would take now."""
    return quote.ask if side is Side.LONG else quote.bid


def worst_entry(quote: Quote, side: Side, stop: Price, instrument: Instrument, limits: RiskSettings) -> Price:
    """Return the worst entry that Confirm binds: a share of the stop distance beyond the quote, capped, on the grid.

    Rounded toward the quote, so that the bound is never looser than the rule.
    """
    touch = touch_price(quote, side)
    room = entry_room(touch, stop, limits)
    if side is Side.LONG:
        return Price(max(floor_to(touch + room, instrument.tick), touch))
    return Price(min(ceil_to(touch - room, instrument.tick), touch))


def entry_room(price: Decimal, stop: Decimal, limits: RiskSettings) -> Decimal:
    """Return how much worse than ``price`` an entry may be, before the grid."""
    return min(abs(price - stop) * limits.collar_share, price * limits.collar_cap_bps / 10_000)


def loss_per_unit(entry: Decimal, stop: Decimal, costs: Costs) -> Decimal:
    """Return what one unit of base loses when entered at ``entry`` and stopped at ``stop``, with fees and slippage."""
    return abs(entry - stop) + (entry + stop) * costs.fee + stop * costs.slippage


def loss_at_stop(quantity: Decimal, entry: Decimal, stop: Decimal, costs: Costs) -> Decimal:
    """Return the money lost at the stop, in the quote currency."""
    return quantity * loss_per_unit(entry, stop, costs)


def funds_needed(quantity: Decimal, price: Decimal, costs: Costs) -> Decimal:
    """Return the money a venue without leverage holds for an entry: its value and the fee."""
    return quantity * price * (1 + costs.fee)


def offered_sizes(
    *,
    entry: Price,
    stop: Price,
    equity: Decimal,
    free: Decimal,
    instrument: Instrument,
    costs: Costs,
    limits: RiskSettings,
) -> Sizes:
    """Return the sizes to offer; all zero where equity or stop distance give none.

    ``equity`` and ``free`` are in the instrument's quote currency.
    """
    unit_loss = loss_per_unit(entry, stop, costs)
    if equity <= 0 or entry <= 0 or unit_loss <= 0:
        return Sizes(half=Quantity(ZERO), full=Quantity(ZERO), largest=Quantity(ZERO))

    def passes(quantity: Decimal) -> bool:
        return (
            loss_at_stop(quantity, entry, stop, costs) <= equity * limits.per_trade
            and quantity * entry <= equity * limits.max_notional
            and funds_needed(quantity, entry, costs) <= free
        )

    bounds = (
        equity * limits.per_trade / unit_loss,
        equity * limits.max_notional / entry,
        max(free, ZERO) / (entry * (1 + costs.fee)),
    )
    # The division rounds at 28 digits, so the neighbours on the grid decide by the rule itself.
    near = truncate_to(min(bounds), instrument.step)
    neighbours = (near + instrument.step, near, near - instrument.step)
    largest = next((size for size in neighbours if size > 0 and passes(size)), ZERO)
    full = min(truncate_to(equity * limits.default_per_trade / unit_loss, instrument.step), largest)
    half = truncate_to(full / 2, instrument.step)
    return Sizes(half=Quantity(half), full=Quantity(full), largest=Quantity(largest))
