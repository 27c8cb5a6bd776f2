"""Feeds of strangers: each kind of nonsense is answered at its feed and counted, and the others are read all the same."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from bot.news_fetching import HttpFetch
from config.news import NewsSettings
from services.domain.news import NewsItem, SourceTrouble, Trouble
from services.market.news.feed_reading import ReadFeeds
from services.market.news.feeds import parse_feed
from services.market.news.fetching import Page
from services.storage import news
from services.storage.news import FeedState
from tests.news.sites import Answer, site, text
from tests.trading.rig import START, Rig, desk_at

MOST = 60_000
BOMB = """<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]><rss version="2.0"><channel><title>&c;</title></channel></rss>"""
OUTSIDE = """<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY a SYSTEM "file:///etc/passwd">]>
<rss version="2.0"><channel><item><title>&a;</title></item></channel></rss>"""


def item(title: str, *, minutes: float = -5, link: str = "", guid: str = "", date: str = "", now: datetime = START) -> str:
    at = date or format_datetime(now + timedelta(minutes=minutes))
    parts = [f"<title>{title}</title>", f"<pubDate>{at}</pubDate>", f"<link>{link}</link>" if link else ""]
    return f"<item>{''.join(parts)}{f'<guid>{guid}</guid>' if guid else ''}</item>"


def rss(*items: str) -> str:
    return f'<?xml version="1.0"?><rss version="2.0"><channel><title>t</title>{"".join(items)}</channel></rss>'


ATOM = f"""<?xml version="1.0" encoding="utf-8"?><feed xmlns="http://www.w3.org/2005/Atom"><title>t</title><entry>
<id>urn:x:1</id><title type="html">ETH &lt;b&gt;climbs&lt;/b&gt; &amp;amp; holds</title><updated>{START.isoformat()}</updated>
<link href="https://news.example/eth"/></entry></feed>"""


def parsed(body: str | bytes, now: datetime = START) -> tuple[NewsItem, ...]:
    plain = body.encode() if isinstance(body, str) else body
    return parse_feed("a", plain, now=now, oldest=now - timedelta(days=7), tone=lambda title: 0.0).items


def test_rss_and_atom_give_plain_headlines_with_their_time_and_link() -> None:
    (first,) = parsed(rss(item("Bitcoin &amp; co rise", link="https://news.example/1?a=1", guid="g1", minutes=-90)))
    (second,) = parsed(ATOM)

    assert (first.title, first.link, first.guid) == ("Bitcoin & co rise", "https://news.example/1?a=1", "g1")
    assert first.published_at == START - timedelta(minutes=90)
    assert (second.title, second.link, second.published_at) == ("ETH climbs & holds", "https://news.example/eth", START)


@pytest.mark.parametrize(
    ("entry", "kept"),
    [
        (item("old", minutes=-8 * 1440), 0),
        (item("soon", minutes=9), 1),
        (item("tomorrow", minutes=1440), 0),
        (item("no date", date="yesterday-ish"), 0),
        (item("epoch", date="Thu, 01 Jan 1970 00:00:00 GMT"), 0),
        (item("year 99999", date="99999-01-01T00:00:00Z"), 0),
        (item("offset", date="Fri, 20 Nov 2026 13:59:00 +0200"), 1),
        (item("  "), 0),
        (item("&lt;img src=x onerror=alert(1)&gt;"), 0),
    ],
    ids=["old", "clock-differs", "future", "no-date", "epoch", "far", "zone", "blank", "markup-alone"],
)
def test_only_items_with_a_title_and_a_believable_date_are_kept(entry: str, kept: int) -> None:
    found = parsed(rss(entry))

    assert len(found) == kept and all(each.published_at <= START for each in found)


@pytest.mark.parametrize(
    "link",
    [
        "javascript:alert(1)",
        "https://user@a.example/",
        "https://",
        "ftp://a.example/",
        "https://a.example/" + "x" * 999,
    ],
)
def test_a_link_that_no_one_should_press_is_left_out(link: str) -> None:
    (found,) = parsed(rss(item("t", link=link, guid="g")))

    assert found.link == ""


TROUBLES: dict[str, tuple[str | bytes, Trouble]] = {
    "html": ("<html><body>Sign in<br></body></html>", Trouble.NOT_XML),
    "xhtml": ("<html><body>Sign in</body></html>", Trouble.NOT_A_FEED),
    "nothing": ("", Trouble.NOT_XML),
    "half": (rss(item("a"))[:-30], Trouble.NOT_XML),
    "garbage": (b"\x00\xff" * 500, Trouble.NOT_XML),
    "less-than": ("<" * 50_000, Trouble.NOT_XML),
    "billion laughs": (BOMB, Trouble.ENTITIES),
    "billion laughs in utf-16": (BOMB.replace("?>", ' encoding="utf-16"?>', 1).encode("utf-16"), Trouble.ENTITIES),
    "file of ours": (OUTSIDE, Trouble.ENTITIES),
    "deep": ("<a>" * 5_000 + "</a>" * 5_000, Trouble.TOO_LARGE),
    "long date": (rss(item("t", date="1" * 5_000)), Trouble.NOT_A_FEED),
    "encoding nobody knows": ('<?xml version="1.0" encoding="klingon"?><rss/>', Trouble.NOT_XML),
}


@pytest.mark.parametrize("name", TROUBLES)
def test_what_is_no_feed_is_refused_by_name(name: str) -> None:
    body, trouble = TROUBLES[name]

    with pytest.raises(SourceTrouble) as refused:
        parsed(body)

    assert refused.value.trouble is trouble


@given(st.binary(max_size=300), st.integers(0, 400), st.integers(0, 400))
def test_a_feed_spoiled_anywhere_is_read_or_refused(junk: bytes, start: int, length: int) -> None:
    whole = rss(item("Bitcoin", link="https://a.example/", guid="g"), item("Ether")).encode()
    body = whole[:start] + junk + whole[start + length :]

    try:
        found = parsed(body)
    except SourceTrouble:
        return
    assert all(each.title.isprintable() and len(each.title) <= 300 for each in found)


def answering(status: int, **headers: str) -> Answer:
    async def answer(request: web.Request) -> web.StreamResponse:
        return web.Response(status=status, headers=headers)

    return answer


async def _hang(request: web.Request) -> web.StreamResponse:
    await asyncio.Event().wait()
    raise AssertionError("never")


async def _drip(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    while True:
        await response.write(b" ")
        await asyncio.sleep(0.05)


async def _flood(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    for _ in range(160):
        await response.write(b" " * 65_536)
    return response


async def _cut(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": "5000"})
    await response.prepare(request)
    await response.write(rss(item("t")).encode())
    assert request.transport is not None
    request.transport.abort()
    return response


BAD: Mapping[str, tuple[Answer, Trouble]] = {
    "hangs": (_hang, Trouble.HANGS),
    "drips": (_drip, Trouble.HANGS),
    "floods": (_flood, Trouble.TOO_LARGE),
    "packed-bomb": (text(gzip.compress(b" " * 10_000_000), Content_Encoding="gzip"), Trouble.TOO_LARGE),
    "not-packed": (text("plain", Content_Encoding="gzip"), Trouble.ENCODED),
    "packed-otherwise": (text("plain", Content_Encoding="br"), Trouble.ENCODED),
    "elsewhere": (answering(302, Location="http://169.254.169.254/latest"), Trouble.REDIRECTED),
    "other-port": (answering(301, Location="http://127.0.0.1:1/feed"), Trouble.REDIRECTED),
    "file": (answering(301, Location="file:///etc/passwd"), Trouble.REDIRECTED),
    "in-circles": (answering(307, Location="/in-circles"), Trouble.REDIRECTED),
    "gone": (answering(404), Trouble.STATUS),
    "broken": (answering(500), Trouble.STATUS),
    "cut": (_cut, Trouble.UNREACHABLE),
    "html": (text("<html><body>Sign in</body></html>"), Trouble.NOT_A_FEED),
    "bomb": (text(BOMB), Trouble.ENTITIES),
}


async def patient(url: str, *, etag: str = "", modified: str = "") -> Page | None:
    """Wait long for what will come, and not for what never does."""
    never = url.endswith(("/hangs", "/drips"))
    return await HttpFetch(0.3 if never else 40, MOST)(url, etag=etag, modified=modified)


@asynccontextmanager
async def reading(folder: Path, pages: Mapping[str, Answer], **more: object) -> AsyncIterator[tuple[Rig, ReadFeeds]]:
    async with desk_at(folder) as rig, site({f"/{name}": answer for name, answer in pages.items()}) as address:
        settings = NewsSettings.model_validate({"feeds": {name: f"{address}/{name}" for name in pages}, **more})
        yield rig, ReadFeeds(rig.trading.database, settings, patient, rig.clock)


async def states(rig: Rig) -> dict[str, FeedState]:
    found: dict[str, FeedState] = await rig.read(news.feeds)
    return found


async def titles(rig: Rig) -> list[str]:
    return [each.title for each in await rig.read(lambda unit: news.newest_items(unit, START - timedelta(days=366), 5_000))]


async def test_bad_feeds_are_each_named_and_counted_and_stop_neither_good_ones_nor_each_other(tmp_path: Path) -> None:
    good = {"good": text(rss(item("Bitcoin rises", guid="1"))), "moved": answering(301, Location="/good")}
    async with reading(tmp_path, {**{name: answer for name, (answer, _) in BAD.items()}, **good}) as (rig, read):
        await read()
        found, kept = await states(rig), await titles(rig)

    assert {name: found[name].trouble for name in BAD} == {name: trouble.value for name, (_, trouble) in BAD.items()}
    assert all((each.failures, each.reads, each.read_at) == (1, 0, None) for name, each in found.items() if name in BAD)
    assert (found["good"].trouble, found["good"].reads, found["good"].read_at) == ("", 1, START)
    assert found["moved"].trouble == "" and kept == ["Bitcoin rises", "Bitcoin rises"]


async def test_a_feed_that_comes_back_is_over_its_trouble_and_one_that_is_not_named_is_forgotten(tmp_path: Path) -> None:
    answers = [answering(500), text(rss(item("a"), item("no date", date="?")))]

    async def turn(request: web.Request) -> web.StreamResponse:
        return await answers.pop(0)(request)

    async with reading(tmp_path, {"shaky": turn}) as (rig, read):
        await read()
        await read()
        state = (await states(rig))["shaky"]
        nobody = ReadFeeds(rig.trading.database, NewsSettings(), patient, rig.clock)
        await nobody()

        assert (state.trouble, state.failures, state.reads, state.items, state.dropped) == ("", 1, 1, 1, 1)
        assert await states(rig) == {} and await titles(rig) == []


async def test_what_is_unchanged_is_asked_for_by_its_marks_and_not_read_again(tmp_path: Path) -> None:
    asked: list[tuple[str | None, str | None]] = []

    async def marked(request: web.Request) -> web.StreamResponse:
        asked.append((request.headers.get("If-None-Match"), request.headers.get("If-Modified-Since")))
        if request.headers.get("If-None-Match") == '"v1"':
            return web.Response(status=304)
        headers = {"ETag": '"v1"', "Last-Modified": "Fri, 20 Nov 2026 11:00:00 GMT"}
        return web.Response(body=gzip.compress(rss(item("a")).encode()), headers=headers | {"Content-Encoding": "gzip"})

    async with reading(tmp_path, {"marked": marked}) as (rig, read):
        await read()
        rig.clock.advance(60)
        await read()
        state = (await states(rig))["marked"]

    assert asked == [(None, None), ('"v1"', "Fri, 20 Nov 2026 11:00:00 GMT")]
    assert (state.reads, state.items, state.repeated, state.read_at) == (2, 1, 0, START + timedelta(seconds=60))


async def test_an_item_is_stored_once_however_often_and_wherever_it_comes(tmp_path: Path) -> None:
    link = "https://news.example/story"
    first = rss(item("Story", link=link, guid="1"), item("Story", link=link, guid="1"), item("No link", guid="2"))
    other = rss(item("Story, again", link=f"{link}/?utm_source=x#top", guid="9"), item("Same number", guid="2"))
    async with reading(tmp_path, {"first": text(first)}) as (rig, read):
        await read()
        await read()
        once = await states(rig)
        async with site({"/other": text(other)}) as address:
            both = NewsSettings.model_validate({"feeds": {"first": f"{address}/gone", "other": f"{address}/other"}})
            await ReadFeeds(rig.trading.database, both, patient, rig.clock)()
            kept = await titles(rig)

    assert (once["first"].items, once["first"].repeated) == (2, 2)
    assert sorted(kept) == ["No link", "Same number", "Story"]


async def test_items_are_forgotten_by_age_and_a_flood_by_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.market.news.feed_reading.MOST_KEPT", 3)
    many = rss(*(item(f"n{number}", minutes=-number, guid=str(number)) for number in range(1, 9)))
    pages = [many, rss()]

    async def turn(request: web.Request) -> web.StreamResponse:
        return await text(pages.pop(0))(request)

    async with reading(tmp_path, {"flood": turn}, keep_days=1) as (rig, read):
        await read()
        kept = await titles(rig)
        rig.clock.advance(86_400 - 90)
        await read()
        left = await titles(rig)

    assert (kept, left) == (["n1", "n2", "n3"], ["n1"])
