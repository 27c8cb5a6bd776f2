"""Where candles lie: a folder for each venue, instrument and timeframe, with names that lead back to what they were made of."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from urllib.parse import quote, unquote

import numpy as np

from services.domain.errors import Refused
from services.domain.market import timeframe_seconds
from services.market.history import History

FOLDER = "candles"
LONGEST = 120
PART = re.compile(r"(\d{4}(?:-\d{2})?)\.parquet")
_HOUR_S = 3_600


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Series:
    """What candles are of."""

    venue: str
    symbol: str
    timeframe: str

    def __str__(self) -> str:
        """Name it as a person would."""
        return f"{self.venue} {self.symbol} {self.timeframe}"

    @property
    def step(self) -> int:
        """Return the timeframe in milliseconds."""
        return timeframe_seconds(self.timeframe) * 1000


def candle_folder(state_dir: Path) -> Path:
    """Return where a desk keeps its candles."""
    return state_dir / FOLDER


def folder_of(root: Path, series: Series) -> Path:
    """Return the folder of a series; raise Refused for what can be no name or timeframe."""
    try:
        timeframe_seconds(series.timeframe)
    except ValueError as error:
        raise Refused("TIMEFRAME", value=series.timeframe, limit="a number and s, m, h or d, such as 5m or 1h") from error
    return root / _safe(series.venue) / _safe(series.symbol) / _safe(series.timeframe)


def series_in(root: Path) -> tuple[Series, ...]:
    """Return what a store holds, in order; folders that are none of its own are passed over."""
    found = []
    for folder in root.glob("*/*/*"):
        series = Series(venue=unquote(folder.parts[-3]), symbol=unquote(folder.parts[-2]), timeframe=unquote(folder.name))
        try:
            own = folder.is_dir() and folder_of(root, series) == folder
        except Refused:
            continue
        if own:
            found.append(series)
    return tuple(sorted(found))


def split(history: History) -> list[tuple[str, History]]:
    """Cut a history into the parts that it is kept in: years, or months where candles are shorter than an hour."""
    unit = "M" if history.step < _HOUR_S * 1000 else "Y"
    labels = history.time.astype("datetime64[ms]").astype(f"datetime64[{unit}]")
    cuts = [0, *(np.flatnonzero(np.diff(labels)) + 1).tolist(), len(history)]
    return [(str(labels[first]), history.rows(first, end)) for first, end in pairwise(cuts) if first < end]


def starts_at(label: str) -> datetime:
    """Return the first instant of a part."""
    year, _, month = label.partition("-")
    return datetime(int(year), int(month or 1), 1, tzinfo=UTC)


def ends_at(label: str) -> datetime:
    """Return the first instant after a part."""
    year, _, month = label.partition("-")
    if not month:
        return datetime(int(year) + 1, 1, 1, tzinfo=UTC)
    return datetime(int(year) + int(month) // 12, int(month) % 12 + 1, 1, tzinfo=UTC)


def _safe(name: str) -> str:
    """Write a name so that it is one folder everywhere and can be read back: what is no letter, digit, - or _ as %XX."""
    if not name or len(name) > LONGEST or not name.isprintable():
        raise Refused("NAME", value=name[:LONGEST], limit=f"1 to {LONGEST} characters that print")
    return quote(name, safe="").replace(".", "%2E").replace("~", "%7E")
