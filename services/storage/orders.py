"""Orders and fills as the desk keeps them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sqlalchemy import bindparam, select, update

from services.domain.money import ZERO, Quantity
from services.domain.orders import Order, OrderRole, OrderSide, OrderType, VenueFill
from services.domain.states import LIVE_ORDER_STATES, ORDER_MOVES, OrderState, move
from services.storage.database import Unit
from services.storage.statements import insert_once
from services.storage.tables import fills, orders

_LIVE = [state.value for state in LIVE_ORDER_STATES]
_ONE = (orders.c.terminal_id == bindparam("terminal"), orders.c.client_id == bindparam("client"))
_FIND = select(orders).where(*_ONE)
_CHANGE = update(orders).where(*_ONE)
_BY_VENUE_ID = select(orders).where(
    orders.c.terminal_id == bindparam("terminal"), orders.c.venue_id == bindparam("venue_order")
)
_FEES_WAITING = (
    select(fills)
    .where(
        fills.c.terminal_id == bindparam("terminal"),
        fills.c.trade_id.is_not(None),
        fills.c.fee_counted.is_(None),
    )
    .order_by(fills.c.time, fills.c.venue_fill_id)
)
_FILLS_OF_TRADE = select(fills).where(fills.c.trade_id == bindparam("trade")).order_by(fills.c.time, fills.c.venue_fill_id)
_UNPRICED = _FILLS_OF_TRADE.where(fills.c.fee_counted.is_(None))
_ONE_FILL = (fills.c.terminal_id == bindparam("terminal"), fills.c.venue_fill_id == bindparam("fill"))
_FIND_FILL = select(fills).where(*_ONE_FILL)
_CHANGE_FILL = update(fills).where(*_ONE_FILL)
_OF_TRADE = select(orders).where(orders.c.trade_id == bindparam("trade")).order_by(orders.c.client_id)
_ALL_LIVE = select(orders).where(orders.c.state.in_(_LIVE)).order_by(orders.c.updated_at)
_LIVE_AT_TERMINAL = _ALL_LIVE.where(orders.c.terminal_id == bindparam("terminal"))
_LIVE_OF_TRADE = _ALL_LIVE.where(orders.c.trade_id == bindparam("trade"))


def _order(row: Any) -> Order:
    return Order(
        client_id=row.client_id,
        venue_id=row.venue_id,
        instruction_id=row.instruction_id,
        trade_id=row.trade_id,
        terminal_id=row.terminal_id,
        symbol=row.symbol,
        role=OrderRole(row.role),
        side=OrderSide(row.side),
        type=OrderType(row.type),
        quantity=row.quantity,
        filled=row.filled,
        price=row.price,
        stop_price=row.stop_price,
        state=OrderState(row.state),
        updated_at=row.updated_at,
    )


def add(unit: Unit, order: Order) -> bool:
    """Store an order, once."""
    return insert_once(
        unit,
        orders,
        {
            "terminal_id": order.terminal_id,
            "client_id": order.client_id,
            "venue_id": order.venue_id,
            "instruction_id": order.instruction_id,
            "trade_id": order.trade_id,
            "symbol": order.symbol,
            "role": order.role.value,
            "side": order.side.value,
            "type": order.type.value,
            "quantity": order.quantity,
            "filled": order.filled,
            "price": order.price,
            "stop_price": order.stop_price,
            "state": order.state.value,
            "updated_at": order.updated_at,
        },
    )


def save(unit: Unit, before: Order, after: Order) -> None:
    """Store what the venue says now; a state changes by a listed move."""
    if after.state is not before.state:
        move(ORDER_MOVES, before.state, after.state)
    _store(unit, after)


def _store(unit: Unit, after: Order) -> None:
    values = {
        "terminal": after.terminal_id,
        "client": after.client_id,
        "venue_id": after.venue_id,
        "quantity": after.quantity,
        "filled": after.filled,
        "price": after.price,
        "stop_price": after.stop_price,
        "state": after.state.value,
        "updated_at": after.updated_at,
    }
    unit.run(_CHANGE, values)


def find(unit: Unit, terminal_id: str, client_id: str) -> Order | None:
    """Return an order by its client id, or None."""
    row = unit.first(_FIND, terminal=terminal_id, client=client_id)
    return _order(row) if row else None


def of_trade(unit: Unit, trade_id: str) -> list[Order]:
    """Return the trade's orders."""
    return [_order(row) for row in unit.all(_OF_TRADE, trade=trade_id)]


