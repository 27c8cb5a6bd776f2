"""Limits changed by people: tighter at once, looser by a second person, at a time, back again, and under the file's word."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.approvals import ApprovalSettings
from config.limits import RiskSettings
from services.access.changes import ChangeBook
from services.access.second_person import SecondPerson, buttons_of
from services.domain.approvals import Approval, ApprovalSubject
from services.domain.buttons import Act
from services.domain.changes import Change, ChangeKind, ChangeState
from services.domain.errors import NotAllowed, Refused
from services.domain.limits import Limit, LimitBook, Scope
from services.domain.people import Role
from services.risk.limit_changes import LimitChanges, RetireLimits, Target, read_value, tightens, written
from services.risk.limits import book_of, in_force, limits_in_force
from services.storage import approvals, changes
from services.storage.database import Unit
from tests.access.bench import ANN, CARL, CORA, AccessBench, person

D = Decimal
LIMIT_S = 600.0
PER_TRADE = Target(limit=Limit.PER_TRADE)


class Limits:
    """The book of changes over a bench, with the settings' limits; each call is a unit of its own."""

    def __init__(self, bench: AccessBench, **settings: Any) -> None:
        self.bench, self.database = bench, bench.database
        waits = ApprovalSettings(limit_s=LIMIT_S)
        self.second = SecondPerson(bench.ids, waits)
        self.book = ChangeBook(bench.ids, waits, self.second)
        self.limits = LimitChanges(RiskSettings(**settings))
        self.limits.register(self.book)

    def propose(self, who: int, target: Target, text: str, after_s: float = 0) -> Change:
        def body(unit: Unit) -> Change:
            before, after = self.limits.value(unit, target), read_value(target, text)
            at = unit.now + timedelta(seconds=after_s) if after_s else None
            return self.book.propose(
                unit,
                person(who),
                ChangeKind.LIMIT,
                target.written,
                written(before),
                written(after),
                tightens=tightens(target, before, after),
                effective_at=at,
            )

        return self.database.write_now(body)

    def answer(self, who: int, change: Change, *, yes: bool = True) -> Change:
        def body(unit: Unit) -> None:
            token = buttons_of(unit, self.question(unit, change), who)[Act.APPROVE if yes else Act.REJECT]
            self.book.decided(unit, person(who), self.second.answer(unit, person(who), token, yes, None if yes else "no"))

        self.database.write_now(body)
        return self.now(change)

    def alone(self, who: int, change: Change) -> Change:
        def body(unit: Unit) -> None:
            asked = self.question(unit, change)
            self.book.decided(unit, person(who), self.second.confirm_solo(unit, person(who), asked.number, str(asked.phrase)))

        self.database.write_now(body)
        return self.now(change)

    def roll_back(self, who: int, change: Change) -> Change:
        return self.database.write_now(lambda unit: self.book.roll_back(unit, person(who), change.number))

    def tick(self) -> None:
        self.database.write_now(self.book.come_into_force)

    def question(self, unit: Unit, change: Change) -> Approval:
        found = approvals.of_subject(unit, ApprovalSubject.CHANGE, change.id)
        assert found is not None
        return found

    def now(self, change: Change) -> Change:
        found = self.database.read_now(lambda unit: changes.find(unit, change.id))
        assert found is not None
        return found

    def in_force(self) -> LimitBook:
        return self.database.read_now(lambda unit: limits_in_force(unit, self.limits.settings))

    def desk(self, limit: Limit = Limit.PER_TRADE) -> Decimal | None:
        return self.in_force().desk.get(limit)

    def hash(self) -> str:
        return self.database.read_now(lambda unit: in_force(unit, self.limits.settings, "settings").config_hash)


@pytest.fixture
def desk(bench: AccessBench) -> Limits:
    return Limits(bench)


@pytest.fixture
def alone(empty: AccessBench) -> Iterator[Limits]:
    empty.add(CARL, Role.COMMANDER, "Carl")
    empty.add(ANN, Role.TRADER, "Ann")
    yield Limits(empty)


def test_tighter_is_in_force_at_once_and_changes_the_hash(desk: Limits) -> None:
    before = desk.hash()

    change = desk.propose(CARL, PER_TRADE, "0.5%")

    assert (change.state, change.tightens, desk.desk()) == (ChangeState.IN_FORCE, True, D("0.005"))
    assert before == "settings" != desk.hash()
    assert desk.bench.journal() == ["change.proposed", "change.in_force"]
    assert [row.chat_id for row in desk.bench.notices(template="change_told")] == [CORA]


