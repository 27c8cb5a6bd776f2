"""Granting: a role given at once; one commander more is a change, for who makes one alone could answer their own questions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from services.access import buttons
from services.access.authority import require
from services.access.changes import ChangeBook
from services.access.roles import (
    FOR_GOOD,
    GRANTABLE,
    LONGEST_LEASE,
    SHORTEST_LEASE,
    GrantBook,
    RoleChanged,
    Terms,
    require_person,
)
from services.domain.buttons import Act
from services.domain.changes import Change, ChangeKind
from services.domain.errors import NotFound, Refused
from services.domain.grades import DEFAULT_GRADE
from services.domain.people import Actor, Person, Role
from services.storage import grades, people
from services.storage.database import Database, Unit

TILL = " till "


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestIgnored:
    """A stranger's request was put aside for a day."""

    person_id: int
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantChoice:
    """Somebody as they stand now, and the grades that they may be given."""

    person: Person
    grades: tuple[str, ...]
    at: datetime


def written(role: Role, grade: str, until: datetime | None) -> str:
    """Write how somebody stands in words that can be read back: ``commander regular till 2026-11-28T09:00:00+00:00``."""
    return f"{role.value} {grade}" + (f"{TILL}{until.isoformat()}" if until is not None else "")


def read_written(text: str) -> tuple[Role, Terms]:
    """Read what was written."""
    said, _, until = text.partition(TILL)
    role, _, grade = said.partition(" ")
    return Role(role), Terms(grade=grade, until=datetime.fromisoformat(until) if until else None)


def standing_of(unit: Unit, subject: str) -> str:
    """Return how somebody stands now; a role that is over, or was never given, is a stranger's."""
    person = people.find(unit, int(subject))
    if person is None or person.role is Role.STRANGER:
        return written(Role.STRANGER, DEFAULT_GRADE, None)
    return written(person.role, person.grade, person.lease_until)


def register_grants(book: ChangeBook, grants: GrantBook) -> None:
    """Say how such a change is put in force."""

    def apply(unit: Unit, actor: Actor, change: Change) -> None:
        role, terms = read_written(change.after)
        if terms.until is not None and terms.until <= unit.now:
            raise Refused("LEASE_TIME", value="this end", limit="an end that is still to come")
        if role is Role.STRANGER:
            raise Refused("ROLE_UNKNOWN", value=role.value, limit="/revoke takes a role")
        grants.give(unit, actor, grants.target(unit, change.subject), role, terms)

    book.register(ChangeKind.GRANT, apply, standing_of)


class Grant:
    """Give someone a role: known, asking, or never seen and named by id."""

    def __init__(self, database: Database, grants: GrantBook, changes: ChangeBook) -> None:
        self._database = database
        self._grants = grants
        self._changes = changes

    async def __call__(
        self, actor: Actor, reference: str, role: Role, grade: str | None = None, lasts: timedelta | None = None
    ) -> RoleChanged | Change:
        """Grant by id or @username, for good or for a time; return the change that waits where it takes a second person.

        Raise NotFound for someone nobody knows, Refused for what cannot be granted.
        """
        if lasts is not None and not SHORTEST_LEASE <= lasts <= LONGEST_LEASE:
            raise Refused("LEASE_TIME", value=f"{lasts.total_seconds() / 60:.0f} min", limit="5m to 366d")

        def body(unit: Unit) -> RoleChanged | Change:
            require(unit, actor, Role.COMMANDER, "grant")
            terms = Terms(grade=grade, until=unit.now + lasts if lasts is not None else None)
            person = self._grants.target(unit, reference)
            if role is Role.COMMANDER and _adds(person, terms.until) and _somebody_else(unit, actor.id):
                return self._propose(unit, actor, person, terms)
            return self._grants.give(unit, actor, person, role, terms)

        return await self._database.write(body)

    async def look(self, actor: Actor, reference: str) -> GrantChoice:
        """Return who would be granted something and which grades there are, for the buttons that put a grant together."""

        def body(unit: Unit) -> GrantChoice:
            require(unit, actor, Role.COMMANDER, "grant")
            person = self._grants.target(unit, reference)
            return GrantChoice(person=person, grades=tuple(grades.names(unit)), at=unit.now)

        return await self._database.read(body)

    async def press(self, actor: Actor, token_id: str) -> RoleChanged | RequestIgnored:
        """Carry out the Grant or Ignore button of a stranger's request."""

        def body(unit: Unit) -> RoleChanged | RequestIgnored:
            require(unit, actor, Role.COMMANDER, "grant")
            token = buttons.use(unit, actor, token_id, Act.GRANT)
            person = self._grants.target(unit, token.terms["person"])
            role = Role(token.terms["role"])
            if role not in GRANTABLE:
                return self._ignore(unit, actor, person)
            return self._grants.give(unit, actor, person, role, FOR_GOOD)

        return await self._database.write(body)

    def _propose(self, unit: Unit, actor: Actor, person: Person, terms: Terms) -> Change:
        require_person(person)
        grade = terms.grade if terms.grade is not None else person.grade
        known = grades.names(unit)
        if grade not in known:
            raise Refused("GRADE_UNKNOWN", value=grade[:20], limit=", ".join(known))
        subject = str(person.id)
        return self._changes.propose(
            unit,
            actor,
            ChangeKind.GRANT,
            subject,
            standing_of(unit, subject),
            written(Role.COMMANDER, grade, terms.until),
            tightens=False,
        )

    def _ignore(self, unit: Unit, actor: Actor, person: Person) -> RequestIgnored:
        row = people.find_request(unit, person.id)
        if row is None:
            raise NotFound("REQUEST", person=person.name)
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


def _adds(person: Person, until: datetime | None) -> bool:
    """Tell whether somebody would be commander who is not, or for longer than they are."""
    if person.role is not Role.COMMANDER:
        return True
    return person.lease_until is not None and (until is None or until > person.lease_until)


def _somebody_else(unit: Unit, person_id: int) -> bool:
    return any(each.id != person_id for each in people.everyone(unit, Role.COMMANDER))
