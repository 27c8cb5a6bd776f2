"""/news on a phone: every page keeps to width and lines, names each age, sample and host, and lets no stranger's word act."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from config.news import BlackoutSettings
from handlers.telegram.views.format import clip
from handlers.telegram.views.news import PAGES, render_news
from services.domain.news import CalendarEvent, Importance, NewsItem
from services.market.news.blackouts import Blackout
from services.market.news.tone import Tone
from services.reporting.news_view import CalendarState, NewsPage
from services.storage.news import FeedState
from tests.chat.rig import ANN, GROUP, OLGA, chat_desk, sandboxed, text_of
from tests.news.documents import document
from tests.news.sites import site, text
from tests.news.test_feeds import item, rss
from tests.views.hostile import HOSTILE
from tests.views.shape import labels, problems

NOW = datetime(2026, 11, 25, 13, 10, tzinfo=UTC)
LONG = "Maximiliane-Alexandra von Hohenstein expects a very long winter in the markets of this world"


VISIBLE = [word for word in HOSTILE if clip(word, 99)]


def event(minutes: float, title: str = "CPI m/m") -> CalendarEvent:
    at = NOW + timedelta(minutes=minutes)
    return CalendarEvent(title=title, starts_at=at, ends_at=at, importance=Importance.MEDIUM, currency="USD")


def around(shown: CalendarEvent) -> Blackout:
    half = timedelta(minutes=30)
    return Blackout(
        event=shown, starts_at=shown.starts_at - half, ends_at=shown.ends_at + half, rule=BlackoutSettings(importance="medium")
    )


def headline(title: str, minutes: float, link: str = "https://news.example/1?a=1&b=2") -> NewsItem:
    return NewsItem(
        feed="desk-wire", guid=title, link=link, title=title, published_at=NOW - timedelta(minutes=minutes), score=0.1
    )


def tone(asset: str, mean: float | None, n: int = 14) -> Tone:
    return Tone(asset=asset, n=n, least=5, feeds=3, mean=mean, newest_at=NOW - timedelta(minutes=12))


PAGE = NewsPage(
    calendar=CalendarState(configured=True, required=False, as_of=NOW - timedelta(hours=2), outdated=False, problem=""),
    blackouts=((around(event(20)), ("BTC/USDT", "ETH/USDT")),),
    events=(event(20), event(1500, "FOMC"), event(3000)),
    headlines=tuple(headline(f"Bitcoin climbs again {n}", 12 * n) for n in range(1, 8)),
    tones=(tone("BTC", -0.214), tone("ETH", None, n=3)),
    feeds=(
        FeedState(name="desk-wire", url="https://a.example/", items=14, read_at=NOW - timedelta(minutes=2)),
        FeedState(name="other", url="https://b.example/", trouble="NOT_A_CALENDAR", read_at=NOW - timedelta(days=40)),
    ),
    at=NOW,
)


def test_the_overview_names_blackout_events_headlines_tones_and_every_age() -> None:
    rendered = render_news(PAGE, 1)

    assert rendered.plain() == (
        "News · entries held back\n"
        "⛔ no entries till 14:00 UTC\n"
        "USD CPI m/m · BTC/USDT, ETH/USDT\n"
        "25 Nov 13:30 UTC USD CPI m/m · medium\n"
        "26 Nov 14:10 UTC USD FOMC · medium\n"
        "Bitcoin climbs again 1\n"
        "news.example · 12 min\n"
        "BTC −0.21    14 in 3 feeds, 12 min\n"
        "ETH no data           3 of 5 items\n"
        "calendar 2 h 00 old · 1 of 2 feeds\n"
        "Updated 13:10:00 UTC · page 1 of 3"
    )
    assert labels(rendered) == [["Refresh", "▶"]]
    assert '<a href="https://news.example/1?a=1&amp;b=2">Bitcoin climbs again 1</a>' in rendered.text


def test_the_sources_say_what_is_wrong_with_each() -> None:
    calendar = replace(PAGE.calendar, problem="NOT_A_CALENDAR: event 12, at: no time such as this")

    said = render_news(replace(PAGE, calendar=calendar), 3).plain()

    assert "calendar: NOT_A_CALENDAR: event 12, at: no…" in said
    assert "desk-wire          14 items, 2 min\nother     NOT_A_CALENDAR, 40 d 0 h" in said


@pytest.mark.parametrize(
    ("calendar", "said"),
    [
        ({"configured": False, "as_of": None, "outdated": True}, "no calendar is configured"),
        ({"as_of": None, "outdated": True}, "calendar: no data, entries pass unasked"),
        ({"outdated": True, "required": True}, "⛔ calendar: no data, entries are refused"),
        ({}, "no blackout now"),
    ],
    ids=["none", "no-data", "required", "quiet"],
)
def test_what_holds_nothing_back_says_why(calendar: dict[str, Any], said: str) -> None:
    page = replace(PAGE, calendar=replace(PAGE.calendar, **calendar), blackouts=())

    assert render_news(page, 1).plain().split("\n")[1] == said


EMPTY = replace(PAGE, blackouts=(), events=(), headlines=(), tones=(), feeds=())
FULL = replace(
    PAGE,
    calendar=replace(PAGE.calendar, as_of=NOW - timedelta(days=400), problem=LONG),
    blackouts=tuple((around(event(n, LONG)), tuple(f"{n}SATS/USDT" for n in range(900))) for n in range(20)),
    events=tuple(event(60 * 24 * n, LONG) for n in range(10)),
    headlines=tuple(headline(LONG, 60 * 24 * n, f"https://{'sub.' * 20}example/") for n in range(12)),
    tones=(tone("1000SATS", -0.999, n=1999), tone("WWWWWWWWWW", None, n=999)),
    feeds=tuple(FeedState(name=f"{'x' * 22}{n}", url="", trouble="NOT_A_CALENDAR") for n in range(30)),
)


@pytest.mark.parametrize("page", [0, 1, 2, 3, 99])
@pytest.mark.parametrize("found", [PAGE, EMPTY, FULL, replace(FULL, blackouts=())], ids=["usual", "empty", "full", "calm"])
def test_every_page_keeps_to_lines_width_and_buttons(found: NewsPage, page: int) -> None:
    assert problems(render_news(found, page)) == []


@pytest.mark.parametrize("word", VISIBLE, ids=range(len(VISIBLE)))
@pytest.mark.parametrize("page", range(1, PAGES + 1))
def test_a_strangers_words_stay_words(word: str, page: int) -> None:
    hostile = replace(
        PAGE,
        calendar=replace(PAGE.calendar, problem=word),
        blackouts=((around(event(5, word)), ("BTC/USDT",)),),
        events=(event(5, word),),
        headlines=(headline(word, 5), headline(word, 6, "")),
    )

    found = problems(render_news(hostile, page), numbers=False)
    assert [each for each in found if not each.startswith("two emoji")] == []


async def test_news_is_read_in_the_chat_from_calendar_and_feeds(tmp_path: Path) -> None:
    file = tmp_path / "calendar.json"
    async with sandboxed() as box:
        now = box.clock.now()
        file.write_bytes(document(now, {"at": 10, "title": "FOMC <i>minutes</i>"}))
        stories = [item(f"Bitcoin wins again &lt;b&gt;{n}", link=f"https://wire.example/{n}", now=now) for n in range(6)]
        async with site({"/wire": text(rss(*stories))}) as address:
            news = {"feeds": {"wire": f"{address}/wire"}, "every_s": 10, "timeout_s": 40}
            async with chat_desk(tmp_path / "desk", box, calendar={"file": file, "every_s": 1}, news=news) as rig:
                await rig.until(lambda: rig.graph.trading.desk.rules.calendar.calendar, "the calendar is read")

                async def scored() -> bool:
                    page = await rig.graph.app.news(ANN, ANN)
                    return bool(page.tones and page.tones[0].mean is not None)

                await rig.until(scored, "the feed is read")
                shown = await rig.ask(OLGA, "/news", "News · entries held back", GROUP)
                private = await rig.ask(ANN, "/news", "News · entries held back")
                await rig.press(ANN, private, "▶")
                turned = text_of(await rig.reads(private, "News · headlines"))

    assert "no entries till" in text_of(shown) and "USD FOMC <i>minut…" in text_of(shown)
    assert "wire.example · " in text_of(shown) and "6 in 1 feed," in text_of(shown) and "1 of 1 feed" in text_of(shown)
    assert turned.count("Bitcoin wins again") == 5
