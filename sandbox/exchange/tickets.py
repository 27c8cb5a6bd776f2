"""Read what an order asks for out of a request's parameters, and refuse what Binance refuses before its filters."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal

from sandbox.exchange.amounts import ZERO
from sandbox.exchange.errors import ApiRefusal, missing_parameter
from sandbox.exchange.orders import OrderType, Side, Ticket, TimeInForce
from sandbox.exchange.query import Query

_LEAST_STRATEGY_TYPE = 1_000_000
_STP_MODES = ("NONE",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """How the parameters of one order of a request are called; those of an order list carry the leg's name in front."""

    type: str = "type"
    side: str = "side"
    quantity: str = "quantity"
    quote_quantity: str = "quoteOrderQty"
    price: str = "price"
    stop_price: str = "stopPrice"
    trailing: str = "trailingDelta"
    time_in_force: str = "timeInForce"
    iceberg: str = "icebergQty"
    client_id: str = "newClientOrderId"
    strategy_id: str = "strategyId"
    strategy_type: str = "strategyType"


SINGLE = Names()

_NEEDS: Mapping[OrderType, Collection[str]] = {
    OrderType.LIMIT: ("time_in_force", "quantity", "price"),
    OrderType.LIMIT_MAKER: ("quantity", "price"),
    OrderType.MARKET: (),
    OrderType.STOP_LOSS: ("quantity", "stop_price"),
    OrderType.STOP_LOSS_LIMIT: ("time_in_force", "quantity", "price", "stop_price"),
    OrderType.TAKE_PROFIT: ("quantity", "stop_price"),
    OrderType.TAKE_PROFIT_LIMIT: ("time_in_force", "quantity", "price", "stop_price"),
}
_CHECKED = ("time_in_force", "quantity", "price", "stop_price", "quote_quantity")


def leg_names(leg: str) -> Names:
    """Name the parameters of one order of a list: `above` gives aboveType, abovePrice and so on."""
    return Names(
        type=f"{leg}Type",
        side=f"{leg}Side",
        quantity=f"{leg}Quantity",
        quote_quantity=f"{leg}QuoteOrderQty",
        price=f"{leg}Price",
        stop_price=f"{leg}StopPrice",
        trailing=f"{leg}TrailingDelta",
        time_in_force=f"{leg}TimeInForce",
        iceberg=f"{leg}IcebergQty",
        client_id=f"{leg}ClientOrderId",
        strategy_id=f"{leg}StrategyId",
        strategy_type=f"{leg}StrategyType",
    )


def read_ticket(
    query: Query,
    symbol: str,
    names: Names = SINGLE,
    *,
    kind: OrderType | None = None,
    side: Side | None = None,
    quantity: Decimal | None = None,
) -> Ticket:
    """Read one order; what is given need not be sent, as where the orders of a list share it. Raises ApiRefusal."""
    kind = kind or order_type(query, names.type)
    if query.text(names.trailing) is not None:
        raise ApiRefusal(-2010, "Trailing stop orders are not supported for this symbol.")
    _check_presence(query, kind, names, shared=quantity is not None)
    sent = quantity if quantity is not None else _amount(query, names.quantity, "quantity")
    ticket = Ticket(
        symbol=symbol,
        side=side or _side(query, names.side),
        type=kind,
        client_id=query.client_id(names.client_id) or "",
        time_in_force=_time_in_force(query, names.time_in_force),
        quantity=sent or ZERO,
        quote_quantity=_amount(query, names.quote_quantity, "quoteOrderQty") or ZERO,
        price=_amount(query, names.price, "price") or ZERO,
        stop_price=_amount(query, names.stop_price, "stopPrice") or ZERO,
        iceberg=query.decimal(names.iceberg) or ZERO,
        strategy_id=query.integer(names.strategy_id),
        strategy_type=_strategy_type(query, names.strategy_type),
    )
    query.choice("selfTradePreventionMode", _STP_MODES, "NONE")
    _check_iceberg(ticket)
    return ticket


def shared_quantity(query: Query, name: str) -> Decimal:
    """Read the quantity that the orders of a list share."""
    amount = _amount(query, name, "quantity")
    if amount is None:
        raise missing_parameter(name)
    return amount


def shared_side(query: Query, name: str) -> Side:
    """Read the side that the orders of a list share."""
    return _side(query, name)


def order_type(query: Query, name: str) -> OrderType:
    """Read the type of an order."""
    text = query.text(name)
    if not text:
        raise missing_parameter(name)
    try:
        return OrderType(text)
    except ValueError as error:
        raise ApiRefusal(-1116, "Invalid orderType.") from error


def _check_presence(query: Query, kind: OrderType, names: Names, *, shared: bool) -> None:
    needs: Collection[str] = _NEEDS[kind]
    for field in _CHECKED:
        name = getattr(names, field)
        sent = query.text(name) is not None
        if field == "quantity" and (shared or kind is OrderType.MARKET):
            continue
        if field in needs and not sent:
            raise missing_parameter(name)
        if sent and field not in needs and not (field == "quote_quantity" and kind is OrderType.MARKET):
            raise ApiRefusal(-1106, f"Parameter '{name}' sent when not required.")
    if kind is OrderType.MARKET and not shared:
        _check_market_amount(query, names)


def _check_market_amount(query: Query, names: Names) -> None:
    quantity, quote = (query.text(name) is not None for name in (names.quantity, names.quote_quantity))
    if not quantity and not quote:
        raise ApiRefusal(-1102, f"Param '{names.quantity}' or '{names.quote_quantity}' must be sent, but both were empty/null!")
    if quantity and quote:
        raise ApiRefusal(-1106, f"Parameter '{names.quote_quantity}' sent when not required.")


def _amount(query: Query, name: str, word: str) -> Decimal | None:
    amount = query.decimal(name)
    if amount == 0:
        raise ApiRefusal(-1013, f"Invalid {word}.")
    return amount


def _side(query: Query, name: str) -> Side:
    text = query.text(name)
    if not text:
        raise missing_parameter(name)
    try:
        return Side(text)
    except ValueError as error:
        raise ApiRefusal(-1117, "Invalid side.") from error


def _time_in_force(query: Query, name: str) -> TimeInForce:
    text = query.text(name)
    try:
        return TimeInForce.GTC if text is None else TimeInForce(text)
    except ValueError as error:
        raise ApiRefusal(-1115, "Invalid timeInForce.") from error


def _strategy_type(query: Query, name: str) -> int | None:
    number = query.integer(name)
    if number is not None and number < _LEAST_STRATEGY_TYPE:
        raise ApiRefusal(-1134, f"strategyType was less than {_LEAST_STRATEGY_TYPE}.")
    return number


def _check_iceberg(ticket: Ticket) -> None:
    if not ticket.iceberg:
        return
    if ticket.type.takes_at_market or ticket.time_in_force is not TimeInForce.GTC:
        raise ApiRefusal(-2010, "Unsupported order combination")
    if ticket.iceberg > ticket.quantity:
        raise ApiRefusal(-2010, "IcebergQty exceeds QTY.")
