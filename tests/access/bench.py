"""A desk's database with people in it, a clock that is moved by hand, and ids that count."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import Any

from sqlalchemy import create_engine, select

from config.approvals import ApprovalSettings
from config.grades import GradeSettings
from config.groups import ChatSettings, DeskSettings, PaperSettings, PeopleSettings, TerminalSettings
from services.access.changes import ChangeBook
from services.access.chats import ApproveChat, BindTopic, ChatLeft, MigrateChat
from services.access.choices import SetLoudness, SetQuietHours, SetZone
from services.access.contacts import Rename
from services.access.granting import Grant, GrantDone, ProposeGrant, register_grants
from services.access.links import Invite
from services.access.roles import GrantBook, Revoke, RoleBook
from services.access.second_person import SecondPerson, buttons_of
from services.access.seeding import SeedPeople
from services.access.start import Start
from services.domain.approvals import Approval, ApprovalSubject
from services.domain.buttons import Act
from services.domain.changes import Change
from services.domain.people import Actor, Person, Role
from services.storage import approvals, people
from services.storage.database import Database, Unit
from services.storage.tables import journal, metadata, notices, requests

START = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
CARL, CORA, ANN, TOM, OLGA, SAM = 2001, 2002, 1001, 1002, 3001, 9001
GROUP = -1001000000001


class HandClock:
    """Stand still until moved."""

    def __init__(self) -> None:
        self._now = START
        self._seconds = 0.0

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._seconds

    async def sleep(self, seconds: float) -> None:
        self.move(seconds)

    def move(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)
        self._seconds += seconds


class CountingIds:
    """Ids in order, of the lengths that the port promises."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)

    def row(self) -> str:
        return f"r{next(self._numbers):025d}"

    def instruction(self) -> str:
        return f"i{next(self._numbers):015d}"

    def secret(self) -> str:
        return f"s{next(self._numbers):021d}"


class NoWakeups:
    """Nobody waits."""

    def wake(self, stage: str, about: str = "") -> None:
        pass

    async def wait(self, stage: str, timeout_s: float) -> frozenset[str]:
        return frozenset()


def person(person_id: int, chat_id: int | None = None, name: str | None = None) -> Actor:
    """Return someone who acts in their private chat, or in ``chat_id``."""
    return Actor(
        kind="person",
        id=person_id,
        name=name or f"P{person_id}",
        channel="telegram",
        correlation=f"u-{person_id}",
        chat_id=person_id if chat_id is None else chat_id,
    )


@cache
def _empty_database() -> bytes:
    """Return the file of a database with all tables; made once, since a test needs it in a millisecond."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "empty.db"
        engine = create_engine(f"sqlite:///{file}")
        metadata.create_all(engine)
        engine.dispose()
        return file.read_bytes()


def make_database(file: Path) -> None:
    """Put an empty desk's database there."""
    file.write_bytes(_empty_database())


class AccessBench:
    """The use cases of people and groups over one database file."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.clock, self.ids = HandClock(), CountingIds()
        self.url = f"sqlite:///{folder / 'sortie.db'}"
        make_database(folder / "sortie.db")
        self.database = Database(self.url, self.clock, NoWakeups(), threads=False)
        self.desk = DeskSettings(state_dir=folder, name="Test desk")
        self.paper = PaperSettings()
        self.roles = RoleBook(self.ids, self.desk, self.paper)
        self.grants = GrantBook(self.roles)
        self.second = SecondPerson(self.ids, ApprovalSettings())
        self.changes = ChangeBook(self.ids, ApprovalSettings(), self.second)
        register_grants(self.changes, self.grants)
        self.start = Start(self.database, self.roles, self.ids, ProposeGrant(self.grants, self.changes))
        self.grant = Grant(self.database, self.grants, self.changes)
        self.revoke = Revoke(self.database, self.roles, self.ids, self.changes)
        self.invite = Invite(self.database, self.ids)
        self.chats = ApproveChat(self.database, self.ids)
        self.chat_left = ChatLeft(self.database)
        self.migrate = MigrateChat(self.database)
        self.bind = BindTopic(self.database)
        self.loudness = SetLoudness(self.database)
        self.quiet = SetQuietHours(self.database)
        self.zone = SetZone(self.database)
        self.rename = Rename(self.database, self.roles)

    def seeding(
        self,
        people_settings: PeopleSettings,
        chat_settings: ChatSettings | None = None,
        terminal_settings: Mapping[str, TerminalSettings] = MappingProxyType({}),
    ) -> SeedPeople:
        chats = chat_settings or ChatSettings()
        return SeedPeople(self.database, self.roles, self.ids, people_settings, chats, terminal_settings)

    def seeding_grades(self, found: Mapping[str, GradeSettings]) -> SeedPeople:
        """Return what brings these grades in at a start."""
        return SeedPeople(self.database, self.roles, self.ids, PeopleSettings(), ChatSettings(), grade_settings=found)

    def add(self, person_id: int, role: Role, name: str = "") -> None:
        """Put someone in as if granted long ago."""

        def body(unit: Unit) -> None:
            row = Person(
                id=person_id, name=name or f"P{person_id}", username=f"user{person_id}", role=role, zone="UTC", locale="en"
            )
            people.save_role(unit, row, None)
            self.roles.open_terminal(unit, row)

        self.database.write_now(body)

    async def given(
        self, by: int, whom: int, role: Role, grade: str | None = None, lasts: timedelta | None = None
    ) -> GrantDone:
        """Let a commander give a role, and another one say yes where that is asked for."""
        done = await self.grant(person(by), str(whom), role, grade, lasts)
        if done.waits:
            self.answer(done.change)
        return done

    def answer(self, change: Change) -> None:
        """Let the first of those who may say yes to a change; or the asker wait and type the phrase, where nobody may."""

        def asked(unit: Unit) -> Approval:
            found = approvals.of_subject(unit, ApprovalSubject.CHANGE, change.id)
            assert found is not None
            return found

        approval = self.database.read_now(asked)
        if approval.ready_at is not None:
            self.clock.move((approval.ready_at - self.clock.now()).total_seconds())

        def body(unit: Unit) -> None:
            if approval.phrase is not None:
                done = self.second.confirm_solo(unit, person(change.by), approval.number, approval.phrase)
                self.changes.decided(unit, person(change.by), done)
                return
            by = self.second.eligible(unit, ApprovalSubject.CHANGE, change.by)[0].id
            after = self.second.answer(unit, person(by), buttons_of(unit, approval, by)[Act.APPROVE], True)
            self.changes.decided(unit, person(by), after)

        self.database.write_now(body)

    def role(self, person_id: int) -> Role:
        return self.database.read_now(lambda unit: people.role_of(unit, person_id))

    def notices(self, chat_id: int | None = None, template: str | None = None) -> list[Any]:
        """Return the stored notices, oldest first."""

        def body(unit: Unit) -> list[Any]:
            rows = unit.all(select(notices).order_by(notices.c.id))
            return [r for r in rows if chat_id in (None, r.chat_id) and template in (None, r.template)]

        return self.database.read_now(body)

    def journal(self) -> list[str]:
        return [row.kind for row in self.database.read_now(lambda unit: unit.all(select(journal).order_by(journal.c.sequence)))]

    def requests(self) -> list[Any]:
        return list(self.database.read_now(lambda unit: unit.all(select(requests))))
