"""What is known of a series beside its candles: the grid that they lie on, and what the venue itself does not have."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from services.market.history import Gap, Times
from services.market.store.atomic import write_whole

FILE = "series.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """``phase``: how many milliseconds after a multiple of the timeframe candles open. ``holes``: none at the venue either."""

    phase: int
    holes: tuple[Gap, ...] = ()


def read_record(folder: Path) -> Record | None:
    """Return the record, or None where there is none or none that can be read: both are found out anew."""
    try:
        stored = json.loads((folder / FILE).read_text(encoding="utf-8"))
        holes = tuple(Gap(first=int(first), last=int(last), count=int(count)) for first, last, count in stored["holes"])
        return Record(phase=int(stored["phase"]), holes=holes)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_record(folder: Path, record: Record) -> None:
    """Write the record in the place of the one that is there."""
    stored = {"phase": record.phase, "holes": [[each.first, each.last, each.count] for each in record.holes]}
    write_whole(folder / FILE, json.dumps(stored).encode())


def joined(gaps: Iterable[Gap], step: int) -> tuple[Gap, ...]:
    """Return gaps in order, those that touch or overlap as one."""
    out: list[Gap] = []
    for gap in sorted(gaps, key=lambda each: each.first):
        if out and gap.first <= out[-1].last + step:
            out[-1] = span(out[-1].first, max(out[-1].last, gap.last), step)
        else:
            out.append(gap)
    return tuple(out)


def without(gaps: Sequence[Gap], holes: Sequence[Gap], step: int) -> tuple[Gap, ...]:
    """Return what of the gaps is left when the holes are taken out; both are in order and disjoint."""
    out = []
    for gap in gaps:
        first = gap.first
        for hole in holes:
            if hole.last < first or hole.first > gap.last:
                continue
            if hole.first > first:
                out.append(span(first, hole.first - step, step))
            first = hole.last + step
        if first <= gap.last:
            out.append(span(first, gap.last, step))
    return tuple(out)


def still_empty(holes: Sequence[Gap], time: Times, step: int) -> tuple[Gap, ...]:
    """Return what of the holes has no candle at these times, in order."""
    out = []
    for hole in holes:
        inside = time[np.searchsorted(time, hole.first) : np.searchsorted(time, hole.last, side="right")]
        edges = np.concatenate(([hole.first - step], inside, [hole.last + step]))
        out += [span(int(edges[row]) + step, int(edges[row + 1]) - step, step) for row in np.flatnonzero(np.diff(edges) > step)]
    return tuple(out)


def span(first: int, last: int, step: int) -> Gap:
    """Return the gap from one opening to another, both of them missing."""
    return Gap(first=first, last=last, count=(last - first) // step + 1)
