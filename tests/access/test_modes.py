"""Whose word a mode takes: tighter is one's own, freer a commander's with a second person, and never beyond the grade."""

from __future__ import annotations

import asyncio

import pytest

from config.approvals import ApprovalSettings
from config.grades import BUILT_IN
from services.access.changes import ChangeBook
from services.access.mode_changes import ChooseMode, register_modes
from services.access.second_person import SecondPerson, buttons_of
from services.domain.approvals import ApprovalState
from services.domain.buttons import Act
from services.domain.errors import NotAllowed, Refused
from services.domain.grades import FireMode, ModeScope
from services.domain.people import Role
from services.domain.signals import StrategyState
from services.storage import approvals, desk, modes
from services.storage.database import Unit
from tests.access.bench import ANN, CARL, CORA, OLGA, AccessBench, person

ALERT, SELECT, AUTO = FireMode.ALERT, FireMode.SELECT, FireMode.AUTO


class Modes:
    """The use case with its book, on a desk with one strategy and the built-in grades."""

    def __init__(self, bench: AccessBench) -> None:
        self.bench = bench
        asyncio.run(bench.seeding_grades(BUILT_IN)())
        bench.database.write_now(lambda unit: desk.set_strategy(unit, "trend", StrategyState.ENABLED, by=None))
        self.second = SecondPerson(bench.ids, ApprovalSettings())
        self.book = ChangeBook(bench.ids, ApprovalSettings(), self.second)
        register_modes(self.book)
        self.choose = ChooseMode(bench.database, self.book)

    def of(self, scope: ModeScope, subject: str) -> FireMode:
        return self.bench.database.read_now(lambda unit: modes.find(unit, scope, subject))

    def ann(self) -> FireMode:
        return self.of(ModeScope.PERSON, str(ANN))

    def answer_yes(self, by: int) -> None:
        def body(unit: Unit) -> None:
            (waiting,) = approvals.waiting(unit)
            after = self.second.answer(unit, person(by), buttons_of(unit, waiting, by)[Act.APPROVE], True)
            assert after.state is ApprovalState.APPROVED
            self.book.decided(unit, person(by), after)

        self.bench.database.write_now(body)


@pytest.fixture
def chosen(bench: AccessBench) -> Modes:
    return Modes(bench)


async def test_a_trader_tightens_alone_and_comes_back_only_from_what_they_chose(chosen: Modes) -> None:
    await chosen.choose.mine(person(ANN), ALERT)
    await chosen.choose.mine(person(ANN), SELECT)
    assert chosen.ann() is SELECT

    await chosen.choose.of(person(CARL), str(ANN), ALERT)
    assert chosen.ann() is ALERT
    with pytest.raises(NotAllowed, match="ROLE"):
        await chosen.choose.mine(person(ANN), SELECT)
    with pytest.raises(NotAllowed, match="ROLE"):
        await chosen.choose.of(person(ANN), "trend", ALERT)
    with pytest.raises(NotAllowed, match="ROLE"):
        await chosen.choose.look(person(OLGA))


async def test_auto_waits_for_a_second_person_and_stays_within_the_grade(chosen: Modes) -> None:
    with pytest.raises(Refused, match="MODE_GRADE"):
        await chosen.choose.of(person(CARL), str(ANN), AUTO)
    await chosen.bench.given(CARL, ANN, Role.TRADER, "veteran")

    asked = await chosen.choose.of(person(CARL), str(ANN), AUTO)
    assert (asked.mode, asked.waits is not None, chosen.ann()) == (SELECT, True, SELECT)
    chosen.answer_yes(CORA)
    assert chosen.ann() is AUTO

    stopped = await chosen.choose.mine(person(ANN), SELECT)
    assert (stopped.mode, stopped.waits) == (SELECT, None)


async def test_a_strategys_mode_is_a_change_too_and_a_grade_lost_meanwhile_ends_a_persons(chosen: Modes) -> None:
    await chosen.choose.of(person(CARL), "trend", AUTO)
    chosen.answer_yes(CORA)
    assert chosen.of(ModeScope.STRATEGY, "trend") is AUTO

    await chosen.bench.given(CARL, ANN, Role.TRADER, "veteran")
    await chosen.choose.of(person(CARL), str(ANN), AUTO)
    await chosen.bench.grant(person(CARL), str(ANN), Role.TRADER, "cadet")
    chosen.answer_yes(CORA)
    assert chosen.ann() is SELECT


async def test_a_role_that_is_taken_takes_the_mode_with_it(chosen: Modes) -> None:
    await chosen.choose.mine(person(ANN), ALERT)
    await chosen.bench.grant(person(CARL), str(ANN), Role.OBSERVER)
    await chosen.bench.given(CARL, ANN, Role.TRADER)

    assert chosen.ann() is SELECT
