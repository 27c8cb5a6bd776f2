"""The second person: nobody answers their own question, each answers once, authority and time count as they are then."""

from __future__ import annotations

from datetime import timedelta

import pytest

from config.approvals import ApprovalSettings
from services.access.answering import TendApprovals
from services.access.second_person import SecondPerson, buttons_of
from services.domain.approvals import Approval, ApprovalState, ApprovalSubject, needed
from services.domain.buttons import Act
from services.domain.errors import Expired, NotAllowed, NotFound, Refused
from services.domain.people import Actor, Role
from services.storage import approvals
from services.storage.database import Database, Unit
from tests.access.bench import ANN, CARL, CORA, OLGA, AccessBench, NoWakeups, person

DORA = 2003
LASTS_S, WAIT_S = 3600.0, 600.0
CHANGE = ApprovalSubject.CHANGE


class Questions:
    """The second person over a bench, each call in a unit of its own."""

    def __init__(self, bench: AccessBench, quorum: int = 1) -> None:
        self.bench, self.database = bench, bench.database
        self.second = SecondPerson(bench.ids, ApprovalSettings(quorum=quorum, lasts_s=LASTS_S))

    def ask(self, by: int) -> Approval:
        def body(unit: Unit) -> Approval:
            others = self.second.eligible(unit, CHANGE, by)
            return self.second.ask(
                unit,
                person(by),
                subject=CHANGE,
                subject_id=f"c{unit.now.timestamp():.0f}",
                kind="limit",
                eligible=others,
                solo_wait_s=WAIT_S,
            )

        return self.database.write_now(body)

    def button(self, approval: Approval, who: int, act: Act = Act.APPROVE) -> str:
        return self.database.read_now(lambda unit: buttons_of(unit, approval, who))[act]

    def press(self, who: Actor, token: str, yes: bool = True, reason: str | None = None) -> Approval:
        return self.database.write_now(lambda unit: self.second.answer(unit, who, token, yes, reason))

    def type(self, who: int, approval: Approval, phrase: str) -> Approval:
        return self.database.write_now(lambda unit: self.second.confirm_solo(unit, person(who), approval.number, phrase))

    def now(self, approval: Approval) -> Approval:
        found = self.database.read_now(lambda unit: approvals.find(unit, approval.id))
        assert found is not None
        return found


@pytest.fixture
def asked(bench: AccessBench) -> Questions:
    return Questions(bench)


@pytest.fixture
def alone(empty: AccessBench) -> Questions:
    """A desk whose only commander has nobody to ask."""
    empty.add(CARL, Role.COMMANDER, "Carl")
    empty.add(ANN, Role.TRADER, "Ann")
    return Questions(empty)


def test_one_yes_of_another_commander_approves(asked: Questions) -> None:
    approval = asked.ask(CARL)

    done = asked.press(person(CORA), asked.button(approval, CORA))

    assert (approval.needed, approval.solo, done.state) == (1, False, ApprovalState.APPROVED)
    assert asked.now(approval) == done
    assert asked.bench.journal() == ["approval.asked", "approval.answered", "approval.approved"]


@pytest.mark.parametrize(("quorum", "others", "wanted"), [(1, 1, 1), (2, 1, 1), (2, 5, 2), (3, 2, 2)])
def test_quorum_is_at_most_the_others_there_are(quorum: int, others: int, wanted: int) -> None:
    assert needed(quorum, others) == wanted


def test_asker_has_no_button_and_no_stolen_one_works(asked: Questions) -> None:
    approval = asked.ask(CARL)

    assert asked.database.read_now(lambda unit: buttons_of(unit, approval, CARL)) == {}
    with pytest.raises(NotAllowed, match="NOT_YOURS"):
        asked.press(person(CARL), asked.button(approval, CORA))
    with pytest.raises(NotAllowed, match="OWN_QUESTION"):
        asked.type(CARL, approval, "alone limit")
    assert asked.now(approval).state is ApprovalState.WAITING


def test_button_is_no_good_in_another_chat_for_the_other_answer_or_made_up(asked: Questions) -> None:
    approval = asked.ask(CARL)
    token = asked.button(approval, CORA)

    with pytest.raises(NotAllowed):
        asked.press(person(CORA, chat_id=-100), token)
    with pytest.raises(NotFound):
        asked.press(person(CORA), token, yes=False)
    with pytest.raises(NotFound):
        asked.press(person(CORA), "s" * 22)


