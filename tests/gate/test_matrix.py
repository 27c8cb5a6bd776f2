"""Command x role x grade x chat x shape of the message, all of it: the real router decides, an independent rule says how.

What a command then does and answers is the business of tests/chat/test_matrix.py, which types each; here no cell is left out.
The rule below knows the declared table and nothing of the router.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import product
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiogram.types import Chat, Message, MessageOriginHiddenUser, User

from bot.reference.commands import chat_commands
from config.grades import BUILT_IN, WITHHOLDABLE, GradeSettings
from handlers.telegram import router
from handlers.telegram.app import App
from handlers.telegram.commands import CommandSpec, CommandTable, Kind, Where
from handlers.telegram.request import Answered, Answers, Request
from handlers.telegram.router import ChatRoutes
from handlers.telegram.taps import Taps
from handlers.telegram.views.message import Rendered
from services.access.seeding import grade_of
from services.domain.people import Person, Role
from services.storage import chats, grades, people
from services.storage.chats import Chat as KnownChat
from services.storage.database import Unit
from tests.access.bench import START, AccessBench

GROUP, ELSEWHERE = -1001000000001, -1001000000002
BOT, MAX_AGE_S = "desk_bot", 120.0
GRADES = {"bare": GradeSettings(without=WITHHOLDABLE), **{name: BUILT_IN[name] for name in ("cadet", "regular")}}
# A grade that the settings do not have any more.
GONE = "gone"
STANDINGS = [(Role.STRANGER, "regular"), *product((Role.OBSERVER, Role.TRADER, Role.COMMANDER), (*GRADES, GONE))]
PLACES = ("private", "group", "unknown group")
RUNS, MONEY, STRANGER, NOTHING = "runs", "runs, answered in private", "is turned away", "nothing"


def person_of(role: Role, grade: str) -> int:
    """Return the id of somebody who stands like that."""
    return 1001 + STANDINGS.index((role, grade))


# How a message comes, as what it differs in from one that is typed now; `None` is a text of its own.
ORIGIN = MessageOriginHiddenUser(type="hidden_user", date=START, sender_user_name="somebody")
HELPER = User(id=4242, is_bot=True, first_name="helper")
CHANNEL = Chat(id=-1009, type="channel", title="news")
SHAPES: dict[str, dict[str, Any]] = {
    "typed": {},
    "typed to this bot": {},
    "a word without a slash": {},
    "old": {"date": START - timedelta(seconds=MAX_AGE_S + 1)},
    "forwarded": {"forward_origin": ORIGIN},
    "forwarded by itself": {"is_automatic_forward": True},
    "by way of a bot": {"via_bot": HELPER},
    "edited": {"edit_date": int(START.timestamp())},
    "captioned": {"text": None},
    "typed to another bot": {},
    "by an anonymous administrator": {"from_user": User(id=1087968824, is_bot=True, first_name="Group")},
    "by a channel": {"sender_chat": CHANNEL},
    "by a bot": {"from_user": HELPER},
    "by nobody": {"from_user": None},
}
INDIRECT = ("forwarded", "forwarded by itself", "by way of a bot", "edited")
UNHEARD = ("typed to another bot", "by an anonymous administrator", "by a channel", "by a bot", "by nobody")


def text_of(spec: CommandSpec, shape: str) -> str:
    """Return what is typed."""
    ends = {"typed to this bot": f"@{BOT}", "typed to another bot": "@other_bot"}
    return spec.name if shape == "a word without a slash" else f"/{spec.name}{ends.get(shape, '')} all"


def expected(spec: CommandSpec, role: Role, grade: str, place: str, shape: str) -> str:
    """Return what must come of it, by the declared table alone."""
    private = place == "private"
    if shape in UNHEARD or place == "unknown group":
        return NOTHING
    if shape in ("captioned", "a word without a slash") and not private:
        return NOTHING
    if shape == "captioned":
        return STRANGER if role is Role.STRANGER else "NOT_DIRECT"
    if shape in INDIRECT and spec.kind is not Kind.READ:
        return "NOT_DIRECT"
    if shape == "old" and spec.kind is Kind.ACT:
        return "COMMAND_OLD"
    if spec.where is Where.PRIVATE and not private:
        return "PRIVATE_ONLY"
    return by_standing(spec, role, grade, private)


def by_standing(spec: CommandSpec, role: Role, grade: str, private: bool) -> str:
    if spec.name != "start":
        if role is Role.STRANGER:
            return STRANGER if private else "NO_ROLE"
        if list(Role).index(role) < list(Role).index(spec.permission):
            return "ROLE"
        if spec.name in WITHHOLDABLE and (grade == GONE or spec.name in GRADES[grade].without):
            return "GRADE_COMMAND"
    return MONEY if spec.where is Where.MONEY and not private else RUNS


@dataclass
class Heard:
    """Stands where the answers go, and keeps what came of one message."""

    came: list[str] = field(default_factory=list)

    async def send(self, chat_id: int, thread_id: int | None, rendered: Rendered, reply_to: int | None) -> Answered:
        self.came.append(rendered.plain().split("\n")[0].removeprefix("⛔ "))
        return Answered.SEEN

    async def run(self, request: Request) -> None:
        self.came.append(MONEY if request.is_group and request.private_only else RUNS)

    async def stranger(self, request: Request) -> None:
        self.came.append(STRANGER)

    def told(self) -> str:
        """Return what came since the last time."""
        found, self.came = self.came, []
        return " + ".join(found) or NOTHING


class Door:
    """The real router over a database with everybody in it; behind it nothing but notes."""

    def __init__(self, bench: AccessBench, specs: tuple[CommandSpec, ...]) -> None:
        self.heard, self.bench = Heard(), bench
        app = SimpleNamespace(
            database=bench.database,
            ids=bench.ids,
            people=SimpleNamespace(rename=bench.rename),
            stranger=self.heard.stranger,
            username=lambda: BOT,
            conceal=str,
            live=lambda: SimpleNamespace(now=START),
            command_max_age_s=MAX_AGE_S,
        )
        table = CommandTable([replace(each, handler=self.heard.run) for each in specs])
        self.routes = ChatRoutes(cast(App, app), table, cast(Taps, None), cast(Answers, self.heard))

    async def came_of(self, message: Message) -> str:
        await self.routes.on_message(message)
        return self.heard.told()


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    bench = AccessBench(tmp_path)

    def fill(unit: Unit) -> None:
        grades.replace_all(unit, {name: grade_of(name, each) for name, each in GRADES.items()})
        for role, grade in STANDINGS:
            if role is not Role.STRANGER:
                name = f"p{person_of(role, grade)}"
                row = Person(
                    id=person_of(role, grade), name=name, username=name, role=role, zone="UTC", locale="en", grade=grade
                )
                people.save_role(unit, row, None)
        chats.save(unit, KnownChat(id=GROUP, title="desk", kind="supergroup", state="approved", added_by=None))

    bench.database.write_now(fill)
    yield Door(bench, chat_commands().all())
    asyncio.run(bench.database.close())


def message_of(person_id: int, place: str, shape: str, at: datetime = START) -> Message:
    """Return a message of a shape, whose text is still to be filled in."""
    chat_id = {"private": person_id, "group": GROUP, "unknown group": ELSEWHERE}[place]
    name = f"p{person_id}"
    facts: dict[str, Any] = {
        "message_id": 7,
        "date": at,
        "chat": Chat(id=chat_id, type="private" if place == "private" else "supergroup", title="desk"),
        "from_user": User(id=person_id, is_bot=False, first_name=name, username=name),
        "text": "",
    }
    return Message(**(facts | SHAPES[shape]))


async def differences(door: Door, shapes: Sequence[str] = tuple(SHAPES), name: str = "") -> tuple[Counter[str], list[str]]:
    """Try every cell, or those of some; return how often each outcome came, and each cell that is not as the rule says."""
    counts: Counter[str] = Counter()
    wrong: list[str] = []
    specs = [each for each in chat_commands().all() if name in ("", each.name)]
    for (role, grade), place, shape in product(STANDINGS, PLACES, shapes):
        blank = message_of(person_of(role, grade), place, shape)
        for spec in specs:
            message = blank if blank.text is None else blank.model_copy(update={"text": text_of(spec, shape)})
            came, wanted = await door.came_of(message), expected(spec, role, grade, place, shape)
            counts[came] += 1
            if came != wanted:
                wrong.append(f"/{spec.name} {shape} by {role.value} {grade} in {place}: {came}, not {wanted}")
    return counts, wrong


async def test_every_command_for_everybody_everywhere_in_every_shape_is_as_declared(door: Door) -> None:
    counts, wrong = await differences(door)

    assert not wrong, f"{len(wrong)} cells, among them\n" + "\n".join(wrong[:40])
    assert counts.total() == len(chat_commands().all()) * len(STANDINGS) * len(PLACES) * len(SHAPES)
    refusals = {"NOT_DIRECT", "COMMAND_OLD", "PRIVATE_ONLY", "NO_ROLE", "ROLE", "GRADE_COMMAND"}
    assert set(counts) == {RUNS, MONEY, STRANGER, NOTHING} | refusals


TWINS = {
    "_acts": ("forwarded", lambda message: True),
    "require": ("typed", lambda unit, actor, least, doing=None: None),
    "WITHHOLDABLE": ("typed", ()),
    "START": ("typed", "help"),
    "ANONYMOUS_ADMIN": ("typed", person_of(Role.TRADER, "regular")),
}


@pytest.mark.parametrize("part", sorted(TWINS))
async def test_a_router_that_leaves_one_look_out_is_seen(door: Door, monkeypatch: pytest.MonkeyPatch, part: str) -> None:
    shape, instead = TWINS[part]
    monkeypatch.setattr(router, part, instead)

    _, wrong = await differences(door, (shape,))

    assert wrong


@pytest.mark.parametrize("name", ["grant", "halt", "positions", "balance", "bind"])
async def test_a_command_that_is_declared_otherwise_than_it_is_routed_is_seen(door: Door, name: str) -> None:
    anything = {"permission": Role.OBSERVER, "where": Where.ANYWHERE, "kind": Kind.READ}
    specs = [each for each in chat_commands().all() if each.name == name]
    loose = Door(door.bench, tuple(replace(each, **anything) for each in specs))  # type: ignore[arg-type]

    _, wrong = await differences(loose, ("typed", "forwarded"), name)

    assert wrong
