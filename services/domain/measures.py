"""What is measured while it happens: durations and counts. Labels are kinds of things, never names, symbols or money."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Protocol


class Timed(StrEnum):
    """What takes time; the comment behind each says from when to when, in seconds."""

    TAP_TO_ORDER = "tap_to_order"  # a Confirm received to its order answered by the venue
    ACK_TO_FILL = "ack_to_fill"  # an entry acknowledged to its first fill booked
    GATE = "gate"  # the ledger read to the verdict
    COMMIT = "commit"  # a write unit asked for to committed, its turn included
    ANSWER = "answer"  # an update received to its first visible answer
    MESSAGE = "message"  # an event stored, or due, to told
    READY = "ready"  # the start of recovery to ready
    VENUE_CALL = "venue_call"  # a call to a venue to its answer; labels venue and call
    TELEGRAM_CALL = "telegram_call"  # a call to the Bot API to its answer; label method
    LOOP = "loop"  # a callback due to called


class Counted(StrEnum):
    """What is counted."""

    VENUE_ERROR = "venue_error"  # labels venue, call and error
    TELEGRAM_FLOOD = "telegram_flood"
    TELEGRAM_ERROR = "telegram_error"  # label error
    TASK_CRASH = "task_crash"  # label task
    HEARTBEAT = "heartbeat"  # label result
    HTTP_REQUEST = "http_request"  # labels path and status


class Meter(Protocol):
    """Takes measurements, from any thread, at the cost of a few microseconds; it never fails and never waits."""

    def time(self, what: Timed, seconds: float, *labels: str) -> None:
        """Note how long something took."""
        ...

    def count(self, what: Counted, *labels: str) -> None:
        """Note that something happened."""
        ...

    def begin(self, what: Timed, key: str, at: datetime) -> None:
        """Note when something began whose end another part of the desk sees."""
        ...

    def end(self, what: Timed, key: str, at: datetime) -> None:
        """Note the end of something; without a beginning, or a second time, nothing is measured."""
        ...


class Unmeasured:
    """A meter that keeps nothing, where nobody looks."""

    def time(self, what: Timed, seconds: float, *labels: str) -> None:
        """Let it go."""

    def count(self, what: Counted, *labels: str) -> None:
        """Let it go."""

    def begin(self, what: Timed, key: str, at: datetime) -> None:
        """Let it go."""

    def end(self, what: Timed, key: str, at: datetime) -> None:
        """Let it go."""