def test_same_person_twice_counts_once_even_with_a_fresh_button(bench: AccessBench) -> None:
    bench.add(DORA, Role.COMMANDER)
    asked = Questions(bench, quorum=2)
    approval = asked.ask(CARL)
    no = asked.button(approval, CORA, Act.REJECT)
    first = asked.press(person(CORA), asked.button(approval, CORA))

    with pytest.raises(Refused, match="APPROVAL_ANSWERED"):
        asked.press(person(CORA), no, yes=False)

    assert first.state is ApprovalState.WAITING
    assert asked.press(person(DORA), asked.button(approval, DORA)).state is ApprovalState.APPROVED


def test_two_devices_press_at_once_and_the_first_wins(asked: Questions) -> None:
    approval = asked.ask(CARL)
    yes, no = asked.button(approval, CORA), asked.button(approval, CORA, Act.REJECT)
    asked.press(person(CORA), no, yes=False, reason="too much")

    with pytest.raises(Refused, match="APPROVAL_DECIDED"):
        asked.press(person(CORA), yes)

    assert (asked.now(approval).state, asked.now(approval).reason) == (ApprovalState.REJECTED, "too much")


@pytest.mark.parametrize(("early_s", "counts"), [(0.001, True), (0.0, False), (-0.001, False)], ids=["before", "at", "after"])
def test_answer_counts_until_the_moment_of_expiry(asked: Questions, early_s: float, counts: bool) -> None:
    approval = asked.ask(CARL)
    token = asked.button(approval, CORA)
    asked.bench.clock.move(LASTS_S - early_s)

    if counts:
        assert asked.press(person(CORA), token).state is ApprovalState.APPROVED
    else:
        with pytest.raises(Expired, match="APPROVAL_EXPIRED"):
            asked.press(person(CORA), token)


def test_nobody_answered_ends_once(asked: Questions) -> None:
    approval = asked.ask(CARL)
    before = asked.database.write_now(asked.second.expire_due)
    asked.bench.clock.move(LASTS_S)

    ended = [asked.database.write_now(asked.second.expire_due) for _ in range(2)]

    assert (before, [len(each) for each in ended]) == ([], [1, 0])
    assert asked.now(approval).state is ApprovalState.EXPIRED


@pytest.mark.parametrize("role", [Role.TRADER, Role.STRANGER])
def test_demoted_between_asking_and_answering_has_no_say(asked: Questions, role: Role) -> None:
    approval = asked.ask(CARL)
    token = asked.button(approval, CORA)
    asked.bench.add(CORA, role)

    with pytest.raises(NotAllowed):
        asked.press(person(CORA), token)

    assert asked.now(approval).state is ApprovalState.WAITING


def test_yes_of_somebody_demoted_since_does_not_count(bench: AccessBench) -> None:
    bench.add(DORA, Role.COMMANDER)
    asked = Questions(bench, quorum=2)
    approval = asked.ask(CARL)
    asked.press(person(CORA), asked.button(approval, CORA))
    bench.add(CORA, Role.TRADER)

    assert asked.press(person(DORA), asked.button(approval, DORA)).state is ApprovalState.WAITING


def test_question_survives_a_restart(asked: Questions) -> None:
    approval = asked.ask(CARL)
    token = asked.button(approval, CORA)
    bench = asked.bench
    again = Database(bench.url, bench.clock, NoWakeups(), threads=False)
    fresh = SecondPerson(bench.ids, ApprovalSettings(lasts_s=LASTS_S))

    done = again.write_now(lambda unit: fresh.answer(unit, person(CORA), token, True))

    assert done.state is ApprovalState.APPROVED


def test_withdrawn_takes_no_answer(asked: Questions) -> None:
    approval = asked.ask(CARL)
    token = asked.button(approval, CORA)
    asked.database.write_now(lambda unit: asked.second.withdraw(unit, person(CARL), approval, "thought again"))

    with pytest.raises(Refused, match="APPROVAL_DECIDED"):
        asked.press(person(CORA), token)


@pytest.mark.parametrize("who", [ANN, OLGA])
def test_who_is_not_the_commander_never_decides_alone(alone: Questions, who: int) -> None:
    def ask(unit: Unit) -> Approval:
        return alone.second.ask(
            unit, person(who), subject=CHANGE, subject_id="c", kind="limit", eligible=[], solo_wait_s=WAIT_S
        )

    with pytest.raises(Refused, match="NOBODY_TO_APPROVE"):
        alone.database.write_now(ask)


