"""From a card's key to everything it shows, in one read; the sender renders the answer outside the read."""

from __future__ import annotations

from services.domain.approvals import Approval, ApprovalSubject
from services.domain.cards import INCIDENTS
from services.domain.people import Role
from services.domain.trades import Trade
from services.reporting.approval_view import ChangeQuestionView, change_question_view
from services.reporting.desk_views import (
    ChecklistView,
    GroupedView,
    HaltView,
    checklist_view,
    grouped_view,
    halt_view,
)
from services.reporting.handover_view import HandoverView, handover_view
from services.reporting.incident_view import IncidentView, incident_view
from services.reporting.live import Live
from services.reporting.mission_view import MissionView, mission_view
from services.reporting.preview_view import PreviewView, preview_view
from services.reporting.trade_question import TradeQuestionView, trade_question_view
from services.reporting.trade_view import TradeView, trade_view
from services.storage import approvals, handovers, people, trades
from services.storage.database import Unit

CardFacts = (
    MissionView
    | PreviewView
    | TradeView
    | HaltView
    | GroupedView
    | ChecklistView
    | IncidentView
    | ChangeQuestionView
    | HandoverView
    | TradeQuestionView
)


def load_card(unit: Unit, key: str, chat_id: int, live: Live) -> CardFacts | None:
    """Return what the card of ``key`` shows in a chat now, or None when there is nothing (any more) to show there.

    Groups get no previews and checklists, and no money, sizes or terminals.
    """
    kind, _, rest = key.partition(":")
    private = chat_id > 0
    if kind == "mission":
        return mission_view(unit, rest, live, chat_id=chat_id)
    if kind == "preview" and private:
        mission_id, _, person = rest.partition(":")
        return preview_view(unit, mission_id, chat_id, live) if person == str(chat_id) else None
    if kind == "trade":
        trade = trades.by_reference(unit, rest)
        if trade is None or (private and not may_see_money(unit, trade, chat_id)):
            return None
        return trade_view(unit, trade, live, private=private, viewer_id=chat_id if private else None)
    if kind == "handover" and private and rest.isdigit():
        return handover_view(unit, int(rest), chat_id, live)
    if kind == "grouped":
        return grouped_view(unit, rest, chat_id, live.zone)
    if kind == "halt":
        return halt_view(unit, chat_id, live)
    if kind == "approval":
        approval = approvals.find(unit, rest)
        return question_view(unit, approval, chat_id, live) if approval is not None else None
    if key.startswith(INCIDENTS):
        return incident_view(unit, rest, chat_id, live)
    if kind == "checklist" and private:
        return checklist_view(unit, chat_id) if rest == str(chat_id) else None
    return None


def question_view(unit: Unit, approval: Approval, chat_id: int, live: Live) -> ChangeQuestionView | TradeQuestionView | None:
    """Return the card of a question by what it is about."""
    if approval.subject is ApprovalSubject.TRADE:
        return trade_question_view(unit, approval, chat_id, live)
    return change_question_view(unit, approval, chat_id, live)


def may_see_money(unit: Unit, trade: Trade, person_id: int) -> bool:
    """Tell whether a trade's figures are this person's business: its trader's, its keeper's and every commander's."""
    if trade.person_id == person_id or people.role_of(unit, person_id) is Role.COMMANDER:
        return True
    return handovers.keeper_of(unit, trade.id) == person_id


__all__ = [
    "CardFacts",
    "ChangeQuestionView",
    "ChecklistView",
    "GroupedView",
    "HaltView",
    "HandoverView",
    "IncidentView",
    "MissionView",
    "PreviewView",
    "TradeQuestionView",
    "TradeView",
    "checklist_view",
    "grouped_view",
    "halt_view",
    "incident_view",
    "load_card",
    "may_see_money",
    "mission_view",
    "preview_view",
    "trade_view",
]
