"""Apply a symbol's filters to a ticket, in Binance's codes and words."""

from dataclasses import dataclass
from decimal import Decimal

from sandbox.exchange.accounts import Account
from sandbox.exchange.errors import ApiRefusal
from sandbox.exchange.instruments import Instrument
from sandbox.exchange.limits import (
    ASK_RANGE,
    BID_RANGE,
    ICEBERG_PARTS,
    LARGEST_NOTIONAL,
    LARGEST_PRICE,
    LARGEST_QUANTITY,
    MOST_ALGO_ORDERS,
    MOST_OPEN_ORDERS,
)
from sandbox.exchange.orders import OrderType, Side, Ticket


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """What the filters measure against: the last price, and the average of the last minutes."""

    last: Decimal
    average: Decimal


def check_filters(ticket: Ticket, instrument: Instrument, prices: Prices) -> None:
    """Refuse a ticket whose prices, quantity or worth are out of the symbol's limits; raises ApiRefusal (-1013)."""
    for price in (ticket.price, ticket.stop_price):
        if price:
            _check_price(price, instrument)
    if ticket.quantity:
        _check_quantity("LOT_SIZE", ticket.quantity, instrument)
    if ticket.type is OrderType.MARKET and ticket.quantity:
        _check_quantity("MARKET_LOT_SIZE", ticket.quantity, instrument)
    if ticket.iceberg:
        _check_quantity("LOT_SIZE", ticket.iceberg, instrument)
        if -(-ticket.quantity // ticket.iceberg) > ICEBERG_PARTS:
            raise failed("ICEBERG_PARTS")
    if ticket.price:
        _check_distance(ticket.side, ticket.price, prices.average)
    _check_worth(ticket, instrument, prices)


def check_room(account: Account, symbol: str, types: list[OrderType]) -> None:
    """Refuse orders that would be more than an account may have open on a symbol."""
    others = account.open_orders(symbol)
    if len(others) + len(types) > MOST_OPEN_ORDERS:
        raise failed("MAX_NUM_ORDERS")
    stops = sum(kind.waits_for_a_price for kind in types)
    if stops and stops + sum(order.ticket.type.waits_for_a_price for order in others) > MOST_ALGO_ORDERS:
        raise failed("MAX_NUM_ALGO_ORDERS")


def failed(name: str) -> ApiRefusal:
    """Refuse in the name of a filter."""
    return ApiRefusal(-1013, f"Filter failure: {name}")


def _check_price(price: Decimal, instrument: Instrument) -> None:
    tick = Decimal(instrument.tick)
    if not tick <= price <= LARGEST_PRICE or price % tick:
        raise failed("PRICE_FILTER")


def _check_quantity(name: str, quantity: Decimal, instrument: Instrument) -> None:
    step = Decimal(instrument.step)
    if not step <= quantity <= LARGEST_QUANTITY or quantity % step:
        raise failed(name)


def _check_distance(side: Side, price: Decimal, average: Decimal) -> None:
    low, high = BID_RANGE if side is Side.BUY else ASK_RANGE
    if not average * low <= price <= average * high:
        raise failed("PERCENT_PRICE_BY_SIDE")


def _check_worth(ticket: Ticket, instrument: Instrument, prices: Prices) -> None:
    """A market order is weighed at the average price, and has no upper limit."""
    price = ticket.price or ticket.stop_price or prices.average
    worth = ticket.quote_quantity or price * ticket.quantity
    if worth < Decimal(instrument.min_notional):
        raise failed("NOTIONAL")
    if worth > LARGEST_NOTIONAL and not ticket.type.takes_at_market:
        raise failed("NOTIONAL")
