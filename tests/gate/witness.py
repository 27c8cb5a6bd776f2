"""Stands between a desk and its venue and asks the books, by itself, whether the gate allowed what is about to be written."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

from services.domain.orders import CLIENT_ID_BASE, OrderRequest, VenueOrder
from services.domain.ports import Venue

_WRITE = (
    "SELECT i.terminal_id, i.symbol, i.orders, i.collar, t.id AS trade, t.side, t.quantity, t.initial_stop,"
    " t.mission_id, t.person_id FROM instructions i LEFT JOIN trades t ON t.id = i.trade_id WHERE i.id = ?"
)
_ALLOWED = "SELECT context, mission_id, person_id, terminal_id FROM verdicts WHERE trade_id = ? AND allowed"
_OPENS = {"long": "buy", "short": "sell"}


class GateWitness:
    """Passes everything on; ``faults`` names each write that no stored verdict stands behind."""

    def __init__(self, venue: Venue, database: Path, faults: list[str]) -> None:
        self._venue = venue
        self._database = database
        self._faults = faults

    def __getattr__(self, name: str) -> Any:
        return getattr(self._venue, name)

    async def place(self, account: str, order: OrderRequest) -> VenueOrder:
        self._look(account, [order])
        return await self._venue.place(account, order)

    async def place_list(self, account: str, orders: Sequence[OrderRequest]) -> Sequence[VenueOrder]:
        self._look(account, orders)
        return await self._venue.place_list(account, orders)

    async def replace_list(self, account: str, cancels: Sequence[str], orders: Sequence[OrderRequest]) -> Sequence[VenueOrder]:
        self._look(account, orders)
        return await self._venue.replace_list(account, cancels, orders)

    def _look(self, account: str, orders: Sequence[OrderRequest]) -> None:
        with closing(sqlite3.connect(self._database)) as connection:
            for order in orders:
                fault = fault_of(connection, order.client_id) or _differs(connection, account, order)
                if fault is not None:
                    self._faults.append(f"{order.client_id}: {fault}")


def witnessed(database_url: str, faults: list[str]) -> Callable[[Venue], Venue]:
    """Return what puts a witness before a venue, where the books are a file that it can open by itself."""
    scheme, _, file = database_url.partition(":///")

    def wrap(venue: Venue) -> Venue:
        return GateWitness(venue, Path(file), faults) if scheme == "sqlite" else venue  # type: ignore[return-value]

    return wrap


def fault_of(connection: sqlite3.Connection, client_id: str) -> str | None:
    """Return why an order that is being written should not be, by what is committed; None when all is well."""
    row = _row(connection, client_id)
    if row is None:
        return "no instruction of the desk"
    order = next((each for each in json.loads(row["orders"]) if each["client_id"] == client_id), None)
    if order is None:
        return "its instruction has no such order"
    if not _opens(row, order):
        return None
    if row["trade"] is None:
        return "it belongs to no trade, and may add"
    allowing = connection.execute(_ALLOWED, (row["trade"],)).fetchall()
    if not allowing:
        return "it adds, and the gate allowed nothing"
    return None if any(_covers(*each, row, order) for each in allowing) else "it adds, and the gate allowed other terms"


def _row(connection: sqlite3.Connection, client_id: str) -> sqlite3.Row | None:
    connection.row_factory = sqlite3.Row
    found: sqlite3.Row | None = connection.execute(_WRITE, (client_id[:CLIENT_ID_BASE],)).fetchone()
    connection.row_factory = None
    return found


def _opens(row: sqlite3.Row, order: dict[str, Any]) -> bool:
    if row["trade"] is None:
        return not order["reduce_only"]
    return order["role"] == "entry" or order["side"] == _OPENS[row["side"]]


def _covers(context: str, mission: str, person: int, terminal: str, row: sqlite3.Row, order: dict[str, Any]) -> bool:
    """Tell whether a verdict is about these very terms; of the size an order may be a part."""
    try:
        return _same_terms(json.loads(context), (mission, person, terminal), row, order)
    except (ArithmeticError, KeyError):
        return False


def _same_terms(kept: dict[str, Any], subject: tuple[str, int, str], row: sqlite3.Row, order: dict[str, Any]) -> bool:
    plan, worst = kept["plan"], Decimal(kept["plan"]["worst_price"])
    sign = 1 if plan["side"] == "long" else -1
    prices = [Decimal(each) for each in (row["collar"], order["price"]) if each is not None]
    return (
        subject == (row["mission_id"], row["person_id"], row["terminal_id"])
        and (kept["market"]["instrument"]["symbol"], plan["side"]) == (row["symbol"], row["side"])
        and (order["symbol"], order["side"]) == (row["symbol"], _OPENS[plan["side"]])
        and Decimal(order["quantity"]) <= Decimal(plan["quantity"]) == Decimal(row["quantity"])
        and Decimal(plan["stop"]) == Decimal(row["initial_stop"])
        and row["collar"] is not None
        and all((price - worst) * sign <= 0 for price in prices)
    )


def _differs(connection: sqlite3.Connection, account: str, order: OrderRequest) -> str | None:
    """Tell whether what is written is not to the letter what was committed."""
    row = _row(connection, order.client_id)
    assert row is not None
    kept = next(each for each in json.loads(row["orders"]) if each["client_id"] == order.client_id)
    amounts = {name: None if kept[name] is None else Decimal(kept[name]) for name in ("quantity", "price", "stop_price")}
    names = {name: kept[name] for name in ("symbol", "side", "type", "role", "time_in_force", "reduce_only")}
    for name, value in {**amounts, **names}.items():
        if getattr(order, name) != value:
            return f"{name} {getattr(order, name)} is written, {value} was committed"
    return None if account == row["terminal_id"] else f"written to {account}, committed for {row['terminal_id']}"
