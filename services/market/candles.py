"""Closed candles of each instrument, on the grid that the data itself shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from services.domain.errors import Unavailable
from services.domain.market import Candle, timeframe_seconds

SETTLING = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What a batch of candles changed: closed candles gained and corrected, bars missing before and among the gained ones.

    ``regridded`` tells that the batch lies on another grid than what was kept, which was thrown away.
    """

    gained: int
    corrected: int
    missing: int
    regridded: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Unseen:
    """A symbol whose newest closed candle was not taken yet; ``missed`` counts the older ones that never will be."""

    symbol: str
    missed: int


class CandleBook:
    """Keep the newest ``history`` closed candles of each symbol.

    A candle is closed when a later one has opened, or when the exchange's clock is past its end by ``SETTLING`` (a market
    without trades opens none). Open times need not be multiples of the timeframe: the grid is learned from the first batch.
    """

    def __init__(self, timeframe: str, history: int) -> None:
        self.timeframe = timeframe
        self.length = timedelta(seconds=timeframe_seconds(timeframe))
        self._history = history
        self._closed: dict[str, list[Candle]] = {}
        self._opened: dict[str, datetime] = {}
        self._taken: dict[str, datetime] = {}

    def put(self, symbol: str, rows: Sequence[Candle], exchange_time: datetime | None) -> Change:
        """Take in a batch, oldest first, the open candle last.

        ``exchange_time`` is what the exchange's clock showed before the batch was asked for, or None when it is not known.
        """
        if not rows:
            return Change(gained=0, corrected=0, missing=0, regridded=False)
        regridded = self._is_off_grid(symbol, rows[-1].time)
        if regridded:
            self._closed.pop(symbol, None)
            self._opened.pop(symbol, None)
        self._opened[symbol] = max(rows[-1].time, self._opened.get(symbol, rows[-1].time))
        kept = {candle.time: candle for candle in self._closed.get(symbol, [])}
        last = max(kept, default=None)
        closed = [row for row in rows if self._is_closed(row, rows[-1], exchange_time)]
        gained = [row for row in closed if last is None or row.time > last]
        corrected = sum(1 for row in closed if row.time in kept and kept[row.time] != row)
        kept.update({row.time: row for row in closed})
        self._closed[symbol] = [kept[time] for time in sorted(kept)][-self._history :]
        # A grid that moved makes what was taken incomparable: its first batch is history, as in a warm-up.
        if gained and (regridded or symbol not in self._taken):
            self._taken[symbol] = gained[-1].time
        opened = [last, *(row.time for row in gained)] if last is not None else [row.time for row in gained]
        return Change(gained=len(gained), corrected=corrected, missing=self._holes(opened), regridded=regridded)

    def closed(self, symbol: str) -> Sequence[Candle]:
        """Return the closed candles, oldest first."""
        return tuple(self._closed.get(symbol, ()))

    def newest(self, symbol: str) -> Candle | None:
        """Return the newest closed candle, or None."""
        kept = self._closed.get(symbol)
        return kept[-1] if kept else None

    def gaps(self, symbol: str) -> int:
        """Return how many bars are missing among the closed candles."""
        return self._holes([candle.time for candle in self._closed.get(symbol, ())])

    def last_close(self, now: datetime) -> datetime:
        """Return the newest instant up to ``now`` (exchange time) at which bars end; raise Unavailable before any data."""
        if not self._opened:
            raise Unavailable("NO_CANDLES", timeframe=self.timeframe)
        anchor = max(self._opened.values())
        return anchor + (now - anchor) // self.length * self.length

    def take_unseen(self) -> list[Unseen]:
        """Return each symbol that has gained candles since it was last taken, once, and call them taken."""
        found = []
        for symbol, kept in sorted(self._closed.items()):
            if kept and kept[-1].time > self._taken[symbol]:
                found.append(Unseen(symbol=symbol, missed=self._missed(kept, self._taken[symbol])))
                self._taken[symbol] = kept[-1].time
        return found

    def _missed(self, kept: Sequence[Candle], taken: datetime) -> int:
        """Count the closed bars between what was taken and the newest; those that fell out of the history count too."""
        newer = [candle.time for candle in kept if candle.time > taken]
        before = (newer[0] - taken) // self.length - 1 if taken < kept[0].time else 0
        return len(newer) - 1 + before

    def _is_closed(self, row: Candle, last: Candle, exchange_time: datetime | None) -> bool:
        end = row.time + self.length
        return end <= last.time or (exchange_time is not None and end + SETTLING <= exchange_time)

    def _is_off_grid(self, symbol: str, time: datetime) -> bool:
        kept = self._opened.get(symbol)
        return kept is not None and bool((time - kept) % self.length)

    def _holes(self, opened: Sequence[datetime]) -> int:
        return sum((later - earlier) // self.length - 1 for earlier, later in pairwise(opened))
