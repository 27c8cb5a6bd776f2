"""The kill switch lifted: a halt takes a commander, a typed word and a wait, exits only a tap, one's own stop oneself.

The wait is a stored duty, so that a restart neither forgets nor shortens it. Whoever may halt can call it off by halting again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

from config.killing import KillingSettings
from services.access import audience, buttons
from services.access.alerts import AlertCode
from services.access.authority import require
from services.domain.buttons import Act, ActToken
from services.domain.cards import halt_card
from services.domain.errors import NotAllowed, Refused
from services.domain.halts import Halt, HaltScope, Rearm
from services.domain.money import ZERO
from services.domain.notices import Event, Priority, Topic
from services.domain.people import Actor, Person, Role
from services.domain.ports import Ids
from services.domain.states import HALT_MOVES, HaltState, move
from services.storage import halts, incidents, kills, outbox, people, trades
from services.storage.database import Database, Unit

RESUME_WORD = "RESUME"
RESUME_S = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumed:
    """The halt as it stands after the word was given; ``due_at`` is when it will be lifted, None when that has happened."""

    halt: Halt
    due_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeAsked:
    """Who halted, why, since when, and what is open; ``token`` is there for a commander, ``wait_s`` follows the word."""

    halt: Halt
    open_risk: Decimal
    open_trades: int
    token: ActToken | None
    wait_s: float


class ResumeDesk:
    """Ask for the switch to be lifted."""

    def __init__(self, database: Database, ids: Ids, settings: KillingSettings, halt_file: Path) -> None:
        self._database = database
        self._ids = ids
        self._settings = settings
        self._halt_file = halt_file

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
            return ResumeAsked(
                halt=halt, open_risk=risk, open_trades=len(live), token=token, wait_s=self._settings.rearm_wait_s
            )

        return await self._database.write(body)

    async def __call__(self, actor: Actor, token_id: str | None, word: str) -> Resumed:
        """Begin the wait that lifts the desk's halt; exits only are lifted at once.

        Raise Refused for a wrong word and while a kill is not over, NotAllowed below commander.
        """

        def body(unit: Unit) -> Resumed:
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
            check_over(unit, self._halt_file)
            if halt.state is HaltState.REDUCING:
                return Resumed(halt=lift(unit, actor, halt, person, answered=True), due_at=None)
            return Resumed(halt=halt, due_at=self._wait(unit, actor, halt, person))

        return await self._database.write(body, urgent=True)

    def _wait(self, unit: Unit, actor: Actor, halt: Halt, person: Person) -> datetime:
        """Store when the halt is lifted; a wait that has begun goes on."""
        begun = halts.rearm(unit)
        if begun is not None:
            return begun.due_at
        due_at = unit.now + timedelta(seconds=self._settings.rearm_wait_s)
        halts.begin_rearm(
            unit,
            Rearm(
                id=self._ids.row(),
                due_at=due_at,
                by_id=person.id,
                by_name=person.name,
                since=halt.since,
                correlation=actor.correlation,
            ),
        )
        unit.record(actor, "rearm.begun", due_at=due_at.isoformat())
        outbox.refresh(unit, halt_card(), Priority.URGENT)
        return due_at

    async def myself(self, actor: Actor) -> Halt:
        """Lift one's own stop; raise Refused when there is none."""

        def body(unit: Unit) -> Halt:
            person = require(unit, actor, Role.TRADER)
            halt = halts.find(unit, HaltScope.PERSON, str(person.id))
            if halt is None or halt.state is HaltState.ACTIVE:
                raise Refused("NOT_HALTED")
            if halt.by_id != person.id:
                raise NotAllowed("NOT_YOURS")
            return lift(unit, actor, halt, person, answered=True)

        return await self._database.write(body, urgent=True)


