"""Granting and revoking: who may, what follows, and what never happens."""

from __future__ import annotations

from itertools import product

import pytest

from services.access.granting import RequestIgnored
from services.access.roles import RoleChanged
from services.domain.changes import Change
from services.domain.errors import Expired, NotAllowed, NotFound, Refused
from services.domain.people import Actor, Role
from services.storage import terminals
from tests.access.bench import ANN, CARL, CORA, OLGA, SAM, TOM, AccessBench, person


@pytest.mark.parametrize(("actor_id", "role"), list(product((ANN, OLGA, SAM), (Role.OBSERVER, Role.TRADER, Role.COMMANDER))))
async def test_only_commanders_grant(bench: AccessBench, actor_id: int, role: Role) -> None:
    with pytest.raises(NotAllowed):
        await bench.grant(person(actor_id), str(TOM), role)

    assert bench.role(TOM) is Role.STRANGER


async def test_job_with_a_commanders_id_grants_nothing(bench: AccessBench) -> None:
    forged = Actor(kind="system", id=CARL, name="job", channel="job", correlation="c", chat_id=CARL)

    with pytest.raises(NotAllowed):
        await bench.grant(forged, str(TOM), Role.TRADER)


async def test_grant_opens_a_paper_terminal_and_tells_everyone_concerned(bench: AccessBench) -> None:
    changed = await bench.grant(person(CARL), str(TOM), Role.TRADER)

    assert changed.terminal is not None
    opened = bench.database.read_now(lambda unit: terminals.find(unit, f"paper-{TOM}"))
    assert opened is not None
    assert (opened.currency, opened.can_short, opened.owner_id, opened.reconciled_at) == ("USDT", True, TOM, None)
    told = [(row.chat_id, row.template) for row in bench.notices()]
    assert sorted(told) == sorted([(TOM, "granted"), (CARL, "people_changed"), (CORA, "people_changed")])
    assert bench.journal() == ["people.granted"]


async def test_observer_gets_no_terminal(bench: AccessBench) -> None:
    changed = await bench.grant(person(CARL), str(TOM), Role.OBSERVER)

    assert changed.terminal is None


@pytest.mark.parametrize("reference", ["@user1001", "user1001", "USER1001", str(ANN)])
async def test_person_is_found_by_id_and_current_username(bench: AccessBench, reference: str) -> None:
    changed = await bench.grant(person(CARL), reference, Role.OBSERVER)

    assert changed.person.id == ANN


async def test_asking_stranger_is_found_by_username(bench: AccessBench) -> None:
    await bench.start(person(SAM), "Sam", "SamTheMan", None)

    changed = await bench.grant(person(CARL), "@samtheman", Role.TRADER)

    assert (changed.person.id, changed.person.name) == (SAM, "Sam")


@pytest.mark.parametrize("reference", ["@nobody", "Ann Smith", "", "-5", "1" * 17])
async def test_nobody_is_not_found(bench: AccessBench, reference: str) -> None:
    with pytest.raises(NotFound, match="PERSON"):
        await bench.grant(person(CARL), reference, Role.TRADER)


@pytest.mark.parametrize("sender", [1087968824, 136817688, 777000, 0])
async def test_telegrams_own_senders_never_get_a_role(bench: AccessBench, sender: int) -> None:
    with pytest.raises(Refused, match="NOT_A_PERSON"):
        await bench.grant(person(CARL), str(sender), Role.COMMANDER)


async def test_role_that_stands_and_role_of_no_one_are_refused(bench: AccessBench) -> None:
    with pytest.raises(Refused, match="ROLE_SAME"):
        await bench.grant(person(CARL), str(ANN), Role.TRADER)
    with pytest.raises(Refused, match="ROLE_UNKNOWN"):
        await bench.grant(person(CARL), str(ANN), Role.STRANGER)


async def test_request_button_grants_once_and_only_to_its_commander(bench: AccessBench) -> None:
    await bench.start(person(SAM), "Sam", "sam", None)
    token = bench.notices(CARL, "access_request")[0].facts["grant"]

    with pytest.raises(NotAllowed):
        await bench.grant.press(person(CORA), token)
    with pytest.raises(NotAllowed):
        await bench.grant.press(person(SAM), token)
    granted = await bench.grant.press(person(CARL), token)
    with pytest.raises(Expired):
        await bench.grant.press(person(CARL), token)

    assert isinstance(granted, RoleChanged) and bench.role(SAM) is Role.TRADER


async def test_second_commanders_ignore_after_a_grant_changes_nothing(bench: AccessBench) -> None:
    await bench.start(person(SAM), "Sam", None, None)
    await bench.grant.press(person(CARL), bench.notices(CARL, "access_request")[0].facts["grant"])

    with pytest.raises(NotFound, match="REQUEST"):
        await bench.grant.press(person(CORA), bench.notices(CORA, "access_request")[0].facts["ignore"])

    assert bench.role(SAM) is Role.TRADER


async def test_ignore_is_journalled(bench: AccessBench) -> None:
    await bench.start(person(SAM), "Sam", None, None)

    outcome = await bench.grant.press(person(CARL), bench.notices(CARL, "access_request")[0].facts["ignore"])

    assert isinstance(outcome, RequestIgnored)
    assert bench.journal() == ["people.asked", "people.ignored"]


