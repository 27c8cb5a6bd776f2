"""How late the event loop calls what is due: measured all the time, and an alert when it stays late."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import structlog

from services.access.alerts import AlertCode, alert
from services.domain.errors import Unavailable
from services.domain.measures import Meter, Timed
from services.domain.people import Actor
from services.domain.ports import Clock, Ids
from services.storage import incidents
from services.storage.database import Database, Unit

log = structlog.get_logger()
EVERY_S = 0.25
WINDOW = 240
JUDGE_EVERY = 40
LIMIT_S = 0.25
# A longer one is a pause of the whole process, a stopped or suspended one; it says nothing about the loop.
PAUSE_S = 30.0
SUBJECT = "event loop"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopDelay:
    """How late the event loop was: the newest delay, and the longest and the 99th percentile of the last minute, in seconds."""

    last: float = 0.0
    longest: float = 0.0
    p99: float = 0.0


class LoopLag:
    """Sleeps and sees how much longer it took."""

    def __init__(self, database: Database, clock: Clock, ids: Ids, meter: Meter) -> None:
        self._database = database
        self._clock = clock
        self._ids = ids
        self._meter = meter
        self._window: deque[float] = deque(maxlen=WINDOW)
        self._last = 0.0
        self._alarmed: bool | None = None

    async def run(self) -> None:
        """Measure for ever, and judge the last minute every ten seconds."""
        ticks = 0
        while True:
            due = self._clock.monotonic() + EVERY_S
            await self._clock.sleep(EVERY_S)
            self.note(max(0.0, self._clock.monotonic() - due))
            ticks += 1
            if ticks % JUDGE_EVERY == 0:
                await self.judge()

    def note(self, delay: float) -> None:
        """Take one delay, in seconds."""
        self._last = delay
        self._meter.time(Timed.LOOP, delay)
        if delay < PAUSE_S:
            self._window.extend(waits(delay))

    def delay(self) -> LoopDelay:
        """Return the newest delay, and the longest and the 99th percentile of the last minute."""
        seen = sorted(self._window)
        if not seen:
            return LoopDelay(last=self._last)
        return LoopDelay(last=self._last, longest=seen[-1], p99=seen[min(len(seen) - 1, int(len(seen) * 0.99))])

    async def judge(self) -> None:
        """Open the alert while the last minute's 99th percentile is above the limit, close it when it is below again."""
        p99 = self.delay().p99
        late = len(self._window) == WINDOW and p99 > LIMIT_S
        if late == self._alarmed:
            return
        try:
            await self._database.write(lambda unit: self._book(unit, p99, late=late))
        except Unavailable as error:
            # Tried again at the next look.
            log.warning("loop.not_booked", reason=error.code)
            return
        self._alarmed = late

    def _book(self, unit: Unit, p99: float, *, late: bool) -> None:
        actor, p99_ms = Actor.job("loop", f"loop-{self._ids.row()}"), round(p99 * 1000)
        limit_ms = round(LIMIT_S * 1000)
        facts: dict[str, object] = {
            "detail": f"{p99_ms} ms late, at 99 of 100 moments at most; limit {limit_ms} ms",
            "p99_ms": p99_ms,
        }
        if late:
            if alert(unit, self._ids, AlertCode.LOOP_LAG, SUBJECT, facts):
                unit.record(actor, "loop.late", p99_ms=p99_ms, limit_ms=limit_ms)
        elif incidents.close_incident(unit, AlertCode.LOOP_LAG.value, SUBJECT):
            unit.record(actor, "loop.in_time", p99_ms=p99_ms)


def waits(delay: float) -> Iterator[float]:
    """Return what every moment of one delay would have waited: whoever came a step later waited a step less."""
    while delay > EVERY_S:
        yield delay
        delay -= EVERY_S
    yield delay
