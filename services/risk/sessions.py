"""The hours that a terminal and an instrument keep, as they stand at an instant; clock changes make no hole and no double."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from config.session import SessionSettings
from services.domain.sessions import ALL_HOURS, Session

_DAY = timedelta(days=1)
_BACK, _AHEAD = 8, 16
_IN_SIGHT = 14 * _DAY

Span = tuple[datetime, datetime]


class Sessions:
    """Answers whether entries may be made now; ``settings`` are the hours by name."""

    def __init__(self, settings: Mapping[str, SessionSettings]) -> None:
        self._settings = settings

    def at(self, terminal: str, symbol: str, now: datetime) -> Session:
        """Return the session that decides: one that is closed, else the one that closes first; without any, all hours."""
        found = [
            session_at(name, hours, now)
            for name, hours in self._settings.items()
            if terminal in hours.terminals or symbol in hours.instruments
        ]
        latest = datetime.max.replace(tzinfo=UTC)
        closed = [each for each in found if not each.is_open]
        if closed:
            return max(closed, key=lambda each: each.changes_at or latest)
        return min(found, key=lambda each: each.changes_at or latest, default=ALL_HOURS)


def session_at(name: str, hours: SessionSettings, now: datetime) -> Session:
    """Return how some hours stand at an instant; openings are looked for within about two weeks."""
    zone = ZoneInfo(hours.zone)
    spans = _joined(_opened(hours, now.astimezone(zone).date(), zone))
    for start, end in spans:
        if start <= now < end:
            return Session(name=name, is_open=True, changes_at=end if end - now < _IN_SIGHT else None)
    opens = min((start for start, _ in spans if start > now), default=None)
    return Session(name=name, is_open=False, changes_at=opens)


def _opened(hours: SessionSettings, today: date, zone: ZoneInfo) -> Iterable[Span]:
    """Yield the open times around a day, without holidays and what lies after an early close."""
    shut = [(_instant(day, 0, zone), _instant(day + _DAY, 0, zone)) for day in hours.holidays]
    shut += [(_instant(day, _minutes(at), zone), _instant(day + _DAY, 0, zone)) for day, at in hours.early.items()]
    for offset in range(-_BACK, _AHEAD):
        day = today + offset * _DAY
        for window in hours.windows:
            if window.weekday == day.weekday():
                start, end = _instant(day, window.start, zone), _instant(day + window.days * _DAY, window.end, zone)
                yield from _without((start, end), shut)


def _without(span: Span, shut: Sequence[Span]) -> list[Span]:
    left = [span]
    for begin, end in shut:
        left = [
            part for start, stop in left for part in ((start, min(stop, begin)), (max(start, end), stop)) if part[0] < part[1]
        ]
    return left


def _joined(spans: Iterable[Span]) -> list[Span]:
    """Put spans that touch or overlap together, in order."""
    joined: list[Span] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def _instant(day: date, minutes: int, zone: ZoneInfo) -> datetime:
    """Return the instant of a wall time; 24:00 is the next day's midnight."""
    days, left = divmod(minutes, 24 * 60)
    return datetime.combine(day + days * _DAY, time(left // 60, left % 60), tzinfo=zone).astimezone(UTC)


def _minutes(text: str) -> int:
    hours, _, minutes = text.partition(":")
    return int(hours) * 60 + int(minutes)
