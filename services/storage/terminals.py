"""Terminals, their positions and their days."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import bindparam, case, or_, select, update

from services.domain.money import ZERO
from services.domain.trades import Position, Terminal, TerminalMode
from services.storage.database import Unit
from services.storage.statements import insert_once, upsert
from services.storage.tables import day_results, people, positions, terminals

_BY_ID = select(terminals).where(terminals.c.id == bindparam("terminal"))
_USABLE = (
    select(terminals)
    .join(people, people.c.id == bindparam("person"))
    .where(or_(terminals.c.owner_id == people.c.id, terminals.c.owner_id.is_(None)), terminals.c.active)
    .order_by(case((terminals.c.id == people.c.terminal_id, 0), else_=1), terminals.c.rank, terminals.c.name)
)
_OF_PERSON = _USABLE.limit(1)
_CHOOSE = update(people).where(people.c.id == bindparam("person"))
_EVERYTHING = select(terminals).where(terminals.c.active).order_by(terminals.c.name)
_MODES = select(terminals.c.mode).where(terminals.c.active).distinct()
_FILL_SEQUENCE = select(terminals.c.fill_sequence).where(terminals.c.id == bindparam("terminal"))
_CHANGE = update(terminals).where(terminals.c.id == bindparam("terminal"))
_POSITION = select(positions.c.quantity).where(
    positions.c.terminal_id == bindparam("terminal"), positions.c.symbol == bindparam("instrument")
)
_POSITIONS = select(positions).where(positions.c.terminal_id == bindparam("terminal")).order_by(positions.c.symbol)
_DAYS = (
    select(day_results)
    .where(day_results.c.terminal_id == bindparam("terminal"), day_results.c.day >= bindparam("date"))
    .order_by(day_results.c.day)
)
_DAY = select(day_results).where(day_results.c.terminal_id == bindparam("terminal"), day_results.c.day == bindparam("date"))


@dataclass(frozen=True, slots=True, kw_only=True)
class DayResult:
    """A terminal's day in the desk's zone: equity and open profit of its trades at its first reading, money realised.

    Before the first reading ``opening_equity`` is zero.
    """

    opening_equity: Decimal
    realized: Decimal
    carried: Decimal = ZERO


def _terminal(row: Any) -> Terminal:
    return Terminal(
        id=row.id,
        name=row.name,
        venue=row.venue,
        mode=TerminalMode(row.mode),
        owner_id=row.owner_id,
        currency=row.currency,
        can_short=row.can_short,
        active=row.active,
        reconciled_at=row.reconciled_at,
        rank=row.rank,
    )


def find(unit: Unit, terminal_id: str) -> Terminal | None:
    """Return a terminal, or None."""
    row = unit.first(_BY_ID, terminal=terminal_id)
    return _terminal(row) if row else None


def of_person(unit: Unit, person_id: int) -> Terminal | None:
    """Return the terminal that a person trades at unless told otherwise: the chosen one, else that of the lowest rank."""
    row = unit.first(_OF_PERSON, person=person_id)
    return _terminal(row) if row else None


def usable_by(unit: Unit, person_id: int) -> list[Terminal]:
    """Return the active terminals that are the person's or the desk's, the one used by default first."""
    return [_terminal(row) for row in unit.all(_USABLE, person=person_id)]


def choose(unit: Unit, person_id: int, terminal_id: str) -> None:
    """Store which terminal a person trades at by default."""
    unit.run(_CHOOSE, {"person": person_id, "terminal_id": terminal_id})


def everything(unit: Unit) -> list[Terminal]:
    """Return all active terminals by name."""
    return [_terminal(row) for row in unit.all(_EVERYTHING)]


def modes(unit: Unit) -> set[TerminalMode]:
    """Return the modes that active terminals are in."""
    return {TerminalMode(row.mode) for row in unit.all(_MODES)}


def add(unit: Unit, terminal: Terminal) -> bool:
    """Open a terminal, or re-open the one of that id; tell whether it is new."""
    row = {
        "id": terminal.id,
        "name": terminal.name,
        "venue": terminal.venue,
        "mode": terminal.mode.value,
        "owner_id": terminal.owner_id,
        "currency": terminal.currency,
        "can_short": terminal.can_short,
        "active": True,
        "reconciled_at": None,
        "fill_sequence": 0,
        "rank": terminal.rank,
    }
    if insert_once(unit, terminals, row):
        return True
    kept = {"active": True, "name": terminal.name, "owner_id": terminal.owner_id, "rank": terminal.rank}
    unit.run(_CHANGE, {"terminal": terminal.id, **kept, "mode": terminal.mode.value, "can_short": terminal.can_short})
    return False


def close(unit: Unit, terminal_id: str) -> None:
    """Take a terminal out of use; its books stay."""
    unit.run(_CHANGE, {"terminal": terminal_id, "active": False, "reconciled_at": None})


def set_reconciled(unit: Unit, terminal_id: str, at: datetime | None) -> None:
    """Note when a comparison with the venue last passed; None closes the terminal to new exposure."""
    unit.run(_CHANGE, {"terminal": terminal_id, "reconciled_at": at})


def forget_reconciliation(unit: Unit) -> None:
    """Close every terminal to new exposure until its venue was compared again."""
    unit.run(update(terminals).values(reconciled_at=None))


def fill_sequence(unit: Unit, terminal_id: str) -> int:
    """Return up to where the venue's fills are booked."""
    return int(unit.first(_FILL_SEQUENCE, terminal=terminal_id).fill_sequence)


