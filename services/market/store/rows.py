"""Rows of any kind become a history, or it is said of each why not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt

from services.domain.market import timeframe_seconds
from services.market.history import History, Times, Values, milliseconds, moment
from services.market.store.findings import NAMED, Finding, Kind, Reading, finding, in_order

EARLIEST = milliseconds(datetime(1990, 1, 1, tzinfo=UTC))
# A wick is far off when it is this far from the middle of its neighbours, as a share and in the usual distance of the file.
FAR_SHARE = 0.05
FAR_TIMES = 30
FUNDING_SHARE = 0.9
# Shorter files do not show how far apart their rows usually lie, and thin markets have no usual distance.
LEAST_FOR_SPACING = 10
USUAL_SHARE = 0.5
PLAIN_SHARE = 0.9
_UNITS = (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1))

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Rows as somebody wrote them: ``line`` says where, ``time`` is milliseconds UTC, ``prices`` is (rows, 4) open to close.

    ``problem`` is the place in ``Kind`` of what the reader could not make out, -1 for none; such a row's numbers mean nothing.
    """

    line: npt.NDArray[np.int64]
    time: Times
    prices: Values
    volume: Values
    problem: npt.NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.line)


KINDS = tuple(Kind)
PLACE = {kind: place for place, kind in enumerate(KINDS)}


def judge(
    rows: Rows,
    *,
    symbol: str,
    timeframe: str | None,
    now: datetime,
    phase: int,
    found: list[Finding],
    example: Callable[[int], str],
) -> Reading:
    """Sort, sift and check rows; ``found`` is what the reader has found before, ``example`` gives a line's text.

    Without a timeframe it is the usual distance of two rows. Candles open ``phase`` milliseconds after a multiple of it.
    """
    problem = rows.problem.copy()
    _mark(problem, _faults(rows, now))
    usual = _usual_step(rows.time[problem < 0], USUAL_SHARE if timeframe is None else PLAIN_SHARE)
    step = timeframe_seconds(timeframe) * 1000 if timeframe is not None else usual
    if usual is not None and step is not None and usual != step:
        found.append(finding(Kind.WRONG_TIMEFRAME, count=1, example=f"they lie {spelled(usual)} apart, not {timeframe}"))
    elif step is not None:
        _mark(problem, ((Kind.OFF_GRID, (rows.time - phase) % step != 0),))
        _mark(problem, ((Kind.NOT_CLOSED, rows.time + step > milliseconds(now)),))
    if _looks_like_funding(rows):
        found.append(finding(Kind.FUNDING, count=1, example=example(int(rows.line[0]))))
        problem[:] = PLACE[Kind.FUNDING]
    elif not len(rows):
        found.append(finding(Kind.NO_ROWS, count=1))
    elif step is None and (problem < 0).any():
        found.append(finding(Kind.WRONG_TIMEFRAME, count=1, example="too few, or too irregular, to tell which; name it"))
    history = _sift(rows, problem, symbol, timeframe or spelled(step or 1000), found)
    for kind in KINDS:
        where = rows.line[problem == PLACE[kind]]
        if len(where) and kind is not Kind.FUNDING:
            found.append(of_lines(kind, where, example(int(where[0]))))
    return Reading(history=history, rows=len(rows), findings=in_order(found))


def _mark(problem: npt.NDArray[np.int8], faults: tuple[tuple[Kind, Mask], ...]) -> None:
    for kind, mask in faults:
        problem[mask & (problem < 0)] = PLACE[kind]


def _faults(rows: Rows, now: datetime) -> tuple[tuple[Kind, Mask], ...]:
    prices, volume = rows.prices, rows.volume
    opening, high, low, close = prices.T
    endless: Mask = ~(np.isfinite(prices).all(axis=1) & np.isfinite(volume))
    contradicting: Mask = (low > np.minimum(opening, close)) | (high < np.maximum(opening, close))
    return (
        (Kind.NOT_FINITE, endless),
        (Kind.NOT_POSITIVE, np.asarray((prices <= 0).any(axis=1))),
        (Kind.CONTRADICTING_PRICES, contradicting),
        (Kind.NEGATIVE_VOLUME, volume < 0),
        (Kind.IMPOSSIBLE_TIME, (rows.time < EARLIEST) | (rows.time > milliseconds(now))),
    )


