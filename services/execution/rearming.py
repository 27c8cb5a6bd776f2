"""The kill switch lifted: a halt needs a commander and a typed word, exits only a commander's tap, one's own stop oneself."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from services.access import audience, buttons
from services.access.authority import require
from services.domain.buttons import Act, ActToken
from services.domain.cards import halt_card
from services.domain.errors import NotAllowed, Refused
from services.domain.halts import Halt, HaltScope
from services.domain.money import ZERO
from services.domain.notices import Event, Priority, Topic
from services.domain.people import Actor, Person, Role
from services.domain.ports import Ids
from services.domain.states import HALT_MOVES, HaltState, move
from services.storage import halts, outbox, people, trades
from services.storage.database import Database, Unit

RESUME_WORD = "RESUME"
RESUME_S = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeAsked:
    """Who halted, why, since when, and what is open; ``token`` is there when a typed word is needed."""

    halt: Halt
    open_risk: Decimal
    open_trades: int
    token: ActToken | None


class ResumeDesk:
    """Lift the switch: a halt needs a commander and a typed word; reducing a commander's tap; one's own stop oneself."""

    def __init__(self, database: Database, ids: Ids) -> None:
        self._database = database
        self._ids = ids

    async def ask(self, actor: Actor) -> ResumeAsked:
        """Return who, why, since when and the open risk; raise Refused when nothing is halted."""

        def body(unit: Unit) -> ResumeAsked:
            person = require(unit, actor, Role.TRADER)
            halt = halts.find(unit, HaltScope.DESK, halts.DESK)
            if halt is None or halt.state is HaltState.ACTIVE:
                raise Refused("NOT_HALTED")
            live = [trade for trade in trades.live(unit) if trade.open_quantity > 0]
            token = None
            if person.role is Role.COMMANDER:
                token = buttons.issue(
                    unit,
                    self._ids,
                    Act.RESUME,
                    {"since": halt.since.isoformat()},
                    person_id=actor.id,
                    chat_id=actor.chat_id,
                    lasts_s=RESUME_S,
                )
            risk = sum((trade.open_risk for trade in live), ZERO)
            return ResumeAsked(halt=halt, open_risk=risk, open_trades=len(live), token=token)

        return await self._database.write(body)

    async def __call__(self, actor: Actor, token_id: str | None, word: str) -> Halt:
        """Lift the desk's halt; raise Refused for a wrong word, NotAllowed below commander."""

        def body(unit: Unit) -> Halt:
            person = require(unit, actor, Role.COMMANDER)
            halt = halts.find(unit, HaltScope.DESK, halts.DESK)
            if halt is None or halt.state is HaltState.ACTIVE:
                raise Refused("NOT_HALTED")
            if halt.state is HaltState.HALTED and word.strip() != RESUME_WORD:
                raise Refused("RESUME_WORD", value=word[:20], limit=RESUME_WORD)
            if token_id is not None:
                token = buttons.use(unit, actor, token_id, Act.RESUME)
                if token.terms["since"] != halt.since.isoformat():
                    raise Refused("HALT_CHANGED")
            return self._lift(unit, actor, halt, person)

        return await self._database.write(body, urgent=True)

    async def myself(self, actor: Actor) -> Halt:
        """Lift one's own stop; raise Refused when there is none."""

        def body(unit: Unit) -> Halt:
            person = require(unit, actor, Role.TRADER)
            halt = halts.find(unit, HaltScope.PERSON, str(person.id))
            if halt is None or halt.state is HaltState.ACTIVE:
                raise Refused("NOT_HALTED")
            if halt.by_id != person.id:
                raise NotAllowed("NOT_YOURS")
            return self._lift(unit, actor, halt, person)

        return await self._database.write(body, urgent=True)

    def _lift(self, unit: Unit, actor: Actor, halt: Halt, person: Person) -> Halt:
        move(HALT_MOVES, halt.state, HaltState.ACTIVE)
        lifted = Halt(
            scope=halt.scope,
            subject=halt.subject,
            state=HaltState.ACTIVE,
            by_id=person.id,
            by_name=person.name,
            reason="resumed",
            since=unit.now,
        )
        halts.save(unit, lifted)
        unit.record(actor, "halt.lifted", scope=halt.scope.value, subject=halt.subject, was=halt.state.value)
        if halt.scope is HaltScope.DESK:
            outbox.refresh(unit, halt_card(), Priority.URGENT)
            facts = {"by": person.name, "was": halt.state.value, "at": unit.now.isoformat()}
            for each in people.everyone(unit, Role.TRADER):
                if each.id != person.id:
                    audience.tell_person(unit, each, Event.HALT, "resumed", facts)
            audience.tell_topic(unit, Topic.RISK, "resumed", facts, priority=Priority.URGENT)
        return lifted
