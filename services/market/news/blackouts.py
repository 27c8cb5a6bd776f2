"""The times around events in which no entry is made: what the calendar says to the gate."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from config.news import BlackoutSettings, CalendarSettings
from services.domain.inputs import InputAnswer
from services.domain.news import EVERYWHERE, Calendar, CalendarEvent, Importance
from services.domain.signals import Signal

TITLE = 18
IN_SIGHT = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class Blackout:
    """An event and the time around it, its end excluded, in which its ``rule`` holds entries back."""

    event: CalendarEvent
    starts_at: datetime
    ends_at: datetime
    rule: BlackoutSettings


class _Held:
    """A calendar with its blackouts in order; made anew for each calendar, and never changed."""

    def __init__(self, calendar: Calendar, settings: CalendarSettings) -> None:
        self.calendar = calendar
        found = [_around(event, rule) for event in calendar.events for rule in settings.blackouts if _covers(rule, event)]
        self.blackouts = sorted(found, key=lambda each: each.starts_at)
        self._starts = [each.starts_at for each in self.blackouts]
        self._longest = max((each.ends_at - each.starts_at for each in found), default=timedelta(0))

    def at(self, moment: datetime) -> list[Blackout]:
        """Return the blackouts that an instant lies in."""
        low = bisect_left(self._starts, moment - self._longest)
        return [each for each in self.blackouts[low : bisect_right(self._starts, moment)] if moment < each.ends_at]

    def between(self, moment: datetime, end: datetime) -> Sequence[Blackout]:
        """Return the blackouts that begin after an instant and before another."""
        return self.blackouts[bisect_right(self._starts, moment) : bisect_left(self._starts, end)]


class CalendarBoard:
    """Keeps the newest calendar that could be read, and what was wrong since; asked from any thread."""

    def __init__(self, settings: CalendarSettings) -> None:
        self.settings = settings
        self.problem = ""
        self._held: _Held | None = None

    def take(self, calendar: Calendar) -> None:
        """Go by this calendar from now on."""
        self._held, self.problem = _Held(calendar, self.settings), ""

    def keep(self, problem: str) -> None:
        """Stay with the one that stands, and say why no newer one was taken."""
        self.problem = problem

    @property
    def calendar(self) -> Calendar | None:
        """Return the calendar that stands, however old."""
        held = self._held
        return held.calendar if held is not None else None

    def outdated(self, now: datetime) -> bool:
        """Tell whether the calendar that stands is too old, or says nothing about now any more."""
        held = self._held
        return held is None or now >= self._good_until(held, now)

    def about(self, signal: Signal, now: datetime) -> InputAnswer | None:
        """Return whether an event stands against an entry, named with its time and the calendar's age."""
        held = self._held
        if held is None:
            return None
        good_until, age = self._good_until(held, now), _age(now - held.calendar.as_of)
        inside = self._holding_back(held.at(now), signal.symbol)
        if inside:
            last = max(inside, key=lambda each: each.ends_at)
            said = f"{_label(last.event, now)} (data {age})"
            return InputAnswer(passed=False, said=said, until=good_until, frees_at=self._free_at(held, signal.symbol, now))
        ahead = next(iter(self._holding_back(held.between(now, now + IN_SIGHT), signal.symbol)), None)
        if ahead is None:
            return InputAnswer(passed=True, said=f"no event ({age} old)", until=good_until)
        said = f"next {ahead.event.starts_at:%H:%M} UTC ({age} old)"
        return InputAnswer(passed=True, said=said, until=min(good_until, ahead.starts_at))

    def current(self, now: datetime, symbols: Iterable[str]) -> list[tuple[Blackout, tuple[str, ...]]]:
        """Return the blackouts of now with the instruments among ``symbols`` that each holds back; none without data."""
        held = self._held
        if held is None or self.outdated(now):
            return []
        each_of = [(each, tuple(s for s in symbols if self._holding_back([each], s))) for each in held.at(now)]
        return [(each, held_back) for each, held_back in each_of if held_back]

    def ahead(self, now: datetime, most: int) -> list[CalendarEvent]:
        """Return the next events that are not over; none without data."""
        calendar = self.calendar
        if calendar is None or self.outdated(now):
            return []
        return [each for each in calendar.events if each.ends_at >= now][:most]

    def _good_until(self, held: _Held, now: datetime) -> datetime:
        """Return until when the calendar is worth anything: its age decides, then how far it reaches.

        What lies around its last event still counts when the event is over; one that was made later than now is a broken clock.
        """
        if held.calendar.as_of > now + timedelta(minutes=5):
            return now
        reaches = max([held.calendar.through, *(each.ends_at for each in held.at(now))])
        return min(held.calendar.as_of + timedelta(seconds=self.settings.max_age_s), reaches)

    def _holding_back(self, blackouts: Iterable[Blackout], symbol: str) -> list[Blackout]:
        return [each for each in blackouts if self._concerns(each, symbol)]

    def _concerns(self, blackout: Blackout, symbol: str) -> bool:
        event, only = blackout.event, blackout.rule.instruments
        if only and symbol not in only:
            return False
        if symbol in event.instruments or event.currency == EVERYWHERE:
            return True
        assets = symbol.partition(":")[0].split("/")
        return event.currency in {*assets, *(self.settings.stands_for.get(asset, asset) for asset in assets)}

    def _free_at(self, held: _Held, symbol: str, now: datetime) -> datetime:
        """Return when entries pass again: blackouts that follow each other without a gap are one."""
        free = now
        while inside := self._holding_back(held.at(free), symbol):
            free = max(each.ends_at for each in inside)
        return free


def _around(event: CalendarEvent, rule: BlackoutSettings) -> Blackout:
    before, after = timedelta(minutes=rule.before_min), timedelta(minutes=rule.after_min)
    return Blackout(event=event, starts_at=event.starts_at - before, ends_at=event.ends_at + after, rule=rule)


def _covers(rule: BlackoutSettings, event: CalendarEvent) -> bool:
    named = not rule.currencies or event.currency in rule.currencies
    return named and event.importance.at_least(Importance(rule.importance))


def _label(event: CalendarEvent, now: datetime) -> str:
    """Name an event and its time in a few characters: ``USD CPI 13:30 UTC``; the day where it is another one."""
    title = event.title if len(event.title) <= TITLE else event.title[: TITLE - 1].rstrip() + "…"
    at = event.starts_at
    day = "" if at.date() == now.date() else f"{at.day} {at:%b} "
    return f"{event.currency} {title} {day}{at:%H:%M} UTC".strip()


def _age(span: timedelta) -> str:
    minutes = max(0, int(span.total_seconds() // 60))
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // 1440} d"
