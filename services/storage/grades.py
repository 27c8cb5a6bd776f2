"""Grades as the settings gave them at the last start, and what a person's is."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from sqlalchemy import bindparam, delete, select

from services.domain.grades import DEFAULT_GRADE, FireMode, Grade, unknown_grade
from services.domain.money import canonical
from services.storage.database import Unit
from services.storage.statements import upsert
from services.storage.tables import grades, people

_NAMED = select(grades.c.terms).where(grades.c.name == bindparam("grade"))
_ALL = select(grades).order_by(grades.c.name)
_OF = select(people.c.grade).where(people.c.id == bindparam("person"))


def find(unit: Unit, name: str) -> Grade:
    """Return a grade; one that the settings do not have lets nothing in, but for the default one, which changes nothing."""
    row = unit.first(_NAMED, grade=name)
    if row is not None:
        return _load(name, row.terms)
    return Grade(name=name) if name == DEFAULT_GRADE else unknown_grade(name)


def of_person(unit: Unit, person_id: int) -> Grade:
    """Return the grade of a person as it stands in this unit; somebody unknown has the default one, and no role."""
    row = unit.first(_OF, person=person_id)
    return find(unit, row.grade if row is not None else DEFAULT_GRADE)


def names(unit: Unit) -> list[str]:
    """Return the names of the grades that can be given, in alphabetical order."""
    return sorted({DEFAULT_GRADE, *(row.name for row in unit.all(_ALL))})


def replace_all(unit: Unit, found: Mapping[str, Grade]) -> bool:
    """Store the grades of the settings, and none besides; tell whether anything changed."""
    before = {row.name: row.terms for row in unit.all(_ALL)}
    after = {name: _dump(grade) for name, grade in found.items()}
    if before == after:
        return False
    unit.run(delete(grades).where(grades.c.name.not_in(list(after))))
    for name, terms in after.items():
        upsert(unit, grades, {"name": name}, {"terms": terms})
    return True


def _dump(grade: Grade) -> dict[str, Any]:
    return {
        "without": list(grade.without),
        "terminals": list(grade.terminals),
        "per_trade": canonical(grade.per_trade) if grade.per_trade is not None else None,
        "max_notional": canonical(grade.max_notional) if grade.max_notional is not None else None,
        "slots": grade.slots,
        "shots": grade.shots,
        "modes": [mode.value for mode in grade.modes],
        "approves": grade.approves,
    }


def _load(name: str, terms: Mapping[str, Any]) -> Grade:
    per_trade, max_notional = terms["per_trade"], terms["max_notional"]
    return Grade(
        name=name,
        without=tuple(terms["without"]),
        terminals=tuple(terms["terminals"]),
        per_trade=Decimal(per_trade) if per_trade is not None else None,
        max_notional=Decimal(max_notional) if max_notional is not None else None,
        slots=terms["slots"],
        shots=terms["shots"],
        modes=tuple(FireMode(mode) for mode in terms["modes"]),
        approves=terms["approves"],
    )
