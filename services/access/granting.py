"""Granting: what lets somebody do more is a change that another commander answers for; what takes from them acts at once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from services.access import buttons
from services.access.authority import require
from services.access.changes import ChangeBook
from services.access.roles import FOR_GOOD, GRANTABLE, LONGEST_LEASE, SHORTEST_LEASE, GrantBook, Terms
from services.domain.approvals import Approval, ApprovalSubject
from services.domain.buttons import Act
from services.domain.changes import PENDING, Change, ChangeKind, ChangeState
from services.domain.errors import NotFound, Refused
from services.domain.people import Actor, Person, Role
from services.domain.standing import Standing, adds
from services.storage import approvals, changes, grades, people
from services.storage.database import Database, Unit

IGNORED = "ignored the request"


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestIgnored:
    """A stranger's request was put aside for a day."""

    person_id: int
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantDone:
    """What a grant came to: ``person`` as they stand now, ``was`` their role before, and the change that it is.

    Where it waits, ``question`` is what for, and ``others`` are the names of those who may answer.
    """

    person: Person
    was: Role
    change: Change
    question: Approval | None = None
    others: tuple[str, ...] = ()

    @property
    def waits(self) -> bool:
        """Tell whether somebody must still answer."""
        return self.change.state in PENDING


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantChoice:
    """Somebody as they stand now, and the grades that they may be given."""

    person: Person
    grades: tuple[str, ...]
    at: datetime


def standing_of(unit: Unit, subject: str) -> str:
    """Return how somebody stands now, as changes write it."""
    return Standing.of(people.find(unit, int(subject))).write()


def register_grants(book: ChangeBook, grants: GrantBook) -> None:
    """Say how such a change is put in force."""

    def apply(unit: Unit, actor: Actor, change: Change) -> None:
        after, person = Standing.read(change.after), grants.target(unit, change.subject)
        if after.until is not None and after.until <= unit.now:
            raise Refused("LEASE_TIME", value="this end", limit="an end that is still to come")
        if after.role is Role.STRANGER:
            grants.take(unit, actor, person)
        else:
            grants.give(unit, actor, person, after.role, Terms(grade=after.grade, until=after.until))

    book.register(ChangeKind.GRANT, apply, standing_of)


class ProposeGrant:
    """Propose inside a unit how somebody is to stand; asking for what another commander has asked for is a yes to it."""

    def __init__(self, grants: GrantBook, changes: ChangeBook) -> None:
        self._grants = grants
        self._changes = changes

    def __call__(self, unit: Unit, actor: Actor, person: Person, role: Role, terms: Terms = FOR_GOOD) -> GrantDone:
        """Return what it came to; raise Refused for what cannot be given, and for another grant while one waits."""
        if role not in GRANTABLE:
            raise Refused("ROLE_UNKNOWN", value=role.value, limit=", ".join(GRANTABLE))
        if role < person.role and terms.until is None:
            # A lower role must never wait, and no end would be more than somebody with an end has.
            terms = Terms(grade=terms.grade, until=person.lease_until)
        before = Standing.of(person)
        after = Standing.of(self._grants.changed(unit, person, role, terms))
        agreed = self._agree(unit, actor, str(person.id), after)
        change = agreed or self._changes.propose(
            unit,
            actor,
            ChangeKind.GRANT,
            str(person.id),
            before.write(),
            after.write(),
            tightens=not adds(before, after, grades.find(unit, before.grade), grades.find(unit, after.grade)),
        )
        return self._done(unit, person, change)

    def refuse(self, unit: Unit, actor: Actor, person: Person, why: str) -> None:
        """Say no to what others want to give somebody, and take back what the actor wanted to."""
        for each in changes.pending(unit, ChangeKind.GRANT, str(person.id)):
            if each.by == actor.id:
                self._changes.take_back(unit, actor, each.number)
            else:
                self._changes.say(unit, actor, each, False, why)

    def _agree(self, unit: Unit, actor: Actor, subject: str, wanted: Standing) -> Change | None:
        same = (each for each in changes.pending(unit, ChangeKind.GRANT, subject) if each.after == wanted.write())
        theirs = next((each for each in same if each.by != actor.id), None)
        return self._changes.say(unit, actor, theirs, True) if theirs is not None else None

    @staticmethod
    def _done(unit: Unit, person: Person, change: Change) -> GrantDone:
        now = people.find(unit, person.id) or person
        if change.state is not ChangeState.WAITING:
            return GrantDone(person=now, was=person.role, change=change)
        return GrantDone(
            person=now,
            was=person.role,
            change=change,
            question=approvals.of_subject(unit, ApprovalSubject.CHANGE, change.id),
            others=tuple(each.name for each in people.everyone(unit, Role.COMMANDER) if each.id != change.by),
        )


class Grant:
    """Give someone a role: known, asking, or never seen and named by id."""

    def __init__(self, database: Database, grants: GrantBook, changes: ChangeBook) -> None:
        self._database = database
        self._grants = grants
        self._propose = ProposeGrant(grants, changes)

    async def __call__(
        self, actor: Actor, reference: str, role: Role, grade: str | None = None, lasts: timedelta | None = None
    ) -> GrantDone:
        """Grant by id or @username, for good or for a time.

        Raise NotFound for someone nobody knows, Refused for what cannot be granted.
        """
        if lasts is not None and not SHORTEST_LEASE <= lasts <= LONGEST_LEASE:
            raise Refused("LEASE_TIME", value=f"{lasts.total_seconds() / 60:.0f} min", limit="5m to 366d")

        def body(unit: Unit) -> GrantDone:
            require(unit, actor, Role.COMMANDER, "grant")
            terms = Terms(grade=grade, until=unit.now + lasts if lasts is not None else None)
            return self._propose(unit, actor, self._grants.target(unit, reference), role, terms)

        return await self._database.write(body)

    async def look(self, actor: Actor, reference: str) -> GrantChoice:
        """Return who would be granted something and which grades there are, for the buttons that put a grant together."""

        def body(unit: Unit) -> GrantChoice:
            require(unit, actor, Role.COMMANDER, "grant")
            person = self._grants.target(unit, reference)
            return GrantChoice(person=person, grades=tuple(grades.names(unit)), at=unit.now)

        return await self._database.read(body)

    async def press(self, actor: Actor, token_id: str) -> GrantDone | RequestIgnored:
        """Carry out the Grant or Ignore button of a stranger's request.

        Raise Refused for somebody who has that role by now, or a higher one: this button takes nothing away.
        """

        def body(unit: Unit) -> GrantDone | RequestIgnored:
            require(unit, actor, Role.COMMANDER, "grant")
            token = buttons.use(unit, actor, token_id, Act.GRANT)
            person = self._grants.target(unit, token.terms["person"])
            role = Role(token.terms["role"])
            if role not in GRANTABLE:
                return self._ignore(unit, actor, person)
            if person.role >= role:
                raise Refused("ROLE_SAME", person=person.name, role=person.role.value)
            return self._propose(unit, actor, person, role)

        return await self._database.write(body)

    def _ignore(self, unit: Unit, actor: Actor, person: Person) -> RequestIgnored:
        row = people.find_request(unit, person.id)
        if row is None:
            raise NotFound("REQUEST", person=person.name)
        self._propose.refuse(unit, actor, person, IGNORED)
        people.save_request(
            unit,
            person.id,
            name=row.name,
            username=row.username,
            state="ignored",
            asked_at=row.asked_at,
            told_at=unit.now,
        )
        unit.record(actor, "people.ignored", person=person.id, name=person.name)
        return RequestIgnored(person_id=person.id, name=person.name)
