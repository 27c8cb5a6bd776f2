"""What the venue refuses at once, with its codes.

``UNKNOWN_ACCOUNT``, ``UNKNOWN_SYMBOL``, ``CURRENCY`` (quoted in another currency than the account's), ``BAD_CLIENT_ID``,
``DUPLICATE_CLIENT_ID``, ``BAD_ORDER`` (a price is missing or out of place), ``PRICE_FILTER``, ``LOT_SIZE``, ``MIN_NOTIONAL``
(not asked of reduce-only orders, so that a rest can always be sold), ``REDUCE_ONLY``, ``NO_SHORT``, ``NO_QUOTE``,
``INSUFFICIENT_BALANCE``, ``POST_ONLY`` (it would trade at once), ``LIST_SHAPE``, ``UNKNOWN_ORDER``, ``ORDER_FINAL``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from config.groups import PaperSettings
from services.domain.errors import Unavailable, VenueRejected
from services.domain.market import Instrument
from services.domain.money import ZERO, on_grid
from services.domain.orders import OrderRequest, OrderSide, OrderType, TimeInForce
from services.venues.paper.book import Draft
from services.venues.paper.ledger import FreshQuote, measure_funds, with_fee

_CLIENT_ID = re.compile(r"[0-9A-Za-z]{1,18}")


def check_form(order: OrderRequest, instrument: Instrument) -> None:
    """Raise VenueRejected unless identity, type, prices and quantity are in order for the instrument's grid."""
    if not _CLIENT_ID.fullmatch(order.client_id):
        raise VenueRejected("BAD_CLIENT_ID", client_id=order.client_id, limit="18 letters and digits")
    _check_prices(order, instrument.tick)
    quantity = order.quantity
    if not quantity.is_finite() or quantity < max(instrument.min_quantity, instrument.step):
        raise VenueRejected("LOT_SIZE", quantity=quantity, limit=max(instrument.min_quantity, instrument.step))
    if instrument.max_quantity is not None and quantity > instrument.max_quantity:
        raise VenueRejected("LOT_SIZE", quantity=quantity, limit=instrument.max_quantity)
    if not on_grid(quantity, instrument.step):
        raise VenueRejected("LOT_SIZE", quantity=quantity, step=instrument.step)
    if order.type is OrderType.STOP and not order.reduce_only:
        raise VenueRejected("REDUCE_ONLY", client_id=order.client_id, reason="a stop must be reduce-only")


def _check_prices(order: OrderRequest, tick: Decimal) -> None:
    has = (order.price is not None, order.stop_price is not None)
    needs = (order.type is OrderType.LIMIT, order.type is OrderType.STOP)
    if has != needs:
        raise VenueRejected("BAD_ORDER", client_id=order.client_id, type=order.type, reason="wrong set of prices")
    if order.type is OrderType.STOP and order.time_in_force is not TimeInForce.GTC:
        raise VenueRejected("BAD_ORDER", client_id=order.client_id, type=order.type, reason="a stop is good till canceled")
    for price in (order.price, order.stop_price):
        if price is not None and not (price.is_finite() and price > 0 and on_grid(price, tick)):
            raise VenueRejected("PRICE_FILTER", price=price, tick=tick)


def check_reduces(draft: Draft, account: str, order: OrderRequest, now: datetime) -> None:
    """Raise VenueRejected unless a reduce-only order has something to reduce."""
    position = draft.position(account, order.symbol, now)
    if not position.reducible(order.side):
        raise VenueRejected("REDUCE_ONLY", client_id=order.client_id, position=position.quantity)


def check_opens(
    draft: Draft,
    account: str,
    order: OrderRequest,
    instrument: Instrument,
    reserve_price: Decimal,
    fresh: FreshQuote,
    settings: PaperSettings,
    now: datetime,
) -> None:
    """Raise VenueRejected unless an order that may add exposure has the size, the permission and the funds for it."""
    notional = order.quantity * reserve_price
    if notional < instrument.min_notional:
        raise VenueRejected("MIN_NOTIONAL", notional=notional, limit=instrument.min_notional)
    reducible = draft.position(account, order.symbol, now).reducible(order.side)
    opening = max(ZERO, order.quantity - reducible)
    if not opening:
        return
    if order.side is OrderSide.SELL and not settings.can_short:
        raise VenueRejected("NO_SHORT", quantity=order.quantity, limit=reducible)
    try:
        funds = measure_funds(draft, account, fresh, settings, now)
        released = reducible * fresh(order.symbol).mid
    except Unavailable as error:
        raise VenueRejected("NO_QUOTE", **error.values) from error
    needed = opening * with_fee(reserve_price, settings)
    if needed > funds.free + released:
        raise VenueRejected("INSUFFICIENT_BALANCE", needed=needed, limit=funds.free + released)


def check_list(orders: Sequence[OrderRequest]) -> None:
    """Raise VenueRejected unless the orders are one stop with targets beyond it that it covers."""
    stops = [order for order in orders if order.type is OrderType.STOP]
    targets = [order for order in orders if order.type is OrderType.LIMIT and order.time_in_force is TimeInForce.GTC]
    if len(stops) != 1 or len(stops) + len(targets) != len(orders):
        raise VenueRejected("LIST_SHAPE", reason="a list is one stop and resting limits", orders=len(orders))
    stop = stops[0]
    if any((each.symbol, each.side) != (stop.symbol, stop.side) or not each.reduce_only for each in orders):
        raise VenueRejected("LIST_SHAPE", reason="all orders of a list reduce the same position")
    total = sum((each.quantity for each in targets), ZERO)
    if total > stop.quantity:
        raise VenueRejected("LIST_SHAPE", reason="targets exceed the stop", quantity=total, limit=stop.quantity)
    for target in targets:
        if _gap(stop, target) <= 0:
            raise VenueRejected("LIST_SHAPE", reason="a target must lie beyond the stop", price=target.price)
    if len({each.client_id for each in orders}) != len(orders):
        raise VenueRejected("DUPLICATE_CLIENT_ID", client_id=stop.client_id)


def _gap(stop: OrderRequest, target: OrderRequest) -> Decimal:
    """Return how far a target lies on the profitable side of the stop."""
    if stop.stop_price is None or target.price is None:
        return ZERO
    return (stop.stop_price - target.price) * stop.side.sign
