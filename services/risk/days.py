"""The trading day: a calendar day in the desk's zone."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

_SATURDAY = 5


def day_of(now: datetime, zone: str) -> str:
    """Return the ISO date of the trading day."""
    return now.astimezone(ZoneInfo(zone)).date().isoformat()


def is_weekend(now: datetime, zone: str) -> bool:
    """Tell whether the trading day is a Saturday or a Sunday."""
    return now.astimezone(ZoneInfo(zone)).weekday() >= _SATURDAY


def day_start(now: datetime, zone: str) -> datetime:
    """Return when the trading day began, UTC."""
    local = now.astimezone(ZoneInfo(zone))
    return datetime.combine(local.date(), time(), tzinfo=ZoneInfo(zone)).astimezone(UTC)


def day_end(now: datetime, zone: str) -> datetime:
    """Return when the trading day ends, UTC; a day of a clock change has 23 or 25 hours."""
    local = now.astimezone(ZoneInfo(zone))
    return datetime.combine(local.date() + timedelta(days=1), time(), tzinfo=ZoneInfo(zone)).astimezone(UTC)
