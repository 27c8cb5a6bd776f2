"""When markets are open: weekly hours, holidays and early closes, in a zone of their own. What none names never closes."""

from __future__ import annotations

import re
from datetime import date
from typing import NamedTuple

from pydantic import Field, model_validator

from config.groups import ClockTime, Group, Names, Zone

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY, _TIME = f"({'|'.join(DAYS)})", r"(\d\d):(\d\d)"
_HOURS = re.compile(rf"{_DAY}(?:-{_DAY})? {_TIME}-(?:{_DAY} )?{_TIME}")
_MIDNIGHT = 24 * 60


class Window(NamedTuple):
    """Hours that begin on a day of the week (0 is Monday) and end ``days`` later, both in minutes from midnight."""

    weekday: int
    start: int
    days: int
    end: int


class SessionSettings(Group):
    """Hours of some terminals and instruments; where several name the same one, all of them must be open."""

    zone: Zone = Field(description="Zone of all its times")
    weekly: Names = Field(
        min_length=1, description='Hours of the week, such as "mon-fri 09:30-16:00" for each day, or "sun 17:00-fri 17:00"'
    )
    holidays: tuple[date, ...] = Field(default=(), description="Days without any")
    early: dict[date, ClockTime] = Field(default_factory=dict, description="Days that end early, with the time")
    terminals: Names = Field(default=(), description="Names of the terminals that keep these hours")
    instruments: Names = Field(default=(), description="Symbols that do")

    @model_validator(mode="after")
    def _agree(self) -> SessionSettings:
        if not self.terminals and not self.instruments:
            raise ValueError("names neither `terminals` nor `instruments`: it would bind nothing")
        _ = self.windows
        return self

    @property
    def windows(self) -> tuple[Window, ...]:
        """Return the hours of the week; raise ValueError for a text that is none."""
        return tuple(window for text in self.weekly for window in _windows(text))


def _windows(text: str) -> list[Window]:
    found = _HOURS.fullmatch(text.strip().lower())
    if found is None:
        raise ValueError(f"{text!r} are no hours such as mon-fri 09:30-16:00 or sun 17:00-fri 17:00")
    first, last, from_hour, from_minute, until_day, to_hour, to_minute = found.groups()
    start, end = int(from_hour) * 60 + int(from_minute), int(to_hour) * 60 + int(to_minute)
    if start >= _MIDNIGHT or end > _MIDNIGHT or int(from_minute) > 59 or int(to_minute) > 59 or (last and until_day):
        raise ValueError(f"{text!r} are no hours such as mon-fri 09:30-16:00 or sun 17:00-fri 17:00")
    day = DAYS.index(first)
    if until_day:
        days = (DAYS.index(until_day) - day) % 7 or (7 if end <= start else 0)
        return [Window(day, start, days, end)]
    span = (DAYS.index(last) - day) % 7 if last else 0
    return [Window((day + more) % 7, start, int(end <= start), end) for more in range(span + 1)]
