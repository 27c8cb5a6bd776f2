"""Whether the economic calendar is still taken: one that nobody mends stops holding entries back when it is too old."""

from __future__ import annotations

from services.access.alerts import AlertCode, alert
from services.domain.ports import Clock, Ids
from services.market.news.blackouts import CalendarBoard
from services.market.news.calendar_reading import ReadCalendar
from services.storage import incidents
from services.storage.database import Database, Unit

SUBJECT = "calendar"
TWICE = 2


class WatchCalendar:
    """Reads the calendar and tells when that goes wrong.

    Two looks in a row that took nothing are an alert, for a file may be looked at while it is written; one without data is at
    once. A good one ends it.
    """

    def __init__(self, database: Database, read: ReadCalendar, board: CalendarBoard, clock: Clock, ids: Ids) -> None:
        self._database = database
        self._read = read
        self._board = board
        self._clock = clock
        self._ids = ids
        self._failed = 0
        self._alarmed: bool | None = None

    async def __call__(self) -> None:
        """Read it once, and look what came of it."""
        await self._read()
        self._failed = self._failed + 1 if self._board.problem else 0
        outdated = self._board.outdated(self._clock.now())
        wrong = outdated or self._failed >= TWICE
        if wrong or (not self._failed and self._alarmed is not False):
            await self._database.write(lambda unit: self._book(unit, wrong=wrong, outdated=outdated))
            self._alarmed = wrong

    def _book(self, unit: Unit, *, wrong: bool, outdated: bool) -> None:
        if not wrong:
            incidents.close_incident(unit, AlertCode.CALENDAR_STALE.value, SUBJECT)
            return
        state = "no data" if outdated else "the last good one stands"
        reason = f"{state}: {self._board.problem}" if self._board.problem else state
        alert(unit, self._ids, AlertCode.CALENDAR_STALE, SUBJECT, {"reason": reason})
