"""What the store misses is asked of the venue, page by page; what the venue does not have either is remembered as that."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Protocol

import structlog

from services.domain.errors import Refused, Unavailable
from services.domain.market import Candle
from services.domain.ports import Clock
from services.market.history import Gap, from_rows, milliseconds, moment
from services.market.store.candle_store import CandleStore
from services.market.store.places import Series
from services.market.store.record import span

log = structlog.get_logger()
PAGE = 1000
PAUSES_S = (1.0, 2.0, 4.0, 8.0, 15.0)
AGAIN = frozenset({"MARKET_TIMEOUT", "MARKET_RATE_LIMITED", "MARKET_UNREACHABLE"})


class PastCandles(Protocol):
    """A venue's candles of any time."""

    async def candles_since(self, symbol: str, timeframe: str, since: datetime, limit: int) -> Sequence[Candle]:
        """Return the first candles that open at or after an instant, oldest first; raise Unavailable on failure."""
        ...

    async def server_time(self) -> datetime:
        """Return the venue's clock."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a fill is: pages asked, candles dealt with of those that were missing, and the opening it has come to."""

    pages: int
    done: int
    total: int
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """What came of a fill: pages asked, candles added, those that the venue does not have, and those still missing."""

    pages: int
    added: int
    holes: int
    missing: int


class FillCandles:
    """Fills a series from a venue. Each page is stored before the next is asked for, so it can be stopped at any moment.

    A page that the venue could not give is asked for again a few times, then Unavailable is raised; what came is kept.
    """

    def __init__(
        self,
        store: CandleStore,
        source: PastCandles,
        clock: Clock,
        *,
        page: int = PAGE,
        told: Callable[[Progress], None] = lambda _progress: None,
    ) -> None:
        self._store = store
        self._source = source
        self._clock = clock
        self._page = page
        self._told = told
        self._phase: int | None = None
        self._pages = self._added = self._holes = self._done = self._total = 0

    async def __call__(self, series: Series, since: datetime, until: datetime | None = None, *, anew: bool = False) -> Filled:
        """Ask for what is missing of the candles that open from ``since`` on and have closed, up to ``until`` if given.

        With ``anew`` also for what the venue did not have. Raise Refused when ``since`` is not before the end.
        """
        self._pages = self._added = self._holes = self._done = self._total = 0
        now = await self._now()
        end = min(until or now, moment(milliseconds(now) - series.step + 1))
        if since >= end:
            raise Refused("SINCE", value=since.isoformat(), limit=f"before {end:%Y-%m-%d %H:%M} UTC")
        self._phase = self._store.phase(series)
        if self._phase is None:
            # The first page shows the grid that the venue's candles lie on.
            rows = await self._ask(series, milliseconds(since), self._page)
            await self._keep(series, [row for row in rows if row.time < end])
        missing = await asyncio.to_thread(self._store.missing, series, since, end, holes_too=anew)
        self._total = sum(each.count for each in missing)
        newest = (await asyncio.to_thread(self._store.overview, series)).last
        for gap in missing:
            await self._fill(series, gap, later_known=newest is not None and gap.last < newest)
        left = await asyncio.to_thread(self._store.missing, series, since, end)
        return Filled(pages=self._pages, added=self._added, holes=self._holes, missing=sum(each.count for each in left))

    async def _fill(self, series: Series, gap: Gap, *, later_known: bool) -> None:
        asked = unseen = gap.first
        while asked <= gap.last:
            rows = await self._ask(series, asked, self._page)
            if not rows:
                # Some venues answer for a window alone. Whether there is anything later shows when something comes.
                asked += self._page * series.step
                self._tell(series, gap, min(asked, gap.last + series.step))
                continue
            first, last = milliseconds(rows[0].time), milliseconds(rows[-1].time)
            holes = self._between(rows, gap, series.step)
            if first > unseen and await self._is_hole(series, unseen, first):
                holes.append(span(unseen, min(first - series.step, gap.last), series.step))
            await self._keep(series, [row for row in rows if milliseconds(row.time) <= gap.last])
            await self._note(series, holes)
            asked = unseen = last + series.step
            self._tell(series, gap, min(asked, gap.last + series.step))
        if unseen <= gap.last and later_known:
            await self._note(series, [span(unseen, gap.last, series.step)])
        self._done += gap.count

    async def _note(self, series: Series, holes: Sequence[Gap]) -> None:
        await asyncio.to_thread(self._store.note_holes, series, tuple(holes))
        self._holes += sum(each.count for each in holes)

    async def _is_hole(self, series: Series, first: int, seen: int) -> bool:
        """Ask once more, for one candle: a venue that only ever gives its newest answers something else then."""
        again = await self._ask(series, first, 1)
        return not again or milliseconds(again[0].time) == seen

    def _between(self, rows: Sequence[Candle], gap: Gap, step: int) -> list[Gap]:
        """Return what is missing in one page: the venue has it no more than we do."""
        times = [milliseconds(row.time) for row in rows]
        return [
            span(earlier + step, min(later - step, gap.last), step)
            for earlier, later in pairwise(times)
            if later - earlier > step and earlier < gap.last
        ]

    async def _keep(self, series: Series, rows: Sequence[Candle]) -> None:
        history = from_rows(series.symbol, series.timeframe, rows)
        stored = await asyncio.to_thread(self._store.put, series, history, now=await self._now())
        self._added += stored.added

    async def _ask(self, series: Series, since: int, limit: int) -> Sequence[Candle]:
        pauses = iter(PAUSES_S)
        while True:
            try:
                rows = await self._source.candles_since(series.symbol, series.timeframe, moment(since), limit)
                break
            except Unavailable as error:
                pause = next(pauses, None)
                if error.code not in AGAIN or pause is None:
                    raise
                log.warning("candles.page_failed", series=str(series), reason=error.code, again_in_s=pause)
                await self._clock.sleep(pause)
        self._pages += 1
        if self._phase is None and rows:
            self._phase = milliseconds(rows[-1].time) % series.step
        # After an outage some venues open a candle beside the grid; it would be none of this timeframe.
        return [row for row in rows if milliseconds(row.time) % series.step == self._phase]

    async def _now(self) -> datetime:
        """Return the venue's time, ours where it shows none."""
        try:
            return await self._source.server_time()
        except Unavailable as error:
            if error.code != "MARKET_NOT_SUPPORTED":
                raise
            return self._clock.now()

    def _tell(self, series: Series, gap: Gap, at: int) -> None:
        done = self._done + (at - gap.first) // series.step
        self._told(Progress(pages=self._pages, done=done, total=self._total, at=moment(at)))
