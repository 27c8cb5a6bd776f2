"""One part of a series as a Parquet file that knows what it should hold: candles and facts under one checksum."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field, replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from polars.exceptions import PanicException, PolarsError

from services.market.history import History, from_rows
from services.market.store.atomic import write_whole
from services.market.store.frames import pl
from services.market.store.places import Series

FORMAT = "1"
NOTED = 100
# Stands in the file where the checksum of all of it comes: of what it was with zeros in that place.
_MARK, _UNKNOWN = b"sortie-checksum:", "0" * 32
_STRANGE = (PolarsError, PanicException, OSError, ValueError, KeyError, TypeError)
_COLUMNS = ("time", "open", "high", "low", "close", "volume")


class Damaged(Exception):
    """A part that is not what was written; the text says in what way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """A candle that was replaced: its opening, when (milliseconds UTC), and open to volume before and after."""

    time: int
    at: int
    old: tuple[float, ...]
    new: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """The candles of one part, how many of them were ever corrected, and the newest of those corrections."""

    history: History
    corrected: int = 0
    corrections: tuple[Correction, ...] = field(default=())


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a part says of itself without being read: rows, openings of the first and last candle, corrections."""

    rows: int
    first: int
    last: int
    corrected: int


def write_part(file: Path, series: Series, part: Part) -> None:
    """Write a part in the place of the one that is there."""
    told = {
        "format": FORMAT,
        **asdict(series),
        **asdict(_facts(part)),
        "corrections": [asdict(each) for each in part.corrections],
    }
    columns = {"time": part.history.time, **dict(part.history.columns())}
    packed = BytesIO()
    pl.DataFrame(columns).write_parquet(packed, metadata={"sortie": json.dumps(told), "checksum": _MARK.decode() + _UNKNOWN})
    content = packed.getvalue()
    write_whole(file, content.replace(_MARK + _UNKNOWN.encode(), _MARK + _checksum(content)))


def read_part(file: Path, series: Series) -> Part:
    """Read a part and check it; raise Damaged when it is not whole, or of another series, FileNotFoundError when it is gone."""
    content = _sound(file)
    try:
        told = _told(content, series)
        frame = pl.read_parquet(BytesIO(content), columns=list(_COLUMNS))
        time, *values = (np.ascontiguousarray(frame.get_column(name).to_numpy()) for name in _COLUMNS)
        opens, highs, lows, closes, volumes = values
        history = History(
            symbol=series.symbol,
            timeframe=series.timeframe,
            time=time,
            open=opens,
            high=highs,
            low=lows,
            close=closes,
            volume=volumes,
        )
        corrections = tuple(
            Correction(time=each["time"], at=each["at"], old=tuple(each["old"]), new=tuple(each["new"]))
            for each in told["corrections"]
        )
        return Part(history=history, corrected=told["corrected"], corrections=corrections)
    except _STRANGE as error:
        raise Damaged("is no Parquet file of candles") from error


def read_facts(file: Path, series: Series) -> Facts:
    """Read what a part says of itself; raises as ``read_part`` does."""
    content = _sound(file)
    try:
        told = _told(content, series)
        return Facts(rows=told["rows"], first=told["first"], last=told["last"], corrected=told["corrected"])
    except _STRANGE as error:
        raise Damaged("is no Parquet file of candles") from error


def merged(part: Part | None, newer: History, at: int) -> Part:
    """Put newer candles over older ones; each that differs is a correction, noted with both."""
    older = part or Part(history=from_rows(newer.symbol, newer.timeframe, ()))
    shared, mine, theirs = np.intersect1d(older.history.time, newer.time, assume_unique=True, return_indices=True)
    before, after = _values(older.history)[mine], _values(newer)[theirs]
    changed = np.flatnonzero((before != after).any(axis=1))
    noted = tuple(
        Correction(time=int(shared[row]), at=at, old=tuple(before[row].tolist()), new=tuple(after[row].tolist()))
        for row in changed[-NOTED:]
    )
    kept = np.ones(len(older.history), dtype=np.bool_)
    kept[mine] = False
    time = np.concatenate((older.history.time[kept], newer.time))
    values = np.concatenate((_values(older.history)[kept], _values(newer)))
    order = np.argsort(time, kind="stable")
    opens, highs, lows, closes, volumes = (np.ascontiguousarray(column) for column in values[order].T)
    history = replace(newer, time=time[order], open=opens, high=highs, low=lows, close=closes, volume=volumes)
    return Part(
        history=history,
        corrected=older.corrected + len(changed),
        corrections=(*older.corrections, *noted)[-NOTED:],
    )


def _values(history: History) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    return np.column_stack([column for _, column in history.columns()])


def _facts(part: Part) -> Facts:
    time = part.history.time
    return Facts(rows=len(time), first=int(time[0]), last=int(time[-1]), corrected=part.corrected)


def _sound(file: Path) -> bytes:
    """Read a file whose checksum fits; nobody parses any other."""
    try:
        content = file.read_bytes()
    except FileNotFoundError:
        raise
    except OSError as error:
        raise Damaged(f"cannot be read: {error.strerror}") from error
    place = content.rfind(_MARK) + len(_MARK)
    if place < len(_MARK):
        raise Damaged("has no checksum: it is cut off, or somebody else's")
    end = place + len(_UNKNOWN)
    if content[place:end] != _checksum(content[:place] + _UNKNOWN.encode() + content[end:]):
        raise Damaged("its checksum does not fit")
    return content


def _told(content: bytes, series: Series) -> dict[str, Any]:
    """Return what a part says of itself; raise Damaged when it is of another series or format."""
    told: dict[str, Any] = json.loads(pl.read_parquet_metadata(BytesIO(content))["sortie"])
    if told["format"] != FORMAT:
        raise Damaged(f"is of format {told['format']}, this build reads {FORMAT}")
    own = Series(venue=told["venue"], symbol=told["symbol"], timeframe=told["timeframe"])
    if own != series:
        raise Damaged(f"holds {own}")
    return told


def _checksum(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=len(_UNKNOWN) // 2).hexdigest().encode()
