"""From what a card shows to its message."""

from __future__ import annotations

from handlers.telegram.views.approvals import render_change_question
from handlers.telegram.views.desk import render_checklist, render_grouped
from handlers.telegram.views.halt import render_halt
from handlers.telegram.views.handover import render_handover
from handlers.telegram.views.incidents import render_incident
from handlers.telegram.views.message import Rendered
from handlers.telegram.views.missions import render_mission
from handlers.telegram.views.preview import render_preview
from handlers.telegram.views.trade_question import render_trade_question
from handlers.telegram.views.trades import render_trade
from services.reporting.cards import (
    CardFacts,
    ChangeQuestionView,
    ChecklistView,
    GroupedView,
    HaltView,
    HandoverView,
    IncidentView,
    MissionView,
    PreviewView,
    TradeQuestionView,
)


def render_card(key: str, facts: CardFacts) -> Rendered | None:
    """Return the message of a card, or None when the key and what was read for it do not belong together."""
    rendered, kind = _rendered(facts)
    return rendered if key.startswith(f"{kind}:") else None


def _rendered(facts: CardFacts) -> tuple[Rendered, str]:
    if isinstance(facts, MissionView):
        return render_mission(facts), "mission"
    if isinstance(facts, PreviewView):
        return render_preview(facts), "preview"
    if isinstance(facts, HaltView):
        return render_halt(facts), "halt"
    if isinstance(facts, GroupedView):
        return render_grouped(facts), "grouped"
    if isinstance(facts, HandoverView):
        return render_handover(facts), "handover"
    if isinstance(facts, IncidentView):
        return render_incident(facts), "incident"
    if isinstance(facts, ChangeQuestionView):
        return render_change_question(facts), "approval"
    if isinstance(facts, TradeQuestionView):
        return render_trade_question(facts), "approval"
    if isinstance(facts, ChecklistView):
        return render_checklist(facts), "checklist"
    return render_trade(facts), "trade"
