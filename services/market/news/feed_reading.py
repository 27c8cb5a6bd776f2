"""All feeds read side by side: what is wrong with one is noted at it, and the others go on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

import structlog

from config.news import NewsSettings
from services.domain.news import SourceTrouble, Trouble
from services.domain.ports import Clock
from services.market.news.feeds import FeedRead, parse_feed
from services.market.news.fetching import Fetch, Page
from services.market.news.tone import vader
from services.storage import news
from services.storage.database import Database, Unit
from services.storage.news import FeedState

log = structlog.get_logger()
AT_ONCE = 8
MOST_KEPT = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Came:
    """What came of asking one feed: a page with what it says, neither when it is as it was, or a trouble."""

    page: Page | None = None
    read: FeedRead | None = None
    trouble: SourceTrouble | None = None


class ReadFeeds:
    """Reads the feeds of the settings, stores each item once, and forgets what is too old."""

    def __init__(self, database: Database, settings: NewsSettings, fetch: Fetch, clock: Clock) -> None:
        self._database = database
        self._settings = settings
        self._fetch = fetch
        self._clock = clock
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._score: Callable[[str], float] | None = None

    async def __call__(self) -> None:
        """Read every feed once."""
        known = await self._database.read(news.feeds)
        feeds = self._settings.feeds
        came = await asyncio.gather(*(self._ask(name, url, known.get(name)) for name, url in feeds.items()))
        await self._database.write(lambda unit: self._store(unit, dict(zip(feeds, came, strict=True)), known))

    async def _ask(self, name: str, url: str, known: FeedState | None) -> _Came:
        marks = (known.etag, known.modified) if known is not None and known.url == url else ("", "")
        try:
            async with self._turns:
                page = await self._fetch(url, etag=marks[0], modified=marks[1])
                return _Came(page=page, read=await self._read(name, page) if page is not None else None)
        except SourceTrouble as trouble:
            log.warning("feed.refused", feed=name, trouble=trouble.trouble.value, detail=trouble.detail)
            return _Came(trouble=trouble)

    async def _read(self, name: str, page: Page) -> FeedRead:
        now = self._clock.now()
        oldest = now - timedelta(days=self._settings.keep_days)
        if self._score is None:
            self._score = await asyncio.to_thread(vader)
        try:
            return await asyncio.to_thread(parse_feed, name, page.body, now=now, oldest=oldest, tone=self._score)
        except SourceTrouble:
            raise
        except Exception as error:
            # Whatever a stranger's document does to the library that reads it is that feed's trouble alone.
            log.error("feed.reader_failed", feed=name, exc_info=error)
            raise SourceTrouble(Trouble.NOT_A_FEED, f"its reader failed: {type(error).__name__}") from error

    def _store(self, unit: Unit, came: Mapping[str, _Came], known: Mapping[str, FeedState]) -> None:
        news.forget_feeds(unit, frozenset(known) - frozenset(came))
        news.forget_items(unit, unit.now - timedelta(days=self._settings.keep_days))
        for name, each in came.items():
            before = known.get(name)
            url = self._settings.feeds[name]
            if before is None or before.url != url:
                before = FeedState(name=name, url=url)
            if each.trouble is not None:
                news.save_feed(unit, before.failed(unit.now, each.trouble))
                continue
            items = each.read.items if each.read is not None else ()
            new = sum(news.add_item(unit, item) for item in items)
            news.keep_newest(unit, name, MOST_KEPT)
            marks = (each.page.etag, each.page.modified) if each.page is not None else (before.etag, before.modified)
            dropped = each.read.dropped if each.read is not None else 0
            done = before.succeeded(unit.now, marks, new=new, repeated=len(items) - new, dropped=dropped)
            news.save_feed(unit, done)
