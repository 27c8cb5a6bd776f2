"""Changes as proposals: what tightens acts at once, what loosens waits for a second person, and everything can be undone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from config.approvals import ApprovalSettings
from services.access import audience
from services.access.authority import require
from services.access.second_person import SecondPerson, buttons_of
from services.domain.approvals import Approval, ApprovalState, ApprovalSubject
from services.domain.buttons import Act
from services.domain.cards import approval_card
from services.domain.changes import PENDING, Change, ChangeKind, ChangeState, Evidence
from services.domain.errors import NotAllowed, NotFound, Refused
from services.domain.notices import Event, Priority
from services.domain.people import Actor, Role
from services.domain.ports import Ids
from services.domain.standing import Standing
from services.storage import approvals, changes, outbox, people
from services.storage.counters import next_number
from services.storage.database import Database, Unit

Applier = Callable[[Unit, Actor, Change], None]
"""Put a change's ``after`` in force; raise Refused for what cannot be any more."""
Current = Callable[[Unit, str], str]
"""Return the value of a subject as it is in force now, written as ``before`` and ``after`` are."""

SERIES = "change"
MEANWHILE = "changed meanwhile"
# Putting a grant in force tells everybody concerned already, and what real money may do tells everybody.
_SAYS_ITSELF = frozenset({ChangeKind.GRANT, ChangeKind.TERMINAL_MODE})
_ENDS: Mapping[ApprovalState, ChangeState] = {
    ApprovalState.REJECTED: ChangeState.REJECTED,
    ApprovalState.EXPIRED: ChangeState.EXPIRED,
    ApprovalState.WITHDRAWN: ChangeState.CANCELED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    apply: Applier
    current: Current


class ChangeBook:
    """Takes proposals and carries them out, inside the caller's unit; what a kind of change does is registered with it."""

    def __init__(self, ids: Ids, settings: ApprovalSettings, second: SecondPerson) -> None:
        self._ids = ids
        self._settings = settings
        self._second = second
        self._parts: dict[ChangeKind, _Part] = {}

    def register(self, kind: ChangeKind, apply: Applier, current: Current) -> None:
        """Say how a kind of change is put in force, and how its present value is read."""
        self._parts[kind] = _Part(apply=apply, current=current)

    def propose(
        self,
        unit: Unit,
        actor: Actor,
        kind: ChangeKind,
        subject: str,
        before: str,
        after: str,
        *,
        tightens: bool,
        effective_at: datetime | None = None,
        reason: str | None = None,
        evidence: Evidence | None = None,
        reverses: int | None = None,
    ) -> Change:
        """Store a change and return it as it then stands: in force when it tightens, else waiting for a second person.

        What tightens ends whatever waits or is scheduled for the same subject. Raises NotAllowed below commander, Refused for
        no difference, for a loosening while another change of the subject is pending, or when nobody could approve it.
        """
        require(unit, actor, Role.COMMANDER)
        if before == after:
            raise Refused("CHANGE_SAME", value=after)
        open_ones = changes.pending(unit, kind, subject)
        # What began from another value cannot come into force any more, and stands in nobody's way.
        in_the_way = [each for each in open_ones if each.before == before]
        if in_the_way and not tightens:
            raise Refused("CHANGE_PENDING", number=in_the_way[0].number)
        self.overtake(unit, actor, kind, subject, "overtaken by a tighter one" if tightens else MEANWHILE)
        change = Change(
            id=self._ids.row(),
            number=next_number(unit, SERIES),
            kind=kind,
            subject=subject,
            before=before,
            after=after,
            tightens=tightens,
            by=actor.id,
            reason=reason,
            state=ChangeState.WAITING,
            asked_at=unit.now,
            effective_at=effective_at,
            evidence=evidence,
            reverses=reverses,
        )
        changes.add(unit, change)
        unit.record(actor, "change.proposed", **_facts(change), tightens=tightens, reason=reason)
        if tightens or self._needs_nobody(unit, actor, change):
            return self._let_through(unit, actor, change, solo=not tightens)
        self._ask(unit, actor, change)
        return change

    def overtake(self, unit: Unit, actor: Actor, kind: ChangeKind, subject: str, why: str) -> None:
        """End whatever waits or is scheduled for a subject, because something else became of it."""
        for each in changes.pending(unit, kind, subject):
            self._end(unit, actor, each, why)

    def say(self, unit: Unit, actor: Actor, change: Change, yes: bool, reason: str | None = None) -> Change | None:
        """Take the word of somebody who is asked about a change, given by another button than its own card's.

        Return the change as it then stands, or None where the actor is not asked.
        """
        approval = approvals.of_subject(unit, ApprovalSubject.CHANGE, change.id)
        button = buttons_of(unit, approval, actor.id).get(Act.APPROVE if yes else Act.REJECT) if approval is not None else None
        if button is None:
            return None
        answered = self._second.answer(unit, actor, button, yes, reason)
        if answered.state is not ApprovalState.WAITING:
            self.decided(unit, actor, answered)
        return changes.find(unit, change.id)

    def roll_back(self, unit: Unit, actor: Actor, number: int) -> Change:
        """Propose the way back from a change that is in force; what tightens by that acts at once."""
        change = self._find(unit, number)
        if change.state is not ChangeState.IN_FORCE:
            raise Refused("CHANGE_OVER", number=number, state=change.state.value)
        return self.propose(
            unit,
            actor,
            change.kind,
            change.subject,
            change.after,
            change.before,
            tightens=not change.tightens,
            reason=f"rolls back #{number}",
            reverses=number,
        )

    def take_back(self, unit: Unit, actor: Actor, number: int) -> Change:
        """Take a pending change back: its asker at any time, any commander what is scheduled and would loosen."""
        person = require(unit, actor, Role.COMMANDER)
        change = self._find(unit, number)
        if change.state not in PENDING:
            raise Refused("CHANGE_OVER", number=number, state=change.state.value)
        if person.id != change.by and (change.state is ChangeState.WAITING or change.tightens):
            raise NotAllowed("NOT_YOURS")
        return self._end(unit, actor, change, "taken back")

    def decided(self, unit: Unit, actor: Actor, approval: Approval) -> None:
        """Carry out what became of a change's question."""
        change = changes.find(unit, approval.subject_id)
        if change is None or change.state is not ChangeState.WAITING:
            raise NotFound("CHANGE")
        if approval.state is ApprovalState.APPROVED:
            self._let_through(unit, actor, change, solo=approval.solo)
        else:
            self._close(unit, actor, change, _ENDS[approval.state], approval.reason)

    def alone(self, unit: Unit, actor: Actor, approval: Approval) -> float:
        """Say loudly that nobody else is left to answer; return how long the asker waits instead, in seconds."""
        change = changes.find(unit, approval.subject_id)
        if change is None:
            raise NotFound("CHANGE")
        self._tell(unit, actor, change, "solo", Role.OBSERVER)
        return self._wait_of(change)

    def come_into_force(self, unit: Unit) -> list[Change]:
        """Put in force what was let through for a time that has come."""
        actor = Actor.job("changes", f"changes-{self._ids.row()}")
        return [self._enforce(unit, actor, each, solo=False) for each in changes.due(unit)]

    def _find(self, unit: Unit, number: int) -> Change:
        change = changes.by_number(unit, number)
        if change is None:
            raise NotFound("CHANGE", reference=number)
        return change

    def _needs_nobody(self, unit: Unit, actor: Actor, change: Change) -> bool:
        """Tell whether a single commander may do this at once: nobody else is there, and the settings say no wait."""
        return self._wait_of(change) == 0 and [each.id for each in people.everyone(unit, Role.COMMANDER)] == [actor.id]

    def _wait_of(self, change: Change) -> float:
        if change.kind is ChangeKind.GRANT:
            # Whoever makes a commander alone could answer their own questions from then on.
            return self._settings.commander_s if makes_commander(change) else self._settings.grant_s
        return self._settings.live_s if change.kind is ChangeKind.TERMINAL_MODE else self._settings.limit_s

    def _ask(self, unit: Unit, actor: Actor, change: Change) -> None:
        approval = self._second.ask(
            unit,
            actor,
            subject=ApprovalSubject.CHANGE,
            subject_id=change.id,
            kind=change.kind.value,
            eligible=self._second.eligible(unit, ApprovalSubject.CHANGE, actor.id),
            solo_wait_s=self._wait_of(change),
        )
        if approval.solo:
            # Nobody can say no to it, so everybody hears of it.
            self._tell(unit, actor, change, "solo", Role.OBSERVER)

    def _let_through(self, unit: Unit, actor: Actor, change: Change, *, solo: bool) -> Change:
        scheduled = changes.set_state(unit, change, ChangeState.SCHEDULED)
        if change.effective_at is None or change.effective_at <= unit.now:
            return self._enforce(unit, actor, scheduled, solo=solo)
        unit.record(actor, "change.scheduled", **_facts(change), at=change.effective_at.isoformat(), solo=solo)
        self._tell(unit, actor, scheduled, "scheduled", Role.COMMANDER)
        return scheduled

    def _enforce(self, unit: Unit, actor: Actor, change: Change, *, solo: bool) -> Change:
        part = self._parts[change.kind]
        if part.current(unit, change.subject) != change.before:
            return self._close(unit, actor, change, ChangeState.CANCELED, MEANWHILE)
        self._give_way(unit, change)
        try:
            part.apply(unit, actor, change)
        except Refused as error:
            return self._close(unit, actor, change, ChangeState.CANCELED, error.code)
        after = changes.set_state(unit, change, ChangeState.IN_FORCE)
        unit.record(actor, "change.in_force", **_facts(change), tightens=change.tightens, solo=solo)
        self._tell(unit, actor, after, "in_force", Role.COMMANDER)
        return after

    def _give_way(self, unit: Unit, change: Change) -> None:
        before = changes.in_force(unit, change.kind, change.subject)
        if before is not None:
            rolled = before.number == change.reverses
            changes.set_state(unit, before, ChangeState.ROLLED_BACK if rolled else ChangeState.SUPERSEDED)
            _refresh(unit, before)

    def _end(self, unit: Unit, actor: Actor, change: Change, why: str) -> Change:
        """Cancel what is pending, with the question that stands for it."""
        approval = approvals.of_subject(unit, ApprovalSubject.CHANGE, change.id)
        if approval is not None and approval.state is ApprovalState.WAITING:
            self._second.withdraw(unit, actor, approval, why)
        return self._close(unit, actor, change, ChangeState.CANCELED, why)

    def _close(self, unit: Unit, actor: Actor, change: Change, state: ChangeState, why: str | None) -> Change:
        after = changes.set_state(unit, change, state, why)
        unit.record(actor, f"change.{state.value}", **_facts(change), reason=why)
        self._tell(unit, actor, after, state.value, Role.COMMANDER)
        return after

    def _tell(self, unit: Unit, actor: Actor, change: Change, what: str, least: Role) -> None:
        """Keep the change's cards current, and tell those whom it concerns and who have no card of it."""
        approval = _refresh(unit, change)
        if what == ChangeState.IN_FORCE.value and change.kind in _SAYS_ITSELF:
            return
        facts = {
            "number": change.number,
            "kind": change.kind.value,
            "subject": change.subject,
            "named": name_of(unit, change),
            "before": change.before,
            "after": change.after,
            "what": what,
            "by": actor.name,
            "reason": change.reason,
        }
        for person in people.everyone(unit, least):
            if person.id != actor.id and (approval is None or what == "solo" or person.id == change.by):
                audience.tell_person(unit, person, Event.PEOPLE, "change_told", facts)


def name_of(unit: Unit, change: Change) -> str | None:
    """Return the name of the person that is changed, as far as it is known; None for what is no person."""
    if change.kind not in (ChangeKind.GRANT, ChangeKind.PERSON_MODE):
        return None
    known = people.find(unit, int(change.subject)) or people.find_request(unit, int(change.subject))
    return str(known.name) if known is not None else None


def makes_commander(change: Change) -> bool:
    """Tell whether a grant makes somebody commander who is not."""
    before, after = Standing.read(change.before), Standing.read(change.after)
    return after.role is Role.COMMANDER and before.role is not Role.COMMANDER


def _refresh(unit: Unit, change: Change) -> Approval | None:
    """Keep the card of a change's question current; return the question, or None where nobody was asked."""
    approval = approvals.of_subject(unit, ApprovalSubject.CHANGE, change.id)
    if approval is not None:
        outbox.refresh(unit, approval_card(approval.id), Priority.TAP)
    return approval


def _facts(change: Change) -> dict[str, object]:
    """Return what every journal row about a change says of it."""
    return {
        "change": change.number,
        "what": change.kind.value,
        "subject": change.subject,
        "before": change.before,
        "after": change.after,
        "by": change.by,
    }


class UndoChange:
    """Lead back from a change that is in force, or take one back that is not yet."""

    def __init__(self, database: Database, book: ChangeBook) -> None:
        self._database = database
        self._book = book

    async def __call__(self, actor: Actor, number: int) -> Change:
        """Return the change that leads back, in force already when it tightens; or the pending one, canceled."""

        def body(unit: Unit) -> Change:
            require(unit, actor, Role.COMMANDER)
            change = changes.by_number(unit, number)
            if change is not None and change.state in PENDING:
                return self._book.take_back(unit, actor, number)
            return self._book.roll_back(unit, actor, number)

        return await self._database.write(body, urgent=True)


class TendChanges:
    """Called by the clock: put in force what was let through for a time that has come."""

    def __init__(self, database: Database, book: ChangeBook) -> None:
        self._database = database
        self._book = book

    async def __call__(self) -> None:
        """Look, and write only where something is due."""
        if await self._database.read(lambda unit: bool(changes.due(unit))):
            await self._database.write(self._book.come_into_force)
