"""Roles given and taken: decided from database ids in the unit that changes them, told to everyone concerned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import select

from config.groups import DeskSettings, PaperSettings
from services.access import audience, buttons
from services.access.authority import find_person, require
from services.access.changes import ChangeBook
from services.access.paper_terminals import open_terminal
from services.access.passing_on import keeper_for, pass_on
from services.domain.buttons import Act, ActToken
from services.domain.changes import ChangeKind
from services.domain.errors import NotFound, Refused
from services.domain.grades import DEFAULT_GRADE
from services.domain.notices import Event, Priority
from services.domain.people import LONGEST_ID, Actor, Person, Role
from services.domain.ports import Ids
from services.domain.trades import Terminal
from services.domain.typed import typed_number
from services.storage import desk as desk_rows
from services.storage import grades, modes, outbox, people, tokens, trades
from services.storage.database import Database, Unit
from services.storage.tables import access_requests

CONFIRM_S = 60.0
GRANTABLE = (Role.OBSERVER, Role.TRADER, Role.COMMANDER)
# Telegram's own senders: a group's anonymous administrator, a channel posting as itself, service notifications.
NOBODY = frozenset({1087968824, 136817688, 777000})
REVOKED = "revoked"
MENU = "menu"
SHORTEST_LEASE, LONGEST_LEASE = timedelta(minutes=5), timedelta(days=366)


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleChanged:
    """A person's role as it stands now, what it was, the terminal opened with it, and the numbers of trades passed on."""

    person: Person
    was: Role
    terminal: Terminal | None
    passed: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How a role is given: ``grade`` None keeps the one that somebody with a role has; ``until`` None is without an end."""

    grade: str | None = None
    until: datetime | None = None


FOR_GOOD = Terms()


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeAsked:
    """A revocation waits for its second tap; ``trades`` live ones would pass to the keeper, None where there is nobody."""

    person: Person
    token: ActToken
    keeper: Person | None
    trades: int


class RoleBook:
    """Changes roles inside a unit; shared by everything that gives or takes one."""

    def __init__(self, ids: Ids, desk: DeskSettings, paper: PaperSettings) -> None:
        self._ids = ids
        self._desk = desk
        self._paper = paper

    @property
    def desk(self) -> DeskSettings:
        """Return the desk's settings."""
        return self._desk

    def newcomer(self, person_id: int, name: str, username: str | None) -> Person:
        """Return someone without a row, with the desk's zone."""
        return Person(id=person_id, name=name[:128], username=username, role=Role.STRANGER, zone=self._desk.zone, locale="en")

    def change(
        self,
        unit: Unit,
        actor: Actor,
        person: Person,
        role: Role,
        *,
        how: str,
        terms: Terms = FOR_GOOD,
        keeper_id: int | None = None,
    ) -> RoleChanged:
        """Set a role with all that follows; raise Refused when it stands like that or would leave no commander for good.

        The journal row is ``people.<how>``. With less than before, buttons that wait for the person die. Below trader, a
        stored request takes their working entries back, and what lives of their trades passes to ``keeper_id``, or to whoever
        of the commanders is nearest; another request renews their command menu.
        """
        before = people.stored(unit, person.id) or person
        after = self.changed(unit, person, role, terms)
        leaves = role < Role.TRADER <= before.role
        passed = pass_on(unit, actor, person.id, how, keeper_id) if leaves else ()
        people.save_role(unit, after, actor.id or None)
        people.drop_request(unit, person.id)
        terminal = self.open_terminal(unit, after)
        if role < before.role:
            tokens.expire_of(unit, person.id)
        if leaves:
            modes.forget(unit, person.id)
            about = {"person": str(person.id)}
            desk_rows.add_request(unit, self._ids.row(), REVOKED, about, actor.label, actor.correlation)
        if actor.kind == "person":
            self.ask_for_menu(unit, actor, person.id)
        unit.record(
            actor,
            f"people.{how}",
            person=person.id,
            name=person.name,
            role=role.value,
            was=before.role.value,
            grade=after.grade,
            until=terms.until.isoformat() if terms.until is not None else None,
        )
        return RoleChanged(person=after, was=before.role, terminal=terminal, passed=passed)

    def changed(self, unit: Unit, person: Person, role: Role, terms: Terms) -> Person:
        """Return somebody as a change would leave them; the errors are those of `change`."""
        require_person(person)
        before = people.stored(unit, person.id) or person
        after = replace(person, role=role, grade=self._grade(unit, before, role, terms.grade), lease_until=terms.until)
        if (before.role, before.grade, before.lease_until) == (after.role, after.grade, after.lease_until):
            raise Refused("ROLE_SAME", person=person.name, role=role.value)
        require_a_commander(unit, before, after)
        return after

    def take(self, unit: Unit, actor: Actor, person: Person, keeper_id: int | None = None) -> RoleChanged:
        """Take a role inside a unit and tell everybody concerned; the errors are those of `change`."""
        done = self.change(unit, actor, person, Role.STRANGER, how="revoked", keeper_id=keeper_id)
        outbox.tell(unit, person.id, "revoked", {"desk": self._desk.name, "by": actor.name})
        self.tell_commanders(unit, actor, done, how="revoked")
        return done

    def _grade(self, unit: Unit, before: Person, role: Role, wanted: str | None) -> str:
        if role is Role.STRANGER:
            return DEFAULT_GRADE
        if wanted is None:
            return before.grade
        known = grades.names(unit)
        if wanted not in known:
            raise Refused("GRADE_UNKNOWN", value=wanted[:20], limit=", ".join(known))
        return wanted

    def ask_for_menu(self, unit: Unit, actor: Actor, person_id: int) -> None:
        """Store the request that a person's command menu shows what their role may; the chat server keeps menus."""
        desk_rows.add_request(unit, self._ids.row(), MENU, {"person": str(person_id)}, actor.label, actor.correlation)

    def open_terminal(self, unit: Unit, person: Person) -> Terminal | None:
        """Open or re-open the person's paper terminal; None for someone who may not trade."""
        return open_terminal(unit, person, self._desk, self._paper)

    def tell_commanders(
        self, unit: Unit, actor: Actor, changed: RoleChanged, *, how: str, commanders: Sequence[Person] | None = None
    ) -> None:
        """Tell who acted at once, and the other commanders, or those given, as they like it."""
        facts = {
            "person": changed.person.name,
            "person_id": changed.person.id,
            "role": changed.person.role.value,
            "was": changed.was.value,
            "by": actor.name,
            "how": how,
            **_terms(changed.person),
        }
        for commander in people.everyone(unit, Role.COMMANDER) if commanders is None else commanders:
            if commander.id != changed.person.id and commander.id != actor.id:
                audience.tell_person(unit, commander, Event.PEOPLE, "people_changed", facts)
        if actor.kind == "person" and actor.id != changed.person.id:
            outbox.tell(unit, actor.id, "people_changed", facts, priority=Priority.TAP)


