"""A venue's own book as the verification sees it, read beside the venue's own code: what it checks must not check itself."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from services.domain.errors import Unavailable
from services.domain.orders import OrderSide
from services.domain.ports import Clock
from services.domain.states import LIVE_ORDER_STATES, OrderState

PAPER = "paper"
BUSY_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class BookOrder:
    """An order as the venue keeps it, in whatever state; ``adds`` tells whether it may add exposure."""

    account: str
    venue_id: str
    client_id: str | None
    symbol: str
    side: OrderSide
    quantity: Decimal
    filled: Decimal
    adds: bool
    state: OrderState
    accepted_at: datetime
    updated_at: datetime

    @property
    def live(self) -> bool:
        """Tell whether the order still works."""
        return self.state in LIVE_ORDER_STATES


@dataclass(frozen=True, slots=True, kw_only=True)
class BookFill:
    """An execution as the venue keeps it."""

    account: str
    venue_fill_id: str
    client_id: str | None
    symbol: str
    side: OrderSide
    quantity: Decimal
    price: Decimal
    fee: Decimal
    fee_currency: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueBook:
    """Everything one venue says of its accounts at ``read_at``; positions by account and symbol, flat ones left out."""

    venue: str
    read_at: datetime
    orders: tuple[BookOrder, ...]
    fills: tuple[BookFill, ...]
    positions: dict[tuple[str, str], Decimal]


def read_paper_book(file: Path, clock: Clock) -> VenueBook | None:
    """Read the paper venue's file as of one moment, without a lock on it; None when there is none.

    Raise Unavailable when it is there but cannot be read.
    """
    if not file.exists():
        return None
    try:
        with closing(sqlite3.connect(file, timeout=BUSY_S, isolation_level=None)) as connection:
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA query_only = ON")
            connection.execute("BEGIN")
            read_at = clock.now()
            return VenueBook(
                venue=PAPER,
                read_at=read_at,
                orders=tuple(_order(row) for row in connection.execute("SELECT * FROM orders ORDER BY sequence")),
                fills=tuple(_fill(row) for row in connection.execute("SELECT * FROM fills ORDER BY sequence")),
                positions={
                    (row["account"], row["symbol"]): Decimal(row["quantity"])
                    for row in connection.execute("SELECT account, symbol, quantity FROM positions")
                    if Decimal(row["quantity"])
                },
            )
    except sqlite3.Error as error:
        raise Unavailable("PAPER_STORE", file=file.name, reason=str(error)) from error


def _order(row: sqlite3.Row) -> BookOrder:
    return BookOrder(
        account=row["account"],
        venue_id=f"o-{row['sequence']}",
        client_id=row["client_id"],
        symbol=row["symbol"],
        side=OrderSide(row["side"]),
        # What a list's targets executed is taken off its stop.
        quantity=Decimal(row["quantity"]) - Decimal(row["taken_off"]),
        filled=Decimal(row["filled"]),
        adds=not row["reduce_only"],
        state=OrderState(row["state"]),
        accepted_at=datetime.fromisoformat(row["accepted_at"]),
        updated_at=datetime.fromisoformat(row["updated_at"]),
    )


def _fill(row: sqlite3.Row) -> BookFill:
    return BookFill(
        account=row["account"],
        venue_fill_id=f"p-{row['sequence']}",
        client_id=row["client_id"],
        symbol=row["symbol"],
        side=OrderSide(row["side"]),
        quantity=Decimal(row["quantity"]),
        price=Decimal(row["price"]),
        fee=Decimal(row["fee"]),
        fee_currency=row["fee_currency"],
        at=datetime.fromisoformat(row["at"]),
    )
