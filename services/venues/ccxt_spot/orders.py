"""Between the desk's orders and ccxt's: put on the exchange's grid on the way out, exact on the way back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from services.domain.errors import VenueRejected
from services.domain.market import Instrument
from services.domain.money import ZERO, Price, Quantity, canonical, ceil_to, floor_to, truncate_to
from services.domain.orders import OrderRequest, OrderRole, OrderSide, OrderType, TimeInForce, VenueOrder
from services.domain.states import OrderState
from services.venues.ccxt_client import number

_CLIENT_ID = re.compile(r"[0-9A-Za-z]{1,18}")
_STATES = {
    "closed": OrderState.FILLED,
    "canceled": OrderState.CANCELED,
    "canceling": OrderState.PENDING_CANCEL,
    "expired": OrderState.EXPIRED,
    "rejected": OrderState.EXPIRED,
    # Binance's word for an order of a list that waits for another one, which ccxt passes on.
    "PENDING_NEW": OrderState.ACCEPTED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The arguments of ccxt's ``create_order``, all amounts as text."""

    type: str
    quantity: str
    price: str | None
    params: Mapping[str, object]


def put_on_grid(order: OrderRequest, grid: Instrument) -> OrderRequest:
    """Return the order on the exchange's grid, moved toward less exposure; raise VenueRejected when nothing sensible is left.

    A quantity is cut. A limit never gets worse than asked: down for a buy, up for a sale. A stop that protects triggers
    earlier rather than later, one that enters later rather than earlier.
    """
    if not _CLIENT_ID.fullmatch(order.client_id):
        raise VenueRejected("BAD_CLIENT_ID", client_id=order.client_id, limit="18 letters and digits")
    _require_prices(order)
    quantity = truncate_to(order.quantity, grid.step) if order.quantity.is_finite() else ZERO
    least = max(grid.min_quantity, grid.step)
    if quantity < least:
        raise VenueRejected("LOT_SIZE", quantity=order.quantity, limit=least)
    if grid.max_quantity is not None and quantity > grid.max_quantity:
        raise VenueRejected("LOT_SIZE", quantity=order.quantity, limit=grid.max_quantity)
    price = None if order.price is None else Price(_toward(order.price, grid.tick, up=order.side is OrderSide.SELL))
    stop_price = None
    if order.stop_price is not None:
        enters = order.role is OrderRole.ENTRY
        stop_price = Price(_toward(order.stop_price, grid.tick, up=(order.side is OrderSide.SELL) is not enters))
    # What a stop or a market order is worth, the exchange reckons by prices of its own.
    if price is not None and quantity * price < grid.min_notional:
        raise VenueRejected("MIN_NOTIONAL", notional=quantity * price, limit=grid.min_notional)
    return replace(order, quantity=Quantity(quantity), price=price, stop_price=stop_price)


def _require_prices(order: OrderRequest) -> None:
    has = (order.price is not None, order.stop_price is not None)
    needs = (order.type is OrderType.LIMIT, order.type is OrderType.STOP)
    if has != needs:
        raise VenueRejected("BAD_ORDER", client_id=order.client_id, type=order.type, reason="wrong set of prices")
    if order.type is OrderType.STOP and order.time_in_force is not TimeInForce.GTC:
        raise VenueRejected("BAD_ORDER", client_id=order.client_id, type=order.type, reason="a stop is good till canceled")
    if order.type is OrderType.MARKET and order.time_in_force is TimeInForce.POST:
        raise VenueRejected("BAD_ORDER", client_id=order.client_id, type=order.type, reason="a market order cannot rest")


def _toward(price: Decimal, tick: Decimal, *, up: bool) -> Decimal:
    if not price.is_finite() or price <= 0:
        raise VenueRejected("PRICE_FILTER", price=price, tick=tick)
    moved = ceil_to(price, tick) if up else floor_to(price, tick)
    if moved <= 0:
        raise VenueRejected("PRICE_FILTER", price=price, tick=tick)
    return moved