def set_fill_sequence(unit: Unit, terminal_id: str, sequence: int) -> None:
    """Note up to where the venue's fills are booked."""
    unit.run(_CHANGE, {"terminal": terminal_id, "fill_sequence": sequence})


def position(unit: Unit, terminal_id: str, symbol: str) -> Decimal:
    """Return the net quantity held, positive when long."""
    row = unit.first(_POSITION, terminal=terminal_id, instrument=symbol)
    return row.quantity if row else ZERO


def set_position(unit: Unit, terminal_id: str, symbol: str, quantity: Decimal) -> None:
    """Set the net quantity held."""
    upsert(unit, positions, {"terminal_id": terminal_id, "symbol": symbol}, {"quantity": quantity, "updated_at": unit.now})


def positions_of(unit: Unit, terminal_id: str) -> list[Position]:
    """Return the terminal's positions, flat ones included."""
    rows = unit.all(_POSITIONS, terminal=terminal_id)
    return [
        Position(terminal_id=row.terminal_id, symbol=row.symbol, quantity=row.quantity, updated_at=row.updated_at)
        for row in rows
    ]


def day_result(unit: Unit, terminal_id: str, day: str) -> DayResult | None:
    """Return the terminal's result of a day (ISO date in the desk's zone), or None before it was opened."""
    row = unit.first(_DAY, terminal=terminal_id, date=day)
    return DayResult(opening_equity=row.opening_equity, realized=row.realized, carried=row.carried) if row else None


def days_since(unit: Unit, terminal_id: str, day: str) -> list[tuple[str, DayResult]]:
    """Return the terminal's results from a day on (ISO dates in the desk's zone), oldest first."""
    return [
        (row.day, DayResult(opening_equity=row.opening_equity, realized=row.realized, carried=row.carried))
        for row in unit.all(_DAYS, terminal=terminal_id, date=day)
    ]


def open_day(unit: Unit, terminal_id: str, day: str, equity: Decimal, carried: Decimal) -> None:
    """Note the day's first reading, once: the account's equity and the open profit of its trades.

    What was realised before it counts as far as it is a loss: a gain may have been made before the day began.
    """
    row = {"terminal_id": terminal_id, "day": day, "opening_equity": equity, "realized": ZERO, "carried": carried}
    known = day_result(unit, terminal_id, day)
    if known is None:
        insert_once(unit, day_results, row)
    elif known.opening_equity == ZERO:
        _set_day(unit, terminal_id, day, {"opening_equity": equity, "realized": min(known.realized, ZERO), "carried": carried})


def add_to_day(unit: Unit, terminal_id: str, day: str, change: Decimal) -> None:
    """Add money realised to a day, which may not have had its first reading yet."""
    known = day_result(unit, terminal_id, day)
    if known is None:
        row = {"terminal_id": terminal_id, "day": day, "opening_equity": ZERO, "realized": change, "carried": ZERO}
        insert_once(unit, day_results, row)
    else:
        _set_day(unit, terminal_id, day, {"realized": known.realized + change})


def _set_day(unit: Unit, terminal_id: str, day: str, values: dict[str, Decimal]) -> None:
    where = (day_results.c.terminal_id == terminal_id, day_results.c.day == day)
    unit.run(update(day_results).where(*where).values(values))
