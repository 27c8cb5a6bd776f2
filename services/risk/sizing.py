"""How much: from fresh equity and the stop distance, rounded toward less risk; missing data refuses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from config.limits import RiskSettings
from services.domain.limits import Effective, Limit
from services.domain.market import Instrument, Quote
from services.domain.money import ZERO, Price, Quantity, ceil_to, floor_to, truncate_to
from services.domain.signals import Side


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """What a round trip costs, as shares of the traded value: fee on each side and slippage at the stop."""

    fee: Decimal
    slippage: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeCaps:
    """What bounds a size, in the quote currency: the loss at the stop, the value, and the funds.

    ``usual`` is the offered full size in base units, None where its rule cannot find one: then nothing is offered. ``margin``
    bounds funds and loss together, None where no rule does.
    """

    loss: Decimal
    usual: Decimal | None
    value: Decimal
    funds: Decimal
    margin: Decimal | None = None


def size_caps(
    equity: Decimal,
    free: Decimal,
    limits: Mapping[Limit, Effective],
    usual: Decimal | None,
    room: Decimal | None = None,
    open_risk: Decimal | None = None,
    held_to: Decimal | None = None,
) -> SizeCaps:
    """Return the caps that the gate's size rules set; ``usual`` is the full size that is offered within them, in base units.

    ``room`` is the value that what stands beside the trade leaves to it, ``open_risk`` what live trades lose at their stops,
    where these are known. ``held_to`` is the loss at the stop that a bad day leaves, share of equity.
    """
    value, reserve = equity * limits[Limit.MAX_NOTIONAL].value, limits.get(Limit.CASH_RESERVE)
    left, most = limits.get(Limit.MARGIN_LEFT), limits[Limit.PER_TRADE].value
    if held_to is not None:
        most = min(most, held_to)
    return SizeCaps(
        loss=equity * most,
        usual=usual,
        value=value if room is None else min(value, room),
        funds=free if reserve is None else free - equity * reserve.value,
        margin=None if left is None else free - (open_risk or ZERO) - equity * left.value,
    )


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
    instrument: Instrument,
    costs: Costs,
    caps: SizeCaps,
) -> Sizes:
    """Return the sizes to offer; all zero where the caps or the stop distance give none."""
    unit_loss = loss_per_unit(entry, stop, costs)
    if caps.usual is None or caps.loss <= 0 or entry <= 0 or unit_loss <= 0:
        return Sizes(half=Quantity(ZERO), full=Quantity(ZERO), largest=Quantity(ZERO))

    def passes(quantity: Decimal) -> bool:
        return (
            (most is None or quantity <= most)
            and loss_at_stop(quantity, entry, stop, costs) <= caps.loss
            and quantity * entry <= caps.value
            and funds_needed(quantity, entry, costs) <= caps.funds
            and (caps.margin is None or quantity * unit_margin <= caps.margin)
        )

    most = instrument.max_quantity
    unit_margin = funds_needed(Decimal(1), entry, costs) + unit_loss
    bounds = (
        caps.loss / unit_loss,
        max(caps.value, ZERO) / entry,
        max(caps.funds, ZERO) / (entry * (1 + costs.fee)),
        *(() if caps.margin is None else (max(caps.margin, ZERO) / unit_margin,)),
        *(() if most is None else (most,)),
    )
    # The division rounds at 28 digits, so the neighbours on the grid decide by the rule itself.
    near = truncate_to(min(bounds), instrument.step)
    neighbours = (near + instrument.step, near, near - instrument.step)
    largest = next((size for size in neighbours if size > 0 and passes(size)), ZERO)
    full = min(truncate_to(caps.usual, instrument.step), largest)
    half = truncate_to(full / 2, instrument.step)
    return Sizes(half=Quantity(half), full=Quantity(full), largest=Quantity(largest))
