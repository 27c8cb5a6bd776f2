"""News as a message: what holds entries back, what comes, what is said, and how old each of it is."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from urllib.parse import urlsplit

from markupsafe import Markup

from handlers.telegram.callbacks import ListName
from handlers.telegram.views.format import MISSING, clip, clock, day_clock, fixed, span
from handlers.telegram.views.message import Rendered
from handlers.telegram.views.paging import Cut, turning
from handlers.telegram.views.templating import render
from handlers.telegram.views.words import plural
from services.domain.news import CalendarEvent, NewsItem
from services.market.news.tone import Tone
from services.reporting.news_view import CalendarState, NewsPage
from services.storage.news import FeedState

PAGES = 3
EVENTS, HEADLINES, MORE_HEADLINES, FEEDS = 2, 2, 5, 8
WIDTH = 44


def render_news(found: NewsPage, page: int) -> Rendered:
    """Return the overview, the headlines or the sources."""
    page = min(max(1, page), PAGES)
    part: Cut[object] = Cut(rows=(), page=page, pages=PAGES)
    shown = (_overview, _headlines, _sources)[page - 1](found)
    text = render("list_news", **shown, at=found.at, page=page, pages=PAGES)
    return Rendered(text=text, rows=(turning(ListName.NEWS, part),))


def _overview(found: NewsPage) -> dict[str, object]:
    newest = found.headlines[: HEADLINES - bool(found.blackouts)]
    lines = [*_now(found), *(_event(each) for each in found.events[:EVENTS])]
    stories = [line for each in newest for line in _headline(each, found.at)]
    return {
        "detail": "entries held back" if found.blackouts else "",
        "lines": [*lines, *stories],
        "rows": [_tone(each, found.at) for each in found.tones],
        "last": [f"{_age(found.calendar, found.at)} · {_read(found.feeds)}"],
    }


def _headlines(found: NewsPage) -> dict[str, object]:
    lines = [line for each in found.headlines[:MORE_HEADLINES] for line in _headline(each, found.at)]
    return {"detail": "headlines", "lines": lines or ["no headlines yet"], "rows": [], "last": []}


def _sources(found: NewsPage) -> dict[str, object]:
    lines = [clip(f"calendar: {found.calendar.problem}", WIDTH)] if found.calendar.problem else []
    rows = [(clip(each.name, 12), _of_feed(each, found.at)) for each in found.feeds[:FEEDS]]
    return {"detail": "sources", "lines": [_age(found.calendar, found.at), *lines], "rows": rows, "last": []}


def _now(found: NewsPage) -> list[object]:
    """Return what holds entries back now, or why nothing does."""
    calendar = found.calendar
    if not calendar.configured:
        return ["no calendar is configured"]
    if calendar.outdated:
        return ["⛔ calendar: no data, entries are refused" if calendar.required else "calendar: no data, entries pass unasked"]
    if not found.blackouts:
        return ["no blackout now"]
    blackout, symbols = max(found.blackouts, key=lambda each: each[0].ends_at)
    more = f" and {len(found.blackouts) - 1} more" if len(found.blackouts) > 1 else ""
    first = Markup("⛔ no entries till {}").format(_when(blackout.ends_at, found.at))
    return [first, clip(f"{_named(blackout.event, 18)}{more} · {_few(symbols)}", WIDTH)]


def _few(symbols: tuple[str, ...]) -> str:
    return ", ".join(symbols) if len(symbols) < 3 else plural(len(symbols), "instrument")


def _event(event: CalendarEvent) -> Markup:
    return Markup("{} {} · {}").format(day_clock(event.starts_at), _named(event, 18), event.importance.value)


def _named(event: CalendarEvent, length: int) -> str:
    return clip(f"{event.currency or ', '.join(event.instruments[:1])} {event.title}", length)


def _headline(item: NewsItem, now: datetime) -> tuple[object, str]:
    """Return a headline, which leads where its feed says, and beneath it where that is and how old it is."""
    title = clip(item.title, WIDTH)
    linked: object = Markup('<a href="{}">{}</a>').format(item.link, title) if item.link else title
    host = urlsplit(item.link).hostname or f"feed {item.feed}"
    return linked, f"{clip(host, 28)} · {span(max(now - item.published_at, timedelta(0)))}"


def _tone(tone: Tone, now: datetime) -> tuple[str, str]:
    if tone.mean is None or tone.newest_at is None:
        return f"{clip(tone.asset, 8)} {MISSING}", f"{tone.n} of {tone.least} items"
    mean = fixed(Decimal(str(round(tone.mean, 2))), 2, sign=True)
    return f"{clip(tone.asset, 8)} {mean}", f"{tone.n} in {plural(tone.feeds, 'feed')}, {span(now - tone.newest_at)}"


def _age(calendar: CalendarState, now: datetime) -> str:
    if not calendar.configured:
        return "no calendar"
    return f"calendar {span(now - calendar.as_of)} old" if calendar.as_of is not None else f"calendar {MISSING}"


def _read(feeds: tuple[FeedState, ...]) -> str:
    good = sum(1 for each in feeds if each.read_at is not None and not each.trouble)
    return f"{good} of {plural(len(feeds), 'feed')}" if feeds else "no feeds"


def _of_feed(feed: FeedState, now: datetime) -> str:
    """Return what a feed gave, or its trouble, and how long ago it was read."""
    since = span(now - feed.read_at) if feed.read_at is not None else "never read"
    return f"{feed.trouble or plural(feed.items, 'item')}, {since}"


def _when(at: datetime, now: datetime) -> Markup:
    return clock(at) if at.date() == now.date() else day_clock(at)
