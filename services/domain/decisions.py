"""What people did with missions and why: one row for each decision, and for each mission that a person left unanswered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

# Why a mission was fired, said by one tap after the order is on its way; a bad reason is worth as much as a good one.
FIRE_REASONS = ("setup", "momentum", "level", "news", "gut")
EXPLAINED_FOR = timedelta(hours=1)


class Decided(StrEnum):
    """What a person decided, or that they let the time pass."""

    FIRED = "fired"
    SKIPPED = "skipped"
    REJECTED = "rejected"
    EXPIRED = "not answered"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One person's decision about one mission.

    ``source`` is where the mission's signal came from. ``trade_id`` is the trade that was fired or rejected. ``shown`` says
    what the person had before them when they decided by not firing: where the card was, and the preview if they opened one.
    """

    id: str
    mission_id: str
    person_id: int
    source: str
    decided: Decided
    reason: str | None
    trade_id: str | None
    shown: Mapping[str, str]
    at: datetime
    changed_at: datetime | None = None

    def may_be_explained(self, now: datetime) -> bool:
        """Tell whether the reason may still be given or changed."""
        return now < self.at + EXPLAINED_FOR


def fired_id(trade_id: str) -> str:
    """Return the id of the decision that fired a trade."""
    return trade_id


def rejected_id(trade_id: str, person_id: int) -> str:
    """Return the id of one person's rejection of a trade."""
    return f"{trade_id}-{person_id}"


def passed_id(mission_id: str, person_id: int) -> str:
    """Return the id of a person's passing on a mission, whether said or left unsaid."""
    return f"{mission_id}/{person_id}"
