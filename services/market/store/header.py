"""Which column of a file is what: by its header in any usual spelling, or by its place where there is none."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

SEPARATORS = (",", ";", "\t", "|")
# Some exporters put an address or a title above the header.
LOOKED_AT = 10
_PARENTHESES = re.compile(r"\(.*?\)|[^a-z0-9]")
_NUMBER = re.compile(r"[+-]?\d+(\.\d*)?([eE][+-]?\d+)?")
_TIME = (
    "opentime",
    "timestamp",
    "unix",
    "unixtime",
    "unixtimestamp",
    "datetime",
    "gmttime",
    "opentimems",
    "ts",
    "time",
    "date",
    "t",
)
_PRICES = (("open", "o", "openprice"), ("high", "h", "highprice"), ("low", "l", "lowprice"), ("close", "c", "closeprice"))
_VOLUME = ("volume", "vol", "v", "basevolume", "volumebase", "tickvol", "tickvolume")


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Where things stand in a line: places of the time's one or two columns, of open to close, and of the volume if any.

    ``first`` is the number of lines above the first row, ``columns`` how many a whole row needs.
    """

    separator: str
    first: int
    time: tuple[int, ...]
    prices: tuple[int, int, int, int]
    volume: int | None

    @property
    def columns(self) -> int:
        """Return how many columns a row must have at least."""
        return max(*self.time, *self.prices, self.volume or 0) + 1


def find_layout(lines: Sequence[str]) -> Layout | None:
    """Find out from the first lines what stands where; None when nothing fits."""
    for number, line in enumerate(lines[:LOOKED_AT]):
        for separator in SEPARATORS:
            names = [plain(each) for each in line.split(separator)]
            layout = layout_of(names, separator=separator, first=number + 1)
            if layout is not None:
                return layout
    return _without_header(lines)


def layout_of(names: Sequence[str], *, separator: str = ",", first: int = 0) -> Layout | None:
    """Find the columns among plain names; None when time or a price is not there."""
    time = (
        (names.index("date"), names.index("time"))
        if "date" in names and "time" in names and not set(_TIME[:8]) & set(names)
        else _places(names, _TIME)[:1]
    )
    prices = [_places(names, each)[:1] for each in _PRICES]
    if not time or not all(prices):
        return None
    volumes = _places(names, _VOLUME) or tuple(place for place, name in enumerate(names) if name.startswith("volume"))
    opening, high, low, close = (each[0] for each in prices)
    return Layout(
        separator=separator,
        first=first,
        time=time,
        prices=(opening, high, low, close),
        volume=volumes[0] if volumes else None,
    )


def plain(name: str) -> str:
    """Reduce a column's name to its lower-case letters and digits, without what stands in parentheses."""
    return _PARENTHESES.sub("", name.strip().lower())


def _places(names: Sequence[str], wanted: Sequence[str]) -> tuple[int, ...]:
    return tuple(names.index(each) for each in wanted if each in names)


def _without_header(lines: Sequence[str]) -> Layout | None:
    """Take time, open, high, low, close, volume when the first line already holds numbers."""
    line = next(((place, each) for place, each in enumerate(lines[:LOOKED_AT]) if each.strip()), None)
    if line is None:
        return None
    for separator in SEPARATORS:
        fields = [each.strip().strip('"') for each in line[1].split(separator)]
        if len(fields) >= 6 and fields[0][:1].isdigit() and all(_NUMBER.fullmatch(each) for each in fields[1:6]):
            return Layout(separator=separator, first=line[0], time=(0,), prices=(1, 2, 3, 4), volume=5)
    return None
