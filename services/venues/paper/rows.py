"""Accounts, positions, orders and fills as rows of the store; amounts are canonical text, times ISO 8601 in UTC."""

from __future__ import annotations

import sqlite3
from datetime import datetime
from decimal import Decimal

from services.domain.money import Price, Quantity, canonical
from services.domain.orders import OrderRequest, OrderRole, OrderSide, OrderType, TimeInForce
from services.domain.states import OrderState
from services.venues.paper.book import PaperAccount, PaperFill, PaperOrder, PaperPosition

Row = dict[str, str | int | None]


def dump_account(account: PaperAccount) -> Row:
    """Write an account as a row."""
    return {"name": account.name, "currency": account.currency, "cash": canonical(account.cash)}


def load_account(row: sqlite3.Row) -> PaperAccount:
    """Read an account from its row."""
    return PaperAccount(name=row["name"], currency=row["currency"], cash=Decimal(row["cash"]))


def dump_position(position: PaperPosition) -> Row:
    """Write a position as a row."""
    return {
        "account": position.account,
        "symbol": position.symbol,
        "quantity": canonical(position.quantity),
        "cost": canonical(position.cost),
        "borrow": canonical(position.borrow),
        "since": position.since.isoformat(),
    }


def load_position(row: sqlite3.Row) -> PaperPosition:
    """Read a position from its row."""
    return PaperPosition(
        account=row["account"],
        symbol=row["symbol"],
        quantity=Decimal(row["quantity"]),
        cost=Decimal(row["cost"]),
        borrow=Decimal(row["borrow"]),
        since=datetime.fromisoformat(row["since"]),
    )


def dump_order(order: PaperOrder) -> Row:
    """Write an order as a row."""
    request = order.request
    return {
        "sequence": order.sequence,
        "account": order.account,
        "client_id": request.client_id,
        "symbol": request.symbol,
        "side": request.side.value,
        "type": request.type.value,
        "role": request.role.value,
        "quantity": canonical(request.quantity),
        "price": _optional(request.price),
        "stop_price": _optional(request.stop_price),
        "time_in_force": request.time_in_force.value,
        "reduce_only": int(request.reduce_only),
        "state": order.state.value,
        "filled": canonical(order.filled),
        "taken_off": canonical(order.taken_off),
        "reserve_price": canonical(order.reserve_price),
        "list_id": order.list_id,
        "triggered": int(order.triggered),
        "rested": int(order.rested),
        "reason": order.reason,
        "accepted_at": order.accepted_at.isoformat(),
        "due_at": order.due_at.isoformat(),
        "updated_at": order.updated_at.isoformat(),
    }


def load_order(row: sqlite3.Row) -> PaperOrder:
    """Read an order from its row."""
    return PaperOrder(
        sequence=row["sequence"],
        account=row["account"],
        request=_load_request(row),
        state=OrderState(row["state"]),
        filled=Decimal(row["filled"]),
        taken_off=Decimal(row["taken_off"]),
        reserve_price=Decimal(row["reserve_price"]),
        list_id=row["list_id"],
        triggered=bool(row["triggered"]),
        rested=bool(row["rested"]),
        reason=row["reason"],
        accepted_at=datetime.fromisoformat(row["accepted_at"]),
        due_at=datetime.fromisoformat(row["due_at"]),
        updated_at=datetime.fromisoformat(row["updated_at"]),
    )


def _load_request(row: sqlite3.Row) -> OrderRequest:
    return OrderRequest(
        client_id=row["client_id"],
        symbol=row["symbol"],
        side=OrderSide(row["side"]),
        type=OrderType(row["type"]),
        role=OrderRole(row["role"]),
        quantity=Quantity(Decimal(row["quantity"])),
        price=_price(row["price"]),
        stop_price=_price(row["stop_price"]),
        time_in_force=TimeInForce(row["time_in_force"]),
        reduce_only=bool(row["reduce_only"]),
    )


def dump_fill(fill: PaperFill) -> Row:
    """Write a fill as a row."""
    return {
        "sequence": fill.sequence,
        "account": fill.account,
        "order_sequence": fill.order_sequence,
        "client_id": fill.client_id,
        "symbol": fill.symbol,
        "side": fill.side.value,
        "quantity": canonical(fill.quantity),
        "price": canonical(fill.price),
        "fee": canonical(fill.fee),
        "fee_currency": fill.fee_currency,
        "at": fill.at.isoformat(),
        "maker": None if fill.maker is None else int(fill.maker),
    }


def load_fill(row: sqlite3.Row) -> PaperFill:
    """Read a fill from its row."""
    return PaperFill(
        sequence=row["sequence"],
        account=row["account"],
        order_sequence=row["order_sequence"],
        client_id=row["client_id"],
        symbol=row["symbol"],
        side=OrderSide(row["side"]),
        quantity=Decimal(row["quantity"]),
        price=Decimal(row["price"]),
        fee=Decimal(row["fee"]),
        fee_currency=row["fee_currency"],
        at=datetime.fromisoformat(row["at"]),
        maker=None if row["maker"] is None else bool(row["maker"]),
    )


def dump_silence(account: str, ends_at: datetime | None) -> Row:
    """Write when an account's silence ends its entries as a row."""
    return {"account": account, "ends_at": ends_at.isoformat() if ends_at is not None else None}


def _optional(value: Decimal | None) -> str | None:
    return None if value is None else canonical(value)


def _price(text: str | None) -> Price | None:
    return None if text is None else Price(Decimal(text))
