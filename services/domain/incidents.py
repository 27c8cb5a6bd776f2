"""What can be wrong, how urgent that is, and what is wrong now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class AlertCode(StrEnum):
    """What can be wrong."""

    STAGE_SILENT = "STAGE_SILENT"
    STOP_NOT_PLACED = "STOP_NOT_PLACED"
    OUTCOME_UNKNOWN = "OUTCOME_UNKNOWN"
    POSITION_MISMATCH = "POSITION_MISMATCH"
    FOREIGN_ORDER = "FOREIGN_ORDER"
    ORDER_LOST = "ORDER_LOST"
    VENUE_UNREACHABLE = "VENUE_UNREACHABLE"
    KEY_MAY_WITHDRAW = "KEY_MAY_WITHDRAW"
    CLOSE_REJECTED = "CLOSE_REJECTED"
    CANCEL_REJECTED = "CANCEL_REJECTED"
    KILL_INCOMPLETE = "KILL_INCOMPLETE"
    POSITION_BARE = "POSITION_BARE"
    STOP_LATE = "STOP_LATE"
    STOP_WATCHED = "STOP_WATCHED"
    WATCH_STALE = "WATCH_STALE"
    LATE_FILL = "LATE_FILL"
    BACKUP_FAILED = "BACKUP_FAILED"
    BACKUP_STALE = "BACKUP_STALE"
    DATABASE_UNWRITABLE = "DATABASE_UNWRITABLE"
    LOOP_LAG = "LOOP_LAG"
    HEARTBEAT_FAILED = "HEARTBEAT_FAILED"
    STAGE_CRASHED = "STAGE_CRASHED"
    STAGE_KEEPS_CRASHING = "STAGE_KEEPS_CRASHING"
    TELEGRAM_SILENT = "TELEGRAM_SILENT"
    LEASE_LOST = "LEASE_LOST"
    CLOCK_SKEW = "CLOCK_SKEW"
    BREAKER_OPEN = "BREAKER_OPEN"
    SOURCE_MUTED = "SOURCE_MUTED"
    CALENDAR_STALE = "CALENDAR_STALE"


class Severity(StrEnum):
    """Whether somebody must answer now, at any hour, or may look when it suits."""

    URGENT = "urgent"
    ROUTINE = "routine"


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """Something wrong, told once and counted.

    ``code`` is an ``AlertCode`` unless another version of the desk wrote it, ``person_id`` whom it concerns beside the
    commanders. ``step`` counts the calls after the first, ``waited_s`` how long the last one has gone unanswered, by the
    desk's monotonic time: a clock that jumps and a desk that does not run count for nothing.
    """

    id: str
    code: str
    subject: str
    opened_at: datetime
    last_at: datetime
    count: int
    closed_at: datetime | None
    facts: Mapping[str, object]
    person_id: int | None
    taken_at: datetime | None
    taken_by: int | None
    step: int
    waited_s: int


class Opening(StrEnum):
    """What reporting something wrong came to: a new incident, one that was over a moment ago, or one more of the same."""

    NEW = "new"
    REOPENED = "reopened"
    REPEATED = "repeated"
