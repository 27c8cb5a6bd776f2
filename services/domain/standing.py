"""How somebody stands at the desk: role, grade and end, and whether one standing lets more happen than another."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from services.domain.grades import DEFAULT_GRADE, Grade
from services.domain.people import Person, Role

_TILL = " till "


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A role with its grade; ``until`` None is without an end."""

    role: Role
    grade: str = DEFAULT_GRADE
    until: datetime | None = None

    @classmethod
    def of(cls, person: Person | None) -> Standing:
        """Return how somebody stands; a role that is over, or was never given, is a stranger's."""
        if person is None or person.role is Role.STRANGER:
            return cls(role=Role.STRANGER)
        return cls(role=person.role, grade=person.grade, until=person.lease_until)

    @classmethod
    def read(cls, text: str) -> Standing:
        """Read what `write` wrote."""
        said, _, until = text.partition(_TILL)
        role, _, grade = said.partition(" ")
        return cls(role=Role(role), grade=grade, until=datetime.fromisoformat(until) if until else None)

    def write(self) -> str:
        """Write it in words that can be read back: ``commander regular till 2026-11-28T09:00:00+00:00``."""
        return f"{self.role.value} {self.grade}" + (f"{_TILL}{self.until.isoformat()}" if self.until is not None else "")


def adds(before: Standing, after: Standing, grade_before: Grade, grade_after: Grade) -> bool:
    """Tell whether somebody could do anything, or do it longer, that they cannot as they stand."""
    if before.role is Role.STRANGER or after.role > before.role:
        return after.role is not Role.STRANGER
    if after.role is Role.STRANGER:
        return False
    longer = before.until is not None and (after.until is None or after.until > before.until)
    return longer or frees(grade_before, grade_after)


def frees(before: Grade, after: Grade) -> bool:
    """Tell whether a grade lets its people do anything that another one does not; a larger amount is more, none the most."""
    if not before.known or not after.known:
        return after.known
    amounts = (
        (before.per_trade, after.per_trade),
        (before.max_notional, after.max_notional),
        (before.slots, after.slots),
        (before.shots, after.shots),
    )
    return (
        bool(set(before.without) - set(after.without))
        or (bool(before.terminals) and (not after.terminals or not set(after.terminals) <= set(before.terminals)))
        or any(had is not None and (has is None or has > had) for had, has in amounts)
        or not set(after.modes) <= set(before.modes)
        or (after.approves and not before.approves)
    )
