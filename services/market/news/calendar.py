"""The economic calendar as a document: one JSON object, taken whole or not at all (docs/news.md has its form).

An event that cannot be read would be a blackout that nobody sees, so it refuses the document and what was read before stays.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import NoReturn
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from services.domain.news import Calendar, CalendarEvent, Importance, SourceTrouble, Trouble

MOST_EVENTS = 5_000
LONGEST_TITLE = 120
LONGEST_EVENT_MIN = 14 * 24 * 60
CLOCKS_DIFFER = timedelta(minutes=5)
_YEARS = range(2000, 2100)
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_CURRENCY = re.compile(r"[A-Z0-9]{2,10}")
_SYMBOL = re.compile(r"[A-Z0-9]{1,20}/[A-Z0-9]{1,20}(:[A-Z0-9]{1,20})?")
_DOCUMENT = frozenset({"as_of", "through", "zone", "events"})
_EVENT = frozenset({"at", "zone", "minutes", "title", "currency", "importance", "instruments"})


def parse_calendar(document: bytes, now: datetime) -> Calendar:
    """Return the calendar of a document; raise SourceTrouble naming the first place that is wrong."""
    found = _object(_json(document), _DOCUMENT, "the document")
    zone = _zone(found.get("zone"), "zone")
    as_of = _instant(found.get("as_of"), zone, "as_of")[0]
    if as_of > now + CLOCKS_DIFFER:
        _refuse("as_of", f"{as_of.isoformat()} lies in the future")
    rows = found.get("events")
    if not isinstance(rows, list) or len(rows) > MOST_EVENTS:
        _refuse("events", f"not a list of at most {MOST_EVENTS} events")
    events = {_event(row, zone, f"event {number}") for number, row in enumerate(rows, 1)}
    if "through" in found:
        through = _instant(found["through"], zone, "through")[1]
    elif events:
        through = max(each.ends_at for each in events)
    else:
        _refuse("through", "missing, and there is no event that it could be told by")
    in_order = sorted(events, key=lambda each: (each.starts_at, each.title, each.currency))
    return Calendar(as_of=as_of, through=through, events=tuple(in_order))


def _json(document: bytes) -> object:
    try:
        return json.loads(document.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        _refuse("the document", f"not JSON: {str(error)[:80]}")


def _event(row: object, zone: ZoneInfo | None, where: str) -> CalendarEvent:
    found = _object(row, _EVENT, where)
    title = found.get("title")
    if not isinstance(title, str) or not title.strip() or len(title) > LONGEST_TITLE or not title.isprintable():
        _refuse(f"{where}, title", f"not a line of 1 to {LONGEST_TITLE} visible characters")
    own = _zone(found["zone"], f"{where}, zone") if "zone" in found else zone
    starts_at, ends_at = _instant(found.get("at"), own, f"{where}, at")
    minutes = found.get("minutes", 0)
    if type(minutes) is not int or not 0 <= minutes <= LONGEST_EVENT_MIN:
        _refuse(f"{where}, minutes", f"not a whole number from 0 to {LONGEST_EVENT_MIN}")
    currency, instruments = found.get("currency", ""), found.get("instruments", [])
    if not isinstance(currency, str) or not (currency == "" or _CURRENCY.fullmatch(currency)):
        _refuse(f"{where}, currency", "not a code such as USD")
    if not isinstance(instruments, list) or not all(isinstance(each, str) and _SYMBOL.fullmatch(each) for each in instruments):
        _refuse(f"{where}, instruments", "not a list of symbols such as BTC/USDT")
    if not currency and not instruments:
        _refuse(where, "names neither a currency nor instruments: it would concern nothing")
    return CalendarEvent(
        title=title.strip(),
        starts_at=starts_at,
        ends_at=ends_at + timedelta(minutes=minutes),
        importance=_importance(found.get("importance"), where),
        currency=currency,
        instruments=tuple(sorted(set(instruments))),
    )


def _importance(value: object, where: str) -> Importance:
    if not isinstance(value, str) or value not in set(Importance):
        _refuse(f"{where}, importance", f"not one of {', '.join(Importance)}")
    return Importance(value)


def _instant(value: object, zone: ZoneInfo | None, where: str) -> tuple[datetime, datetime]:
    """Return when a written time begins and ends: a day lasts until the next, an hour that comes twice through both."""
    if not isinstance(value, str):
        _refuse(where, "no time such as 2026-11-25T13:30:00Z")
    if not value[:4].isdecimal() or int(value[:4]) not in _YEARS:
        _refuse(where, f"{value[:40]!r} is in no year from {_YEARS.start} to {_YEARS.stop - 1}")
    try:
        if _DAY.fullmatch(value):
            day = date.fromisoformat(value)
            known = zone or _no_zone(where)
            return _in(day, time(), known)[0], _in(day + timedelta(days=1), time(), known)[0]
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is not None:
            return moment.astimezone(UTC), moment.astimezone(UTC)
        first, last = _in(moment.date(), moment.time(), zone or _no_zone(where))
    except (ValueError, OverflowError):
        _refuse(where, f"{value[:40]!r} is no time such as 2026-11-25T13:30:00Z")
    if first > last:
        _refuse(where, f"{value[:40]} does not exist in {zone}: clocks are put forward over it")
    return first, last


def _in(day: date, at: time, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return both instants of a wall time; they differ where clocks change, the first being later where none exists."""
    local = datetime.combine(day, at, tzinfo=zone)
    return local.astimezone(UTC), local.replace(fold=1).astimezone(UTC)


def _no_zone(where: str) -> NoReturn:
    _refuse(where, "a time without an offset needs a `zone`")


def _zone(value: object, where: str) -> ZoneInfo | None:
    if value is None:
        return None
    try:
        return ZoneInfo(value) if isinstance(value, str) else _refuse(where, "not the name of a zone")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        _refuse(where, f"{str(value)[:40]!r} is not an IANA time zone such as America/New_York")


def _object(value: object, known: frozenset[str], where: str) -> Mapping[str, object]:
    if not isinstance(value, dict):
        _refuse(where, "not an object")
    odd = sorted(set(value) - known)
    if odd:
        _refuse(where, f"has an unknown key {odd[0][:40]!r}")
    return value


def _refuse(where: str, what: str) -> NoReturn:
    raise SourceTrouble(Trouble.NOT_A_CALENDAR, f"{where}: {what}")
