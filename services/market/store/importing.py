"""A file's candles go into the store when the file is sound and agrees with what is there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from services.domain.ports import Clock
from services.market.history import History
from services.market.store.candle_store import CandleStore, Stored
from services.market.store.files import read_candles
from services.market.store.findings import Reading
from services.market.store.places import Series

# So many candles must be there already, and so many of them differ, before a file is taken for another market's or zone's.
LEAST_SHARED = 20
CLASH_SHARE = 0.1
_HOUR_MS = 3_600_000
_ZONES_H = (*range(-14, 0), *range(1, 15))


@dataclass(frozen=True, slots=True, kw_only=True)
class Clash:
    """How many candles of a file are there already and how many of those differ; by how many hours it would agree, if any."""

    shared: int
    different: int
    hours_ahead: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What a file held, and what came of it; nothing was stored when it was refused or clashes with what is there."""

    reading: Reading
    stored: Stored | None = None
    clash: Clash | None = None


class ImportCandles:
    """Reads a file and puts its candles into the store, all of what is sound or nothing."""

    def __init__(self, store: CandleStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def __call__(self, file: Path, series: Series, *, skip_bad: bool = False, replace: bool = False) -> Imported:
        """Import a file; with ``skip_bad`` its sound rows are taken, with ``replace`` they win over what is there."""
        now = self._clock.now()
        phase = self._store.phase(series) or 0
        reading = read_candles(file, symbol=series.symbol, timeframe=series.timeframe, now=now, phase=phase)
        if not len(reading.history) or (reading.refused and not skip_bad):
            return Imported(reading=reading)
        clash = find_clash(self._store.read(series).history, reading.history)
        if clash is not None and not replace:
            return Imported(reading=reading, clash=clash)
        return Imported(reading=reading, stored=self._store.put(series, reading.history, now=now), clash=clash)


def find_clash(known: History, new: History) -> Clash | None:
    """Compare a file with what is there; None when they agree, or share too little to tell."""
    shared, different = _compare(known, new, 0)
    if shared < LEAST_SHARED or different <= CLASH_SHARE * shared:
        return None
    for hours in sorted(_ZONES_H, key=abs):
        there, other = _compare(known, new, hours * _HOUR_MS)
        if there >= LEAST_SHARED and other <= CLASH_SHARE * there:
            return Clash(shared=shared, different=different, hours_ahead=hours)
    return Clash(shared=shared, different=different, hours_ahead=None)


def _compare(known: History, new: History, ahead_ms: int) -> tuple[int, int]:
    """Count the candles that both have when the new ones are that much ahead, and how many of them close elsewhere."""
    _, mine, theirs = np.intersect1d(known.time, new.time - ahead_ms, assume_unique=True, return_indices=True)
    return len(mine), int((known.close[mine] != new.close[theirs]).sum())
