"""News put together: the calendar that the gate asks, and the feeds that people read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bot.extras import NEWS, ensure
from bot.news_fetching import HttpFetch
from bot.surroundings import Ticking
from config.settings import Settings
from services.domain.ports import Clock, Ids
from services.market.news.blackouts import CalendarBoard
from services.market.news.calendar_reading import ReadCalendar
from services.market.news.feed_reading import ReadFeeds
from services.operations.calendar_watch import WatchCalendar
from services.reporting.live import Live
from services.reporting.news_view import ReadNews
from services.storage.database import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What reads news."""

    read_calendar: ReadCalendar
    watch_calendar: WatchCalendar
    read_feeds: ReadFeeds
    page: Callable[[Callable[[], Live]], ReadNews]

    def start(self, settings: Settings, ticker: Ticking) -> None:
        """Begin to read what is configured."""
        if settings.calendar.there:
            ticker.every(settings.calendar.every_s, "calendar", self.watch_calendar)
        if settings.news.feeds:
            ticker.every(settings.news.every_s, "news", self.read_feeds)


def build_news(settings: Settings, database: Database, board: CalendarBoard, clock: Clock, ids: Ids) -> News:
    """Build what reads news; the board is the one that the gate asks."""
    if settings.news.feeds:
        ensure(NEWS)
    fetch = HttpFetch(settings.news.timeout_s, settings.news.max_bytes)
    read_calendar = ReadCalendar(database, board, fetch, clock, settings.news.max_bytes)
    return News(
        read_calendar=read_calendar,
        watch_calendar=WatchCalendar(database, read_calendar, board, clock, ids),
        read_feeds=ReadFeeds(database, settings.news, fetch, clock),
        page=lambda live: ReadNews(database, board, settings.news, live, required=settings.inputs.news),
    )
