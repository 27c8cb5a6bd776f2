"""Names as people carry them now; identity is the id alone."""

from __future__ import annotations

from services.access.roles import RoleBook
from services.domain.people import Actor
from services.storage import people
from services.storage.database import Database, Unit, current_update


class Rename:
    """Keep a known person's name current on each contact; costs a read at most once and a write only for a change."""

    def __init__(self, database: Database, roles: RoleBook) -> None:
        self._database = database
        self._roles = roles
        self._seen: dict[int, tuple[str, str | None]] = {}

    async def __call__(self, actor: Actor, name: str, username: str | None) -> bool:
        """Store a changed name; tell whether it was one. Strangers have no row to keep it in."""
        said = (name[:128], username)
        if self._seen.get(actor.id) == said:
            return False
        person = await self._database.glance(lambda unit: people.find(unit, actor.id))
        if person is None:
            return False
        changed = (person.name, person.username) != said
        if changed:
            await self._rename(actor, *said)
        self._seen[actor.id] = said
        return changed

    async def _rename(self, actor: Actor, name: str, username: str | None) -> None:
        def body(unit: Unit) -> None:
            people.rename(unit, actor.id, name, username)
            person = people.find(unit, actor.id)
            if person is not None:
                # The terminal of someone whom only the settings knew is named by a number until now.
                self._roles.open_terminal(unit, person)
            unit.record(actor, "people.renamed", person=actor.id, name=name)

        # The rename is not what the update asks for: it must not mark the update as done.
        ticket = current_update.set(None)
        try:
            await self._database.write(body)
        finally:
            current_update.reset(ticket)
