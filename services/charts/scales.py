"""Axes: from prices and instants to pixels, and the round values that get a tick."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

_DAY = 86_400
_STEPS = (
    *(1, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800),
    *(3600, 7200, 10_800, 14_400, 21_600, 43_200),
    *(_DAY, 2 * _DAY, 7 * _DAY, 14 * _DAY, 28 * _DAY, 91 * _DAY, 364 * _DAY),
)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueScale:
    """A straight scale from a value to y; ``low`` lies at ``bottom``, ``high`` at ``top``."""

    low: float
    high: float
    top: float
    bottom: float

    def y(self, value: float) -> float:
        """Return the y of a value, which may lie outside the plot."""
        return self.bottom - (value - self.low) / (self.high - self.low) * (self.bottom - self.top)

    def inside(self, value: float) -> float:
        """Return the y of a value, held at the plot's edges."""
        return min(max(self.y(value), self.top), self.bottom)

    def shows(self, value: float) -> bool:
        """Tell whether a value lies within the plot."""
        return self.low <= value <= self.high


def value_scale(values: Sequence[float], top: float, bottom: float) -> ValueScale:
    """Return a scale that shows all values with some air; one value alone stands in the middle."""
    low, high = min(values), max(values)
    # Below a few units in the last place of a float there is no difference to show.
    air = 0.06 * (high - low) if high - low > 1e-12 * abs(high) else 0.005 * abs(high) or 1.0
    return ValueScale(low=low - air, high=high + air, top=top, bottom=bottom)


def value_ticks(scale: ValueScale, least: float, gap: float) -> list[float]:
    """Return round values within the scale, at least ``gap`` pixels and ``least`` (the grid) apart."""
    span = scale.high - scale.low
    raw = max(gap / (scale.bottom - scale.top) * span, least)
    magnitude = 10.0 ** math.floor(math.log10(raw))
    step = next(magnitude * factor for factor in (1, 2, 2.5, 5, 10, 20) if magnitude * factor >= raw * (1 - 1e-9))
    if least and not math.isclose(step / least, round(step / least), rel_tol=1e-9):
        step = least * math.ceil(step / least - 1e-9)
    first, last = math.ceil(scale.low / step), math.floor(scale.high / step)
    return [index * step for index in range(first, last + 1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeTick:
    """A labelled place on the time axis: the index of the instant that it stands for, and its words."""

    index: int
    label: str


def time_ticks(
    instants: Sequence[datetime], zone: ZoneInfo, *, pixels: float, gap: float, slack: timedelta = timedelta()
) -> list[TimeTick]:
    """Return ticks where round times of the zone are passed; ``instants`` ascend and lie ``pixels`` apart.

    Ticks are at least ``gap`` pixels apart. A label is the round time when the instant is within ``slack`` of it, else
    the instant's own. Where no round time is passed, the last instant is labelled.
    """
    local = [each.astimezone(zone) for each in instants]
    if not local:
        return []
    step = _step(local, pixels, gap)
    ticks: list[TimeTick] = []
    taken = -math.inf
    for index in range(1, len(local)):
        begun = _floor(local[index], step)
        if begun != _floor(local[index - 1], step) and (index - taken) * pixels >= gap:
            shown = begun if local[index].replace(tzinfo=None) - begun <= slack else local[index].replace(tzinfo=None)
            new_day = local[index].date() != local[index - 1].date()
            ticks.append(TimeTick(index=index, label=_words(shown, max(step, _DAY) if new_day else step)))
            taken = index
    return ticks or [TimeTick(index=len(local) - 1, label=_words(local[-1].replace(tzinfo=None), step))]


def clock_words(instant: datetime, zone: ZoneInfo) -> str:
    """Return an instant as people of the zone read it: ``14:31:20 CET, 21 Nov``."""
    local = instant.astimezone(zone)
    return f"{local:%H:%M:%S} {local.tzname()}, {_day(local)}"


def _step(local: Sequence[datetime], pixels: float, gap: float) -> int:
    """Return the smallest round step whose ticks would be far enough apart, by the usual distance of the instants."""
    distances = sorted((after - before).total_seconds() for before, after in pairwise(local))
    usual = distances[len(distances) // 2] if distances else 60.0
    return next((step for step in _STEPS if step >= usual and step / max(usual, 1e-3) * pixels >= gap), _STEPS[-1])


def _floor(local: datetime, step: int) -> datetime:
    naive = local.replace(tzinfo=None)
    # Counted from a Monday, so that weeks begin on one.
    origin = datetime(2001, 1, 1)  # noqa: DTZ001
    return origin + timedelta(seconds=(naive - origin) // timedelta(seconds=1) // step * step)


def _words(local: datetime, step: int) -> str:
    if step >= 28 * _DAY:
        return f"{_MONTHS[local.month - 1]} {local.year}"
    if step >= _DAY:
        return _day(local)
    return f"{local:%H:%M:%S}" if step < 60 else f"{local:%H:%M}"


def _day(local: datetime) -> str:
    return f"{local.day} {_MONTHS[local.month - 1]}"


def decimals_format(decimals: int, unit: str = "") -> Callable[[float], str]:
    """Return a writer of numbers: thousands separated, fixed decimals, a real minus sign, and the unit if any."""

    def write(value: float) -> str:
        text = f"{value:,.{decimals}f}".replace("-", "−")
        text = text.removeprefix("−") if not text.strip("−0.,") else text
        return f"{text} {unit}" if unit else text

    return write
