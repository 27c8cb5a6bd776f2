"""Numbers that people type, and single facts of the desk."""

from __future__ import annotations

from sqlalchemy import bindparam, select, update

from services.storage.database import Unit
from services.storage.statements import insert_once, upsert
from services.storage.tables import counters, facts

_FACT = select(facts.c.value).where(facts.c.name == bindparam("fact"))
_NEXT = (
    update(counters)
    .where(counters.c.name == bindparam("series"))
    .values(value=counters.c.value + 1)
    .returning(counters.c.value)
)


def next_number(unit: Unit, name: str) -> int:
    """Return the next number of a series, starting at one."""
    following = unit.first(_NEXT, series=name)
    if following is None:
        insert_once(unit, counters, {"name": name, "value": 0})
        following = unit.first(_NEXT, series=name)
    return int(following.value)


def get_fact(unit: Unit, name: str) -> str | None:
    """Return a single stored fact, or None."""
    row = unit.first(_FACT, fact=name)
    return row.value if row else None


def set_fact(unit: Unit, name: str, value: str) -> None:
    """Store a single fact."""
    upsert(unit, facts, {"name": name}, {"value": value})
