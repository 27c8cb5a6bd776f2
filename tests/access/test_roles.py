"""Granting and revoking: who may, what follows, and what never happens."""

from __future__ import annotations

from itertools import product

import pytest

from config.approvals import ApprovalSettings
from services.access.changes import ChangeBook
from services.access.granting import IGNORED, Grant, GrantDone, RequestIgnored, register_grants
from services.domain.changes import ChangeState
from services.domain.errors import Expired, NotAllowed, NotFound, Refused
from services.domain.people import Actor, Role
from services.storage import changes, people, terminals
from services.storage.database import Unit
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
    await bench.given(CARL, TOM, Role.TRADER)

    opened = bench.database.read_now(lambda unit: terminals.find(unit, f"paper-{TOM}"))
    assert opened is not None
    assert (opened.currency, opened.can_short, opened.owner_id, opened.reconciled_at) == ("USDT", True, TOM, None)
    told = [(row.chat_id, row.template) for row in bench.notices()]
    assert sorted(told) == sorted([(TOM, "granted"), (CARL, "people_changed"), (CORA, "people_changed")])
    assert bench.journal()[-2:] == ["people.granted", "change.in_force"]


async def test_observer_gets_no_terminal(bench: AccessBench) -> None:
    await bench.given(CARL, TOM, Role.OBSERVER)

    assert bench.database.read_now(lambda unit: terminals.of_person(unit, TOM)) is None


@pytest.mark.parametrize("reference", ["@user1001", "user1001", "USER1001", str(ANN)])
async def test_person_is_found_by_id_and_current_username(bench: AccessBench, reference: str) -> None:
    changed = await bench.grant(person(CARL), reference, Role.OBSERVER)

    assert changed.person.id == ANN


async def test_asking_stranger_is_found_by_username(bench: AccessBench) -> None:
    await bench.start(person(SAM), "Sam", "SamTheMan", None)

    asked = await bench.grant(person(CARL), "@samtheman", Role.TRADER)
    bench.answer(asked.change)

    found = bench.database.read_now(lambda unit: people.find(unit, SAM))
    assert found is not None and (found.name, found.role) == ("Sam", Role.TRADER)


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

    assert isinstance(granted, GrantDone) and granted.others == ("Cora",) and bench.role(SAM) is Role.STRANGER
    bench.answer(granted.change)
    assert bench.role(SAM) is Role.TRADER


async def knocked(bench: AccessBench) -> tuple[GrantDone, str, str]:
    """Let Sam ask and Carl tap Grant; return what it came to, and the two buttons of Cora's card."""
    await bench.start(person(SAM), "Sam", None, None)
    asked = await bench.grant.press(person(CARL), bench.notices(CARL, "access_request")[0].facts["grant"])
    assert isinstance(asked, GrantDone) and asked.waits
    theirs = bench.notices(CORA, "access_request")[0].facts
    return asked, theirs["grant"], theirs["ignore"]


async def test_the_others_grant_of_the_same_request_is_the_yes_that_it_waits_for(bench: AccessBench) -> None:
    _, grant, _ = await knocked(bench)

    agreed = await bench.grant.press(person(CORA), grant)

    assert isinstance(agreed, GrantDone) and not agreed.waits and bench.role(SAM) is Role.TRADER
    assert bench.journal().count("people.granted") == 1


async def test_the_others_ignore_is_a_no_to_who_asked(bench: AccessBench) -> None:
    asked, _, ignore = await knocked(bench)

    assert isinstance(await bench.grant.press(person(CORA), ignore), RequestIgnored)

    after = bench.database.read_now(lambda unit: changes.find(unit, asked.change.id))
    assert after is not None and (after.state, after.reason) == (ChangeState.REJECTED, IGNORED)
    assert bench.role(SAM) is Role.STRANGER
    assert [row.facts["what"] for row in bench.notices(CARL, "change_told")] == ["rejected"]


async def test_an_old_request_takes_nothing_from_somebody_who_has_more_by_now(bench: AccessBench) -> None:
    _, grant, _ = await knocked(bench)
    bench.add(SAM, Role.COMMANDER)

    with pytest.raises(Refused, match="ROLE_SAME"):
        await bench.grant.press(person(CORA), grant)

    assert bench.role(SAM) is Role.COMMANDER


async def test_second_commanders_ignore_after_a_grant_changes_nothing(bench: AccessBench) -> None:
    await bench.start(person(SAM), "Sam", None, None)
    granted = await bench.grant.press(person(CARL), bench.notices(CARL, "access_request")[0].facts["grant"])
    assert isinstance(granted, GrantDone)
    bench.answer(granted.change)

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


