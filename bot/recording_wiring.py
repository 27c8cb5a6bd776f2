"""What a running desk writes beside its database: candles into the store, quotes and the journal into files of the day."""

from __future__ import annotations

import asyncio

from bot.surroundings import Ticking
from config.settings import Settings
from services.domain.ports import Clock
from services.market.candles import CandleBook
from services.market.feed import Feed
from services.market.quotes import QuoteBoard
from services.operations.day_files import DayFiles
from services.operations.recorder import Recorder, RecordJournal
from services.storage.database import Database

FOLDER = "record"
RECORD_EVERY_S = 1
STOP_S = 3.0


class Recording:
    """What is turned on of it; each has a thread of its own, which ends with the desk."""

    def __init__(self, settings: Settings, feed: Feed, book: CandleBook, quotes: QuoteBoard, database: Database, clock: Clock):
        self._settings = settings
        self._feed = feed
        self._quotes = quotes
        if settings.record.candles:
            # The store needs a library that a desk without it does not.
            from bot.extras import RESEARCH, ensure

            ensure(RESEARCH)
            from services.market.store.candle_store import CandleStore
            from services.market.store.keeping import KeepCandles
            from services.market.store.places import candle_folder

            store = CandleStore(candle_folder(settings.desk.state_dir))
            self._keep: KeepCandles | None = KeepCandles(store, settings.market.venue, book, settings.market.instruments)
        else:
            self._keep = None
        if settings.record.days:
            room = settings.record.most_mb << 20
            files = DayFiles(settings.desk.state_dir / FOLDER, keep_days=settings.record.keep_days, most_bytes=room)
            self._recorder: Recorder | None = Recorder(files, clock)
            self._journal = RecordJournal(database, self._recorder)
        else:
            self._recorder = None

    def start(self, ticker: Ticking) -> None:
        """Begin with what is turned on."""
        if self._keep is not None:
            self._keep.behind.start()
            self._feed.on_closed(self._keep.closed)
            # What the warm-up has brought.
            self._keep.closed()
        if self._recorder is not None:
            self._recorder.behind.start()
            self._quotes.subscribe(self._recorder.quote)
            ticker.every(RECORD_EVERY_S, "record", self._journal)

    async def close(self) -> None:
        """Write what waits; a disk that hangs is not waited for long."""
        if self._keep is not None:
            await asyncio.to_thread(self._keep.behind.stop, STOP_S)
        if self._recorder is not None:
            await asyncio.to_thread(self._recorder.behind.stop, STOP_S)
