"""A calendar is taken whole or refused with the place that is wrong; its times are instants whatever the zone does."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.domain.news import CalendarEvent, Importance, SourceTrouble, Trouble
from services.market.news.calendar import MOST_EVENTS, parse_calendar
from tests.news.documents import document

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)


def times(at: str, zone: str, now: datetime = NOW, **more: Any) -> tuple[datetime, datetime]:
    event = parse_calendar(document(now, {"at": at, "zone": zone} | more), now).events[0]
    return event.starts_at, event.ends_at


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_a_calendar_has_its_events_in_order_and_repeated_ones_once() -> None:
    later = {"at": 60, "title": " Payrolls ", "minutes": 15, "instruments": ["ETH/USDT", "BTC/USDT", "ETH/USDT"]}

    calendar = parse_calendar(document(NOW, later, {"at": 5, "importance": "low"}, later), NOW)

    assert calendar.as_of == NOW - timedelta(hours=2)
    assert [(each.title, each.importance) for each in calendar.events] == [
        ("CPI", Importance.LOW),
        ("Payrolls", Importance.HIGH),
    ]
    assert calendar.events[1] == CalendarEvent(
        title="Payrolls",
        starts_at=NOW + timedelta(minutes=60),
        ends_at=NOW + timedelta(minutes=75),
        importance=Importance.HIGH,
        currency="USD",
        instruments=("BTC/USDT", "ETH/USDT"),
    )


def test_without_through_a_calendar_reaches_to_the_end_of_its_last_event() -> None:
    found = json.loads(document(NOW, {"at": 60, "minutes": 30}, {"at": 5}))
    del found["through"]

    assert parse_calendar(json.dumps(found).encode(), NOW).through == NOW + timedelta(minutes=90)


@pytest.mark.parametrize(
    ("at", "zone", "starts", "ends"),
    [
        ("2026-03-06T08:30", "America/New_York", "2026-03-06T13:30", "2026-03-06T13:30"),
        ("2026-03-09T08:30", "America/New_York", "2026-03-09T12:30", "2026-03-09T12:30"),
        ("2026-03-09T08:30-05:00", "America/New_York", "2026-03-09T13:30", "2026-03-09T13:30"),
        ("2026-11-01T01:30", "America/New_York", "2026-11-01T05:30", "2026-11-01T06:30"),
        ("2026-11-01", "America/New_York", "2026-11-01T04:00", "2026-11-02T05:00"),
        ("2026-03-08", "America/New_York", "2026-03-08T05:00", "2026-03-09T04:00"),
        ("2026-11-25", "Asia/Kathmandu", "2026-11-24T18:15", "2026-11-25T18:15"),
    ],
    ids=["winter", "summer", "offset-wins", "hour-that-comes-twice", "day-of-25-hours", "day-of-23-hours", "quarter-hour"],
)
def test_local_times_are_instants(at: str, zone: str, starts: str, ends: str) -> None:
    assert times(at, zone) == (utc(starts), utc(ends))


def test_an_hour_that_the_clocks_leave_out_is_refused() -> None:
    with pytest.raises(SourceTrouble, match=r"event 1, at: 2026-03-08T02:30 does not exist in America/New_York"):
        times("2026-03-08T02:30", "America/New_York")


BROKEN: dict[str, tuple[bytes | dict[str, Any], str]] = {
    "empty": (b"", "not JSON"),
    "half": (document(NOW, {}, {})[:-40], "not JSON"),
    "binary": (b"\xff\xfe\x00", "not JSON"),
    "deep": (b"[" * 200_000, "not JSON"),
    "html": (b"<html><body>Sign in</body></html>", "not JSON"),
    "list": (b"[]", "the document: not an object"),
    "unknown key": (document(NOW, secret="x"), "the document: has an unknown key 'secret'"),
    "no age": (b'{"events": []}', "as_of: no time"),
    "from the future": (document(NOW, old=timedelta(hours=-1)), "as_of: 2026-11-22T07:00:00.* lies in the future"),
    "events are text": (document(NOW, events="none"), "events: not a list"),
    "too many": (document(NOW, events=[{}] * (MOST_EVENTS + 1)), "events: not a list of at most 5000"),
    "empty without through": (json.dumps({"as_of": NOW.isoformat(), "events": []}).encode(), "through: missing"),
    "zone nobody knows": (document(NOW, zone="Mars/Base"), "zone: 'Mars/Base' is not an IANA time zone"),
    "zone that climbs": (document(NOW, zone="../../etc/passwd"), "zone: .* is not an IANA time zone"),
    "no zone": ({"at": "2026-11-25T13:30"}, "event 1, at: a time without an offset needs a `zone`"),
    "no time": ({"at": "soon"}, "event 1, at: 'soon' is in no year"),
    "no such day": ({"at": "2026-02-30T10:00Z"}, "event 1, at: .* is no time"),
    "list for a time": ({"at": [5]}, "event 1, at: no time"),
    "year 9999": ({"at": "9999-12-31T23:59Z"}, "event 1, at: .* is in no year"),
    "no title": ({"title": "  "}, "event 1, title"),
    "long title": ({"title": "x" * 121}, "event 1, title"),
    "turned title": ({"title": "a\u202eb"}, "event 1, title"),
    "half a pair": ({"title": "\ud800"}, "event 1, title"),
    "importance": ({"importance": "huge"}, "event 1, importance: not one of low, medium, high"),
    "importance list": ({"importance": ["high"]}, "event 1, importance"),
    "currency": ({"currency": "us dollar"}, "event 1, currency"),
    "concerns nothing": ({"currency": ""}, "event 1: names neither"),
    "symbols": ({"instruments": ["btc"]}, "event 1, instruments"),
    "minutes below zero": ({"minutes": -1}, "event 1, minutes"),
    "minutes as a float": ({"minutes": 1.5}, "event 1, minutes"),
    "minutes as truth": ({"minutes": True}, "event 1, minutes"),
    "event key": ({"impact": "high"}, "event 1: has an unknown key 'impact'"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_wrong_is_named_with_its_place(name: str) -> None:
    found, said = BROKEN[name]
    if isinstance(found, dict):
        found = document(NOW, {"at": "2026-11-25T13:30Z"} | found)

    with pytest.raises(SourceTrouble, match=said) as refused:
        parse_calendar(found, NOW)

    assert refused.value.trouble is Trouble.NOT_A_CALENDAR


KEYS = st.sampled_from(["as_of", "through", "zone", "events", "at", "title", "currency", "importance"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner),
)


@given(st.binary(max_size=200) | VALUES)
def test_whatever_comes_is_a_calendar_or_refused(found: object) -> None:
    body = found if isinstance(found, bytes) else json.dumps(found).encode()

    with pytest.raises(SourceTrouble):
        parse_calendar(body, NOW)


def test_the_example_on_the_page_is_a_calendar() -> None:
    page = (Path(__file__).parents[2] / "docs" / "news.md").read_text(encoding="utf-8")
    example = re.search(r"^    \{\n.*?^    \}\n", page, re.MULTILINE | re.DOTALL)
    assert example is not None

    calendar = parse_calendar(example.group().encode(), NOW)

    assert [each.title for each in calendar.events] == ["Core PCE", "FOMC minutes", "Thanksgiving", "Token unlock"]


def test_every_cut_of_a_calendar_is_refused() -> None:
    whole = document(NOW, {"at": 5}, {"at": 60, "title": "Payrolls"})

    for end in range(len(whole)):
        with pytest.raises(SourceTrouble):
            parse_calendar(whole[:end], NOW)
    assert len(parse_calendar(whole, NOW).events) == 2
