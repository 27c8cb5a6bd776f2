"""What /news shows: events and blackouts by the calendar, headlines and their tone by the feeds, and how old all of it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from config.news import NewsSettings
from services.domain.news import CalendarEvent, NewsItem
from services.market.news.blackouts import Blackout, CalendarBoard
from services.market.news.tone import Mentions, Tone, tone_of
from services.reporting.live import Live
from services.reporting.viewer import owner_scope, read_viewer
from services.storage import desk, news, trades
from services.storage.database import Database, Unit
from services.storage.news import FeedState

MOST_EVENTS = 10
MOST_HEADLINES = 12
MOST_READ = 2_000
MOST_ASSETS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarState:
    """The calendar as it stands: ``as_of`` is None before the first, ``problem`` says why no newer one was taken.

    ``outdated`` tells that it counts as no data, ``required`` that entries are then refused.
    """

    configured: bool
    required: bool
    as_of: datetime | None
    outdated: bool
    problem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NewsPage:
    """All of it; each blackout of now comes with the instruments of the universe that it holds back."""

    calendar: CalendarState
    blackouts: tuple[tuple[Blackout, tuple[str, ...]], ...]
    events: tuple[CalendarEvent, ...]
    headlines: tuple[NewsItem, ...]
    tones: tuple[Tone, ...]
    feeds: tuple[FeedState, ...]
    at: datetime


class ReadNews:
    """Reads news for one person in one chat."""

    def __init__(
        self, database: Database, board: CalendarBoard, settings: NewsSettings, live: Callable[[], Live], *, required: bool
    ) -> None:
        self._database = database
        self._board = board
        self._settings = settings
        self._live = live
        self._required = required

    async def __call__(self, person_id: int, chat_id: int) -> NewsPage:
        """Return what there is; the tone is that of what the reader holds, or of the universe where that is nothing."""
        live = self._live()
        return await self._database.read(lambda unit: self._page(unit, person_id, chat_id, live))

    def _page(self, unit: Unit, person_id: int, chat_id: int, live: Live) -> NewsPage:
        board, now = self._board, live.now
        universe = desk.current_universe(unit)
        symbols = tuple(each.symbol for each in universe.instruments) if universe is not None else ()
        owner = owner_scope(read_viewer(unit, person_id, chat_id, live), "mine")
        held = [trade.symbol for trade in trades.live(unit, person_id=owner)]
        since = now - timedelta(hours=self._settings.tone_hours)
        items = news.newest_items(unit, now - timedelta(days=self._settings.keep_days), MOST_READ)
        return NewsPage(
            calendar=self._calendar(now),
            blackouts=tuple(board.current(now, symbols)),
            events=tuple(board.ahead(now, MOST_EVENTS)),
            headlines=tuple(items[:MOST_HEADLINES]),
            tones=self._tones(held or symbols, symbols, items, since) if self._settings.feeds else (),
            feeds=tuple(self._feeds(news.feeds(unit))),
            at=now,
        )

    def _calendar(self, now: datetime) -> CalendarState:
        calendar = self._board.calendar
        return CalendarState(
            configured=self._board.settings.there,
            required=self._required,
            as_of=calendar.as_of if calendar is not None else None,
            outdated=self._board.outdated(now),
            problem=self._board.problem,
        )

    def _tones(
        self, wanted: Sequence[str], symbols: Sequence[str], items: Sequence[NewsItem], since: datetime
    ) -> tuple[Tone, ...]:
        assets = list(dict.fromkeys(_base(each) for each in wanted))[:MOST_ASSETS]
        mentions = Mentions([*assets, *map(_base, symbols)], self._settings.words)
        least = self._settings.tone_least
        return tuple(tone_of(asset, items, mentions, since=since, least=least) for asset in assets)

    def _feeds(self, known: dict[str, FeedState]) -> list[FeedState]:
        return [known.get(name) or FeedState(name=name, url=url) for name, url in self._settings.feeds.items()]


def _base(symbol: str) -> str:
    return symbol.partition("/")[0]