def beyond(stop_price: Decimal, side: OrderSide, bps: Decimal, grid: Instrument) -> Decimal:
    """Return the limit of a stop that cannot trade at market: ``bps`` worse than its trigger, on the grid."""
    worse = stop_price * (1 + side.sign * bps / 10_000)
    return max(grid.tick, ceil_to(worse, grid.tick) if side is OrderSide.BUY else floor_to(worse, grid.tick))


def to_ccxt(order: OrderRequest, stop_limit: Decimal | None) -> Asked:
    """Return how ccxt is asked for an order; ``stop_limit`` is set where a stop has to carry a limit."""
    params: dict[str, object] = {"clientOrderId": order.client_id}
    price: Decimal | None = order.price
    kind = "limit" if order.type is OrderType.LIMIT else "market"
    if order.type is OrderType.STOP and order.stop_price is not None:
        params["stopLossPrice"] = canonical(order.stop_price)
        price, kind = (stop_limit, "limit") if stop_limit is not None else (None, "market")
    if order.time_in_force is TimeInForce.POST:
        params["postOnly"] = True
    elif order.type is OrderType.LIMIT:
        params["timeInForce"] = order.time_in_force.value.upper()
    return Asked(
        type=kind, quantity=canonical(order.quantity), price=None if price is None else canonical(price), params=params
    )


def from_ccxt(told: Mapping[str, Any], symbol: str, now: datetime, asked: OrderRequest | None = None) -> VenueOrder:
    """Return the order as the exchange tells it; what a bare acknowledgement leaves out is as it was ``asked`` for.

    Raises ValueError or KeyError when the exchange's number, side, quantity or state is missing.
    """
    if not told.get("id"):
        raise ValueError("an order without an id")
    quantity = _positive(told.get("amount")) or (asked.quantity if asked else None)
    if quantity is None:
        raise ValueError("an order without a quantity")
    filled = amount(told.get("filled"))
    trigger = _positive(told.get("triggerPrice") or told.get("stopPrice") or told.get("stopLossPrice"))
    kind = asked.type if asked else _type(str(told.get("type") or ""), trigger)
    price = (asked.price if asked else None) or _positive(told.get("price"))
    stamp = told.get("lastUpdateTimestamp") or told.get("timestamp")
    return VenueOrder(
        client_id=asked.client_id if asked else (told.get("clientOrderId") or None),
        venue_id=str(told["id"]),
        symbol=symbol,
        side=asked.side if asked else OrderSide(told["side"]),
        type=kind,
        quantity=Quantity(quantity),
        filled=Quantity(filled),
        price=Price(price) if price is not None and kind is OrderType.LIMIT else None,
        stop_price=Price(trigger) if trigger is not None else (asked.stop_price if asked else None),
        state=_state(told.get("status"), filled, quantity, acknowledged=asked is not None),
        list_id=_list_id(told.get("info")),
        updated_at=datetime.fromtimestamp(stamp / 1000, UTC) if stamp else now,
    )


def _type(name: str, trigger: Decimal | None) -> OrderType:
    if trigger is not None or "stop" in name or "profit" in name:
        return OrderType.STOP
    return OrderType.MARKET if name == "market" else OrderType.LIMIT


def _state(status: object, filled: Decimal, quantity: Decimal, *, acknowledged: bool) -> OrderState:
    if status == "open" or (status is None and acknowledged):
        return OrderState.PARTIAL if filled else OrderState.ACCEPTED
    if status == "closed" and filled < quantity:
        return OrderState.CANCELED
    state = _STATES.get(str(status))
    if state is None:
        raise ValueError(f"an order of unknown state: {status}")
    return state


def _list_id(info: object) -> str | None:
    found = info.get("orderListId") if isinstance(info, dict) else None
    return str(found) if found not in (None, -1, "-1", "") else None


def amount(value: object) -> Decimal:
    """Return an exact amount from ccxt's text or number; nothing is zero."""
    return ZERO if value is None or value == "" else number(value)


def _positive(value: object) -> Decimal | None:
    found = amount(value)
    return found if found > 0 else None
