"""Orders and fills as the desk keeps them."""

from __future__ import annotations

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
_OF_TRADE = select(orders).where(orders.c.trade_id == bindparam("trade")).order_by(orders.c.client_id)
_ALL_LIVE = select(orders).where(orders.c.state.in_(_LIVE)).order_by(orders.c.updated_at)
_LIVE_AT_TERMINAL = _ALL_LIVE.where(orders.c.terminal_id == bindparam("terminal"))
_LIVE_OF_TRADE = _ALL_LIVE.where(orders.c.trade_id == bindparam("trade"))
_FILLS_OF_TRADE = select(fills).where(fills.c.trade_id == bindparam("trade")).order_by(fills.c.time, fills.c.venue_fill_id)


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


def add_fill(unit: Unit, terminal_id: str, fill: VenueFill, trade_id: str | None) -> bool:
    """Book a fill by the venue's own id; False when it is booked already."""
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
            "maker": fill.maker,
            "time": fill.time,
            "booked_at": unit.now,
        },
    )


def filled_by_fills(unit: Unit, terminal_id: str, client_id: str) -> Quantity:
    """Return what an order's booked fills add up to, exactly."""
    rows = unit.all(select(fills.c.quantity).where(fills.c.terminal_id == terminal_id, fills.c.client_id == client_id))
    return Quantity(sum((row.quantity for row in rows), ZERO))


def fills_of_trade(unit: Unit, trade_id: str) -> list[Any]:
    """Return the trade's fill rows, oldest first."""
    return list(unit.all(_FILLS_OF_TRADE, trade=trade_id))


def fills_of_terminal(unit: Unit, terminal_id: str) -> list[Any]:
    """Return the terminal's fill rows, oldest first."""
    return list(unit.all(select(fills).where(fills.c.terminal_id == terminal_id).order_by(fills.c.time)))
