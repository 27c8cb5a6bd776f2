"""Whether the pings to the outside watch arrive: an alert from the third lost one in a row, closed by the next that does."""

from __future__ import annotations

import structlog

from services.access.alerts import AlertCode, alert
from services.domain.errors import Unavailable
from services.domain.people import Actor
from services.domain.ports import Ids
from services.storage import incidents
from services.storage.database import Database, Unit

log = structlog.get_logger()
ALERT_AFTER = 3
SUBJECT = "outside watch"


class JudgePings:
    """Count the pings that were lost in a row, and book what follows."""

    def __init__(self, database: Database, ids: Ids) -> None:
        self._database = database
        self._ids = ids
        self._lost = 0
        self._alarmed: bool | None = None

    async def __call__(self, *, arrived: bool) -> None:
        """Take the outcome of one ping; a database that does not answer is tried again with the next."""
        self._lost = 0 if arrived else self._lost + 1
        broken = self._lost >= ALERT_AFTER
        # The first ping of a process also closes what the process before left open.
        if broken == self._alarmed or 0 < self._lost < ALERT_AFTER:
            return
        try:
            await self._database.write(lambda unit: self._book(unit, broken=broken))
        except Unavailable as error:
            log.warning("heartbeat.not_booked", reason=error.code)
            return
        self._alarmed = broken

    def _book(self, unit: Unit, *, broken: bool) -> None:
        actor = Actor.job("heartbeat", f"heartbeat-{self._ids.row()}")
        if broken:
            facts: dict[str, object] = {"detail": f"{self._lost} pings in a row were lost", "lost": self._lost}
            if alert(unit, self._ids, AlertCode.HEARTBEAT_FAILED, SUBJECT, facts):
                unit.record(actor, "heartbeat.lost", lost=self._lost)
        elif incidents.close_incident(unit, AlertCode.HEARTBEAT_FAILED.value, SUBJECT):
            unit.record(actor, "heartbeat.back")
