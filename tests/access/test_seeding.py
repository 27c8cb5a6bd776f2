"""What the settings name is taken over once; what the chat changed since stands."""

from __future__ import annotations

from config.groups import ChatSettings, PeopleSettings
from services.access.seeding import Seeded
from services.domain.notices import Topic
from services.domain.people import Role
from services.storage import chats, terminals
from services.storage.chats import Place
from tests.access.bench import ANN, CARL, CORA, GROUP, OLGA, TOM, AccessBench, person

PEOPLE = PeopleSettings(commanders=(CARL,), traders=(ANN, TOM), observers=(OLGA,))


async def test_settings_people_get_role_and_terminal(empty: AccessBench) -> None:
    seeded = await empty.seeding(PEOPLE)()

    assert seeded == Seeded(people=4, chats=0)
    assert [empty.role(each) for each in (CARL, ANN, OLGA)] == [Role.COMMANDER, Role.TRADER, Role.OBSERVER]
    held = empty.database.read_now(terminals.everything)
    assert sorted(each.id for each in held) == [f"paper-{ANN}", f"paper-{TOM}", f"paper-{CARL}"]
    assert empty.journal() == ["people.seeded"] * 4


async def test_second_start_changes_nothing(empty: AccessBench) -> None:
    await empty.seeding(PEOPLE)()

    assert await empty.seeding(PEOPLE)() == Seeded(people=0, chats=0)
    assert empty.journal() == ["people.seeded"] * 4


async def test_what_the_chat_changed_stands(empty: AccessBench) -> None:
    await empty.seeding(PEOPLE)()
    asked = await empty.revoke.ask(person(CARL), str(ANN))
    await empty.revoke(person(CARL), asked.token.id)
    await empty.grant(person(CARL), str(OLGA), Role.TRADER)

    await empty.seeding(PEOPLE)()

    assert (empty.role(ANN), empty.role(OLGA)) == (Role.STRANGER, Role.TRADER)


async def test_commander_added_by_the_settings_is_told_to_those_who_were_there(empty: AccessBench) -> None:
    await empty.seeding(PEOPLE)()
    assert empty.notices() == []

    await empty.seeding(PeopleSettings(commanders=(CARL, CORA), traders=(ANN, TOM), observers=(OLGA,)))()

    assert [(row.chat_id, row.template, row.facts["how"]) for row in empty.notices()] == [(CARL, "people_changed", "seeded")]


async def test_settings_chats_are_approved_and_bound_once(empty: AccessBench) -> None:
    settings = ChatSettings(missions=f"{GROUP}/2", risk=str(GROUP))

    assert await empty.seeding(PEOPLE, settings)() == Seeded(people=4, chats=2)
    assert empty.database.read_now(lambda unit: chats.bound(unit, Topic.MISSIONS)) == [Place(chat_id=GROUP, thread_id=2)]
    assert empty.database.read_now(lambda unit: chats.bound(unit, Topic.RISK)) == [Place(chat_id=GROUP)]

    await empty.chat_left(person(CARL, GROUP), GROUP)
    await empty.seeding(PEOPLE, settings)()
    assert empty.database.read_now(lambda unit: chats.bound(unit, Topic.MISSIONS)) == []


async def test_changed_setting_is_bound_anew(empty: AccessBench) -> None:
    await empty.seeding(PEOPLE, ChatSettings(missions=f"{GROUP}/2"))()

    await empty.seeding(PEOPLE, ChatSettings(missions=f"{GROUP}/9"))()

    assert empty.database.read_now(lambda unit: chats.bound(unit, Topic.MISSIONS)) == [Place(chat_id=GROUP, thread_id=9)]


async def test_terminal_named_by_a_number_gets_the_name_at_the_first_contact(empty: AccessBench) -> None:
    await empty.seeding(PEOPLE)()

    await empty.rename(person(ANN), "Ann Müller", "ann")

    terminal = empty.database.read_now(lambda unit: terminals.of_person(unit, ANN))
    assert terminal is not None and terminal.name == "ann-müller-paper"


async def test_namesakes_get_terminals_of_different_names(empty: AccessBench) -> None:
    await empty.seeding(PEOPLE)()

    await empty.rename(person(ANN), "Ann", None)
    await empty.rename(person(TOM), "Ann", None)

    names = {each.name for each in empty.database.read_now(terminals.everything)}
    assert names == {"ann-paper", f"ann-{TOM}-paper", f"{CARL}-paper"}
