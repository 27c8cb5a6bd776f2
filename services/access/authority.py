"""Authority, decided in the use case at the moment it acts, from numeric ids in the database."""

from __future__ import annotations

from services.domain.errors import NotAllowed, NotFound
from services.domain.people import LONGEST_ID, Actor, Person, Role
from services.storage import grades, people
from services.storage.database import Unit


def require(unit: Unit, actor: Actor, at_least: Role, doing: str | None = None) -> Person:
    """Return the acting person; raise NotAllowed when their role, as stored now, is below ``at_least``.

    ``doing`` names the command that this carries out, where a grade may take it away.
    """
    person = people.find(unit, actor.id) if actor.kind == "person" else None
    if person is None or person.role < at_least:
        role = person.role if person else Role.STRANGER
        raise NotAllowed("NO_ROLE" if role is Role.STRANGER else "ROLE", have=role.value, need=at_least.value)
    if doing is not None and not grades.find(unit, person.grade).may(doing):
        raise NotAllowed("GRADE_COMMAND", grade=person.grade, command=f"/{doing}")
    return person


def find_person(unit: Unit, reference: str) -> Person:
    """Return a known person by numeric id or current @username; raise NotFound otherwise."""
    name = reference.strip().removeprefix("@")
    if name.isdecimal() and len(name) <= LONGEST_ID:
        person = people.find(unit, int(name))
    else:
        found = [each for each in people.everyone(unit, Role.STRANGER) if (each.username or "").lower() == name.lower()]
        person = found[0] if len(found) == 1 else None
    if person is None:
        raise NotFound("PERSON", reference=reference)
    return person
