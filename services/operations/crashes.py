"""Crashes of stages and jobs: each is an alert within seconds, and one that goes on crashing is an urgent one."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from services.access.alerts import AlertCode, alert
from services.domain.errors import Unavailable
from services.domain.ports import Clock, Ids
from services.storage import incidents
from services.storage.database import Database, Unit

KEEPS = 3
WITHIN_S = 300.0
CALM_AFTER_S = 60.0
CODES = (AlertCode.STAGE_CRASHED, AlertCode.STAGE_KEEPS_CRASHING)


@dataclass(slots=True, kw_only=True)
class _Crashes:
    """The crashes of one stage: when, by monotonic seconds, and the newest one's error."""

    at: deque[float] = field(default_factory=deque)
    error: str = ""
    error_id: str = ""
    booked: bool = False


class BookCrashes:
    """Takes crashes as they happen, and books them when it is called, every second."""

    def __init__(self, database: Database, clock: Clock, ids: Ids) -> None:
        self._database = database
        self._clock = clock
        self._ids = ids
        self._crashes: dict[str, _Crashes] = {}
        self._started = False

    def crashed(self, name: str, error: BaseException, error_id: str) -> None:
        """Take a crash; jobs of one kind (``send 1001``) count together, and what is out of reach has alerts of its own."""
        if isinstance(error, Unavailable):
            return
        found = self._crashes.setdefault(name.split(" ")[0], _Crashes())
        found.at.append(self._clock.monotonic())
        found.error, found.error_id, found.booked = type(error).__name__, error_id, False

    async def __call__(self) -> None:
        """Book what crashed since the last call, and end what has been calm for a while; raise Unavailable if it cannot."""
        now = self._clock.monotonic()
        calm = [name for name, found in self._crashes.items() if found.booked and now - found.at[-1] > CALM_AFTER_S]
        fresh = [name for name, found in self._crashes.items() if not found.booked]
        if calm or fresh or not self._started:
            await self._database.write(lambda unit: self._book(unit, fresh, calm), urgent=True)
        self._started = True
        for name in calm:
            del self._crashes[name]
        for name in fresh:
            self._crashes[name].booked = True

    def _book(self, unit: Unit, fresh: list[str], calm: list[str]) -> None:
        if not self._started:
            # What crashed before this process is over: it starts anew.
            calm = [each.subject for each in incidents.open_incidents(unit) if each.code in CODES]
        for name in calm:
            for code in CODES:
                incidents.close_incident(unit, code.value, name)
        for name in fresh:
            self._alarm(unit, name, self._crashes[name])

    def _alarm(self, unit: Unit, name: str, found: _Crashes) -> None:
        recent = sum(self._clock.monotonic() - at <= WITHIN_S for at in found.at)
        detail = f"{found.error}, error {found.error_id}"
        alert(unit, self._ids, AlertCode.STAGE_CRASHED, name, {"detail": detail})
        if recent >= KEEPS:
            facts: dict[str, object] = {"detail": f"{recent} times in {WITHIN_S / 60:.0f} minutes, last {detail}"}
            alert(unit, self._ids, AlertCode.STAGE_KEEPS_CRASHING, name, facts)
