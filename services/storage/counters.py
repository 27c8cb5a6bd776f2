"""Numbers that people type, and single facts of the desk."""

from __future__ import annotations

from sqlalchemy import select, update

from services.storage.database import Unit
from services.storage.statements import insert_once, upsert
from services.storage.tables import counters, facts


def next_number(unit: Unit, name: str) -> int:
    """Return the next number of a series, starting at one."""
    insert_once(unit, counters, {"name": name, "value": 0})
    unit.run(update(counters).where(counters.c.name == name).values(value=counters.c.value + 1))
    return int(unit.first(select(counters.c.value).where(counters.c.name == name)).value)


def get_fact(unit: Unit, name: str) -> str | None:
    """Return a single stored fact, or None."""
    row = unit.first(select(facts.c.value).where(facts.c.name == name))
    return row.value if row else None


def set_fact(unit: Unit, name: str, value: str) -> None:
    """Store a single fact."""
    upsert(unit, facts, {"name": name}, {"value": value})
