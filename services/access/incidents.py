"""Somebody has it: the one tap that stops an urgent alert from calling others."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from services.access.authority import require
from services.domain.errors import NotAllowed, NotFound
from services.domain.incidents import Incident
from services.domain.people import Actor, Role
from services.storage import incidents, people
from services.storage.database import Database, Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """The incident is this person's now; or was before, then ``before`` is true; or is over, then ``at`` is None."""

    incident: Incident
    name: str
    at: datetime | None
    before: bool


class TakeIncident:
    """Note who looks after an incident: a commander, or the person it concerns."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def __call__(self, actor: Actor, incident_id: str) -> Taken:
        """Take it, once; raise NotFound for one that there is not, NotAllowed for somebody whose business it is not."""

        def body(unit: Unit) -> Taken:
            person = require(unit, actor, Role.TRADER)
            incident = incidents.find(unit, incident_id)
            if incident is None:
                raise NotFound("INCIDENT")
            if person.role is not Role.COMMANDER and incident.person_id != person.id:
                raise NotAllowed("NOT_YOURS")
            if incidents.take(unit, incident_id, person.id):
                unit.record(actor, "incident.taken", incident=incident.id, code=incident.code, subject=incident.subject)
                return Taken(incident=incident, name=person.name, at=unit.now, before=False)
            holder = people.find(unit, incident.taken_by) if incident.taken_by is not None else None
            name = holder.name if holder is not None else str(incident.taken_by)
            return Taken(incident=incident, name=name, at=incident.taken_at, before=True)

        return await self._database.write(body, urgent=True)
