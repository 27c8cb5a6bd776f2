"""News as stored: headlines, each once; what is known of each feed; and the calendar that was read last."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from sqlalchemy import Integer, bindparam, delete, select

from services.domain.news import NewsItem, SourceTrouble
from services.storage.database import Unit
from services.storage.statements import insert_once, upsert
from services.storage.tables import calendars, news_feeds, news_items
from services.storage.tables.columns import Instant

_CALENDAR = select(calendars.c.document).where(calendars.c.source == bindparam("source"))
_ITEMS = (
    select(news_items)
    .where(news_items.c.published_at >= bindparam("since", type_=Instant))
    .order_by(news_items.c.published_at.desc(), news_items.c.id)
    .limit(bindparam("most", type_=Integer))
)
_NTH = (
    select(news_items.c.published_at)
    .where(news_items.c.feed == bindparam("feed"))
    .order_by(news_items.c.published_at.desc())
    .offset(bindparam("most", type_=Integer))
    .limit(1)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedState:
    """What is known of a feed: the marks of its newest answer, when it was tried and read, and what that came to.

    ``trouble`` is empty after a good answer. Counts are since the feed was named: answers, failures, items that were new, those
    that were known, and those that were left out for their title or date.
    """

    name: str
    url: str
    etag: str = ""
    modified: str = ""
    tried_at: datetime | None = None
    read_at: datetime | None = None
    trouble: str = ""
    detail: str = ""
    reads: int = 0
    failures: int = 0
    items: int = 0
    repeated: int = 0
    dropped: int = 0

    def failed(self, at: datetime, trouble: SourceTrouble) -> FeedState:
        """Return the state after it was not read."""
        return replace(
            self, tried_at=at, trouble=trouble.trouble.value, detail=trouble.detail[:200], failures=self.failures + 1
        )

    def succeeded(self, at: datetime, marks: tuple[str, str], *, new: int, repeated: int, dropped: int) -> FeedState:
        """Return the state after an answer; ``marks`` are its ETag and Last-Modified."""
        return replace(
            self,
            etag=marks[0],
            modified=marks[1],
            tried_at=at,
            read_at=at,
            trouble="",
            detail="",
            reads=self.reads + 1,
            items=self.items + new,
            repeated=self.repeated + repeated,
            dropped=self.dropped + dropped,
        )


def find_calendar(unit: Unit, source: str) -> bytes | None:
    """Return the document that was last taken from a source, or None."""
    row = unit.first(_CALENDAR, source=source)
    return row.document.encode() if row is not None else None


def save_calendar(unit: Unit, source: str, document: bytes) -> None:
    """Store a source's document; that of any other source is forgotten."""
    unit.run(delete(calendars).where(calendars.c.source != source))
    upsert(unit, calendars, {"source": source}, {"document": document.decode("utf-8-sig"), "read_at": unit.now})


def feeds(unit: Unit) -> dict[str, FeedState]:
    """Return what is known of each feed, by its name."""
    names = FeedState.__dataclass_fields__
    return {row.name: FeedState(**{name: getattr(row, name) for name in names}) for row in unit.all(select(news_feeds))}


def save_feed(unit: Unit, state: FeedState) -> None:
    """Store what is known of a feed."""
    values: Mapping[str, object] = {name: getattr(state, name) for name in FeedState.__dataclass_fields__ if name != "name"}
    upsert(unit, news_feeds, {"name": state.name}, values)


def forget_feeds(unit: Unit, names: Iterable[str]) -> None:
    """Forget feeds that are not read any more, with their items."""
    gone = list(names)
    if gone:
        unit.run(delete(news_items).where(news_items.c.feed.in_(gone)))
        unit.run(delete(news_feeds).where(news_feeds.c.name.in_(gone)))


def add_item(unit: Unit, item: NewsItem) -> bool:
    """Store an item unless its feed named it before or its link is known from anywhere; tell whether it is new."""
    row = {
        "id": _digest(f"{item.feed}\n{item.guid}"),
        "feed": item.feed,
        "link_key": _digest(_essential(item.link)) if item.link else None,
        "link": item.link,
        "title": item.title,
        "published_at": item.published_at,
        "seen_at": unit.now,
        "score": item.score,
    }
    return insert_once(unit, news_items, row)


def newest_items(unit: Unit, since: datetime, most: int) -> list[NewsItem]:
    """Return the items published since a time, newest first."""
    return [
        NewsItem(feed=row.feed, guid=row.id, link=row.link, title=row.title, published_at=row.published_at, score=row.score)
        for row in unit.all(_ITEMS, since=since, most=most)
    ]


def forget_items(unit: Unit, before: datetime) -> None:
    """Forget what was published before a time."""
    unit.run(delete(news_items).where(news_items.c.published_at < before))


def keep_newest(unit: Unit, feed: str, most: int) -> None:
    """Forget a feed's items beyond so many."""
    first_beyond = unit.first(_NTH, feed=feed, most=most)
    if first_beyond is not None:
        beyond = (news_items.c.feed == feed, news_items.c.published_at <= first_beyond.published_at)
        unit.run(delete(news_items).where(*beyond))


def _essential(link: str) -> str:
    """Return a link without what only says where it was clicked."""
    parts = urlsplit(link)
    query = urlencode([(name, value) for name, value in parse_qsl(parts.query) if not name.lower().startswith("utm_")])
    return urlunsplit(("", parts.netloc.lower(), parts.path.rstrip("/"), query, ""))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]
