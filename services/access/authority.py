"""Authority, decided in the use case at the moment it acts, from numeric ids in the database."""

from __future__ import annotations

from services.domain.errors import NotAllowed, NotFound
from services.domain.people import LONGEST_ID, Actor, Person, Role
from services.domain.trades import Trade
from services.domain.typed import typed_number
from services.storage import grades, handovers, people, trades
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
    number = typed_number(name, LONGEST_ID)
    if number is not None:
        person = people.find(unit, number)
    else:
        found = [each for each in people.everyone(unit, Role.STRANGER) if (each.username or "").lower() == name.lower()]
        person = found[0] if len(found) == 1 else None
    if person is None:
        raise NotFound("PERSON", reference=reference)
    return person


def find_trade(unit: Unit, actor: Actor, reference: str, doing: str | None = None) -> Trade:
    """Return the actor's trade by id or number, or one that they keep; a commander reaches everyone's.

    ``doing`` is as for `require`. Raise NotFound or NotAllowed.
    """
    person = require(unit, actor, Role.TRADER, doing)
    trade = trades.by_reference(unit, reference)
    if trade is None:
        raise NotFound("TRADE", reference=reference)
    if trade.person_id != person.id and person.role is not Role.COMMANDER and handovers.keeper_of(unit, trade.id) != person.id:
        raise NotAllowed("NOT_YOURS")
    return trade
