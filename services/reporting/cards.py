"""From a card's key to everything it shows, in one read; the sender renders the answer outside the read."""

from __future__ import annotations

from services.reporting.desk_views import (
    ChecklistView,
    GroupedView,
    HaltView,
    checklist_view,
    grouped_view,
    halt_view,
)
from services.reporting.live import Live
from services.reporting.mission_view import MissionView, mission_view
from services.reporting.preview_view import PreviewView, preview_view
from services.reporting.trade_view import TradeView, trade_view
from services.storage import trades
from services.storage.database import Unit

CardFacts = MissionView | PreviewView | TradeView | HaltView | GroupedView | ChecklistView


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
        trade = trades.find(unit, rest)
        return trade_view(unit, trade, live, private=private) if trade else None
    if kind == "grouped":
        return grouped_view(unit, rest, chat_id, live.zone)
    if kind == "halt":
        return halt_view(unit, chat_id, live)
    if kind == "checklist" and private:
        return checklist_view(unit, chat_id) if rest == str(chat_id) else None
    return None


__all__ = [
    "CardFacts",
    "ChecklistView",
    "GroupedView",
    "HaltView",
    "MissionView",
    "PreviewView",
    "TradeView",
    "checklist_view",
    "grouped_view",
    "halt_view",
    "load_card",
    "mission_view",
    "preview_view",
    "trade_view",
]
