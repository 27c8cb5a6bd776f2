"""A trade that waits for a second person, as it is read by who is asked and by who asked."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from handlers.telegram.views.cards import render_card
from handlers.telegram.views.message import Rendered
from handlers.telegram.views.trades import render_trade
from sandbox.telegram.html import parse
from services.domain.approvals import Approval, ApprovalState, ApprovalSubject
from services.domain.buttons import Act
from services.domain.money import Money, Price
from services.domain.signals import Side
from services.domain.trades import TerminalMode
from services.domain.verdicts import CheckCode, Unit
from services.reporting.trade_question import QuestionedTrade, TradeQuestionView
from services.reporting.trade_view import Asking, TradeWord
from tests.views import samples
from tests.views.hostile import HOSTILE
from tests.views.samples import NOW, D
from tests.views.shape import LINES, labels, problems

APPROVAL = Approval(
    id="a1",
    number=3,
    subject=ApprovalSubject.TRADE,
    subject_id="t1",
    kind="trade",
    asked_by=1001,
    needed=2,
    solo=False,
    phrase=None,
    ready_at=None,
    asked_at=NOW,
    expires_at=NOW + timedelta(minutes=5),
    state=ApprovalState.WAITING,
)
TRADE = QuestionedTrade(
    trade_id="t1",
    number=17,
    side=Side.LONG,
    symbol="BTC/USDT",
    grid=samples.GRID,
    mode=TerminalMode.TESTNET,
    terminal="ann-testnet",
    quantity=D("0.0125"),
    value=Money(D("803.63"), "USDT"),
    worst=Price(D("64290")),
    stop=Price(D("63420")),
    loss=Money(D("-11.3"), "USDT"),
    risk_percent=D("0.56"),
    nearest=(
        samples.check(CheckCode.DAILY_LOSS, value="0.019", limit="0.05", unit=Unit.FRACTION),
        samples.check(CheckCode.OPEN_POSITIONS, value="2", limit="4", unit=Unit.COUNT),
    ),
    why=("loss", "terminal"),
    undone=None,
)


def question(state: ApprovalState = ApprovalState.WAITING, **changed: object) -> Rendered:
    decided = None if state is ApprovalState.WAITING else NOW
    view = TradeQuestionView(
        approval=replace(APPROVAL, state=state, decided_at=decided, reason="too large"),
        asker="Ann",
        yes=("Cora",),
        no="Carl",
        buttons={Act.APPROVE: "y" * 22, Act.REJECT: "n" * 22} if state is ApprovalState.WAITING else {},
        may_prove=True,
        about=TRADE,
        now=NOW,
    )
    rendered = render_card("approval:a1", replace(view, **changed))  # type: ignore[arg-type]
    assert rendered is not None
    return rendered


def test_who_is_asked_reads_what_it_is_what_it_may_lose_and_until_when() -> None:
    card = question()

    assert card.plain() == (
        "Ann asks · #3 · trade #17 · TESTNET\n"
        "🟢 LONG BTC/USDT 0.0125 BTC (804 USDT)\n"
        "at 64,290 or better · ann-testnet\n"
        "stop 63,420 → −11.30 USDT with costs\n"
        "risk 0.56 % of equity · asks by loss, terminal\n"
        "nearest: daily loss 1.9 of 5.0 %\n"
        "and positions 2 of 4\n"
        "1 of 2 yes: Cora\n"
        "good until 14:35:00 UTC"
    )
    assert labels(card) == [["Reject", "Approve"], ["Proof"]]


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (ApprovalState.APPROVED, "✅ approved by Cora 14:30:00 UTC"),
        (ApprovalState.REJECTED, "⛔ rejected by Carl 14:30:00 UTC: too large"),
        (ApprovalState.EXPIRED, "⛔ nobody answered in time, 14:35:00 UTC"),
        (ApprovalState.WITHDRAWN, "⛔ taken back 14:30:00 UTC: too large"),
    ],
    ids=["approved", "rejected", "expired", "withdrawn"],
)
def test_a_decided_question_says_by_whom_and_has_no_answers_left(state: ApprovalState, said: str) -> None:
    card = question(state)

    assert card.plain().splitlines()[2:] == [said]
    assert labels(card) == [["Proof"]]


def test_a_yes_that_the_gate_took_back_says_so() -> None:
    card = question(ApprovalState.APPROVED, about=replace(TRADE, undone="PRICE_COLLAR"))

    assert card.plain().splitlines()[-1] == "then denied: PRICE_COLLAR; nothing was sent"


@pytest.mark.parametrize("phrase", [None, "alone trade"], ids=["others", "alone"])
def test_its_trader_reads_who_is_asked_or_what_to_type(phrase: str | None) -> None:
    asking = Asking(
        number=3,
        asked=("Carl", "Cora", "Dora"),
        yes=("Cora",),
        needed=2,
        until=NOW + timedelta(minutes=5),
        phrase=phrase,
        ready_at=NOW + timedelta(minutes=1) if phrase else None,
    )
    card = render_trade(replace(samples.unfilled(TradeWord.AWAITING), asking=asking, can_cancel=True))
    text = card.plain()

    assert problems(card) == []
    assert labels(card)[0][:2] == ["Withdraw", "Proof"]
    assert ("1 of 2 yes · asked Carl, Cora, +1" in text) is (phrase is None)
    assert ("/approve 3 alone trade" in text) is (phrase is not None)


@pytest.mark.parametrize("state", list(ApprovalState))
def test_hostile_names_stay_words(state: ApprovalState) -> None:
    for word in HOSTILE:
        about = replace(TRADE, symbol=word, terminal=word, why=(word,), undone=word)
        card = question(state, asker=word, yes=(word, word), no=word, about=about)

        assert {entity.type for entity in parse(card.text).entities} <= {"bold", "date_time"}
        assert len(card.plain().split("\n")) <= LINES
