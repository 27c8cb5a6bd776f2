"""Differences between the desk's books and a venue that a person has to decide about, and what a decision may be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from services.domain.money import ZERO, Price

# How a trade ended that somebody else's execution, or the venue itself, took the position of.
ELSEWHERE = "ELSEWHERE"
REASONS = ("mine, leave it", "deposit", "withdrawal", "fee or reward of the venue", "test", "other")


class ProposalKind(StrEnum):
    """What does not agree.

    ``POSITION_DIFFERS``: the account holds another quantity than position and holdings say, and no fill explains it.
    ``FOREIGN_FILL``: an execution of an order that the desk did not place. ``FOREIGN_ORDER``: such an order still works.
    ``ORDER_LOST``: the venue does not know an order any more that it had taken.
    """

    POSITION_DIFFERS = "position_differs"
    FOREIGN_FILL = "foreign_fill"
    FOREIGN_ORDER = "foreign_order"
    ORDER_LOST = "order_lost"


class ProposalState(StrEnum):
    """Where a proposal stands; CLOSING waits for the desk's own order, GONE means that the difference ended by itself."""

    OPEN = "open"
    CLOSING = "closing"
    DECIDED = "decided"
    GONE = "gone"


class Answer(StrEnum):
    """What a person decides: take it into the books, undo it at the venue, or leave it with a reason."""

    ADOPT = "adopt"
    CLOSE = "close"
    IGNORE = "ignore"


_S = ProposalState
PROPOSAL_MOVES: Mapping[ProposalState, frozenset[ProposalState]] = {
    _S.OPEN: frozenset({_S.CLOSING, _S.DECIDED, _S.GONE}),
    _S.CLOSING: frozenset({_S.OPEN, _S.DECIDED, _S.GONE}),
    _S.DECIDED: frozenset(),
    _S.GONE: frozenset(),
}
UNDECIDED = frozenset({ProposalState.OPEN, ProposalState.CLOSING})


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Both sides' numbers, in base units.

    ``quantity`` is what nobody explains, signed: above zero when the account holds more than the desk explains. ``desk`` is
    position and holdings together. ``price`` is the mean price of the executions, or an order's own. ``fills`` are the
    venue's ids, ``order`` the order as the desk names it, ``order_text`` what the venue said of it.
    """

    quantity: Decimal
    desk: Decimal | None = None
    venue: Decimal | None = None
    price: Price | None = None
    fills: tuple[str, ...] = ()
    order: str | None = None
    order_text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A difference, its evidence and what became of it.

    ``subject`` tells proposals of one kind apart. ``instruction`` is the desk's own write that closes it, ``closed``
    what that write's executions did so far, signed. ``moved`` is what the decision added to the position without a fill: what
    went into the holdings or was written off is taken out of it.
    """

    id: str
    terminal_id: str
    symbol: str
    kind: ProposalKind
    subject: str
    evidence: Evidence
    state: ProposalState
    created_at: datetime
    decided_at: datetime | None = None
    decided_by: int | None = None
    answer: Answer | None = None
    reason: str | None = None
    instruction: str | None = None
    closed: Decimal = ZERO
    moved: Decimal = ZERO

    @property
    def short_id(self) -> str:
        """Return the end of the id, as people type it."""
        return self.id[-6:].lower()


def answers_for(kind: ProposalKind, quantity: Decimal, held: Decimal) -> tuple[Answer, ...]:
    """Return what may be decided.

    A surplus can be sold only where the account ``held`` it, with the same sign: whatever closes must reduce.
    """
    if kind is ProposalKind.ORDER_LOST:
        return (Answer.ADOPT,)
    if kind is ProposalKind.FOREIGN_ORDER:
        return (Answer.ADOPT, Answer.CLOSE, Answer.IGNORE)
    reducible = quantity * held > 0 and abs(held) >= abs(quantity)
    return (Answer.ADOPT, Answer.CLOSE, Answer.IGNORE) if reducible else (Answer.ADOPT, Answer.IGNORE)
