"""Roles with an end: told a day before, taken when their time is over. Nobody has them any longer than that in any case."""

from __future__ import annotations

from datetime import timedelta

from services.access import audience
from services.access.roles import RoleBook
from services.domain.notices import Event
from services.domain.people import Actor, Person, Role
from services.domain.ports import Ids
from services.storage import outbox, people
from services.storage.database import Database, Unit

TOLD_BEFORE = timedelta(days=1)


class EndLeases:
    """Tell of roles that are about to end, and carry out the end of those whose time is over."""

    def __init__(self, database: Database, roles: RoleBook, ids: Ids) -> None:
        self._database = database
        self._roles = roles
        self._ids = ids

    async def __call__(self) -> int:
        """Return how many roles ended; a desk without leases only reads."""
        if not await self._database.read(_due):
            return 0
        return await self._database.write(self._work)

    def _work(self, unit: Unit) -> int:
        actor, due = Actor.job("leases", f"leases-{self._ids.row()}"), _due(unit)
        over = [person for person in due if _is_over(person, unit)]
        for person in over:
            self._end(unit, actor, person)
        for person in due:
            if person not in over:
                self._tell(unit, person)
        return len(over)

    def _end(self, unit: Unit, actor: Actor, person: Person) -> None:
        changed = self._roles.change(unit, actor, person, Role.STRANGER, how="lease_ended")
        self._roles.ask_for_menu(unit, actor, person.id)
        outbox.tell(unit, person.id, "lease_ended", {"desk": self._roles.desk.name, "role": changed.was.value})
        self._roles.tell_commanders(unit, actor, changed, how="lease_ended")

    def _tell(self, unit: Unit, person: Person) -> None:
        people.set_lease_told(unit, person.id)
        until = person.lease_until.isoformat() if person.lease_until is not None else None
        facts = {"person": person.name, "person_id": person.id, "role": person.role.value, "until": until}
        outbox.tell(unit, person.id, "lease_ending", facts | {"yours": True})
        for commander in people.everyone(unit, Role.COMMANDER):
            if commander.id != person.id:
                audience.tell_person(unit, commander, Event.PEOPLE, "lease_ending", facts | {"yours": False})


def _due(unit: Unit) -> list[Person]:
    """Return whose role is over, or ends within a day and they do not know."""
    return [
        person
        for person, told in people.leased(unit)
        if _is_over(person, unit)
        or (not told and person.lease_until is not None and person.lease_until - unit.now <= TOLD_BEFORE)
    ]


def _is_over(person: Person, unit: Unit) -> bool:
    return person.lease_until is not None and person.lease_until <= unit.now