def require_person(person: Person) -> None:
    """Raise Refused for the ids that stand for no person."""
    if person.id in NOBODY or person.id <= 0:
        raise Refused("NOT_A_PERSON", person=person.id)


def require_a_commander(unit: Unit, before: Person, after: Person) -> None:
    """Raise Refused for a change after which nobody would be commander for good."""
    stays = after.role is Role.COMMANDER and after.lease_until is None
    if before.role is not Role.COMMANDER or before.lease_until is not None or stays:
        return
    if not any(each.id != before.id and each.lease_until is None for each in people.everyone(unit, Role.COMMANDER)):
        raise Refused("LAST_COMMANDER", person=before.name)


def _terms(person: Person) -> dict[str, str | None]:
    return {"grade": person.grade, "until": person.lease_until.isoformat() if person.lease_until is not None else None}


class GrantBook:
    """Gives roles inside a unit, to people who are known, who ask, or who are named by id."""

    def __init__(self, roles: RoleBook) -> None:
        self._roles = roles

    def give(self, unit: Unit, actor: Actor, person: Person, role: Role, terms: Terms = FOR_GOOD) -> RoleChanged:
        """Give a role inside a unit and tell everybody concerned; raise Refused for what cannot be given."""
        if role not in GRANTABLE:
            raise Refused("ROLE_UNKNOWN", value=role.value, limit=", ".join(GRANTABLE))
        changed = self._roles.change(unit, actor, person, role, how="granted", terms=terms)
        facts = {
            "desk": self._roles.desk.name,
            "role": role.value,
            "was": changed.was.value,
            "by": actor.name,
            "terminal": changed.terminal.name if changed.terminal else None,
            "mode": changed.terminal.mode.value if changed.terminal else None,
            **_terms(changed.person),
        }
        if person.id != actor.id:
            outbox.tell(unit, person.id, "granted", facts)
        self._roles.tell_commanders(unit, actor, changed, how="granted")
        return changed

    def take(self, unit: Unit, actor: Actor, person: Person) -> RoleChanged:
        """Take a role inside a unit, with all that follows."""
        return self._roles.take(unit, actor, person)

    def changed(self, unit: Unit, person: Person, role: Role, terms: Terms) -> Person:
        """Return somebody as a grant would leave them; raise Refused for what cannot be given."""
        return self._roles.changed(unit, person, role, terms)

    def target(self, unit: Unit, reference: str) -> Person:
        """Return somebody by id or @username: known, asking, or named by id alone; raise NotFound otherwise."""
        text = reference.strip()
        asked = _request_of(unit, text)
        try:
            return find_person(unit, text)
        except NotFound:
            if asked is not None:
                return self._roles.newcomer(asked.person_id, asked.name, asked.username)
            number = typed_number(text, LONGEST_ID)
            if number is None:
                raise
            return self._roles.newcomer(number, text, None)