def live(unit: Unit, *, terminal_id: str | None = None, trade_id: str | None = None) -> list[Order]:
    """Return orders that still work."""
    if trade_id is not None:
        rows = unit.all(_LIVE_OF_TRADE, trade=trade_id)
    elif terminal_id is not None:
        rows = unit.all(_LIVE_AT_TERMINAL, terminal=terminal_id)
    else:
        rows = unit.all(_ALL_LIVE)
    return [_order(row) for row in rows if terminal_id is None or row.terminal_id == terminal_id]


def repair(unit: Unit, after: Order) -> None:
    """Take over what the venue proved of an order where no listed move leads there; the caller journals it."""
    _store(unit, after)


def named_by_venue(unit: Unit, terminal_id: str, venue_id: str) -> Order | None:
    """Return an order by the venue's own id, or None."""
    row = unit.first(_BY_VENUE_ID, terminal=terminal_id, venue_order=venue_id)
    return _order(row) if row else None


def add_fill(
    unit: Unit, terminal_id: str, fill: VenueFill, trade_id: str | None, *, counted: Decimal | None, rate: str | None
) -> bool:
    """Book a fill by the venue's own id; False when it is booked already.

    ``counted`` is its fee in the quote currency, None while there is no rate; ``rate`` names the quote that gave it.
    """
    return insert_once(
        unit,
        fills,
        {
            "terminal_id": terminal_id,
            "venue_fill_id": fill.venue_fill_id,
            "client_id": fill.client_id,
            "trade_id": trade_id,
            "symbol": fill.symbol,
            "side": fill.side.value,
            "quantity": fill.quantity,
            "price": fill.price,
            "fee": fill.fee,
            "fee_currency": fill.fee_currency,
            "fee_counted": counted,
            "fee_rate": rate,
            "maker": fill.maker,
            "time": fill.time,
            "booked_at": unit.now,
        },
    )


def filled_by_fills(unit: Unit, terminal_id: str, client_id: str) -> Quantity:
    """Return what an order's booked fills add up to, exactly."""
    rows = unit.all(select(fills.c.quantity).where(fills.c.terminal_id == terminal_id, fills.c.client_id == client_id))
    return Quantity(sum((row.quantity for row in rows), ZERO))


def fill_row(unit: Unit, terminal_id: str, fill_id: str) -> Any:
    """Return a fill's row, or None."""
    return unit.first(_FIND_FILL, terminal=terminal_id, fill=fill_id)


def fees_waiting(unit: Unit, terminal_id: str) -> list[Any]:
    """Return the fills of trades whose fee has no rate yet, oldest first."""
    return list(unit.all(_FEES_WAITING, terminal=terminal_id))


def unpriced_fees(unit: Unit, trade_id: str) -> list[Any]:
    """Return the fills of a trade whose fee has no rate yet, oldest first."""
    return list(unit.all(_UNPRICED, trade=trade_id))


def count_fee(unit: Unit, terminal_id: str, fill_id: str, counted: Decimal, rate: str) -> None:
    """Note what a fee comes to in the quote currency, and by which quote."""
    unit.run(_CHANGE_FILL, {"terminal": terminal_id, "fill": fill_id, "fee_counted": counted, "fee_rate": rate})


def give_fill(
    unit: Unit, terminal_id: str, fill_id: str, trade_id: str, taken: Decimal | None, counted: Decimal | None
) -> None:
    """Book somebody else's execution as a trade's: all of it, or the part ``taken``."""
    values = {"trade_id": trade_id, "taken": taken, "fee_counted": counted}
    unit.run(_CHANGE_FILL, {"terminal": terminal_id, "fill": fill_id, **values})


def fills_of_trade(unit: Unit, trade_id: str) -> list[Any]:
    """Return the trade's fill rows, oldest first."""
    return list(unit.all(_FILLS_OF_TRADE, trade=trade_id))


def fills_of_terminal(unit: Unit, terminal_id: str) -> list[Any]:
    """Return the terminal's fill rows, oldest first."""
    return list(unit.all(select(fills).where(fills.c.terminal_id == terminal_id).order_by(fills.c.time)))
