"""When something that happens every day happens next."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

A_DAY = timedelta(days=1)


def next_time(now: datetime, at: str, zone: str) -> datetime:
    """Return the next instant at which it is ``at`` (HH:MM) in a zone, later than ``now``, in UTC."""
    clock, local = time.fromisoformat(at), now.astimezone(ZoneInfo(zone))
    for days in (0, 1):
        moment = datetime.combine(local.date() + timedelta(days=days), clock, tzinfo=ZoneInfo(zone)).astimezone(UTC)
        if moment > now:
            return moment
    return moment + A_DAY
