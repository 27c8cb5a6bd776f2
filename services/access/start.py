"""Private /start: a welcome, a link opened, or a stranger turned away."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import func, select

from services.access import buttons, checklist
from services.access.chats import ask_what_is_open
from services.access.granting import GrantDone, ProposeGrant
from services.access.links import read_payload, use_link
from services.access.roles import RoleBook, RoleChanged
from services.domain.buttons import Act
from services.domain.errors import Expired, Refused
from services.domain.notices import Priority
from services.domain.people import Actor, Person, Role
from services.domain.ports import Ids
from services.storage import outbox, people, terminals
from services.storage.database import Database, Unit
from services.storage.tables import access_requests

A_DAY = timedelta(days=1)
REQUESTS_A_DAY = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Welcomed:
    """A known person; ``changed`` when a link just gave them their role."""

    person: Person
    changed: RoleChanged | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnedAway:
    """A stranger: ``answered`` unless a commander had them ignored, ``asked`` when commanders got a request."""

    answered: bool
    asked: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Awaited:
    """Somebody whose invitation is good, and who has their role as soon as another commander says yes."""

    done: GrantDone


class Start:
    """Answer /start in a private chat."""

    def __init__(self, database: Database, roles: RoleBook, ids: Ids, propose: ProposeGrant) -> None:
        self._database = database
        self._roles = roles
        self._ids = ids
        self._propose = propose

    async def __call__(
        self, actor: Actor, name: str, username: str | None, payload: str | None
    ) -> Welcomed | Awaited | TurnedAway:
        """Welcome, let in by a link, or turn away; raise NotFound, Expired or Refused for a link that does not work."""

        def body(unit: Unit) -> Welcomed | Awaited | TurnedAway:
            if actor.kind != "person" or actor.chat_id != actor.id:
                raise Refused("PRIVATE_ONLY")
            person = people.find(unit, actor.id) or self._roles.newcomer(actor.id, name, username)
            link = read_payload(payload)
            if link is not None and not self._needless(link[0], person):
                return self._let_in(unit, actor, person, *link)
            if person.role is Role.STRANGER:
                return self._turn_away(unit, actor, name, username)
            if not person.reachable:
                people.set_reachable(unit, person.id, True)
            # Whoever had a role before they ever wrote here could not be given a menu then.
            self._roles.ask_for_menu(unit, actor, person.id)
            self._welcome(unit, person, changed=None)
            return Welcomed(person=person, changed=None)

        return await self._database.write(body)

    def _needless(self, act: Act, person: Person) -> bool:
        """A commander who opens the claim link again, or a member an invitation, is welcomed and uses nothing up."""
        return person.role is Role.COMMANDER if act is Act.CLAIM else person.role is not Role.STRANGER

    def _let_in(self, unit: Unit, actor: Actor, person: Person, act: Act, token_id: str) -> Welcomed | Awaited:
        if act is Act.CLAIM and people.everyone(unit, Role.COMMANDER):
            raise Refused("CLAIMED")
        token = use_link(unit, actor, act, token_id)
        if act is Act.CLAIM:
            changed = self._roles.change(unit, actor, person, Role.COMMANDER, how="claimed")
            ask_what_is_open(unit, self._ids, actor.id)
        else:
            inviter = people.find(unit, int(token.terms["by"]))
            if inviter is None or inviter.role is not Role.COMMANDER:
                raise Expired("LINK_EXPIRED")
            if any(each.id != inviter.id for each in people.everyone(unit, Role.COMMANDER)):
                return self._ask_the_others(unit, actor, inviter, person, Role(token.terms["role"]))
            changed = self._roles.change(unit, actor, person, Role(token.terms["role"]), how="joined")
            self._roles.tell_commanders(unit, actor, changed, how="joined")
        self._welcome(unit, changed.person, changed)
        return Welcomed(person=changed.person, changed=changed)

    def _ask_the_others(self, unit: Unit, actor: Actor, inviter: Person, person: Person, role: Role) -> Awaited:
        """Let the inviter propose the role: a link is one commander's word."""
        people.save_request(
            unit, person.id, name=person.name, username=person.username, state="asked", asked_at=unit.now, told_at=unit.now
        )
        by = Actor(
            kind="person",
            id=inviter.id,
            name=inviter.name,
            channel=actor.channel,
            correlation=actor.correlation,
            chat_id=inviter.id,
        )
        done = self._propose(unit, by, person, role)
        if done.waits:
            facts = {"desk": self._roles.desk.name, "role": role.value, "others": ", ".join(done.others)}
            outbox.tell(unit, person.id, "awaited", facts, priority=Priority.TAP)
        return Awaited(done=done)

    def _welcome(self, unit: Unit, person: Person, changed: RoleChanged | None) -> None:
        terminal = terminals.of_person(unit, person.id)
        facts = {
            "desk": self._roles.desk.name,
            "person": person.name,
            "role": person.role.value,
            "newcomer": changed is not None,
            "terminal": terminal.name if terminal else None,
            "mode": terminal.mode.value if terminal else None,
        }
        outbox.tell(unit, person.id, "welcome", facts, priority=Priority.TAP)
        checklist.offer(unit, person)

    def _turn_away(self, unit: Unit, actor: Actor, name: str, username: str | None) -> TurnedAway:
        row = people.find_request(unit, actor.id)
        recent = row is not None and row.told_at is not None and unit.now - row.told_at < A_DAY
        if recent and row.state == "ignored":
            return TurnedAway(answered=False, asked=False)
        ask = not recent and self._asked_today(unit) < REQUESTS_A_DAY
        told_at = unit.now if ask else row.told_at if row is not None else None
        people.save_request(
            unit, actor.id, name=name[:128], username=username, state="asked", asked_at=unit.now, told_at=told_at
        )
        if ask:
            self._ask_commanders(unit, actor, name, username)
        outbox.tell(
            unit,
            actor.id,
            "stranger",
            {"desk": self._roles.desk.name, "id": actor.id, "asked": ask or recent},
            priority=Priority.TAP,
        )
        return TurnedAway(answered=True, asked=ask)

    def _asked_today(self, unit: Unit) -> int:
        """Count the request cards of the last day: a crowd of strangers must not flood the commanders."""
        told = select(func.count().label("n")).where(access_requests.c.told_at > unit.now - A_DAY)
        return int(unit.first(told).n)

    def _ask_commanders(self, unit: Unit, actor: Actor, name: str, username: str | None) -> None:
        unit.record(actor, "people.asked", person=actor.id, name=name[:128])
        for commander in people.everyone(unit, Role.COMMANDER):
            facts = {"person_id": actor.id, "name": name[:128], "username": username}
            for button, role in (("grant", Role.TRADER), ("ignore", Role.STRANGER)):
                terms = {"person": str(actor.id), "role": role.value}
                facts[button] = buttons.issue(
                    unit,
                    self._ids,
                    Act.GRANT,
                    terms,
                    person_id=commander.id,
                    chat_id=commander.id,
                    lasts_s=A_DAY.total_seconds(),
                ).id
            outbox.tell(unit, commander.id, "access_request", facts, silent=True)
