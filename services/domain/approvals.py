"""Questions that wait for a second person: who asked, how many yeses they need, and what became of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ApprovalSubject(StrEnum):
    """What a question is about: a trade that was fired, or a change of what the desk may do."""

    TRADE = "trade"
    CHANGE = "change"


class ApprovalState(StrEnum):
    """Where a question stands; WITHDRAWN was taken back by whoever asked, or fell away with its subject."""

    WAITING = "waiting"
    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


_S = ApprovalState
APPROVAL_MOVES: Mapping[ApprovalState, frozenset[ApprovalState]] = {
    _S.WAITING: frozenset({_S.APPROVED, _S.REJECTED, _S.EXPIRED, _S.WITHDRAWN}),
    _S.APPROVED: frozenset(),
    _S.REJECTED: frozenset(),
    _S.EXPIRED: frozenset(),
    _S.WITHDRAWN: frozenset(),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """One question; ``number`` is what people type, ``subject_id`` the row that waits for the answer.

    ``needed`` yeses decide it, a single no ends it, and from ``expires_at`` on nothing does. A ``solo`` one has nobody else to
    ask: its asker types ``phrase`` from ``ready_at`` on.
    """

    id: str
    number: int
    subject: ApprovalSubject
    subject_id: str
    kind: str
    asked_by: int
    needed: int
    solo: bool
    phrase: str | None
    ready_at: datetime | None
    asked_at: datetime
    expires_at: datetime
    state: ApprovalState
    decided_at: datetime | None = None
    reason: str | None = None

    def is_late(self, now: datetime) -> bool:
        """Tell whether an answer comes too late; the moment of expiry itself is late."""
        return now >= self.expires_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One person's only word on a question."""

    approval_id: str
    person_id: int
    yes: bool
    reason: str | None
    at: datetime


def needed(quorum: int, eligible: int) -> int:
    """Return how many yeses a question takes: the quorum, or everybody else there is where they are fewer."""
    return min(quorum, eligible)


def solo_phrase(kind: str) -> str:
    """Return what someone without a second person types, word for word."""
    return f"alone {kind.replace('_', ' ')}"


def same_phrase(wanted: str, typed: str) -> bool:
    """Tell whether a phrase was typed as wanted; case and spacing do not count, every word does."""
    return wanted.casefold().split() == typed.casefold().split()
