"""/start: known people, links, and strangers."""

from __future__ import annotations

import asyncio

import pytest

from services.access.checklist import ITEMS
from services.access.checklist import tick as tick_item
from services.access.links import Link, issue_claim
from services.access.start import Awaited, TurnedAway, Welcomed
from services.domain.cards import checklist_card
from services.domain.errors import Expired, NotAllowed, NotFound, Refused
from services.domain.people import Role
from services.storage import outbox, people, terminals
from tests.access.bench import ANN, CARL, CORA, GROUP, OLGA, SAM, TOM, AccessBench, person


def claim(bench: AccessBench) -> Link:
    return bench.database.write_now(lambda unit: issue_claim(unit, bench.ids))


async def test_known_trader_is_welcomed_with_terminal_and_checklist(bench: AccessBench) -> None:
    outcome = await bench.start(person(ANN), "Ann", "ann", None)

    assert isinstance(outcome, Welcomed)
    (welcome,) = bench.notices(ANN, "welcome")
    assert welcome.facts["role"] == "trader" and welcome.facts["terminal"] == "ann-paper"
    assert bench.database.read_now(lambda unit: outbox.card(unit, checklist_card(ANN), ANN)) is not None


async def test_observer_gets_no_checklist(bench: AccessBench) -> None:
    await bench.start(person(OLGA), "Olga", None, None)

    assert bench.database.read_now(lambda unit: outbox.card(unit, checklist_card(OLGA), OLGA)) is None


async def test_checklist_is_celebrated_once_and_not_offered_again(bench: AccessBench) -> None:
    for item in (*ITEMS, ITEMS[0]):
        bench.database.write_now(lambda unit, item=item: tick_item(unit, ANN, item))
    await bench.start(person(ANN), "Ann", None, None)

    assert len(bench.notices(ANN, "checklist_done")) == 1
    assert bench.database.read_now(lambda unit: outbox.card(unit, checklist_card(ANN), ANN)) is None


async def test_first_opener_of_the_claim_link_becomes_commander_with_a_terminal(empty: AccessBench) -> None:
    link = claim(empty)

    outcome = await empty.start(person(CARL), "Carl", "carl", link.payload)

    assert isinstance(outcome, Welcomed) and outcome.person.role is Role.COMMANDER
    assert empty.database.read_now(lambda unit: terminals.of_person(unit, CARL)) is not None
    assert empty.journal() == ["link.claim", "people.claimed"]


async def test_claim_works_once_whoever_opens_it(empty: AccessBench) -> None:
    link = claim(empty)
    outcomes = await asyncio.gather(
        *(empty.start(person(id_), f"P{id_}", None, link.payload) for id_ in range(1, 21)), return_exceptions=True
    )

    assert sum(isinstance(each, Welcomed) for each in outcomes) == 1
    assert sum(isinstance(each, Refused) for each in outcomes) == 19
    assert len(empty.database.read_now(lambda unit: people.everyone(unit, Role.COMMANDER))) == 1


async def test_a_new_claim_link_ends_the_older_ones(empty: AccessBench) -> None:
    older, newer = claim(empty), claim(empty)

    with pytest.raises(Expired, match="LINK_USED"):
        await empty.start(person(CARL), "Carl", "carl", older.payload)
    await empty.start(person(CARL), "Carl", "carl", newer.payload)

    assert empty.journal()[-1] == "people.claimed"


async def test_claim_link_expires(empty: AccessBench) -> None:
    link = claim(empty)
    empty.clock.move(24 * 3600)

    with pytest.raises(Expired, match="LINK_EXPIRED"):
        await empty.start(person(CARL), "Carl", None, link.payload)

    assert empty.role(CARL) is Role.STRANGER


async def test_claim_is_refused_while_there_is_a_commander(empty: AccessBench) -> None:
    link = claim(empty)
    empty.add(CORA, Role.COMMANDER)

    with pytest.raises(Refused, match="CLAIMED"):
        await empty.start(person(SAM), "Sam", None, link.payload)
    with pytest.raises(Refused, match="CLAIMED"):
        claim(empty)

    assert empty.role(SAM) is Role.STRANGER


async def test_commander_who_opens_the_used_claim_again_is_just_welcomed(empty: AccessBench) -> None:
    link = claim(empty)
    await empty.start(person(CARL), "Carl", None, link.payload)

    outcome = await empty.start(person(CARL), "Carl", None, link.payload)

    assert isinstance(outcome, Welcomed) and outcome.changed is None


async def test_group_that_waited_is_asked_about_after_the_claim(empty: AccessBench) -> None:
    await empty.chats.ask(person(SAM, GROUP), GROUP, "Desk", "supergroup")
    assert empty.notices(template="chat_question") == []

    await empty.start(person(CARL), "Carl", None, claim(empty).payload)

    assert [row.chat_id for row in empty.notices(template="chat_question")] == [CARL]


@pytest.mark.parametrize("payload", ["claim_nothing", "invite_nothing", "claim_", "invite_" + "x" * 22])
async def test_forged_link_is_refused(bench: AccessBench, payload: str) -> None:
    with pytest.raises((NotFound, Refused)):
        await bench.start(person(SAM), "Sam", None, payload)

    assert bench.role(SAM) is Role.STRANGER


