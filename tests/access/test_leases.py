"""Roles with a grade and an end: given, told, over at the moment they end, and never the last commander's."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from config.grades import BUILT_IN, WITHHOLDABLE
from services.access import buttons
from services.access.leases import EndLeases
from services.access.roles import LONGEST_LEASE
from services.domain.buttons import Act
from services.domain.errors import Expired, NotAllowed, Refused
from services.domain.people import Person, Role
from services.storage import grades, people
from services.storage.database import Unit
from tests.access.bench import ANN, CARL, CORA, OLGA, TOM, AccessBench, person

DAY, WEEK = timedelta(days=1), timedelta(days=7)


@pytest.fixture
def graded(bench: AccessBench) -> AccessBench:
    """The desk knows the built-in grades."""
    asyncio.run(bench.seeding_grades(BUILT_IN)())
    return bench


def stored(bench: AccessBench, person_id: int) -> Person:
    found = bench.database.read_now(lambda unit: people.stored(unit, person_id))
    assert found is not None
    return found


async def test_a_role_is_given_with_a_grade_and_an_end_and_both_are_told(graded: AccessBench) -> None:
    await graded.given(CARL, TOM, Role.TRADER, "cadet", WEEK)

    assert (stored(graded, TOM).grade, stored(graded, TOM).lease_until) == ("cadet", graded.clock.now() + WEEK)
    for chat_id, template in ((TOM, "granted"), (CARL, "people_changed"), (CORA, "people_changed")):
        facts = graded.notices(chat_id, template)[-1].facts
        assert (facts["grade"], facts["until"]) == ("cadet", (graded.clock.now() + WEEK).isoformat())


async def test_a_plain_grant_ends_a_lease_and_keeps_the_grade_and_the_same_one_again_is_refused(graded: AccessBench) -> None:
    await graded.grant(person(CARL), str(ANN), Role.TRADER, "cadet", DAY)
    longer = await graded.given(CARL, ANN, Role.TRADER)

    assert longer.change.tightens is False
    assert (stored(graded, ANN).grade, stored(graded, ANN).lease_until) == ("cadet", None)
    with pytest.raises(Refused, match="ROLE_SAME"):
        await graded.grant(person(CARL), str(ANN), Role.TRADER, "cadet")


@pytest.mark.parametrize(
    ("grade", "lasts", "code"),
    [
        ("admiral", None, "GRADE_UNKNOWN"),
        (None, timedelta(seconds=299), "LEASE_TIME"),
        (None, LONGEST_LEASE + timedelta(seconds=1), "LEASE_TIME"),
    ],
)
async def test_what_is_no_grade_or_no_time_is_refused(
    graded: AccessBench, grade: str | None, lasts: timedelta | None, code: str
) -> None:
    with pytest.raises(Refused, match=code):
        await graded.grant(person(CARL), str(TOM), Role.TRADER, grade, lasts)


async def test_a_role_is_over_at_its_last_moment_whatever_the_tick_does(graded: AccessBench) -> None:
    await graded.given(CARL, OLGA, Role.COMMANDER, None, DAY)
    longer = await graded.grant(person(OLGA), str(OLGA), Role.COMMANDER)
    assert longer.waits and stored(graded, OLGA).lease_until is not None
    graded.clock.move(DAY.total_seconds() - 0.001)
    await graded.grant(person(OLGA), str(TOM), Role.OBSERVER)
    graded.clock.move(0.001)

    with pytest.raises(NotAllowed, match="NO_ROLE"):
        await graded.grant(person(OLGA), str(TOM), Role.TRADER)
    assert OLGA not in [each.id for each in graded.database.read_now(people.everyone)]
    assert stored(graded, OLGA).role is Role.COMMANDER


async def test_the_tick_tells_a_day_before_and_ends_what_is_over_once(graded: AccessBench) -> None:
    end = EndLeases(graded.database, graded.roles, graded.ids)
    await graded.given(CARL, ANN, Role.TRADER, "veteran", WEEK)
    waiting = graded.database.write_now(
        lambda unit: buttons.issue(unit, graded.ids, Act.CLOSE, {}, person_id=ANN, chat_id=ANN, lasts_s=30 * 86_400)
    )
    assert await end() == 0 and not graded.notices(template="lease_ending")

    graded.clock.move((WEEK - DAY).total_seconds())
    assert [await end(), await end()] == [0, 0]
    assert sorted(row.chat_id for row in graded.notices(template="lease_ending")) == [ANN, CARL, CORA]

    graded.clock.move(DAY.total_seconds())
    assert [await end(), await end()] == [1, 0]
    assert [row.chat_id for row in graded.notices(template="lease_ended")] == [ANN]
    over = stored(graded, ANN)
    assert (over.role, over.grade, over.lease_until) == (Role.STRANGER, "regular", None)
    assert [row.kind for row in graded.requests()].count("revoked") == 1
    assert graded.journal()[-1] == "people.lease_ended"

    def use(unit: Unit) -> None:
        buttons.use(unit, person(ANN), waiting.id, Act.CLOSE)

    with pytest.raises(Expired, match="BUTTON_EXPIRED"):
        graded.database.write_now(use)


async def test_one_commander_always_stays_for_good(graded: AccessBench) -> None:
    await graded.grant(person(CARL), str(CORA), Role.COMMANDER, None, WEEK)

    for role, lasts in ((Role.COMMANDER, DAY), (Role.TRADER, None), (Role.OBSERVER, DAY)):
        with pytest.raises(Refused, match="LAST_COMMANDER"):
            await graded.grant(person(CORA), str(CARL), role, None, lasts)
    asked = await graded.revoke.ask(person(CORA), str(CARL))
    with pytest.raises(Refused, match="LAST_COMMANDER"):
        await graded.revoke(person(CORA), asked.token.id)

    assert (stored(graded, CARL).role, stored(graded, CARL).lease_until) == (Role.COMMANDER, None)


@pytest.mark.parametrize("command", WITHHOLDABLE)
async def test_a_grade_out_of_the_settings_keeps_no_command_that_grades_give(graded: AccessBench, command: str) -> None:
    assert not graded.database.read_now(lambda unit: grades.find(unit, "admiral")).may(command)
    assert graded.database.read_now(lambda unit: grades.find(unit, "regular")).may(command)
