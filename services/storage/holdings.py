"""What accounts hold that no trade of the desk explains."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import bindparam, delete, select

from services.domain.money import ZERO
from services.storage.database import Unit
from services.storage.statements import insert_once, upsert
from services.storage.tables import facts, fills, holdings, instructions, positions

_OF_TERMINAL = select(holdings).where(holdings.c.terminal_id == bindparam("terminal")).order_by(holdings.c.symbol)
_ONE = (holdings.c.terminal_id == bindparam("terminal"), holdings.c.symbol == bindparam("instrument"))
_FIND = select(holdings).where(*_ONE)
_DROP = delete(holdings).where(*_ONE)
_MARK = "holdings.first:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """A quantity in base units, why it is there, and who said so; nobody when the desk found it."""

    terminal_id: str
    symbol: str
    quantity: Decimal
    reason: str
    by_id: int | None
    at: datetime


def _holding(row: Any) -> Holding:
    return Holding(
        terminal_id=row.terminal_id,
        symbol=row.symbol,
        quantity=row.quantity,
        reason=row.reason,
        by_id=row.by_id,
        at=row.at,
    )


def of_terminal(unit: Unit, terminal_id: str) -> list[Holding]:
    """Return the terminal's holdings by symbol."""
    return [_holding(row) for row in unit.all(_OF_TERMINAL, terminal=terminal_id)]


def quantity(unit: Unit, terminal_id: str, symbol: str) -> Decimal:
    """Return what is held beside the trades."""
    row = unit.first(_FIND, terminal=terminal_id, instrument=symbol)
    return row.quantity if row else ZERO


def change(unit: Unit, terminal_id: str, symbol: str, by: Decimal, reason: str, by_id: int | None) -> Decimal:
    """Add to a holding and return what it is now; one that comes to nothing goes."""
    after = quantity(unit, terminal_id, symbol) + by
    if after == ZERO:
        unit.run(_DROP, {"terminal": terminal_id, "instrument": symbol})
    else:
        values = {"quantity": after, "reason": reason[:256], "by_id": by_id, "at": unit.now}
        upsert(unit, holdings, {"terminal_id": terminal_id, "symbol": symbol}, values)
    return after


def begin(unit: Unit, terminal_id: str) -> bool:
    """Note that a terminal is compared with its venue; tell whether it is for the first time and it never traded."""
    if not insert_once(unit, facts, {"name": f"{_MARK}{terminal_id}", "value": unit.now.isoformat()}):
        return False
    traces = (
        select(fills.c.venue_fill_id).where(fills.c.terminal_id == terminal_id),
        select(positions.c.symbol).where(positions.c.terminal_id == terminal_id),
        select(instructions.c.id).where(instructions.c.terminal_id == terminal_id),
    )
    return all(unit.first(trace.limit(1)) is None for trace in traces)
