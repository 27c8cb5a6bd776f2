"""Of what a chat is told that it is wrong."""

from __future__ import annotations

from sqlalchemy import select

from services.domain.cards import INCIDENTS
from services.domain.incidents import Incident
from services.storage import incidents
from services.storage.database import Unit
from services.storage.tables import cards


def alerts_for(unit: Unit, chat_id: int) -> list[Incident]:
    """Return the incidents of which a chat has a card, or is to get one, oldest first."""
    rows = unit.all(select(cards.c.key).where(cards.c.chat_id == chat_id, cards.c.key.startswith(INCIDENTS)))
    found = [incidents.find(unit, row.key.removeprefix(INCIDENTS)) for row in rows]
    return sorted((each for each in found if each is not None), key=lambda each: (each.opened_at, each.id))
