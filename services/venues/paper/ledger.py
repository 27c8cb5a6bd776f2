"""Money: how a fill moves position and cash, what equity is, and what of it is free."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import ROUND_HALF_EVEN, ROUND_UP, Decimal

from config.groups import PaperSettings
from services.domain.market import Quote
from services.domain.money import ZERO
from services.domain.orders import OrderSide
from services.venues.paper.book import Draft, PaperOrder, PaperPosition

BPS = Decimal(10_000)
DAY_US = Decimal(86_400_000_000)
FEE_GRID = Decimal("1e-8")
SHARE_GRID = Decimal("1e-12")

FreshQuote = Callable[[str], Quote]
"""Returns a quote that is young enough, or raises Unavailable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Booking:
    """A position after a fill, with the cash it realised before fees and the borrow cost that falls due."""

    position: PaperPosition
    realized: Decimal
    borrow: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Funds:
    """An account's equity and the part that may be put at risk."""

    equity: Decimal
    free: Decimal


def book_quantity(
    position: PaperPosition, side: OrderSide, quantity: Decimal, price: Decimal, settings: PaperSettings, now: datetime
) -> Booking:
    """Apply an execution to a position: what opposes it closes at average entry, the rest opens."""
    position = accrue(position, settings, now)
    closing = min(quantity, position.reducible(side))
    size = abs(position.quantity)
    basis = _share(position.cost, closing, size)
    borrow = _share(position.borrow, closing, size)
    realized = (basis - price * closing) * side.sign
    cost = position.cost - basis + price * (quantity - closing)
    after = replace(
        position, quantity=position.quantity + quantity * side.sign, cost=cost, borrow=position.borrow - borrow, since=now
    )
    return Booking(position=after, realized=realized, borrow=borrow)


def accrue(position: PaperPosition, settings: PaperSettings, now: datetime) -> PaperPosition:
    """Add the borrow cost of a short since it was last added."""
    if position.quantity >= 0 or now <= position.since:
        return position
    held = now - position.since
    microseconds = Decimal(held.days * 86_400_000_000 + held.seconds * 1_000_000 + held.microseconds)
    cost = position.cost * settings.borrow_bps_per_day / BPS * microseconds / DAY_US
    return replace(position, borrow=position.borrow + cost.quantize(SHARE_GRID, ROUND_HALF_EVEN), since=now)


def fee_of(notional: Decimal, bps: Decimal) -> Decimal:
    """Return the fee of an execution in the quote currency, rounded up to eight decimals."""
    return (notional * bps / BPS).quantize(FEE_GRID, ROUND_UP)


def measure_funds(
    draft: Draft,
    account: str,
    fresh: FreshQuote,
    settings: PaperSettings,
    now: datetime,
    *,
    leaving_out: PaperOrder | None = None,
) -> Funds:
    """Value an account; raise Unavailable when a held instrument has no fresh quote.

    ``leaving_out`` is an order whose own reservation does not count against it.
    """
    equity = draft.account(account).cash
    used = ZERO
    for position in draft.held(account):
        mid = fresh(position.symbol).mid
        value = position.quantity * mid
        cost = position.cost if position.quantity > 0 else -position.cost
        equity += value - cost - accrue(position, settings, now).borrow
        used += abs(value)
    for order in draft.live_of_account(account):
        if leaving_out is None or order.sequence != leaving_out.sequence:
            used += reservation(draft, order, settings, now)
    return Funds(equity=equity, free=max(ZERO, equity - used))


def reservation(draft: Draft, order: PaperOrder, settings: PaperSettings, now: datetime) -> Decimal:
    """Return the funds that a working order may still need for what it would open, with its fee."""
    if order.request.reduce_only:
        return ZERO
    position = draft.position(order.account, order.request.symbol, now)
    opening = max(ZERO, order.remaining - position.reducible(order.request.side))
    return opening * with_fee(order.reserve_price, settings)


def with_fee(price: Decimal, settings: PaperSettings) -> Decimal:
    """Return what one unit costs at a price with the higher of the two fees."""
    return price * (1 + max(settings.taker_bps, settings.maker_bps) / BPS)


def _share(amount: Decimal, part: Decimal, whole: Decimal) -> Decimal:
    if part == whole:
        return amount
    return (amount * part / whole).quantize(SHARE_GRID, ROUND_HALF_EVEN)
