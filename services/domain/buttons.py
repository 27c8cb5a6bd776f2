"""Act tokens: stored, single use, bound to person, chat, terms and expiry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Act(StrEnum):
    """What an act token lets its holder do once."""

    CONFIRM_FIRE = "confirm_fire"
    CLOSE = "close"
    CLOSE_ALL = "close_all"
    CANCEL = "cancel"
    MOVE_STOP = "move_stop"
    REVOKE = "revoke"
    GRANT = "grant"
    RESUME = "resume"
    FLATTEN = "flatten"
    CLAIM = "claim"
    INVITE = "invite"
    APPROVE_CHAT = "approve_chat"
    DECIDE = "decide"
    SETTLE_UNKNOWN = "settle_unknown"
    APPROVE = "approve"
    REJECT = "reject"


@dataclass(frozen=True, slots=True, kw_only=True)
class ActToken:
    """One button's authority; ``terms`` are bound, the button carries the id alone.

    ``person_id`` and ``chat_id`` are None for a claim or invite link, which binds to whoever opens it first.
    """

    id: str
    act: Act
    person_id: int | None
    chat_id: int | None
    terms: Mapping[str, str]
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None