class CarryOutRearm:
    """Lift the halt whose wait is over, when everything that it takes still holds."""

    def __init__(self, database: Database, halt_file: Path) -> None:
        self._database = database
        self._halt_file = halt_file

    async def __call__(self) -> datetime | None:
        """Look once; return when the wait that goes on is over, or None without one."""
        waiting = await self._database.glance(halts.rearm_and_time)
        if waiting is None:
            return None
        rearm, now = waiting
        if rearm.due_at > now:
            return rearm.due_at
        await self._database.write(self._carry_out, urgent=True)
        return None

    def _carry_out(self, unit: Unit) -> None:
        rearm = halts.rearm(unit)
        if rearm is None or rearm.due_at > unit.now:
            return
        halts.end_rearm(unit, rearm)
        actor = Actor.job("rearm", rearm.correlation)
        person = people.find(unit, rearm.by_id)
        halt = halts.find(unit, HaltScope.DESK, halts.DESK)
        try:
            if person is None or person.role is not Role.COMMANDER:
                raise NotAllowed("ROLE", have=person.role.value if person is not None else "none", need=Role.COMMANDER.value)
            if halt is None or halt.state is not HaltState.HALTED or halt.since != rearm.since:
                raise Refused("HALT_CHANGED")
            check_over(unit, self._halt_file)
        except Refused as error:
            unit.record(actor, "rearm.refused", code=error.code)
            _tell_off(unit, person, error.code)
            return
        lift(unit, replace(actor, kind="person", id=person.id, name=person.name), halt, person, answered=False)


def call_off(unit: Unit, actor: Actor, by: str) -> None:
    """End a wait because somebody halts again, and tell whoever began it."""
    rearm = halts.rearm(unit)
    if rearm is None:
        return
    halts.end_rearm(unit, rearm)
    unit.record(actor, "rearm.called_off", begun_by=rearm.by_id)
    outbox.refresh(unit, halt_card(), Priority.URGENT)
    _tell_off(unit, people.find(unit, rearm.by_id), f"{by} halted again")


def _tell_off(unit: Unit, person: Person | None, why: str) -> None:
    outbox.refresh(unit, halt_card(), Priority.URGENT)
    if person is not None:
        audience.tell_person(unit, person, Event.HALT, "rearm_off", {"why": why, "at": unit.now.isoformat()})


def check_over(unit: Unit, halt_file: Path) -> None:
    """Raise Refused while a kill runs, while an entry that it could not take back may still fill, and beside a halt file."""
    if halt_file.exists():
        raise Refused("HALT_FILE", value=halt_file.name)
    kill = kills.newest(unit)
    if kill is not None and kill.running:
        raise Refused("KILL_RUNNING", value=f"{kill.gone} of {len(kill.entries)}")
    left = kill.entries_left if kill is not None else ()
    if left:
        raise Refused("KILL_LEFT", value=len(left), limit=f"{left[0].symbol} at {left[0].terminal}: {left[0].reason}")


def lift(unit: Unit, actor: Actor, halt: Halt, person: Person, *, answered: bool) -> Halt:
    """Set a switch back to active and tell everybody whom the desk's concerns; its kill tries no longer.

    ``answered`` says that the person has an answer of their own.
    """
    move(HALT_MOVES, halt.state, HaltState.ACTIVE)
    lifted = replace(halt, state=HaltState.ACTIVE, by_id=person.id, by_name=person.name, reason="resumed", since=unit.now)
    halts.save(unit, lifted)
    unit.record(actor, "halt.lifted", scope=halt.scope.value, subject=halt.subject, was=halt.state.value)
    if halt.scope is HaltScope.DESK:
        kill = kills.working(unit)
        if kill is not None:
            kills.end(unit, kill)
            incidents.close_incident(unit, AlertCode.KILL_INCOMPLETE.value, "kill")
        outbox.refresh(unit, halt_card(), Priority.URGENT)
        facts = {"by": person.name, "was": halt.state.value, "at": unit.now.isoformat()}
        for each in people.everyone(unit, Role.TRADER):
            if not answered or each.id != person.id:
                audience.tell_person(unit, each, Event.HALT, "resumed", facts)
        audience.tell_topic(unit, Topic.RISK, "resumed", facts, priority=Priority.URGENT)
    return lifted
