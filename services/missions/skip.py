"""A person passes on a mission, with a reason by button; the card says so."""

from __future__ import annotations

from services.access.authority import require
from services.domain.cards import mission_card
from services.domain.decisions import Decided, Decision
from services.domain.errors import Refused
from services.domain.people import Actor, Role
from services.domain.signals import Mission
from services.domain.states import MissionState
from services.missions.decided import audience_of, passed
from services.missions.planning import find_mission
from services.storage import decision_journal, missions, outbox
from services.storage.database import Database, Unit

REASONS = ("news", "size", "spread", "no edge", "other")


class SkipMission:
    """Store that a person passed on a mission and why."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def __call__(self, actor: Actor, reference: str | None, reason: str | None = None) -> Mission:
        """Return the mission that was skipped; raise Refused when it is over or the person has fired it."""

        def body(unit: Unit) -> Mission:
            person = require(unit, actor, Role.TRADER)
            mission = find_mission(unit, reference)
            if reason is not None and reason not in REASONS:
                raise Refused("REASON", value=reason)
            if mission.state is not MissionState.OPEN:
                raise Refused("MISSION_OVER", mission=mission.number, state=mission.state.value)
            fired = any(
                row.person_id == person.id and row.decision == "fired" for row in missions.decisions_on(unit, mission.id)
            )
            if fired:
                raise Refused("ALREADY_FIRED", mission=mission.number)
            missions.decide(unit, mission.id, person.id, "skipped", reason)
            card = audience_of(unit, mission).card_of(person.id)
            _keep(unit, passed(unit, mission, person.id, Decided.SKIPPED, reason, card))
            outbox.refresh(unit, mission_card(mission.id))
            unit.record(actor, "mission.skipped", mission=mission.number, reason=reason)
            return mission

        return await self._database.write(body)


def _keep(unit: Unit, decision: Decision) -> None:
    """Store the skip; one that stands gets the reason that came after it, and keeps the moment and what was shown then."""
    if not decision_journal.keep(unit, decision) and decision.reason is not None:
        decision_journal.give_reason(unit, decision.id, decision.reason)