async def leave(bench: AccessBench, by: int, gone: int) -> None:
    """Let a commander take somebody's role."""
    await bench.revoke(person(by), (await bench.revoke.ask(person(by), str(gone))).token.id)


@pytest.mark.parametrize("role", [Role.OBSERVER, Role.TRADER, Role.COMMANDER])
async def test_whatever_role_is_given_another_commander_answers_for_it(bench: AccessBench, role: Role) -> None:
    asked = await bench.grant(person(CARL), str(TOM), role)
    assert asked.waits and asked.others == ("Cora",) and bench.role(TOM) is Role.STRANGER
    with pytest.raises(Refused, match="CHANGE_PENDING"):
        await bench.grant(person(CARL), str(TOM), role)
    assert not bench.notices(TOM)

    bench.answer(asked.change)

    assert bench.role(TOM) is role
    assert [row.template for row in bench.notices(TOM)] == ["granted"]


async def test_a_single_commander_gives_at_once_and_waits_to_make_another_one(bench: AccessBench) -> None:
    await leave(bench, CARL, CORA)
    at_once = await bench.grant(person(CARL), str(TOM), Role.TRADER)
    assert not at_once.waits and bench.role(TOM) is Role.TRADER
    alone = await bench.grant(person(CARL), str(CORA), Role.COMMANDER)
    assert alone.waits and alone.question is not None and alone.question.solo and bench.role(CORA) is Role.STRANGER
    assert [row.template for row in bench.notices(ANN)] == ["change_told"]

    def typed(unit: Unit) -> None:
        assert alone.question is not None and alone.question.phrase is not None
        done = bench.second.confirm_solo(unit, person(CARL), alone.question.number, alone.question.phrase)
        bench.changes.decided(unit, person(CARL), done)

    with pytest.raises(Refused, match="APPROVAL_EARLY"):
        bench.database.write_now(typed)
    bench.clock.move(ApprovalSettings().commander_s)
    bench.database.write_now(typed)

    assert bench.role(CORA) is Role.COMMANDER


async def test_a_grant_is_led_back_at_once_and_a_demotion_back_by_another_commander(bench: AccessBench) -> None:
    given = await bench.given(CARL, TOM, Role.TRADER)
    back = bench.database.write_now(lambda unit: bench.changes.roll_back(unit, person(CARL), given.change.number))
    assert (back.state, bench.role(TOM)) == (ChangeState.IN_FORCE, Role.STRANGER)
    assert bench.notices(TOM)[-1].template == "revoked"

    lower = await bench.grant(person(CARL), str(ANN), Role.OBSERVER)
    assert not lower.waits and bench.role(ANN) is Role.OBSERVER
    again = bench.database.write_now(lambda unit: bench.changes.roll_back(unit, person(CARL), lower.change.number))
    assert (again.state, bench.role(ANN)) == (ChangeState.WAITING, Role.OBSERVER)
    bench.answer(again)
    assert bench.role(ANN) is Role.TRADER


async def test_a_role_that_is_taken_ends_what_was_to_be_given(bench: AccessBench) -> None:
    asked = await bench.grant(person(CARL), str(ANN), Role.COMMANDER)
    await leave(bench, CORA, ANN)

    after = bench.database.read_now(lambda unit: changes.find(unit, asked.change.id))
    assert after is not None and after.state is ChangeState.CANCELED
    fresh = await bench.given(CARL, ANN, Role.OBSERVER)
    assert not bench.role(ANN) > Role.OBSERVER and fresh.waits


async def test_without_the_wait_a_single_commander_has_a_second_one_at_once(bench: AccessBench) -> None:
    """The broken twin: what a new commander may do is no better guarded than the wait before there is one."""
    await leave(bench, CARL, CORA)
    hasty = ChangeBook(bench.ids, ApprovalSettings(commander_s=0), bench.second)
    register_grants(hasty, bench.grants)

    done = await Grant(bench.database, bench.grants, hasty)(person(CARL), str(TOM), Role.COMMANDER)

    assert not done.waits and bench.role(TOM) is Role.COMMANDER


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

    await bench.given(CARL, ANN, Role.TRADER)

    def held(unit: Unit) -> tuple[str | None, str | None]:
        found, terminal = people.find(unit, ANN), terminals.of_person(unit, ANN)
        return found.quiet_from if found else None, terminal.id if terminal else None

    assert bench.database.read_now(held) == ("22:00", f"paper-{ANN}")
