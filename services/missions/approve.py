"""Entries that wait for a second person: what makes them wait, and what becomes of them at the last yes, a no, or no answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from services.access import waiting_trades
from services.access.second_person import SecondPerson
from services.domain.approvals import Approval, ApprovalState, ApprovalSubject
from services.domain.approving import Thresholds, Weight, Why, reasons
from services.domain.cards import approval_card
from services.domain.entries import AT_A_PRICE, EntryKind
from services.domain.errors import NotFound, Refused
from services.domain.money import Price
from services.domain.people import Actor, Role
from services.domain.signals import Side, strategy_of
from services.domain.states import TradeState
from services.domain.trades import Trade
from services.missions.decided import rejected
from services.missions.entries import EntryWish, plan_entry
from services.missions.entry_book import EntryBook, EntryTerms, Judged
from services.missions.planning import Case, Desk
from services.storage import approvals, decision_journal, missions, outbox, people, trades, verdicts
from services.storage.database import Unit

KIND = "trade"
REJECTED, NO_ANSWER = "REJECTED", "NO_ANSWER"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalRules:
    """From what on an entry waits, how long at most, and how long a commander without a second one waits instead; seconds."""

    thresholds: Thresholds
    lasts_s: float
    solo_wait_s: float


class TradeApprovals:
    """Asks others about an entry, and carries out what they say."""

    def __init__(self, desk: Desk, book: EntryBook, second: SecondPerson, rules: ApprovalRules) -> None:
        self._desk = desk
        self._book = book
        self._second = second
        self._rules = rules

    def reasons(self, case: Case, quantity: Decimal, worst_price: Price, stop: Price) -> tuple[Why, ...]:
        """Return why an entry of this size would wait; nothing means that it goes out at the trader's own word."""
        entry = Weight(
            loss=self._book.risk(case, quantity, worst_price, stop),
            value=quantity * worst_price,
            currency=case.terminal.currency,
            terminal=case.terminal.name,
            mode=case.terminal.mode,
            strategy=strategy_of(case.mission.signal.source),
        )
        return reasons(self._rules.thresholds, entry)

    def ask(self, unit: Unit, actor: Actor, case: Case, trade: Trade) -> Approval:
        """Ask everybody who may answer about a stored trade; raise Refused when nobody may.

        The question ends with the mission at the latest. The trade's own card stands for the question's in the trader's chat.
        """
        left = (case.mission.signal.expires_at - unit.now).total_seconds()
        approval = self._second.ask(
            unit,
            actor,
            subject=ApprovalSubject.TRADE,
            subject_id=trade.id,
            kind=KIND,
            eligible=self._second.eligible(unit, ApprovalSubject.TRADE, trade.person_id),
            lasts_s=min(self._rules.lasts_s, left),
            solo_wait_s=self._rules.solo_wait_s,
        )
        outbox.drop_card(unit, approval_card(approval.id), trade.person_id)
        return approval

    def alone(self, unit: Unit, actor: Actor, approval: Approval) -> float:
        """Show on its cards that nobody else is left to answer; return how long its trader waits instead, in seconds."""
        trade = trades.find(unit, approval.subject_id)
        if trade is not None:
            waiting_trades.refresh(unit, trade)
        return self._rules.solo_wait_s

    def decided(self, unit: Unit, actor: Actor, approval: Approval) -> None:
        """Carry out what became of a question, in the unit that decided it."""
        trade = trades.find(unit, approval.subject_id)
        if trade is None or trade.state is not TradeState.AWAITING_APPROVAL:
            return
        facts: dict[str, object] = {"approval": approval.number}
        match approval.state:
            case ApprovalState.APPROVED:
                self._release(unit, actor, trade, approval)
            case ApprovalState.REJECTED:
                _keep_rejection(unit, actor, trade, approval)
                waiting_trades.end(unit, actor, trade, TradeState.DENIED, REJECTED, facts | {"why": approval.reason})
            case ApprovalState.EXPIRED:
                waiting_trades.end(unit, actor, trade, TradeState.CANCELED, NO_ANSWER, facts)
            case ApprovalState.WITHDRAWN:
                waiting_trades.end(unit, actor, trade, TradeState.CANCELED, waiting_trades.TAKEN_BACK, facts)
            case ApprovalState.WAITING:
                waiting_trades.refresh(unit, trade)

    def _release(self, unit: Unit, actor: Actor, trade: Trade, approval: Approval) -> Trade:
        """Ask the gate anew, with the price and the books of now: it is the last word, and the trader's bound stays."""
        by = approved_by(unit, approval, actor)
        facts = {"approval": approval.number, "approved_by": by}
        owner, mission = people.find(unit, trade.person_id), missions.find(unit, trade.mission_id)
        if owner is None or mission is None or owner.role < Role.TRADER:
            return waiting_trades.end(unit, actor, trade, TradeState.DENIED, "ROLE", facts)
        try:
            case = self._desk.case(unit, mission, owner, trade.terminal_id, trade)
        except Refused as error:
            return waiting_trades.end(unit, actor, trade, TradeState.DENIED, error.code, facts)
        terms = self._terms(unit, case, trade)
        judged = self._book.judge(unit, case, terms)
        kept = self._book.keep(unit, case, judged, trade_id=trade.id)
        proven = facts | {"verdict": kept.verdict_id, "proof": kept.proof}
        if not judged.verdict.allowed:
            return self._deny(unit, actor, trade, judged, proven)
        after = replace(
            trade,
            state=TradeState.WORKING,
            worst_price=terms.worst_price,
            risk_money=self._book.risk(case, terms.quantity, terms.worst_price, terms.stop),
            tapped_at=unit.now,
            route=self._book.route(unit, case, terms),
        )
        trades.save(unit, trade, after)
        self._book.send(unit, case, after, terms.kind)
        unit.record(actor, "trade.working", trade=trade.number, worst_price=after.worst_price, **proven)
        waiting_trades.refresh(unit, after)
        if actor.id != trade.person_id:
            waiting_trades.tell(unit, after, "APPROVED", {"by": ", ".join(by)})
        return after

    def _deny(self, unit: Unit, actor: Actor, trade: Trade, judged: Judged, facts: dict[str, Any]) -> Trade:
        check = judged.verdict.denials[0]
        told = facts | {"value": check.value, "limit": check.limit}
        return waiting_trades.end(unit, actor, trade, TradeState.DENIED, check.code.value, told)

    def _terms(self, unit: Unit, case: Case, trade: Trade) -> EntryTerms:
        """Return what was asked for, priced anew: an entry that takes is bound by the quote of now where that is tighter."""
        kind, price = _asked_for(unit, trade)
        worst = trade.worst_price
        quote, instrument = case.market.quote, case.market.instrument
        if quote is not None and instrument is not None and kind not in AT_A_PRICE:
            rules, wish = self._desk.rules, EntryWish(kind=kind, price=price)
            fresh = plan_entry(wish, case.mission.signal, quote, instrument, rules.limits, rules.routes).worst
            worst = min(worst, fresh) if trade.side is Side.LONG else max(worst, fresh)
        return EntryTerms(
            quantity=trade.quantity,
            decision_price=trade.decision_price,
            worst_price=worst,
            stop=trade.stop,
            kind=kind,
            at=price,
        )


def _keep_rejection(unit: Unit, actor: Actor, trade: Trade, approval: Approval) -> None:
    mission = missions.find(unit, trade.mission_id)
    if mission is not None and actor.kind == "person":
        decision_journal.keep(unit, rejected(mission, trade, actor.id, approval.reason, unit.now))


def approved_by(unit: Unit, approval: Approval, last: Actor) -> Sequence[str]:
    """Return the names of those who said yes, in their order; the one who decided alone where nobody else did."""
    ids = [each.person_id for each in approvals.answers(unit, approval.id) if each.yes] or [last.id]
    found = [people.find(unit, each) for each in ids]
    return [person.name for person in found if person is not None]


def _asked_for(unit: Unit, trade: Trade) -> tuple[EntryKind, Price | None]:
    """Return how a trade that waits is entered, as the verdict kept it that let it be asked about."""
    stored = verdicts.of_trade(unit, trade.id)
    if stored is None:
        raise NotFound("TRADE", reference=str(trade.number))
    plan = stored.context["plan"]
    return EntryKind(plan["kind"]), None if plan["price"] is None else Price(Decimal(plan["price"]))