def test_looser_takes_another_commanders_yes_and_never_the_askers(desk: Limits) -> None:
    change = desk.propose(CARL, PER_TRADE, "0.02")
    assert (change.state, desk.desk()) == (ChangeState.WAITING, D("0.01"))
    with pytest.raises(KeyError):
        desk.answer(CARL, change)

    assert (desk.answer(CORA, change).state, desk.desk()) == (ChangeState.IN_FORCE, D("0.02"))


def test_a_no_changes_nothing(desk: Limits) -> None:
    change = desk.answer(CORA, desk.propose(CARL, PER_TRADE, "0.02"), yes=False)

    assert (change.state, change.reason, desk.desk()) == (ChangeState.REJECTED, "no", D("0.01"))


def test_only_commanders_propose(desk: Limits) -> None:
    with pytest.raises(NotAllowed):
        desk.propose(ANN, PER_TRADE, "0.001")


def test_tighter_ends_a_raise_that_waits(desk: Limits) -> None:
    raised = desk.propose(CARL, PER_TRADE, "0.02")

    desk.propose(CORA, PER_TRADE, "0.005")

    assert (desk.now(raised).state, desk.desk()) == (ChangeState.CANCELED, D("0.005"))
    with pytest.raises(KeyError):
        desk.answer(CORA, raised)


def test_second_raise_waits_for_the_first(desk: Limits) -> None:
    desk.propose(CARL, PER_TRADE, "0.02")

    with pytest.raises(Refused, match="CHANGE_PENDING"):
        desk.propose(CORA, PER_TRADE, "0.03")


def test_scheduled_raise_comes_into_force_at_its_time(desk: Limits) -> None:
    change = desk.answer(CORA, desk.propose(CARL, PER_TRADE, "0.02", after_s=7200))
    desk.bench.clock.move(7199)
    desk.tick()
    assert (desk.now(change).state, desk.desk()) == (ChangeState.SCHEDULED, D("0.01"))
    desk.bench.clock.move(1)

    desk.tick()

    assert (desk.now(change).state, desk.desk()) == (ChangeState.IN_FORCE, D("0.02"))


def test_back_from_a_raise_acts_at_once_and_back_from_a_tightening_asks(desk: Limits) -> None:
    raised = desk.answer(CORA, desk.propose(CARL, PER_TRADE, "0.02"))
    back = desk.roll_back(CARL, raised)
    assert (back.state, desk.now(raised).state, desk.desk()) == (ChangeState.IN_FORCE, ChangeState.ROLLED_BACK, D("0.01"))

    tight = desk.propose(CARL, PER_TRADE, "0.004")
    again = desk.roll_back(CARL, tight)

    assert (again.state, desk.desk()) == (ChangeState.WAITING, D("0.004"))
    assert (desk.answer(CORA, again).state, desk.now(tight).state) == (ChangeState.IN_FORCE, ChangeState.ROLLED_BACK)
    with pytest.raises(Refused, match="CHANGE_OVER"):
        desk.roll_back(CARL, tight)


@pytest.mark.parametrize(
    ("target", "text", "code"),
    [
        (PER_TRADE, "2", "LIMIT_BOUNDS"),
        (PER_TRADE, "-1%", "LIMIT_BOUNDS"),
        (PER_TRADE, "NaN", "LIMIT_VALUE"),
        (PER_TRADE, "much", "LIMIT_VALUE"),
        (PER_TRADE, "off", "LIMIT_ALWAYS"),
        (Target(limit=Limit.OPEN_POSITIONS), "2.5", "LIMIT_BOUNDS"),
        (Target(limit=Limit.OPEN_POSITIONS, scope=Scope.TIER, subject="A"), "2", "LIMIT_BOUNDS"),
        (Target(limit=Limit.PER_TRADE, scope=Scope.TIER, subject="E"), "0.01", "LIMIT_BOUNDS"),
    ],
    ids=["above", "below", "nan", "words", "always", "half", "scope", "tier"],
)
def test_what_the_settings_would_refuse_is_refused(desk: Limits, target: Target, text: str, code: str) -> None:
    with pytest.raises(Refused, match=code):
        desk.propose(CARL, target, text)

    assert desk.bench.journal() == []