def test_single_commander_types_the_phrase_after_the_wait(alone: Questions) -> None:
    approval = alone.ask(CARL)
    assert (approval.solo, approval.phrase) == (True, "alone limit")
    alone.bench.clock.move(WAIT_S - 0.001)
    with pytest.raises(Refused, match="APPROVAL_EARLY"):
        alone.type(CARL, approval, "alone limit")
    alone.bench.clock.move(0.001)
    for typed in ("", "alone", "limit alone", "alone limits"):
        with pytest.raises(Refused, match="APPROVAL_PHRASE"):
            alone.type(CARL, approval, typed)
    with pytest.raises(NotAllowed):
        alone.type(ANN, approval, "alone limit")

    assert alone.type(CARL, approval, " Alone  LIMIT ").state is ApprovalState.APPROVED


def test_second_commander_switches_solo_off_and_answers(alone: Questions) -> None:
    approval = alone.ask(CARL)
    alone.bench.clock.move(WAIT_S)
    alone.bench.add(CORA, Role.COMMANDER)

    waits = alone.type(CARL, approval, "alone limit")

    assert (waits.state, waits.solo, waits.phrase, waits.needed) == (ApprovalState.WAITING, False, None, 1)
    with pytest.raises(NotAllowed, match="OWN_QUESTION"):
        alone.type(CARL, approval, "alone limit")
    assert alone.press(person(CORA), alone.button(waits, CORA)).state is ApprovalState.APPROVED


def test_second_commander_is_asked_without_anybody_typing(alone: Questions) -> None:
    approval = alone.ask(CARL)
    assert alone.database.write_now(alone.second.switch_solo_off) == []
    alone.bench.add(CORA, Role.COMMANDER)

    handed = alone.database.write_now(alone.second.switch_solo_off)

    assert [each.id for each in handed] == [approval.id]
    assert set(alone.database.read_now(lambda unit: buttons_of(unit, handed[0], CORA))) == {Act.APPROVE, Act.REJECT}


async def test_a_change_is_left_to_its_asker_when_the_other_leaves_and_given_back_when_one_comes(bench: AccessBench) -> None:
    tend = TendApprovals(
        bench.database, bench.second, {CHANGE: bench.changes.decided}, {CHANGE: bench.changes.alone}, bench.ids
    )
    asked = await bench.grant(person(CARL), str(OLGA), Role.COMMANDER)
    await tend()
    bench.add(CORA, Role.TRADER)
    bench.clock.move(60)
    await tend()

    def now(unit: Unit) -> Approval:
        found = approvals.of_subject(unit, CHANGE, asked.change.id)
        assert found is not None
        return found

    alone = bench.database.read_now(now)
    wait = timedelta(seconds=ApprovalSettings().commander_s)
    assert (alone.solo, alone.phrase, alone.ready_at) == (True, "alone grant", bench.clock.now() + wait)
    assert alone.ready_at is not None and alone.expires_at == alone.ready_at + timedelta(seconds=LASTS_S)
    told = {row.chat_id: row.facts["what"] for row in bench.notices(template="change_told")}
    assert told == dict.fromkeys((ANN, OLGA, CORA, CARL), "solo")
    await tend()
    assert bench.journal().count("approval.left_alone") == 1

    bench.add(CORA, Role.COMMANDER)
    await tend()

    back = bench.database.read_now(now)
    assert (back.solo, back.phrase, back.ready_at, back.needed) == (False, None, None, 1)
    bench.answer(asked.change)
    assert bench.role(OLGA) is Role.COMMANDER


def test_the_question_of_a_trader_is_left_to_nobody(bench: AccessBench) -> None:
    asked = Questions(bench)
    approval = asked.ask(ANN)
    for each in (CARL, CORA):
        bench.add(each, Role.TRADER)

    assert not asked.database.read_now(asked.second.has_work)
    assert asked.database.read_now(asked.second.deserted) == [] and asked.now(approval).state is ApprovalState.WAITING


def test_without_asking_who_may_answer_now_the_demoted_would_decide(bench: AccessBench) -> None:
    """The broken twin: where authority counts as it was when the question was put, a demotion between changes nothing."""
    careless = Questions(bench)
    careless.second = SecondPerson(bench.ids, ApprovalSettings(lasts_s=LASTS_S), lambda unit, each, subject: each.id == CORA)
    approval = careless.ask(CARL)
    token = careless.button(approval, CORA)
    bench.add(CORA, Role.TRADER)

    assert careless.press(person(CORA), token).state is ApprovalState.APPROVED
