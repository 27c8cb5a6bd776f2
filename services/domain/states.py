"""The state machines: one table each, and only listed moves happen."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from services.domain.errors import IllegalMove


class InstructionState(StrEnum):
    """Where one venue write stands."""

    INTENT = "intent"
    SENT = "sent"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    UNKNOWN = "unknown"
    RESOLVED = "resolved"
    DENIED = "denied"
    EXPIRED = "expired"


class OrderState(StrEnum):
    """What the venue says of an order (FIX order states)."""

    ACCEPTED = "accepted"
    PARTIAL = "partial"
    PENDING_CANCEL = "pending_cancel"
    FILLED = "filled"
    CANCELED = "canceled"
    EXPIRED = "expired"


class TradeState(StrEnum):
    """Where one trader's firing of a mission stands."""

    AWAITING_APPROVAL = "awaiting_approval"
    WORKING = "working"
    OPEN = "open"
    CLOSING = "closing"
    CLOSED = "closed"
    DENIED = "denied"
    CANCELED = "canceled"
    FAILED = "failed"


class MissionState(StrEnum):
    """Whether a mission may still be fired."""

    OPEN = "open"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    CLOSED = "closed"


class HaltState(StrEnum):
    """The kill switch of one scope."""

    ACTIVE = "active"
    REDUCING = "reducing"
    HALTED = "halted"


class UpdateState(StrEnum):
    """What became of one update from the chat; one that has ``acted`` has had its effect, and its answer is under way."""

    RECEIVED = "received"
    ACTED = "acted"
    DONE = "done"
    INTERRUPTED = "interrupted"


class NoticeState(StrEnum):
    """Whether an event has reached its chat."""

    PENDING = "pending"
    SENT = "sent"
    UNDELIVERABLE = "undeliverable"


_I, _O, _T, _M, _H = InstructionState, OrderState, TradeState, MissionState, HaltState

INSTRUCTION_MOVES: Mapping[InstructionState, frozenset[InstructionState]] = {
    _I.INTENT: frozenset({_I.SENT, _I.DENIED, _I.EXPIRED}),
    _I.SENT: frozenset({_I.ACCEPTED, _I.REJECTED, _I.UNKNOWN}),
    _I.UNKNOWN: frozenset({_I.ACCEPTED, _I.REJECTED, _I.RESOLVED}),
    _I.ACCEPTED: frozenset(),
    _I.REJECTED: frozenset(),
    _I.RESOLVED: frozenset(),
    _I.DENIED: frozenset(),
    _I.EXPIRED: frozenset(),
}

# A fill may arrive after "canceled" or "expired": the venue's evidence wins, so those two may still become filled.
ORDER_MOVES: Mapping[OrderState, frozenset[OrderState]] = {
    _O.ACCEPTED: frozenset({_O.PARTIAL, _O.FILLED, _O.CANCELED, _O.EXPIRED, _O.PENDING_CANCEL}),
    _O.PARTIAL: frozenset({_O.FILLED, _O.CANCELED, _O.EXPIRED, _O.PENDING_CANCEL}),
    _O.PENDING_CANCEL: frozenset({_O.PARTIAL, _O.FILLED, _O.CANCELED, _O.EXPIRED}),
    _O.CANCELED: frozenset({_O.FILLED}),
    _O.EXPIRED: frozenset({_O.FILLED}),
    _O.FILLED: frozenset(),
}

# A late fill re-opens a trade that was booked as over: exposure exists, whatever was said before.
TRADE_MOVES: Mapping[TradeState, frozenset[TradeState]] = {
    _T.AWAITING_APPROVAL: frozenset({_T.WORKING, _T.DENIED, _T.CANCELED}),
    _T.WORKING: frozenset({_T.OPEN, _T.CANCELED, _T.FAILED}),
    _T.OPEN: frozenset({_T.CLOSING, _T.CLOSED}),
    _T.CLOSING: frozenset({_T.OPEN, _T.CLOSED}),
    _T.CANCELED: frozenset({_T.OPEN}),
    _T.FAILED: frozenset({_T.OPEN}),
    _T.CLOSED: frozenset({_T.OPEN}),
    _T.DENIED: frozenset(),
}

MISSION_MOVES: Mapping[MissionState, frozenset[MissionState]] = {
    _M.OPEN: frozenset({_M.EXPIRED, _M.WITHDRAWN, _M.CLOSED}),
    _M.EXPIRED: frozenset(),
    _M.WITHDRAWN: frozenset(),
    _M.CLOSED: frozenset(),
}

HALT_MOVES: Mapping[HaltState, frozenset[HaltState]] = {
    _H.ACTIVE: frozenset({_H.REDUCING, _H.HALTED}),
    _H.REDUCING: frozenset({_H.ACTIVE, _H.HALTED}),
    _H.HALTED: frozenset({_H.ACTIVE, _H.REDUCING}),
}

State = TypeVar("State", bound=StrEnum)


def move(table: Mapping[State, frozenset[State]], current: State, wanted: State) -> State:
    """Return ``wanted`` when ``table`` lists the move from ``current``; raise IllegalMove otherwise."""
    if wanted not in table[current]:
        raise IllegalMove("ILLEGAL_MOVE", machine=type(current).__name__, current=current.value, wanted=wanted.value)
    return wanted


def is_final(table: Mapping[State, frozenset[State]], state: State) -> bool:
    """Tell whether no move leaves ``state``."""
    return not table[state]


LIVE_ORDER_STATES = frozenset({OrderState.ACCEPTED, OrderState.PARTIAL, OrderState.PENDING_CANCEL})
LIVE_TRADE_STATES = frozenset({TradeState.AWAITING_APPROVAL, TradeState.WORKING, TradeState.OPEN, TradeState.CLOSING})
DOUBTFUL_INSTRUCTION_STATES = frozenset({InstructionState.SENT, InstructionState.UNKNOWN})