def _usual_step(time: Times, share: float) -> int | None:
    """Return the distance that more than this share of neighbours in time have, or None where there is none."""
    steps = np.diff(np.sort(time))
    steps = steps[steps > 0]
    if len(steps) < LEAST_FOR_SPACING - 1:
        return None
    # What more than half of them are is the middle one.
    usual = int(np.partition(steps, len(steps) // 2)[len(steps) // 2])
    return usual if (steps == usual).mean() > share and usual % 1000 == 0 else None


def _looks_like_funding(rows: Rows) -> bool:
    """Tell whether only the first value of nearly all rows is anything: so exchanges' funding rates are often kept."""
    readable = rows.problem < 0
    if readable.sum() < LEAST_FOR_SPACING:
        return False
    rest = (rows.prices[readable, 1:] == 0).all(axis=1) & (rows.volume[readable] == 0)
    small = np.abs(rows.prices[readable, 0]) < 1
    return bool((rest & small).mean() >= FUNDING_SHARE)


def _sift(rows: Rows, problem: npt.NDArray[np.int8], symbol: str, timeframe: str, found: list[Finding]) -> History:
    """Sort what has no problem, drop what stands there twice, and tell of what is strange; marks contradicting rows."""
    good = np.flatnonzero(problem < 0)
    back = good[1:][np.diff(rows.time[good]) < 0]
    if len(back):
        found.append(of_lines(Kind.UNSORTED, rows.line[back], str(moment(int(rows.time[back[0]])))))
    good = good[np.argsort(rows.time[good], kind="stable")]
    good = good[_once(rows, good, problem)]
    opens, highs, lows, closes = (np.ascontiguousarray(column) for column in rows.prices[good].T)
    history = History(
        symbol=symbol,
        timeframe=timeframe,
        time=rows.time[good],
        open=opens,
        high=highs,
        low=lows,
        close=closes,
        volume=rows.volume[good],
    )
    _tell_of_the_strange(history, rows.line[good], found)
    return history


def _once(rows: Rows, order: npt.NDArray[np.intp], problem: npt.NDArray[np.int8]) -> Mask:
    """Tell which of the rows, sorted by time, stay: the first of equal ones, none of those that contradict each other."""
    time = rows.time[order]
    again = np.zeros(len(order), dtype=np.bool_)
    again[1:] = time[1:] == time[:-1]
    if not again.any():
        return ~again
    values = np.column_stack((rows.prices[order], rows.volume[order]))
    differs = np.zeros(len(order), dtype=np.bool_)
    differs[1:] = again[1:] & (values[1:] != values[:-1]).any(axis=1)
    contradicting = np.isin(time, time[differs])
    problem[order[contradicting]] = PLACE[Kind.CONTRADICTING_ROWS]
    problem[order[again & ~contradicting]] = PLACE[Kind.DUPLICATES]
    return ~(again | contradicting)


def _tell_of_the_strange(history: History, line: npt.NDArray[np.int64], found: list[Finding]) -> None:
    still = np.flatnonzero(history.volume == 0)
    if len(still):
        found.append(of_lines(Kind.ZERO_VOLUME, line[still]))
    spikes = far_off(history)
    if len(spikes):
        at = int(spikes[0])
        seen = f"{moment(int(history.time[at])):%Y-%m-%d %H:%M} high {history.high[at]:g} low {history.low[at]:g}"
        found.append(of_lines(Kind.SPIKES, line[spikes], seen))
    gaps = history.gaps()
    if gaps:
        longest = max(gaps, key=lambda each: each.count)
        where = f"{longest.count:,} from {moment(longest.first):%Y-%m-%d %H:%M} UTC"
        text = f"{len(gaps)} gaps, the longest {where}" if len(gaps) > 1 else where
        found.append(finding(Kind.GAPS, count=sum(each.count for each in gaps), example=text))


def of_lines(kind: Kind, lines: npt.NDArray[np.int64], example: str = "") -> Finding:
    """Say something of lines, of which there may be millions."""
    return finding(kind, lines[:NAMED].tolist(), count=len(lines), example=example)


def far_off(history: History) -> npt.NDArray[np.intp]:
    """Return the rows whose high or low lies far off the middle of the five closes around them."""
    if len(history) < 5:
        return np.empty(0, dtype=np.intp)
    padded = np.concatenate((history.close[1::-1], history.close, history.close[:-3:-1]))
    middle = np.median(np.lib.stride_tricks.sliding_window_view(padded, 5), axis=1)
    off = np.maximum(history.high / middle - 1, 1 - history.low / middle)
    return np.flatnonzero(off > max(FAR_SHARE, FAR_TIMES * float(np.median(off))))


def spelled(step: int) -> str:
    """Write milliseconds as a timeframe in its largest whole unit."""
    seconds = max(1, step // 1000)
    unit, length = next((unit, length) for unit, length in _UNITS if seconds % length == 0)
    return f"{seconds // length}{unit}"
