"""Limits and changes on a phone: every page, one limit, and a change's card in each state keep to width, lines and buttons."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from handlers.telegram.views.approvals import proposed_words, reject_reasons, render_change_question
from handlers.telegram.views.limits import A_PAGE, limit_page, limit_question, limits_page
from handlers.telegram.views.message import Rendered
from services.domain.approvals import Answer, Approval, ApprovalState, ApprovalSubject
from services.domain.buttons import Act
from services.domain.changes import Change, ChangeKind, ChangeState, Evidence
from services.domain.limits import RULES, Effective, Limit, Scope, ScopedValue
from services.domain.trades import TerminalMode
from services.domain.verdicts import Unit
from services.reporting.approval_view import ChangeQuestionView
from services.reporting.limit_list import LimitLine, LimitsList
from tests.views.samples import NOW
from tests.views.shape import labels, problems

D = Decimal
LONG = "Maximiliane-Alexandra von Hohenstein"
EVIDENCE = Evidence(days=90, fires=212, turned=14, with_result=11, avoided=D("3.1"), forgone=D("1.2"), unread=3, enough=True)
CHANGE = Change(
    id="01C",
    number=1234,
    kind=ChangeKind.LIMIT,
    subject="instrument_cooldown_s instrument:1000SATS/USDT",
    before="off",
    after="86400",
    tightens=False,
    by=2001,
    reason=None,
    state=ChangeState.WAITING,
    asked_at=NOW,
    effective_at=NOW + timedelta(hours=2),
    evidence=EVIDENCE,
)
APPROVAL = Approval(
    id="0" * 26,
    number=1234,
    subject=ApprovalSubject.CHANGE,
    subject_id="01C",
    kind="limit",
    asked_by=2001,
    needed=2,
    solo=False,
    phrase=None,
    ready_at=None,
    asked_at=NOW,
    expires_at=NOW + timedelta(hours=1),
    state=ApprovalState.WAITING,
)
TOKEN = "a" * 22
VIEW = ChangeQuestionView(
    approval=APPROVAL,
    change=CHANGE,
    named=None,
    asker=LONG,
    others=(LONG, "Cora"),
    answers=(("Cora", Answer(approval_id="0" * 26, person_id=2002, yes=True, reason=None, at=NOW)),),
    buttons={Act.APPROVE: TOKEN, Act.REJECT: TOKEN},
    mine=False,
    may_undo=False,
    zone="UTC",
    now=NOW,
)
NO = Answer(approval_id="0" * 26, person_id=2002, yes=False, reason="explain it first", at=NOW)
SOLO = replace(APPROVAL, solo=True, phrase="alone strategy mode", ready_at=NOW + timedelta(minutes=10), needed=1)


def ended(state: ApprovalState, change: ChangeState, **more: object) -> ChangeQuestionView:
    view = replace(VIEW, approval=replace(APPROVAL, state=state), change=replace(CHANGE, state=change), buttons={})
    return replace(view, **more)  # type: ignore[arg-type]


CARDS = {
    "asked": VIEW,
    "own": replace(VIEW, buttons={}, mine=True),
    "solo": replace(VIEW, approval=SOLO, buttons={}, mine=True, others=()),
    "in force": ended(ApprovalState.APPROVED, ChangeState.IN_FORCE, may_undo=True),
    "rejected": ended(ApprovalState.REJECTED, ChangeState.REJECTED, answers=((LONG, NO),)),
    "expired": ended(ApprovalState.EXPIRED, ChangeState.EXPIRED),
    "taken back": ended(ApprovalState.WITHDRAWN, ChangeState.CANCELED),
}


def limits() -> LimitsList:
    """Return every limit with a large value, a change over it and two narrower values."""
    return LimitsList(
        rows=tuple(_line(limit) for limit in Limit),
        reader=LONG,
        names={"1001": LONG},
        terminal="ann-paper",
        may_change=True,
        modes=(TerminalMode.PAPER,),
        at=NOW,
    )


def _line(limit: Limit) -> LimitLine:
    value = D("0.0175") if RULES[limit].unit is Unit.FRACTION else D(86400)
    return LimitLine(
        limit=limit,
        desk=value,
        setting=D("0.01"),
        own=Effective(value=value, scope=Scope.PERSON, subject="1001"),
        narrower=(ScopedValue(limit=limit, scope=Scope.PERSON, subject="1001", value=value),),
        use=value / 3,
        pending=CHANGE,
    )


def pages() -> list[Rendered]:
    count = -(-len(Limit) // A_PAGE)
    return [limits_page(limits(), page) for page in range(1, count + 1)]


@pytest.mark.parametrize("name", CARDS, ids=[name.replace(" ", "-") for name in CARDS])
def test_card_of_a_change_fits(name: str) -> None:
    assert problems(render_change_question(CARDS[name])) == []


def test_buttons_are_those_of_who_reads() -> None:
    shown = {name: labels(render_change_question(view)) for name, view in CARDS.items()}

    assert shown["asked"] == [["Reject", "Approve"]]
    assert shown["own"] == shown["solo"] == [["Take back"]]
    assert (shown["in force"], shown["rejected"]) == ([["Roll back"]], [])


def test_evidence_says_its_sample_or_that_it_is_too_small() -> None:
    said = render_change_question(VIEW).plain()
    few = replace(VIEW, change=replace(CHANGE, evidence=replace(EVIDENCE, fires=7, enough=False)))

    assert "14 of 212 (90 days)" in said and "−3.10 R" in said and "+1.20 R" in said
    assert "too few fires (7)" in render_change_question(few).plain()


def test_every_limit_is_on_exactly_one_page_and_every_page_fits() -> None:
    shown = pages()

    assert [problems(each, lines=40) for each in shown if problems(each, lines=40)] == []
    opened = [button.data for each in shown for row in each.rows for button in row if button.data is not None]
    assert sorted(data.arg for data in opened if getattr(data, "arg", "")) == sorted(Limit)


@pytest.mark.parametrize("limit", list(Limit), ids=lambda limit: limit.value)
def test_one_limit_and_its_questions_fit(limit: Limit) -> None:
    assert problems(limit_page(limits(), limit)) == []
    assert problems(limit_question(limit, D("0.01"), D("0.02"), tightens=False)) == []


def test_answers_of_a_proposal_fit() -> None:
    for rendered in (reject_reasons(APPROVAL, TOKEN), *(proposed_words(replace(CHANGE, state=each)) for each in ChangeState)):
        assert problems(rendered) == []
