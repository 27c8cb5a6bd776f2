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
from services.storage import missions, people, trades
from services.storage.database import Unit

CardFacts = MissionView | PreviewView | TradeView | HaltView | GroupedView | ChecklistView


def load_card(unit: Unit, key: str, chat_id: int, live: Live, zone: str) -> CardFacts | None:
    """Return what the card of ``key`` shows in a chat now, or None when there is nothing (any more) to show there.

    ``zone`` is the desk's; a private chat is shown times in its person's own. Groups get no previews and checklists, and
    no money, sizes or terminals.
    """
    kind, _, rest = key.partition(":")
    local = viewer_zone(unit, chat_id, zone)
    private = chat_id > 0
    if kind == "mission":
        mission = missions.find(unit, rest)
        return mission_view(unit, mission, chat_id, live, local) if mission else None
    if kind == "preview" and private:
        mission_id, _, person = rest.partition(":")
        return preview_view(unit, mission_id, int(person), live, local) if person == str(chat_id) else None
    if kind == "trade":
        trade = trades.find(unit, rest)
        return trade_view(unit, trade, live, private=private) if trade else None
    if kind == "grouped":
        return grouped_view(unit, rest, chat_id, zone)
    if kind == "halt":
        return halt_view(unit, chat_id, live)
    if kind == "checklist" and private:
        return checklist_view(unit, int(rest)) if rest == str(chat_id) else None
    return None


def viewer_zone(unit: Unit, chat_id: int, zone: str) -> str:
    """Return the zone of a private chat's person, else the desk's."""
    person = people.find(unit, chat_id) if chat_id > 0 else None
    return person.zone if person else zone


__all__ = [
    "CardFacts",
    "ChecklistView",
    "GroupedView",
    "HaltView",
    "MissionView",
    "PreviewView",
    "TradeView",
    "load_card",
    "viewer_zone",
]
