"""The calendar read from its file or address: the last good one stands, whatever comes after it."""

from __future__ import annotations

import asyncio
import stat
from pathlib import Path

import structlog

from services.domain.news import Calendar, SourceTrouble, Trouble
from services.domain.ports import Clock
from services.market.news.blackouts import CalendarBoard
from services.market.news.calendar import parse_calendar
from services.market.news.fetching import Fetch
from services.storage import news
from services.storage.database import Database

log = structlog.get_logger()


class ReadCalendar:
    """Reads the calendar of the settings; without one it does nothing."""

    def __init__(self, database: Database, board: CalendarBoard, fetch: Fetch, clock: Clock, max_bytes: int) -> None:
        self._database = database
        self._board = board
        self._fetch = fetch
        self._clock = clock
        self._max_bytes = max_bytes
        self._source = str(board.settings.file.absolute()) if board.settings.file is not None else board.settings.url or ""
        self._taken = b""

    async def restore(self) -> None:
        """Go by what was taken before the desk last stopped, until something newer is read."""
        stored = await self._database.read(lambda unit: news.find_calendar(unit, self._source)) if self._source else None
        if stored is None:
            return
        try:
            self._take(stored, parse_calendar(stored, self._clock.now()))
        except SourceTrouble as trouble:
            self._keep(trouble)

    async def __call__(self) -> None:
        """Read it once; what is refused leaves the one that stands, and says why."""
        if not self._source:
            return
        try:
            document = await self._document()
            if document == self._taken:
                self._board.keep("")
                return
            calendar = parse_calendar(document, self._clock.now())
            self._check_order(calendar)
        except SourceTrouble as trouble:
            self._keep(trouble)
            return
        await self._database.write(lambda unit: news.save_calendar(unit, self._source, document))
        self._take(document, calendar)
        log.info("calendar.taken", events=len(calendar.events), as_of=calendar.as_of.isoformat())

    async def _document(self) -> bytes:
        file = self._board.settings.file
        if file is not None:
            return await asyncio.to_thread(_read, file, self._max_bytes)
        page = await self._fetch(self._source)
        return page.body if page is not None else self._taken

    def _check_order(self, calendar: Calendar) -> None:
        standing = self._board.calendar
        if standing is not None and calendar.as_of < standing.as_of:
            raise SourceTrouble(Trouble.NOT_A_CALENDAR, f"as_of: {calendar.as_of.isoformat()} is older than what stands")

    def _take(self, document: bytes, calendar: Calendar) -> None:
        self._taken = document
        self._board.take(calendar)

    def _keep(self, trouble: SourceTrouble) -> None:
        problem = str(trouble)
        if problem != self._board.problem:
            log.warning("calendar.refused", trouble=trouble.trouble.value, detail=trouble.detail)
        self._board.keep(problem)


def _read(file: Path, most: int) -> bytes:
    """Read a file of bounded size; what is no file, such as a pipe, would be waited for without an end."""
    try:
        if not stat.S_ISREG(file.stat().st_mode):
            raise SourceTrouble(Trouble.UNREACHABLE, f"{file.name} is no file")
        with file.open("rb") as opened:
            found = opened.read(most + 1)
    except OSError as error:
        raise SourceTrouble(Trouble.UNREACHABLE, f"{file.name}: {error.strerror}") from error
    if len(found) > most:
        raise SourceTrouble(Trouble.TOO_LARGE, f"{file.name} has more than {most} bytes")
    return found
