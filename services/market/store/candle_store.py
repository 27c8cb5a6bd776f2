"""The desk's own candles on disk: put, corrected, read in spans, and checked.

Candles lie in Parquet files of a month or a year, so that an append rewrites little. Each file is replaced as a whole and
checked whenever it is read; one that is damaged is said, and the rest stays readable.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import numpy as np
import structlog

from services.domain.errors import Refused, Unavailable
from services.market.history import Gap, History, concat, from_rows, milliseconds
from services.market.store.atomic import alone, make_folder, sweep
from services.market.store.parts import Correction, Damaged, Facts, Part, merged, read_facts, read_part, write_part
from services.market.store.places import PART, Series, ends_at, folder_of, series_in, split, starts_at
from services.market.store.record import Record, joined, read_record, span, still_empty, without, write_record

log = structlog.get_logger()
WAIT_S = 30.0
DAMAGED = ".damaged"


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """A part that cannot be used, and why; where it is once it was put aside."""

    part: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """What was asked for: the candles, what the venue itself does not have of them, and the parts that cannot be used."""

    history: History
    holes: tuple[Gap, ...]
    damaged: tuple[Damage, ...]

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """Return what is missing between the first and the last candle and may be had."""
        return without(self.history.gaps(), self.holes, self.history.step)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """What came of candles that were put: new ones, equal ones, corrected ones, ones not closed, and what had to go aside."""

    added: int
    equal: int
    corrected: int
    not_closed: int
    corrections: tuple[Correction, ...]
    set_aside: tuple[Damage, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """A series at a glance, from what its parts say of themselves: candles, first and last opening, corrections, damage."""

    series: Series
    rows: int
    first: int | None
    last: int | None
    corrected: int
    parts: int
    damaged: tuple[Damage, ...]

    @property
    def missing(self) -> int:
        """Return how many candles between the first and the last are not there, for whatever reason."""
        if self.first is None or self.last is None:
            return 0
        return (self.last - self.first) // self.series.step + 1 - self.rows


class CandleStore:
    """Keeps closed candles under a folder; any number of processes may read while one writes a series.

    Raises Refused for candles that do not belong there and Unavailable when the disk does not take them.
    """

    def __init__(self, root: Path, *, wait_s: float = WAIT_S) -> None:
        self._root = root
        self._wait_s = wait_s

    def series(self) -> tuple[Series, ...]:
        """Return what there is, in order."""
        return series_in(self._root)

    def phase(self, series: Series) -> int | None:
        """Return how many milliseconds after a multiple of the timeframe the candles open, or None before the first."""
        record = read_record(folder_of(self._root, series))
        return record.phase if record is not None else None

    def put(self, series: Series, history: History, *, now: datetime) -> Stored:
        """Put candles; one that differs from what is there replaces it, one that has not closed by ``now`` is left out.

        Raise Refused when they are of another series or lie on another grid than those that are there.
        """
        if (history.symbol, history.timeframe) != (series.symbol, series.timeframe):
            raise Refused("OTHER_CANDLES", value=f"{history.symbol} {history.timeframe}", limit=str(series))
        if not _sound(history):
            raise Refused(
                "UNSOUND_CANDLES", value=str(series), limit="finite prices above zero, low to high, volume not below zero"
            )
        at = milliseconds(now)
        closed = history.rows(0, int(np.searchsorted(history.time, at - series.step, side="right")))
        stored = Stored(added=0, equal=0, corrected=0, not_closed=len(history) - len(closed), corrections=(), set_aside=())
        if not len(closed):
            return stored
        with self._writing(series) as folder:
            self._require_grid(folder, series, closed)
            for label, rows in split(closed):
                stored = _sum(stored, self._merge(folder / f"{label}.parquet", series, rows, at))
        return stored

    def read(self, series: Series, since: datetime | None = None, until: datetime | None = None) -> Span:
        """Return the candles that open at or after ``since`` and before ``until``; none where there are none."""
        folder = folder_of(self._root, series)
        read, damaged = [from_rows(series.symbol, series.timeframe, ())], []
        for file in _parts(folder):
            label = file.stem
            if (since is not None and ends_at(label) <= since) or (until is not None and starts_at(label) >= until):
                continue
            try:
                read.append(read_part(file, series).history.between(since, until))
            except FileNotFoundError:
                # Put aside since the folder was looked at: its candles are missing, which shows as a gap.
                continue
            except Damaged as error:
                damaged.append(Damage(part=file.name, why=str(error)))
        try:
            history = concat(read)
        except ValueError as error:
            raise Unavailable("CANDLES_OVERLAP", series=series, fix="sortie candles check names the parts") from error
        return Span(history=history, holes=self._holes(series, history, since, until), damaged=tuple(damaged))

    def missing(self, series: Series, since: datetime, until: datetime, *, holes_too: bool = False) -> tuple[Gap, ...]:
        """Return what may be had of the candles that open from ``since`` up to and without ``until`` and is not there.

        Parts that are damaged count as missing; what the venue itself does not have counts with ``holes_too``.
        """
        step = series.step
        phase = self.phase(series) or 0
        first = -((phase - milliseconds(since)) // step) * step + phase
        last = (milliseconds(until) - 1 - phase) // step * step + phase
        if first > last:
            return ()
        found = self.read(series, since, until)
        edges = np.concatenate(([first - step], found.history.time, [last + step]))
        gaps = [span(int(edges[row]) + step, int(edges[row + 1]) - step, step) for row in np.flatnonzero(np.diff(edges) > step)]
        return tuple(gaps) if holes_too else without(gaps, found.holes, step)

    def _holes(self, series: Series, history: History, since: datetime | None, until: datetime | None) -> tuple[Gap, ...]:
        """Return what of the venue's holes lies in a span and was not filled from elsewhere since."""
        record, step = read_record(folder_of(self._root, series)), series.step
        holes = record.holes if record is not None else ()
        if since is not None:
            holes = tuple(span(max(each.first, _next(each, since, step)), each.last, step) for each in holes)
        if until is not None:
            holes = tuple(span(each.first, min(each.last, _next(each, until, step) - step), step) for each in holes)
        return still_empty([each for each in holes if each.count > 0], history.time, step)

    def note_holes(self, series: Series, holes: tuple[Gap, ...]) -> None:
        """Remember what the venue itself does not have; candles that turn up there all the same count as any others."""
        if not holes:
            return
        with self._writing(series) as folder:
            record = read_record(folder) or Record(phase=holes[0].first % series.step)
            write_record(folder, replace(record, holes=joined((*record.holes, *holes), series.step)))

    def overview(self, series: Series) -> Overview:
        """Return a series at a glance, without reading or checking its candles."""
        facts: list[Facts] = []
        damaged: list[Damage] = []
        for file in _parts(folder_of(self._root, series)):
            try:
                facts.append(read_facts(file, series))
            except Damaged as error:
                damaged.append(Damage(part=file.name, why=str(error)))
        return Overview(
            series=series,
            rows=sum(each.rows for each in facts),
            first=facts[0].first if facts else None,
            last=facts[-1].last if facts else None,
            corrected=sum(each.corrected for each in facts),
            parts=len(facts) + len(damaged),
            damaged=tuple(damaged),
        )

    def corrections(self, series: Series) -> tuple[Correction, ...]:
        """Return the newest corrections of every sound part, oldest candle first."""
        found: list[Correction] = []
        for file in _parts(folder_of(self._root, series)):
            try:
                found.extend(read_part(file, series).corrections)
            except Damaged as error:
                log.warning("candles.part_damaged", part=file.name, reason=str(error))
        return tuple(found)

    def set_aside(self, series: Series) -> tuple[Damage, ...]:
        """Check every part and put those aside that are damaged, so that they can be filled anew; nothing is deleted."""
        with self._writing(series) as folder:
            aside = []
            for file in _parts(folder):
                try:
                    read_part(file, series)
                except Damaged as error:
                    aside.append(_put_aside(file, str(error)))
            return tuple(aside)

    @contextmanager
    def _writing(self, series: Series) -> Iterator[Path]:
        folder = folder_of(self._root, series)
        try:
            make_folder(folder)
            with alone(folder, wait_s=self._wait_s):
                left = sweep(folder)
                if left:
                    log.info("candles.leftovers_removed", series=str(series), count=left)
                yield folder
        except OSError as error:
            cause = error.strerror or type(error).__name__
            raise Unavailable("CANDLES_NOT_WRITTEN", folder=folder, cause=cause, fix="look at the disk") from error

    def _require_grid(self, folder: Path, series: Series, history: History) -> None:
        phases = np.unique(history.time % series.step)
        record = read_record(folder)
        phase = record.phase if record is not None else self._phase_of_parts(folder, series)
        if len(phases) > 1 or (phase is not None and int(phases[0]) != phase):
            lies = f"{int(phases[-1] if len(phases) > 1 else phases[0]) / 1000:g} s after a multiple of {series.timeframe}"
            raise Refused("OFF_GRID", value=lies, limit=f"{(phase or 0) / 1000:g} s, as the candles of {series}")
        if record is None:
            write_record(folder, Record(phase=int(phases[0])))

    def _phase_of_parts(self, folder: Path, series: Series) -> int | None:
        """Find out where candles lie when the record is gone."""
        for file in _parts(folder):
            try:
                return read_facts(file, series).first % series.step
            except Damaged:
                continue
        return None

    def _merge(self, file: Path, series: Series, rows: History, at: int) -> Stored:
        aside: tuple[Damage, ...] = ()
        part: Part | None = None
        try:
            part = read_part(file, series)
        except FileNotFoundError:
            pass
        except Damaged as error:
            aside = (_put_aside(file, str(error)),)
        after = merged(part, rows, at)
        before_rows, before_corrected = (len(part.history), part.corrected) if part is not None else (0, 0)
        added, corrected = len(after.history) - before_rows, after.corrected - before_corrected
        if added or corrected:
            write_part(file, series, after)
        return Stored(
            added=added,
            equal=len(rows) - added - corrected,
            corrected=corrected,
            not_closed=0,
            corrections=after.corrections[-corrected:] if corrected else (),
            set_aside=aside,
        )


