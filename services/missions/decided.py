"""What is kept of a decision about a mission: fired, or passed on with what the person had before them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from services.domain.decisions import Decided, Decision, fired_id, passed_id, rejected_id
from services.domain.money import canonical
from services.domain.signals import Mission
from services.domain.trades import Trade
from services.storage import decision_journal, missions, previews
from services.storage.database import Unit

LONGEST_REASON = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Audience:
    """Where a mission was offered: to whom alone, and whether in a group as well; grouped cards are told apart."""

    private: Mapping[int, bool]
    group: bool

    def card_of(self, person_id: int) -> str | None:
        """Say where a person had the mission's card, or None when it came to no chat of theirs."""
        grouped = self.private.get(person_id)
        if grouped is not None:
            return "grouped" if grouped else "private"
        return "group" if self.group else None


def audience_of(unit: Unit, mission: Mission) -> Audience:
    """Read where a mission was offered."""
    chats = decision_journal.offered_in(unit, mission.id)
    return Audience(private={chat: grouped for chat, grouped in chats.items() if chat > 0}, group=any(c < 0 for c in chats))


def fired(mission: Mission, trade: Trade) -> Decision:
    """Return the decision to fire; what was shown stands in the trade and its verdict, and the reason may follow."""
    return Decision(
        id=fired_id(trade.id),
        mission_id=mission.id,
        person_id=trade.person_id,
        source=mission.signal.source,
        decided=Decided.FIRED,
        reason=None,
        trade_id=trade.id,
        shown={},
        at=trade.tapped_at,
    )


def rejected(mission: Mission, trade: Trade, person_id: int, reason: str | None, at: datetime) -> Decision:
    """Return a second person's no to a trade that waited for them; what was shown stands in the trade and its verdict."""
    return Decision(
        id=rejected_id(trade.id, person_id),
        mission_id=mission.id,
        person_id=person_id,
        source=mission.signal.source,
        decided=Decided.REJECTED,
        reason=reason[:LONGEST_REASON] if reason is not None else None,
        trade_id=trade.id,
        shown={},
        at=at,
    )


def passed(unit: Unit, mission: Mission, person_id: int, decided: Decided, reason: str | None, card: str | None) -> Decision:
    """Return the decision not to fire, said or left unsaid, with what the person was shown."""
    return Decision(
        id=passed_id(mission.id, person_id),
        mission_id=mission.id,
        person_id=person_id,
        source=mission.signal.source,
        decided=decided,
        reason=reason,
        trade_id=None,
        shown=({"card": card} if card is not None else {}) | _preview(unit, mission, person_id),
        at=unit.now,
    )


def _preview(unit: Unit, mission: Mission, person_id: int) -> dict[str, str]:
    shown = previews.find(unit, mission.id, person_id)
    if shown is None:
        return {}
    denied = next((check.code.value for check in shown.checks if not check.passed), None)
    told = {
        "preview": shown.state.value,
        "size": shown.size,
        "quantity": canonical(shown.quantity),
        "worst_price": canonical(shown.worst_price),
    }
    return told | ({"denied": denied} if denied is not None else {})


def answered_by(unit: Unit, mission: Mission) -> set[int]:
    """Return who fired or skipped a mission; asking a commander is not an answer to it."""
    return {row.person_id for row in missions.decisions_on(unit, mission.id) if row.decision in ("fired", "skipped")}
