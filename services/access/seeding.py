"""People and chats that the settings name, taken over once; what the chat changed since stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from config.grades import GradeSettings
from config.groups import ChatSettings, PeopleSettings, TerminalSettings
from services.access import exchange_terminals, paper_terminals
from services.access.roles import RoleBook
from services.domain.grades import FireMode, Grade
from services.domain.notices import Topic
from services.domain.people import Actor, Person, Role
from services.domain.ports import Ids
from services.storage import chats, grades, people, terminals
from services.storage.chats import Chat, Place
from services.storage.counters import get_fact, set_fact
from services.storage.database import Database, Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class Seeded:
    """What the settings added."""

    people: int
    chats: int


def grade_of(name: str, settings: GradeSettings) -> Grade:
    """Return a grade as the settings describe it."""
    return Grade(
        name=name,
        without=settings.without,
        terminals=settings.terminals,
        per_trade=settings.per_trade,
        max_notional=settings.max_notional,
        slots=settings.slots,
        shots=settings.shots,
        modes=tuple(FireMode(mode) for mode in settings.modes),
        approves=settings.approves,
    )


class SeedPeople:
    """Bring the settings' people and chats into the database at start."""

    def __init__(
        self,
        database: Database,
        roles: RoleBook,
        ids: Ids,
        people_settings: PeopleSettings,
        chat_settings: ChatSettings,
        terminal_settings: Mapping[str, TerminalSettings] = MappingProxyType({}),
        can_short: Mapping[str, bool] = MappingProxyType({}),
        grade_settings: Mapping[str, GradeSettings] = MappingProxyType({}),
    ) -> None:
        self._database = database
        self._roles = roles
        self._ids = ids
        self._people = people_settings
        self._chats = chat_settings
        self._terminals = terminal_settings
        self._can_short = can_short
        self._grades = grade_settings

    async def __call__(self) -> Seeded:
        """Add who and what is missing, a paper terminal for every trader without one, and the exchanges' terminals.

        The grades are those of the settings from now on.
        """
        return await self._database.write(self._seed)

    def _seed(self, unit: Unit) -> Seeded:
        actor = Actor(kind="system", id=0, name="settings", channel="settings", correlation=f"settings-{self._ids.row()}")
        listed = (
            (Role.COMMANDER, self._people.commanders),
            (Role.TRADER, self._people.traders),
            (Role.OBSERVER, self._people.observers),
        )
        if grades.replace_all(unit, {name: grade_of(name, each) for name, each in self._grades.items()}):
            unit.record(actor, "grades.set", names=sorted(self._grades))
        told = people.everyone(unit, Role.COMMANDER)
        added = sum(self._add_person(unit, actor, person_id, role, told) for role, ids in listed for person_id in ids)
        for person in people.everyone(unit, Role.TRADER):
            if terminals.find(unit, paper_terminals.terminal_id(person.id)) is None:
                self._roles.open_terminal(unit, person)
        exchange_terminals.take_over(unit, actor, self._terminals, self._roles.desk.currency, self._can_short)
        bound = sum(
            self._bind(unit, actor, topic, text) for topic in Topic if (text := getattr(self._chats, topic.value)) is not None
        )
        return Seeded(people=added, chats=bound)

    def _add_person(self, unit: Unit, actor: Actor, person_id: int, role: Role, told: Sequence[Person]) -> bool:
        if people.find(unit, person_id) is not None:
            return False
        person = self._roles.newcomer(person_id, str(person_id), None)
        changed = self._roles.change(unit, actor, person, role, how="seeded")
        self._roles.tell_commanders(unit, actor, changed, how="seeded", commanders=told)
        return True

    def _bind(self, unit: Unit, actor: Actor, topic: Topic, text: str) -> bool:
        """Approve and bind a chat that the settings name, once for each value they had."""
        name = f"seed.{topic.value}"
        if get_fact(unit, name) == text:
            return False
        chat, _, thread = text.partition("/")
        chat_id, thread_id = int(chat), int(thread) if thread else None
        known = chats.find(unit, chat_id)
        title = known.title if known else str(chat_id)
        kind = known.kind if known else "supergroup" if chat_id < 0 else "private"
        chats.save(unit, Chat(id=chat_id, title=title, kind=kind, state="approved", added_by=None))
        chats.bind(unit, topic, Place(chat_id=chat_id, thread_id=thread_id), None)
        set_fact(unit, name, text)
        unit.record(actor, "chat.bound", chat=chat_id, thread=thread_id, topic=topic.value)
        return True
