"""What can be wrong, and how urgent that is."""

from __future__ import annotations

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
    CLOSE_REJECTED = "CLOSE_REJECTED"
    CANCEL_REJECTED = "CANCEL_REJECTED"
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


class Severity(StrEnum):
    """Whether somebody must answer now, at any hour, or may look when it suits."""

    URGENT = "urgent"
    ROUTINE = "routine"
