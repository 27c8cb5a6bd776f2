"""The feed's closed candles go into the store as they come."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import structlog

from services.domain.errors import SortieError
from services.domain.market import Candle
from services.market.candles import CandleBook
from services.market.history import from_rows
from services.market.store.behind import Behind
from services.market.store.candle_store import CandleStore
from services.market.store.places import Series

log = structlog.get_logger()
# Candles that close together with a new one may still be corrected by the venue.
AGAIN = 5


class KeepCandles:
    """Puts what the book holds into the store, in a thread of its own; a symbol that waits already is not queued twice.

    What the disk does not take stays in the book and is tried again with the next candle. A candle is lost when the book let
    go of it first; that is counted and logged.
    """

    def __init__(self, store: CandleStore, venue: str, book: CandleBook, symbols: Sequence[str]) -> None:
        self._store = store
        self._venue = venue
        self._book = book
        self._symbols = symbols
        self._waiting: set[str] = set()
        self._kept: dict[str, datetime] = {}
        self.lost = 0
        self.behind: Behind[str] = Behind("candles", self._work, most=max(1, len(symbols)))

    def closed(self) -> None:
        """Have every symbol with candles that were not kept yet looked at soon; returns at once."""
        for symbol in self._symbols:
            newest = self._book.newest(symbol)
            if newest is None or newest.time == self._kept.get(symbol) or symbol in self._waiting:
                continue
            self._waiting.add(symbol)
            if not self.behind.offer(symbol):
                self._waiting.discard(symbol)

    def _work(self, symbols: list[str]) -> None:
        for symbol in symbols:
            # From here on a candle that closes is queued anew, whether or not this look still sees it.
            self._waiting.discard(symbol)
            rows = self._book.closed(symbol)
            if rows:
                self._keep(symbol, rows)

    def _keep(self, symbol: str, rows: Sequence[Candle]) -> None:
        kept = self._kept.get(symbol)
        new = sum(1 for row in rows if kept is None or row.time > kept)
        series = Series(venue=self._venue, symbol=symbol, timeframe=self._book.timeframe)
        chosen = rows[-(new + AGAIN) :]
        try:
            history = from_rows(symbol, series.timeframe, chosen)
            stored = self._store.put(series, history, now=chosen[-1].time + self._book.length)
        except SortieError as error:
            log.warning("candles.not_kept", series=str(series), waiting=new, reason=error.code)
            return
        if kept is not None and new == len(rows) and (gone := (rows[0].time - kept) // self._book.length - 1) > 0:
            self.lost += gone
            log.warning("candles.lost", series=str(series), count=gone)
        for each in stored.set_aside:
            log.warning("candles.refill", series=str(series), part=each.part)
        self._kept[symbol] = rows[-1].time