def _next(gap: Gap, at: datetime, step: int) -> int:
    """Return the first opening at or after an instant, on a gap's grid."""
    return gap.first - (gap.first - milliseconds(at)) // step * step


def _sound(history: History) -> bool:
    lowest, highest = np.minimum(history.open, history.close), np.maximum(history.open, history.close)
    ordered = (history.low > 0) & (history.low <= lowest) & (highest <= history.high) & np.isfinite(history.high)
    return bool((ordered & (history.volume >= 0) & np.isfinite(history.volume)).all())


def _parts(folder: Path) -> list[Path]:
    return sorted(file for file in folder.glob("*.parquet") if PART.fullmatch(file.name))


def _put_aside(file: Path, why: str) -> Damage:
    number = 1 + sum(1 for _ in file.parent.glob(f"{file.stem}{DAMAGED}*"))
    place = file.with_name(f"{file.stem}{DAMAGED}-{number}")
    file.rename(place)
    log.warning("candles.part_set_aside", part=place.name, reason=why)
    return Damage(part=place.name, why=why)


def _sum(one: Stored, other: Stored) -> Stored:
    return Stored(
        added=one.added + other.added,
        equal=one.equal + other.equal,
        corrected=one.corrected + other.corrected,
        not_closed=one.not_closed + other.not_closed,
        corrections=(*one.corrections, *other.corrections)[-100:],
        set_aside=(*one.set_aside, *other.set_aside),
    )
