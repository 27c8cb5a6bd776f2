"""A trade that waits for a second person, as those who are asked read it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from services.access.second_person import buttons_of
from services.domain.approvals import Approval, ApprovalState, ApprovalSubject
from services.domain.buttons import Act
from services.domain.cards import approval_card
from services.domain.money import Money, Price
from services.domain.people import Role
from services.domain.signals import Side
from services.domain.states import TradeState
from services.domain.trades import TerminalMode
from services.domain.verdicts import Check
from services.reporting.live import Grid, Live, read_grid
from services.storage import approvals, outbox, people, terminals, trades, verdicts
from services.storage.database import Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionedTrade:
    """The trade that waits: what it would be at its worst, and the two checks that were nearest to their limit.

    ``why`` names the thresholds that it reaches; ``undone`` is the code of the check that denied it after the last yes.
    """

    trade_id: str
    number: int
    side: Side
    symbol: str
    grid: Grid
    mode: TerminalMode
    terminal: str
    quantity: Decimal
    value: Money
    worst: Price
    stop: Price
    loss: Money
    risk_percent: Decimal | None
    nearest: tuple[Check, ...]
    why: tuple[str, ...]
    undone: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeQuestionView:
    """One question: who asks, who said yes or no, and the buttons with which this reader may answer.

    ``may_prove`` tells that the proof is this reader's business.
    """

    approval: Approval
    asker: str
    yes: tuple[str, ...]
    no: str | None
    buttons: Mapping[Act, str]
    may_prove: bool
    about: QuestionedTrade
    now: datetime


def trade_question_view(unit: Unit, approval: Approval, person_id: int, live: Live) -> TradeQuestionView | None:
    """Put a question's card together for one reader; None when it is none of their business."""
    about = _about(unit, approval) if _may_read(unit, approval, person_id) else None
    if about is None:
        return None
    said = approvals.answers(unit, approval.id)
    return TradeQuestionView(
        approval=approval,
        asker=_name(unit, approval.asked_by),
        yes=tuple(_name(unit, each.person_id) for each in said if each.yes),
        no=next((_name(unit, each.person_id) for each in said if not each.yes), None),
        buttons=buttons_of(unit, approval, person_id),
        may_prove=approval.asked_by == person_id or people.role_of(unit, person_id) is Role.COMMANDER,
        about=about,
        now=live.now,
    )


def denied_after(unit: Unit, approval: Approval) -> str | None:
    """Return the code of what denied a trade that was approved, or None."""
    approved = approval.subject is ApprovalSubject.TRADE and approval.state is ApprovalState.APPROVED
    trade = trades.find(unit, approval.subject_id) if approved else None
    return trade.close_reason if trade is not None and trade.state is TradeState.DENIED else None


def _may_read(unit: Unit, approval: Approval, person_id: int) -> bool:
    """Tell whether somebody asked, was asked, or commands."""
    asked = outbox.card(unit, approval_card(approval.id), person_id) is not None
    return asked or approval.asked_by == person_id or people.role_of(unit, person_id) is Role.COMMANDER


def _name(unit: Unit, person_id: int) -> str:
    person = people.find(unit, person_id)
    return person.name if person is not None else str(person_id)


def _about(unit: Unit, approval: Approval) -> QuestionedTrade | None:
    trade = trades.find(unit, approval.subject_id)
    stored = verdicts.of_trade(unit, approval.subject_id)
    terminal = terminals.find(unit, trade.terminal_id) if trade is not None else None
    if trade is None or stored is None or terminal is None:
        return None
    # A trade that was judged while nothing was known of its account has a verdict without one.
    equity = Decimal(stored.context["market"]["equity"] or 0)
    return QuestionedTrade(
        trade_id=trade.id,
        number=trade.number,
        side=trade.side,
        symbol=trade.symbol,
        grid=read_grid(unit, trade.symbol),
        mode=terminal.mode,
        terminal=terminal.name,
        quantity=trade.quantity,
        value=Money(trade.quantity * trade.worst_price, trade.currency),
        worst=trade.worst_price,
        stop=trade.stop,
        loss=Money(-trade.risk_money, trade.currency),
        risk_percent=trade.risk_money / equity * 100 if equity else None,
        nearest=stored.verdict.nearest,
        why=tuple(str(each) for each in stored.context.get("asks", ())),
        undone=denied_after(unit, approval),
    )
