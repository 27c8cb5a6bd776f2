"""RSS and Atom read into headlines: what is without a title or a believable date is counted and left out."""

from __future__ import annotations

import html
import importlib
import io
import re
from calendar import timegm
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import struct_time
from typing import Any
from urllib.parse import urlsplit

from services.domain.news import NewsItem, SourceTrouble, Trouble
from services.market.news.wellformed import check_xml

MOST_ITEMS = 200
LONGEST_TITLE = 300
LONGEST_LINK = 1_000
CLOCKS_DIFFER = timedelta(minutes=10)
_TAG = re.compile(r"<[^<>]{0,500}>")


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedRead:
    """The items of a feed that are new enough, newest first; ``dropped`` counts those that said no title or no true date."""

    items: tuple[NewsItem, ...]
    dropped: int


def parse_feed(feed: str, body: bytes, *, now: datetime, oldest: datetime, tone: Callable[[str], float]) -> FeedRead:
    """Return what a feed's document says; raise SourceTrouble for what is no feed.

    At most MOST_ITEMS items from ``oldest`` on are kept. ``tone`` scores a headline from -1 to 1.
    """
    check_xml(body)
    found = _reader().parse(io.BytesIO(body), sanitize_html=False, resolve_relative_uris=False)
    if not found.get("version"):
        raise SourceTrouble(Trouble.NOT_A_FEED, "XML, but neither RSS nor Atom")
    read = [_headline(entry, now) for entry in found.entries]
    new = [each for each in read if each is not None and each.at >= oldest]
    new.sort(key=lambda each: each.at, reverse=True)
    return FeedRead(
        items=tuple(each.item(feed, tone(each.title)) for each in _once(new)[:MOST_ITEMS]), dropped=read.count(None)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Headline:
    title: str
    at: datetime
    guid: str
    link: str

    def item(self, feed: str, score: float) -> NewsItem:
        return NewsItem(feed=feed, guid=self.guid, link=self.link, title=self.title, published_at=self.at, score=score)


def _reader() -> Any:
    try:
        return importlib.import_module("feedparser")
    except ImportError as error:
        fix = "python deploy/environment.py news installs it"
        raise SourceTrouble(Trouble.NO_READER, f"what reads feeds is not installed: {fix}") from error


def _headline(entry: dict[str, Any], now: datetime) -> _Headline | None:
    # Asked as the dictionary that it is: the library warns where it would have taken one date for the other.
    dates = (dict.get(entry, "published_parsed"), dict.get(entry, "updated_parsed"))
    title, at = _plain(entry.get("title")), _moment(next((each for each in dates if each is not None), None))
    if not title or at is None or at > now + CLOCKS_DIFFER:
        return None
    link = safe_link(entry.get("link"))
    guid = entry.get("id")
    return _Headline(title=title, at=min(at, now), guid=guid if isinstance(guid, str) and guid else link or title, link=link)


def _plain(value: object) -> str:
    """Return a title as one line of visible characters, without the markup that some feeds put there."""
    if not isinstance(value, str):
        return ""
    text = html.unescape(_TAG.sub(" ", value[: 4 * LONGEST_TITLE]))
    visible = "".join(each if each.isprintable() else " " for each in text)
    return " ".join(visible.split())[:LONGEST_TITLE]


def _moment(value: object) -> datetime | None:
    if not isinstance(value, struct_time):
        return None
    try:
        return datetime.fromtimestamp(timegm(value), UTC)
    except (ValueError, OverflowError, OSError):
        return None


def safe_link(value: object) -> str:
    """Return an http or https address with a host and nothing odd in it, or an empty text."""
    if not isinstance(value, str) or len(value) > LONGEST_LINK or not value.isascii() or not value.isprintable():
        return ""
    try:
        parts = urlsplit(value)
        fine = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.username is None and " " not in value
    except ValueError:
        return ""
    return value if fine else ""


def _once(headlines: Iterable[_Headline]) -> list[_Headline]:
    return list({each.guid: each for each in reversed(list(headlines))}.values())[::-1]
