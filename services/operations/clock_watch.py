"""Whether this machine's clock and the exchange's agree: orders carry times, and candles close by them."""

from __future__ import annotations

from datetime import timedelta

import structlog

from services.access.alerts import AlertCode, alert
from services.domain.errors import SortieError
from services.domain.ports import Clock, Ids, MarketData
from services.storage import incidents
from services.storage.database import Database, Unit

log = structlog.get_logger()
LOOK_EVERY_S = 60.0
MOST = timedelta(seconds=1)
TWICE = 2


class WatchClock:
    """Asks the exchange for its time; called every minute. Two looks in a row that differ are an alert, one ends it.

    Half of the round trip is allowed for: an answer that took long says little.
    """

    def __init__(self, database: Database, market: MarketData, clock: Clock, ids: Ids, venue: str) -> None:
        self._database = database
        self._market = market
        self._clock = clock
        self._ids = ids
        self._venue = venue
        self._off = 0
        self._alarmed: bool | None = None

    async def __call__(self) -> timedelta | None:
        """Look once; return how far this clock is ahead, None when the exchange did not say; Unavailable if not booked."""
        before, began = self._clock.now(), self._clock.monotonic()
        try:
            there = await self._market.server_time()
        except (SortieError, TimeoutError, OSError) as error:
            log.info("clock.not_compared", error=type(error).__name__)
            return None
        half = timedelta(seconds=(self._clock.monotonic() - began) / 2)
        ahead = before + half - there
        self._off = self._off + 1 if abs(ahead) > MOST + half else 0
        wrong = self._off >= TWICE
        if wrong or (self._off == 0 and self._alarmed is not False):
            await self._database.write(lambda unit: self._book(unit, ahead, wrong=wrong))
            self._alarmed = wrong
        return ahead

    def _book(self, unit: Unit, ahead: timedelta, *, wrong: bool) -> None:
        if not wrong:
            incidents.close_incident(unit, AlertCode.CLOCK_SKEW.value, self._venue)
            return
        seconds = ahead.total_seconds()
        facts: dict[str, object] = {"detail": f"{abs(seconds):.1f} s {'ahead of' if seconds > 0 else 'behind'} the exchange"}
        alert(unit, self._ids, AlertCode.CLOCK_SKEW, self._venue, facts)
