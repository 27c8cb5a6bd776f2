"""What the sandbox's exchange itself holds for an account, as its page lists it and as the invariants compare it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from bot.demo.series import instrument_of
from bot.demo.venue_book import MOST_ORDERS, BookAccount, BookPosition
from bot.demo.venue_book import BookOrder as ListedOrder
from services.domain.money import ZERO, canonical
from services.domain.orders import OrderSide
from services.domain.states import LIVE_ORDER_STATES, OrderState
from services.operations.venue_book import BookFill, BookOrder, VenueBook

_STATES = {
    "NEW": OrderState.ACCEPTED,
    "PENDING_NEW": OrderState.ACCEPTED,
    "PARTIALLY_FILLED": OrderState.PARTIAL,
    "FILLED": OrderState.FILLED,
    "CANCELED": OrderState.CANCELED,
    "PENDING_CANCEL": OrderState.PENDING_CANCEL,
    "EXPIRED": OrderState.EXPIRED,
    "EXPIRED_IN_MATCH": OrderState.EXPIRED,
    "REJECTED": OrderState.EXPIRED,
}
# A list's target is a limit that only rests, its stop sells at market: the page has room for a word.
_TYPES = {"LIMIT_MAKER": "limit", "STOP_LOSS": "stop"}
_LIVE = {state.value for state in LIVE_ORDER_STATES}
# The exchange's stamps are cut to milliseconds: an event lies anywhere within its own.
_STAMP = timedelta(microseconds=999)

Row = Mapping[str, Any]


def listed(truth: Row, currency: str) -> BookAccount:
    """Return the account as the chat page lists it: the working orders first, then the newest."""
    orders = sorted(truth["orders"], key=lambda row: (_state(row).value in _LIVE, row["orderId"]), reverse=True)
    held = _held(truth)
    return BookAccount(
        name=str(truth["name"]),
        currency=currency,
        cash=held.get(currency, ZERO),
        positions=tuple(
            BookPosition(
                symbol=f"{asset}/{currency}", quantity=amount, cost=_cost(truth["trades"], f"{asset}{currency}", amount)
            )
            for asset, amount in sorted(held.items())
            if asset != currency
        ),
        orders=tuple(_listed_order(row) for row in orders[:MOST_ORDERS]),
        margined=False,
    )


def compared(truth: Row, venue: str, currency: str, read_at: datetime) -> VenueBook:
    """Return the account as the invariants compare it with the desk's books."""
    account = str(truth["name"])
    names = {row["orderId"]: str(row["clientOrderId"]) for row in truth["orders"]}
    return VenueBook(
        venue=venue,
        read_at=read_at,
        orders=tuple(_order(account, row) for row in truth["orders"]),
        fills=tuple(_fill(account, row, names) for row in truth["trades"]),
        positions={(account, f"{asset}/{currency}"): amount for asset, amount in _held(truth).items() if asset != currency},
    )


def _held(truth: Row) -> dict[str, Decimal]:
    rows = truth["account"]["balances"]
    totals = {str(row["asset"]): Decimal(row["free"]) + Decimal(row["locked"]) for row in rows}
    return {asset: total for asset, total in totals.items() if total}


def _cost(trades: Sequence[Row], name: str, held: Decimal) -> Decimal:
    """Return what the held amount was bought for, at the mean price of what was bought and not yet sold."""
    quantity = cost = ZERO
    for row in sorted((each for each in trades if each["symbol"] == name), key=lambda each: each["id"]):
        traded, value = Decimal(row["qty"]), Decimal(row["quoteQty"])
        if row["isBuyer"]:
            quantity, cost = quantity + traded, cost + value
        elif quantity:
            cost -= cost * min(traded, quantity) / quantity
            quantity = max(ZERO, quantity - traded)
    return cost / quantity * held if quantity else ZERO


def _state(row: Row) -> OrderState:
    return _STATES[row["status"]]


def _amount(text: str) -> str | None:
    return canonical(Decimal(text)) if Decimal(text) else None


def _time(stamp: int) -> datetime:
    return datetime.fromtimestamp(stamp / 1000, UTC)


def _symbol(name: str) -> str:
    return instrument_of(name, "1", "1").symbol


def _listed_order(row: Row) -> ListedOrder:
    return ListedOrder(
        id=str(row["orderId"]),
        client_id=str(row["clientOrderId"]),
        symbol=_symbol(row["symbol"]),
        side=str(row["side"]).lower(),
        type=_TYPES.get(row["type"], str(row["type"]).lower().replace("_", " ")),
        quantity=canonical(Decimal(row["origQty"])),
        filled=canonical(Decimal(row["executedQty"])),
        price=_amount(row["price"]),
        stop_price=_amount(row["stopPrice"]),
        state=_state(row).value,
        time=_time(row["time"]).isoformat(),
    )


def _order(account: str, row: Row) -> BookOrder:
    side = OrderSide(str(row["side"]).lower())
    return BookOrder(
        account=account,
        venue_id=str(row["orderId"]),
        client_id=str(row["clientOrderId"]),
        symbol=_symbol(row["symbol"]),
        side=side,
        quantity=Decimal(row["origQty"]),
        filled=Decimal(row["executedQty"]),
        adds=side is OrderSide.BUY,
        state=_state(row),
        accepted_at=_time(row["time"]) + _STAMP,
        updated_at=_time(row["updateTime"]) + _STAMP,
    )


def _fill(account: str, row: Row, names: Mapping[int, str]) -> BookFill:
    symbol = _symbol(row["symbol"])
    return BookFill(
        account=account,
        venue_fill_id=f"{symbol}:{row['id']}",
        client_id=names.get(row["orderId"]),
        symbol=symbol,
        side=OrderSide.BUY if row["isBuyer"] else OrderSide.SELL,
        quantity=Decimal(row["qty"]),
        price=Decimal(row["price"]),
        fee=Decimal(row["commission"]),
        fee_currency=str(row["commissionAsset"]),
        at=_time(row["time"]) + _STAMP,
    )
