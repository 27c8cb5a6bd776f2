"""The ten things that always hold, asked beside the running desk: at most every second and a half, in a thread."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from bot.demo.desk_reading import DeskReading
from bot.system import SystemClock
from services.domain.errors import Unavailable
from services.operations.evidence import Material, collect
from services.operations.judgement import CheckResult
from services.operations.places import halt_file, log_files, paper_file
from services.operations.venue_book import VenueBook, read_paper_book
from services.operations.verify import judge_all

FRESH_S = 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The ten answers and when they were given; none while the desk has no database."""

    at: datetime
    checks: tuple[CheckResult, ...]


class Invariants:
    """Verifies the desk's database, the venue's book, the logs and what the chat shows."""

    def __init__(
        self,
        reading: DeskReading,
        transcript: Callable[[], Awaitable[str | None]],
        secrets: frozenset[str],
        exchange: Callable[[], Awaitable[VenueBook | None]],
    ) -> None:
        self._reading = reading
        self._transcript = transcript
        self._exchange = exchange
        self._secrets = secrets
        self._turn = asyncio.Lock()
        self._latest: Report | None = None
        self._asked_at = 0.0

    async def report(self) -> Report:
        """Return answers that are fresh enough; whoever asks meanwhile waits for the same ones."""
        async with self._turn:
            if self._latest is None or time.monotonic() - self._asked_at > FRESH_S:
                self._latest = await self._ask(settled=False)
                self._asked_at = time.monotonic()
            return self._latest

    async def final(self) -> Report:
        """Return the answers after a run: nothing is in flight any more, so nothing is excused for being recent."""
        async with self._turn:
            return await self._ask(settled=True)

    async def _ask(self, *, settled: bool) -> Report:
        transcript, book = await self._transcript(), await self._exchange()
        return await asyncio.to_thread(self._judge, transcript, book, settled=settled)

    def _judge(self, transcript: str | None, exchange: VenueBook | None, *, settled: bool) -> Report:
        state = self._reading.state
        material = Material(
            books=lambda: (*self._books(), *([exchange] if exchange is not None else [])),
            logs=log_files(state),
            transcript=transcript,
            secrets=self._secrets,
            halt_file=halt_file(state),
            settled=settled,
        )
        books = material.books()
        evidence = self._reading.read(lambda unit: collect(unit, material, books))
        checks: Sequence[CheckResult] = judge_all(evidence) if evidence is not None else ()
        return Report(at=datetime.now(UTC), checks=tuple(checks))

    def _books(self) -> Sequence[VenueBook]:
        try:
            book = read_paper_book(paper_file(self._reading.state), SystemClock())
        except Unavailable:
            # The venue is just making its file, or just died writing it; the next look finds it readable.
            return ()
        return (book,) if book is not None else ()