async def test_revoke_takes_two_taps_and_leaves_a_request_for_the_working_entries(bench: AccessBench) -> None:
    asked = await bench.revoke.ask(person(CARL), "@user1001")
    assert bench.role(ANN) is Role.TRADER

    await bench.revoke(person(CARL), asked.token.id)

    assert bench.role(ANN) is Role.STRANGER
    wanted = [("menu", {"person": str(ANN)}), ("revoked", {"person": str(ANN)})]
    assert sorted((row.kind, row.terms) for row in bench.requests()) == wanted
    assert [row.template for row in bench.notices(ANN)] == ["revoked"]
    assert bench.database.read_now(lambda unit: terminals.of_person(unit, ANN)) is not None


async def test_revoked_commander_is_powerless_at_the_next_tap(bench: AccessBench) -> None:
    held = await bench.revoke.ask(person(CARL), str(ANN))
    asked = await bench.revoke.ask(person(CORA), str(CARL))
    await bench.revoke(person(CORA), asked.token.id)

    with pytest.raises(NotAllowed):
        await bench.revoke(person(CARL), held.token.id)
    with pytest.raises(NotAllowed):
        await bench.grant(person(CARL), str(SAM), Role.TRADER)

    assert bench.role(ANN) is Role.TRADER


async def test_last_commander_can_be_neither_revoked_nor_demoted(bench: AccessBench) -> None:
    asked = await bench.revoke.ask(person(CARL), str(CORA))
    await bench.revoke(person(CARL), asked.token.id)

    own = await bench.revoke.ask(person(CARL), str(CARL))
    with pytest.raises(Refused, match="LAST_COMMANDER"):
        await bench.revoke(person(CARL), own.token.id)
    with pytest.raises(Refused, match="LAST_COMMANDER"):
        await bench.grant(person(CARL), str(CARL), Role.TRADER)

    assert bench.role(CARL) is Role.COMMANDER


async def test_two_commanders_revoking_each_other_at_once_leave_one(bench: AccessBench) -> None:
    first = await bench.revoke.ask(person(CARL), str(CORA))
    second = await bench.revoke.ask(person(CORA), str(CARL))

    await bench.revoke(person(CARL), first.token.id)
    with pytest.raises(NotAllowed):
        await bench.revoke(person(CORA), second.token.id)

    assert bench.role(CARL) is Role.COMMANDER


async def test_revocation_of_a_role_that_changed_meanwhile_is_refused(bench: AccessBench) -> None:
    asked = await bench.revoke.ask(person(CARL), str(ANN))
    await bench.grant(person(CORA), str(ANN), Role.OBSERVER)

    with pytest.raises(Refused, match="ROLE_CHANGED"):
        await bench.revoke(person(CARL), asked.token.id)

    assert bench.role(ANN) is Role.OBSERVER


async def test_one_commander_more_takes_another_one_and_a_single_one_does_it_alone(bench: AccessBench) -> None:
    asked = await bench.grant(person(CARL), str(TOM), Role.COMMANDER)
    assert isinstance(asked, Change) and bench.role(TOM) is Role.STRANGER
    with pytest.raises(Refused, match="CHANGE_PENDING"):
        await bench.grant(person(CARL), str(TOM), Role.COMMANDER)
    bench.answer(asked)
    assert bench.role(TOM) is Role.COMMANDER

    for gone in (TOM, CORA):
        await bench.revoke(person(CARL), (await bench.revoke.ask(person(CARL), str(gone))).token.id)
    alone = await bench.grant(person(CARL), str(CORA), Role.COMMANDER)
    assert isinstance(alone, RoleChanged) and bench.role(CORA) is Role.COMMANDER


async def test_revoke_token_is_bound_to_commander_and_chat_and_expires(bench: AccessBench) -> None:
    asked = await bench.revoke.ask(person(CARL), str(ANN))

    with pytest.raises(NotAllowed):
        await bench.revoke(person(CORA), asked.token.id)
    with pytest.raises(NotAllowed):
        await bench.revoke(person(CARL, chat_id=-5), asked.token.id)
    bench.clock.move(60)
    with pytest.raises(Expired):
        await bench.revoke(person(CARL), asked.token.id)

    assert bench.role(ANN) is Role.TRADER


async def test_demotion_to_observer_takes_working_entries_back_too(bench: AccessBench) -> None:
    await bench.grant(person(CARL), str(ANN), Role.OBSERVER)

    assert {row.kind for row in bench.requests()} == {"revoked", "menu"}


async def test_regranted_trader_keeps_terminal_and_choices(bench: AccessBench) -> None:
    await bench.quiet(person(ANN), "22:00", "07:00")
    asked = await bench.revoke.ask(person(CARL), str(ANN))
    await bench.revoke(person(CARL), asked.token.id)

    changed = await bench.grant(person(CARL), str(ANN), Role.TRADER)

    assert changed.person.quiet_from == "22:00"
    assert changed.terminal is not None and changed.terminal.id == f"paper-{ANN}"
