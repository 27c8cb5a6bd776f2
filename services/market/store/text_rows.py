"""Lines of text as rows: split, turned into numbers, and each that cannot be is marked. Reads with polars."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from services.market.history import Times
from services.market.store.findings import Kind
from services.market.store.frames import pl
from services.market.store.header import Layout
from services.market.store.rows import PLACE, Rows
from services.market.store.written_times import parse_times

# So many lines are split at a time: what that takes beside the lines themselves stays small.
AT_ONCE = 100_000
_SPACE = ' "\r\t'


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """Rows, and how many of their times are texts that name no zone."""

    rows: Rows
    without_zone: int


def parse_lines(lines: pl.Series, layout: Layout) -> Parsed:
    """Turn lines into rows; empty lines are none."""
    pieces = [
        _parse_some(lines.slice(first, AT_ONCE), layout, first)
        for first in range(layout.first, max(len(lines), layout.first + 1), AT_ONCE)
    ]
    return Parsed(rows=_join([each.rows for each in pieces]), without_zone=sum(each.without_zone for each in pieces))


def _parse_some(lines: pl.Series, layout: Layout, first: int) -> Parsed:
    number = np.arange(first + 1, first + 1 + len(lines), dtype=np.int64)
    written = (lines.str.strip_chars() != "").to_numpy()
    lines, number = lines.filter(pl.Series(written)), number[written]
    fields = lines.str.split_exact(layout.separator, layout.columns).struct.unnest()
    whole = fields.to_series(layout.columns - 1).is_not_null().to_numpy()
    texts = [fields.to_series(place).str.strip_chars(_SPACE) for place in layout.time]
    time, zoned = parse_times(texts[0] if len(texts) == 1 else texts[0] + " " + texts[1])
    numbers = [fields.to_series(place).str.strip_chars(_SPACE).cast(pl.Float64, strict=False) for place in layout.prices]
    if layout.volume is not None:
        numbers.append(fields.to_series(layout.volume).str.strip_chars(_SPACE).cast(pl.Float64, strict=False))
    else:
        numbers.append(pl.Series(np.zeros(len(lines))))
    rows = as_rows(number, time, numbers)
    rows.problem[~whole] = PLACE[Kind.MISSING_FIELD]
    readable = rows.problem < 0
    return Parsed(rows=rows, without_zone=int((readable & ~zoned.to_numpy()).sum()))


def as_rows(line: Times, time: pl.Series, numbers: Sequence[pl.Series]) -> Rows:
    """Put columns together; a row whose time or number is null is marked, its numbers mean nothing."""
    problem = np.full(len(line), -1, dtype=np.int8)
    for column in numbers:
        problem[column.is_null().to_numpy()] = PLACE[Kind.BAD_NUMBER]
    problem[time.is_null().to_numpy()] = PLACE[Kind.BAD_TIME]
    values = [np.array(column.fill_null(1.0).to_numpy(), dtype=np.float64) for column in numbers]
    return Rows(
        line=line,
        time=np.array(time.fill_null(0).to_numpy(), dtype=np.int64),
        prices=np.column_stack(values[:4]),
        volume=values[4],
        problem=problem,
    )


def _join(pieces: Sequence[Rows]) -> Rows:
    return Rows(
        line=np.concatenate([each.line for each in pieces]),
        time=np.concatenate([each.time for each in pieces]),
        prices=np.concatenate([each.prices for each in pieces]),
        volume=np.concatenate([each.volume for each in pieces]),
        problem=np.concatenate([each.problem for each in pieces]),
    )
