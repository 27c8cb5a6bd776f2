"""Order lists through ccxt's implicit calls: one target and one stop, of which either ends the other (OCO)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from services.domain.errors import VenueRejected
from services.domain.money import canonical
from services.domain.orders import OrderRequest, OrderSide, OrderType, TimeInForce

if TYPE_CHECKING:
    from ccxt.async_support.base.exchange import Exchange


def split_list(orders: Sequence[OrderRequest]) -> tuple[OrderRequest, OrderRequest]:
    """Return target and stop of a list; raise VenueRejected unless it is one of each, of the same size and side."""
    targets = [order for order in orders if order.type is OrderType.LIMIT and order.time_in_force is TimeInForce.GTC]
    stops = [order for order in orders if order.type is OrderType.STOP]
    if len(orders) != 2 or len(targets) != 1 or len(stops) != 1:
        raise VenueRejected("LIST_SHAPE", reason="a list is one target and one stop", orders=len(orders))
    target, stop = targets[0], stops[0]
    if (target.symbol, target.side, target.quantity) != (stop.symbol, stop.side, stop.quantity):
        raise VenueRejected("LIST_SHAPE", reason="target and stop have one symbol, side and size", quantity=target.quantity)
    if target.price is None or stop.stop_price is None or (target.price - stop.stop_price) * stop.side.sign >= 0:
        raise VenueRejected("LIST_SHAPE", reason="a target must lie beyond the stop", price=target.price)
    if target.client_id == stop.client_id:
        raise VenueRejected("DUPLICATE_CLIENT_ID", client_id=stop.client_id)
    return target, stop


async def place_oco(
    exchange: Exchange, target: OrderRequest, stop: OrderRequest, stop_limit: Decimal | None
) -> Mapping[str, Any]:
    """Put both legs with one request; ``stop_limit`` is set where the symbol has no stop that sells at market.

    Source: developers.binance.com, "New Order list - OCO": of a sale the target is the leg above the market.
    """
    target_leg = {"Type": "LIMIT_MAKER", "ClientOrderId": target.client_id, "Price": canonical(target.price or Decimal(0))}
    stop_leg = {"Type": "STOP_LOSS", "ClientOrderId": stop.client_id, "StopPrice": canonical(stop.stop_price or Decimal(0))}
    if stop_limit is not None:
        stop_leg |= {"Type": "STOP_LOSS_LIMIT", "Price": canonical(stop_limit), "TimeInForce": "GTC"}
    above, below = (target_leg, stop_leg) if stop.side is OrderSide.SELL else (stop_leg, target_leg)
    request: dict[str, object] = {
        "symbol": exchange.market(stop.symbol)["id"],
        "side": stop.side.value.upper(),
        "quantity": canonical(stop.quantity),
        "listClientOrderId": f"{stop.client_id}L",
        "newOrderRespType": "RESULT",
    }
    request |= {f"above{name}": value for name, value in above.items()} | {
        f"below{name}": value for name, value in below.items()
    }
    told: Mapping[str, Any] = await exchange.private_post_orderlist_oco(request)
    return told


def legs(exchange: Exchange, told: Any, symbol: str) -> list[Mapping[str, Any]]:
    """Return the orders of a list as ccxt reads them, from a reply that reports each, or nothing."""
    reports = told.get("orderReports") if isinstance(told, dict) else None
    if not isinstance(reports, list):
        return []
    return [{**exchange.parse_order(report, exchange.market(symbol)), "clientOrderId": _name(report)} for report in reports]


def _name(report: Mapping[str, Any]) -> str:
    """Return an order's client id: a report of a cancel names the cancel's own beside it."""
    return str(report.get("origClientOrderId") or report.get("clientOrderId") or "")