class Revoke:
    """Take someone's role in two taps; it bites at their next tap, and their working entries are taken back."""

    def __init__(self, database: Database, roles: RoleBook, ids: Ids, changes: ChangeBook) -> None:
        self._database = database
        self._roles = roles
        self._ids = ids
        self._changes = changes

    async def ask(self, actor: Actor, reference: str, keeper: str | None = None) -> RevokeAsked:
        """Return the person and the token of the second tap; raise Refused when there is nothing to take.

        ``keeper`` names the commander whom open trades pass to, by default whoever asks.
        """

        def body(unit: Unit) -> RevokeAsked:
            require(unit, actor, Role.COMMANDER)
            person = find_person(unit, reference)
            if person.role is Role.STRANGER:
                raise Refused("ROLE_SAME", person=person.name, role=person.role.value)
            takes = find_person(unit, keeper) if keeper is not None else keeper_for(unit, actor, person.id)
            if takes is not None and (takes.role is not Role.COMMANDER or takes.id == person.id):
                raise Refused("KEEPER", person=takes.name)
            terms = {"person": str(person.id), "was": person.role.value}
            if takes is not None:
                terms["keeper"] = str(takes.id)
            token = buttons.issue(
                unit, self._ids, Act.REVOKE, terms, person_id=actor.id, chat_id=actor.chat_id, lasts_s=CONFIRM_S
            )
            live = len(trades.live(unit, person_id=person.id))
            return RevokeAsked(person=person, token=token, keeper=takes, trades=live)

        return await self._database.write(body)

    async def __call__(self, actor: Actor, token_id: str) -> RoleChanged:
        """Carry the revocation out; raise Refused for the last commander or when the role has changed meanwhile."""

        def body(unit: Unit) -> RoleChanged:
            require(unit, actor, Role.COMMANDER)
            token = buttons.use(unit, actor, token_id, Act.REVOKE)
            person = find_person(unit, token.terms["person"])
            if person.role.value != token.terms["was"]:
                raise Refused("ROLE_CHANGED", person=person.name, role=person.role.value)
            keeper = int(token.terms["keeper"]) if "keeper" in token.terms else None
            self._changes.overtake(unit, actor, ChangeKind.GRANT, str(person.id), "the role was taken")
            return self._roles.take(unit, actor, person, keeper)

        return await self._database.write(body, urgent=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    person_id: int
    name: str
    username: str | None


def _request_of(unit: Unit, reference: str) -> _Asked | None:
    name = reference.removeprefix("@").lower()
    for row in unit.all(select(access_requests)):
        if str(row.person_id) == name or (row.username or "").lower() == name:
            return _Asked(person_id=row.person_id, name=row.name, username=row.username)
    return None
