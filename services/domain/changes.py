"""Changes of what the desk may do: proposed, answered for, in force from a time on, and rolled back by another change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from services.domain.money import canonical


class ChangeKind(StrEnum):
    """What is changed: a limit's value, a person's role or grade, or how a person, strategy or terminal trades."""

    LIMIT = "limit"
    GRANT = "grant"
    PERSON_MODE = "person_mode"
    STRATEGY_MODE = "strategy_mode"
    TERMINAL_MODE = "terminal_mode"


class ChangeState(StrEnum):
    """Where a change stands; SUPERSEDED gave way to a newer one, ROLLED_BACK to one that undid it."""

    WAITING = "waiting"
    SCHEDULED = "scheduled"
    IN_FORCE = "in_force"
    ROLLED_BACK = "rolled_back"
    SUPERSEDED = "superseded"
    REJECTED = "rejected"
    EXPIRED = "expired"
    CANCELED = "canceled"


_S = ChangeState
CHANGE_MOVES: Mapping[ChangeState, frozenset[ChangeState]] = {
    _S.WAITING: frozenset({_S.SCHEDULED, _S.REJECTED, _S.EXPIRED, _S.CANCELED}),
    _S.SCHEDULED: frozenset({_S.IN_FORCE, _S.CANCELED}),
    _S.IN_FORCE: frozenset({_S.ROLLED_BACK, _S.SUPERSEDED}),
    _S.ROLLED_BACK: frozenset(),
    _S.SUPERSEDED: frozenset(),
    _S.REJECTED: frozenset(),
    _S.EXPIRED: frozenset(),
    _S.CANCELED: frozenset(),
}
PENDING = frozenset({ChangeState.WAITING, ChangeState.SCHEDULED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What stored verdicts say of a change: of ``fires`` that it bears on, ``turned`` would have been answered otherwise.

    ``avoided`` and ``forgone`` are the losses and profits, in R, of the ``with_result`` closed trades among these, both above
    zero; None where no result is known. ``unread`` verdicts lack an input that the change would need; without ``enough`` fires
    nothing is to be said. ``days`` is how far back was looked.
    """

    days: int
    fires: int
    turned: int
    with_result: int
    avoided: Decimal | None
    forgone: Decimal | None
    unread: int
    enough: bool

    def dump(self) -> dict[str, object]:
        """Return it in values that JSON holds without loss."""
        return {
            "days": self.days,
            "fires": self.fires,
            "turned": self.turned,
            "with_result": self.with_result,
            "avoided": None if self.avoided is None else canonical(self.avoided),
            "forgone": None if self.forgone is None else canonical(self.forgone),
            "unread": self.unread,
            "enough": self.enough,
        }

    @classmethod
    def load(cls, facts: Mapping[str, object]) -> Evidence:
        """Read what was dumped."""
        avoided, forgone = facts["avoided"], facts["forgone"]
        return cls(
            days=int(str(facts["days"])),
            fires=int(str(facts["fires"])),
            turned=int(str(facts["turned"])),
            with_result=int(str(facts["with_result"])),
            avoided=None if avoided is None else Decimal(str(avoided)),
            forgone=None if forgone is None else Decimal(str(forgone)),
            unread=int(str(facts["unread"])),
            enough=facts["enough"] is True,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change; ``subject`` names what is changed as its kind writes it, ``before`` and ``after`` are its two values.

    ``by`` is who asked. ``effective_at`` is None for one that takes effect as soon as it may. ``reverses`` is the number of the
    change that this one rolls back.
    """

    id: str
    number: int
    kind: ChangeKind
    subject: str
    before: str
    after: str
    tightens: bool
    by: int
    reason: str | None
    state: ChangeState
    asked_at: datetime
    effective_at: datetime | None = None
    decided_at: datetime | None = None
    evidence: Evidence | None = None
    reverses: int | None = None