async def test_invite_gives_its_role_once(bench: AccessBench) -> None:
    link = await bench.invite(person(CARL), Role.TRADER)

    opened = await bench.start(person(TOM), "Tom", "tom", link.payload)
    with pytest.raises(Expired, match="LINK_USED"):
        await bench.start(person(SAM), "Sam", None, link.payload)

    assert isinstance(opened, Awaited) and bench.role(TOM) is Role.STRANGER
    assert [row.facts["others"] for row in bench.notices(TOM, "awaited")] == ["Cora"]
    bench.answer(opened.done.change)
    assert (bench.role(TOM), bench.role(SAM)) == (Role.TRADER, Role.STRANGER)
    assert [row.chat_id for row in bench.notices(template="people_changed")] == [CARL, CORA]


async def test_invite_of_a_single_commander_lets_in_at_once(bench: AccessBench) -> None:
    await bench.revoke(person(CARL), (await bench.revoke.ask(person(CARL), str(CORA))).token.id)
    link = await bench.invite(person(CARL), Role.TRADER)

    assert isinstance(await bench.start(person(TOM), "Tom", "tom", link.payload), Welcomed)
    assert bench.role(TOM) is Role.TRADER and bench.journal()[-1] == "people.joined"


async def test_claim_token_does_not_open_as_an_invite(empty: AccessBench) -> None:
    link = claim(empty)

    with pytest.raises(NotFound):
        await empty.start(person(SAM), "Sam", None, link.payload.replace("claim_", "invite_"))


async def test_invite_dies_with_its_commanders_role(bench: AccessBench) -> None:
    link = await bench.invite(person(CARL), Role.TRADER)
    asked = await bench.revoke.ask(person(CORA), str(CARL))
    await bench.revoke(person(CORA), asked.token.id)

    with pytest.raises(Expired, match="LINK_EXPIRED"):
        await bench.start(person(SAM), "Sam", None, link.payload)

    assert bench.role(SAM) is Role.STRANGER


async def test_invite_is_a_commanders_and_never_makes_commanders(bench: AccessBench) -> None:
    with pytest.raises(NotAllowed):
        await bench.invite(person(ANN), Role.TRADER)
    with pytest.raises(Refused, match="INVITE_ROLE"):
        await bench.invite(person(CARL), Role.COMMANDER)


async def test_link_payload_stays_out_of_journal_and_notices(bench: AccessBench) -> None:
    link = await bench.invite(person(CARL), Role.TRADER)
    token = link.payload.removeprefix("invite_")
    await bench.start(person(TOM), "Tom", None, link.payload)

    texts = [str(row.facts) for row in bench.notices()]
    assert not any(token in text for text in texts)


async def test_member_who_opens_an_invite_does_not_use_it_up(bench: AccessBench) -> None:
    link = await bench.invite(person(CARL), Role.OBSERVER)

    await bench.start(person(ANN), "Ann", None, link.payload)
    opened = await bench.start(person(SAM), "Sam", None, link.payload)

    assert isinstance(opened, Awaited)
    bench.answer(opened.done.change)
    assert (bench.role(ANN), bench.role(SAM)) == (Role.TRADER, Role.OBSERVER)


async def test_link_in_a_group_or_from_a_job_does_nothing(bench: AccessBench) -> None:
    link = await bench.invite(person(CARL), Role.TRADER)

    with pytest.raises(Refused, match="PRIVATE_ONLY"):
        await bench.start(person(SAM, GROUP), "Sam", None, link.payload)

    assert bench.role(SAM) is Role.STRANGER


async def test_stranger_gets_the_id_and_commanders_one_silent_card_a_day(bench: AccessBench) -> None:
    for _ in range(3):
        bench.clock.move(60)
        await bench.start(person(SAM), "Sam", "sam", None)

    cards = bench.notices(template="access_request")
    assert [(row.chat_id, row.silent) for row in cards] == [(CARL, True), (CORA, True)]
    assert [row.facts["id"] for row in bench.notices(SAM, "stranger")] == [SAM] * 3

    bench.clock.move(24 * 3600)
    await bench.start(person(SAM), "Sam", "sam", None)
    assert len(bench.notices(template="access_request")) == 4


async def test_ignored_stranger_produces_nothing_for_a_day(bench: AccessBench) -> None:
    await bench.start(person(SAM), "Sam", None, None)
    card = bench.notices(CARL, "access_request")[0]
    await bench.grant.press(person(CARL), card.facts["ignore"])
    before = len(bench.notices())

    outcome = await bench.start(person(SAM), "Sam", None, None)
    assert outcome == TurnedAway(answered=False, asked=False)
    assert len(bench.notices()) == before

    bench.clock.move(24 * 3600 + 1)
    assert await bench.start(person(SAM), "Sam", None, None) == TurnedAway(answered=True, asked=True)


async def test_crowd_of_strangers_cannot_flood_the_commanders(bench: AccessBench) -> None:
    for number in range(40):
        await bench.start(person(50_000 + number), f"S{number}", None, None)

    assert len(bench.notices(CARL, "access_request")) == 20
    assert len(bench.notices(template="stranger")) == 40
