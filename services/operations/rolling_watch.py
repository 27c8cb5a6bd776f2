"""Looks whether the rolling copy keeps up: what it lags behind is what a lost disk would cost."""

from __future__ import annotations

import structlog

from services.access.alerts import AlertCode, alert
from services.domain.people import Actor
from services.domain.ports import Ids
from services.operations.rolling_copy import RollingCopy
from services.storage import incidents
from services.storage.database import Database, Unit

log = structlog.get_logger()
SUBJECT = "rolling"
LATE_PERIODS = 3


class WatchRolling:
    """Raises an alert when the newest copy lags by three periods, once a period, and ends it when one was made."""

    def __init__(self, database: Database, rolling: RollingCopy, every_s: float, ids: Ids) -> None:
        self._database = database
        self._rolling = rolling
        self._every_s = every_s
        self._ids = ids
        # What an earlier run left open is closed, or said again, at the first look.
        self._open = True
        self._told_at_s = 0.0

    async def __call__(self, actor: Actor) -> None:
        """Look once."""
        lag = self._rolling.lag
        if lag.seconds < LATE_PERIODS * self._every_s:
            if self._open and not lag.reason:
                await self._database.write(_close)
                self._open, self._told_at_s = False, 0.0
            return
        if self._open and self._told_at_s and lag.seconds < self._told_at_s + self._every_s:
            return
        reason = lag.reason or "the copy takes longer than its period, or the disk hangs"
        facts: dict[str, object] = {"reason": f"nothing newer than {lag.seconds:.0f} s ago is in a copy: {reason}"}
        await self._database.write(lambda unit: self._alarm(unit, actor, facts))
        self._open, self._told_at_s = True, lag.seconds

    def _alarm(self, unit: Unit, actor: Actor, facts: dict[str, object]) -> None:
        if alert(unit, self._ids, AlertCode.BACKUP_STALE, SUBJECT, facts):
            unit.record(actor, "backup.stale", reason=facts["reason"])


def _close(unit: Unit) -> None:
    incidents.close_incident(unit, AlertCode.BACKUP_STALE.value, SUBJECT)