def test_narrower_value_is_added_at_once_and_taken_away_by_two(desk: Limits) -> None:
    own = Target(limit=Limit.PER_TRADE, scope=Scope.PERSON, subject=str(ANN))
    where = {Scope.PERSON: str(ANN)}
    assert desk.propose(CARL, own, "0.002").state is ChangeState.IN_FORCE
    assert desk.in_force().at(where)[Limit.PER_TRADE].value == D("0.002")

    gone = desk.propose(CARL, own, "off")

    assert gone.state is ChangeState.WAITING
    desk.answer(CORA, gone)
    assert desk.in_force().at(where)[Limit.PER_TRADE].value == D("0.01")


def test_limit_that_is_off_is_switched_on_at_once(desk: Limits) -> None:
    change = desk.propose(CARL, Target(limit=Limit.TRADES_PER_HOUR), "3")

    assert (change.before, change.state, desk.desk(Limit.TRADES_PER_HOUR)) == ("off", ChangeState.IN_FORCE, D(3))


async def test_file_that_was_changed_since_wins_at_the_next_start(desk: Limits) -> None:
    change = desk.propose(CARL, PER_TRADE, "0.005")
    same, other = Limits(desk.bench), Limits(desk.bench, per_trade="0.008")
    assert (same.desk(), other.desk()) == (D("0.005"), D("0.008"))

    retired = [await RetireLimits(desk.database, each.limits, desk.bench.ids)() for each in (same, other, other)]

    assert retired == [0, 1, 0]
    assert (same.desk(), desk.now(change).state) == (D("0.01"), ChangeState.SUPERSEDED)
    assert desk.bench.journal()[-1] == "limit.retired"


def test_life_of_a_single_commander(alone: Limits) -> None:
    raised = alone.propose(CARL, PER_TRADE, "0.02")
    assert (raised.state, len(alone.bench.notices(ANN, "change_told"))) == (ChangeState.WAITING, 1)
    with pytest.raises(Refused, match="APPROVAL_EARLY"):
        alone.alone(CARL, raised)
    alone.database.write_now(lambda unit: alone.book.take_back(unit, person(CARL), raised.number))
    assert (alone.now(raised).state, alone.desk()) == (ChangeState.CANCELED, D("0.01"))

    again = alone.propose(CARL, PER_TRADE, "0.02")
    alone.bench.clock.move(LIMIT_S)

    assert (alone.alone(CARL, again).state, alone.desk()) == (ChangeState.IN_FORCE, D("0.02"))


def test_value_that_changed_while_it_waited_is_not_overwritten(desk: Limits) -> None:
    """The broken twin of it: where the value before is not looked at again, the stale raise would stand."""
    stale = desk.propose(CARL, PER_TRADE, "0.02")
    desk.limits._settings = replace(desk.limits.settings, desk={**desk.limits.settings.desk, Limit.PER_TRADE: D("0.003")})

    assert (desk.answer(CORA, stale).state, desk.desk()) == (ChangeState.CANCELED, D("0.003"))

    fresh = desk.propose(CARL, PER_TRADE, "0.02")
    desk.book.register(ChangeKind.LIMIT, desk.limits.apply, lambda unit, subject: fresh.before)
    desk.limits._settings = replace(desk.limits.settings, desk={**desk.limits.settings.desk, Limit.PER_TRADE: D("0.001")})
    assert desk.answer(CORA, fresh).state is ChangeState.IN_FORCE


@given(st.sampled_from(list(Limit)), st.decimals("0.001", "5", places=3), st.decimals("0.001", "5", places=3))
def test_of_two_values_exactly_one_way_tightens(limit: Limit, one: Decimal, other: Decimal) -> None:
    target = Target(limit=limit)

    assert tightens(target, one, other) != tightens(target, other, one) or one == other
    assert tightens(target, None, one)
    assert not tightens(target, one, None)


def test_book_without_changes_is_the_settings() -> None:
    settings = RiskSettings(scoped=({"scope": "tier", "subject": "B", "limit": "per_trade", "value": "0.001"},))

    assert LimitChanges(settings).settings == book_of(settings)
