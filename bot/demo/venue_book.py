"""What the paper venue itself holds, read from its own file as an exchange's page lists it: accounts, positions, orders."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from bot.demo.desk_reading import open_read_only
from services.domain.states import LIVE_ORDER_STATES
from services.operations.places import paper_file

MOST_ORDERS = 40
_LIVE = tuple(state.value for state in LIVE_ORDER_STATES)


@dataclass(frozen=True, slots=True, kw_only=True)
class BookPosition:
    """An open position, negative when short; ``cost`` is its entry value in the quote currency."""

    symbol: str
    quantity: Decimal
    cost: Decimal

    @property
    def entry(self) -> Decimal:
        """Return the average entry price."""
        return self.cost / abs(self.quantity)


@dataclass(frozen=True, slots=True, kw_only=True)
class BookOrder:
    """An order as the venue knows it; amounts are canonical text, the time is ISO 8601."""

    id: str
    client_id: str
    symbol: str
    side: str
    type: str
    quantity: str
    filled: str
    price: str | None
    stop_price: str | None
    state: str
    time: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BookAccount:
    """An account with its cash, open positions, and orders: the working ones first, then the newest.

    ``margined``: positions were not paid for from the cash, so equity counts their profit alone.
    """

    name: str
    currency: str
    cash: Decimal
    positions: tuple[BookPosition, ...]
    orders: tuple[BookOrder, ...]
    margined: bool = True


def read_book(state: Path) -> list[BookAccount]:
    """Return the accounts by name; none while the venue has no file yet."""
    try:
        with closing(open_read_only(paper_file(state))) as connection:
            connection.row_factory = sqlite3.Row
            connection.execute("BEGIN")
            rows = connection.execute("SELECT name, currency, cash FROM accounts ORDER BY name").fetchall()
            return [_account(connection, row) for row in rows]
    except sqlite3.OperationalError:
        return []


def _account(connection: sqlite3.Connection, row: sqlite3.Row) -> BookAccount:
    positions = connection.execute(
        "SELECT symbol, quantity, cost FROM positions WHERE account = ? AND quantity <> '0' ORDER BY symbol", (row["name"],)
    )
    live = f"state IN ({', '.join('?' for _ in _LIVE)})"
    orders = connection.execute(
        f"SELECT * FROM orders WHERE account = ? ORDER BY {live} DESC, sequence DESC LIMIT ?",
        (row["name"], *_LIVE, MOST_ORDERS),
    )
    return BookAccount(
        name=row["name"],
        currency=row["currency"],
        cash=Decimal(row["cash"]),
        positions=tuple(
            BookPosition(symbol=each["symbol"], quantity=Decimal(each["quantity"]), cost=Decimal(each["cost"]))
            for each in positions
        ),
        orders=tuple(_order(each) for each in orders),
    )


def _order(row: sqlite3.Row) -> BookOrder:
    return BookOrder(
        id=f"o-{row['sequence']}",
        client_id=row["client_id"],
        symbol=row["symbol"],
        side=row["side"],
        type=row["type"],
        quantity=row["quantity"],
        filled=row["filled"],
        price=row["price"],
        stop_price=row["stop_price"],
        state=row["state"],
        time=row["accepted_at"],
    )
