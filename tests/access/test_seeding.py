"""What the settings name is taken over once; what the chat changed since stands."""

from __future__ import annotations

import pytest

from config.groups import ChatSettings, PeopleSettings, TerminalSettings
from services.access.choices import ChooseTerminal
from services.access.seeding import Seeded
from services.domain.errors import Misconfigured, Refused
from services.domain.notices import Topic
from services.domain.people import Role
from services.domain.trades import TerminalMode
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


AT_EXCHANGE = {"ann-exchange": TerminalSettings(venue="binance", owner=ANN)}


async def test_terminals_of_the_settings_open_once_and_come_first_for_their_owner(empty: AccessBench) -> None:
    await empty.seeding(PEOPLE, terminal_settings=AT_EXCHANGE)()
    await empty.seeding(PEOPLE, terminal_settings=AT_EXCHANGE)()

    assert empty.journal().count("terminal.opened") == 1
    used = empty.database.read_now(lambda unit: [each.id for each in terminals.usable_by(unit, ANN)])
    assert used == ["ann-exchange", f"paper-{ANN}"]
    opened = empty.database.read_now(lambda unit: terminals.find(unit, "ann-exchange"))
    assert opened is not None and (opened.mode, opened.can_short) == (TerminalMode.TESTNET, False)
    assert empty.database.read_now(lambda unit: [each.id for each in terminals.usable_by(unit, TOM)]) == [f"paper-{TOM}"]


async def test_a_terminal_that_the_settings_name_no_more_is_out_of_use_and_comes_back(empty: AccessBench) -> None:
    await empty.seeding(PEOPLE, terminal_settings=AT_EXCHANGE)()

    await empty.seeding(PEOPLE)()
    assert empty.database.read_now(lambda unit: [each.id for each in terminals.usable_by(unit, ANN)]) == [f"paper-{ANN}"]

    await empty.seeding(PEOPLE, terminal_settings=AT_EXCHANGE)()
    assert empty.database.read_now(lambda unit: terminals.of_person(unit, ANN)).id == "ann-exchange"


async def test_a_terminal_of_nobody_stops_the_start_with_the_way_out(empty: AccessBench) -> None:
    with pytest.raises(Misconfigured) as raised:
        await empty.seeding(PEOPLE, terminal_settings={"x": TerminalSettings(venue="binance", owner=4711)})()

    assert raised.value.code == "TERMINAL_OWNER"
    assert "name 4711 under [people]" in str(raised.value.values["fix"])


async def test_a_terminal_does_not_change_its_venue(empty: AccessBench) -> None:
    await empty.seeding(PEOPLE, terminal_settings=AT_EXCHANGE)()

    with pytest.raises(Misconfigured, match="TERMINAL_VENUE"):
        await empty.seeding(PEOPLE, terminal_settings={"ann-exchange": TerminalSettings(venue="kraken", owner=ANN)})()


async def test_a_chosen_terminal_stays_the_default(empty: AccessBench) -> None:
    await empty.seeding(PEOPLE, terminal_settings=AT_EXCHANGE)()

    await ChooseTerminal(empty.database)(person(ANN), f"paper-{ANN}")

    assert empty.database.read_now(lambda unit: [each.id for each in terminals.usable_by(unit, ANN)]) == [
        f"paper-{ANN}",
        "ann-exchange",
    ]
    with pytest.raises(Refused, match="TERMINAL_USE"):
        await ChooseTerminal(empty.database)(person(TOM), "ann-exchange")
