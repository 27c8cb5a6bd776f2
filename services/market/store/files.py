"""Candle files of others: CSV, packed with gzip or not, and Parquet. Nothing in a file raises; what is wrong is a finding."""

from __future__ import annotations

import zlib
from datetime import datetime
from io import BytesIO
from pathlib import Path

import numpy as np
from polars.exceptions import PanicException, PolarsError

from services.market.history import from_rows
from services.market.store.findings import Finding, Kind, Reading, finding
from services.market.store.frames import pl
from services.market.store.header import LOOKED_AT, find_layout, layout_of, plain
from services.market.store.rows import PLACE, Rows, judge
from services.market.store.text_rows import as_rows, parse_lines
from services.market.store.written_times import from_epoch, parse_times

LARGEST = 512 << 20
GZIP, PARQUET = b"\x1f\x8b", b"PAR1"
_LOOKED_AT_BYTES = 1 << 16


def read_candles(
    file: Path, *, symbol: str, timeframe: str | None, now: datetime, phase: int = 0, largest: int = LARGEST
) -> Reading:
    """Read a file of candles; without a timeframe it is told from the rows, and 1s where they do not tell.

    Candles open ``phase`` milliseconds after a multiple of the timeframe, and what has not closed by ``now`` is dropped.
    ``largest`` bounds the bytes, unpacked.
    """
    found: list[Finding] = []
    try:
        if file.stat().st_size > largest:
            return _nothing(symbol, timeframe, finding(Kind.TOO_LARGE, count=1, example=_megabytes(largest)))
        content = file.read_bytes()
    except OSError as error:
        return _nothing(symbol, timeframe, finding(Kind.UNREADABLE, count=1, example=error.strerror or type(error).__name__))
    if content.startswith(GZIP):
        content, trouble = _unpack(content, largest)
        if trouble is not None:
            found.append(finding(trouble, count=1, example=_megabytes(largest) if trouble is Kind.TOO_LARGE else ""))
    if not content or content.isspace():
        return _nothing(symbol, timeframe, *(found or [finding(Kind.EMPTY, count=1)]))
    lines: pl.Series | None = None
    if content.startswith(PARQUET):
        rows = _parquet_rows(content, found)
        del content
    else:
        lines, whole = _lines(content, found), content.endswith((b"\n", b"\r"))
        # A million lines once are enough.
        del content
        rows = _text_rows(lines, whole, found)

    def example(line: int) -> str:
        return str(lines[line - 1]) if lines is not None else f"row {line}"

    if rows is None:
        return _nothing(symbol, timeframe, *found)
    return judge(rows, symbol=symbol, timeframe=timeframe, now=now, phase=phase, found=found, example=example)


def _unpack(packed: bytes, largest: int) -> tuple[bytes, Kind | None]:
    """Unpack gzip up to a bound; what came before the file ends or turns bad is returned with what is wrong."""
    out = bytearray()
    while packed:
        member = zlib.decompressobj(wbits=31)
        try:
            out += member.decompress(packed, largest - len(out) + 1)
        except zlib.error:
            return bytes(out), Kind.DAMAGED
        if len(out) > largest:
            return b"", Kind.TOO_LARGE
        if not member.eof:
            return bytes(out), Kind.TRUNCATED
        packed = member.unused_data.lstrip(b"\0")
    return bytes(out), None


def _lines(content: bytes, found: list[Finding]) -> pl.Series:
    """Return the lines of a text; none when it is no text."""
    if b"\0" in content[:_LOOKED_AT_BYTES]:
        found.append(finding(Kind.BINARY, count=1))
        return pl.Series([], dtype=pl.String)
    content = content.removeprefix(b"\xef\xbb\xbf")
    try:
        return pl.read_lines(content).to_series()
    except PolarsError:
        # Not UTF-8: what matters in it is ASCII, and what is not shows as a row that cannot be read.
        return pl.read_lines(content.decode("utf-8", errors="replace").encode()).to_series()


def _text_rows(lines: pl.Series, whole: bool, found: list[Finding]) -> Rows | None:
    if any(each.kind is Kind.BINARY for each in found):
        return None
    first = lines.head(LOOKED_AT).to_list()
    layout = find_layout(first)
    if layout is None:
        found.append(finding(Kind.NO_HEADER, count=1, example=next((each for each in first if each.strip()), "")))
        return None
    if layout.volume is None:
        found.append(finding(Kind.NO_VOLUME, count=1))
    parsed = parse_lines(lines, layout)
    if parsed.without_zone:
        found.append(finding(Kind.NO_ZONE, count=parsed.without_zone))
    rows = parsed.rows
    if not whole and len(rows) and rows.problem[-1] == PLACE[Kind.MISSING_FIELD]:
        rows.problem[-1] = PLACE[Kind.HALF_LINE]
    return rows


def _parquet_rows(content: bytes, found: list[Finding]) -> Rows | None:
    try:
        frame = pl.read_parquet(BytesIO(content))
    except (PolarsError, PanicException, OSError):
        found.append(finding(Kind.DAMAGED, count=1))
        return None
    layout = layout_of([plain(each) for each in frame.columns])
    if layout is None:
        found.append(finding(Kind.NO_HEADER, count=1, example=", ".join(frame.columns)))
        return None
    numbers = [frame.to_series(place).cast(pl.Float64, strict=False) for place in layout.prices]
    if layout.volume is None:
        found.append(finding(Kind.NO_VOLUME, count=1))
        numbers.append(pl.Series(np.zeros(len(frame))))
    else:
        numbers.append(frame.to_series(layout.volume).cast(pl.Float64, strict=False))
    time, unzoned = _column_times(frame.to_series(layout.time[0]))
    if unzoned:
        found.append(finding(Kind.NO_ZONE, count=unzoned))
    return as_rows(np.arange(1, len(frame) + 1, dtype=np.int64), time, numbers)


def _column_times(column: pl.Series) -> tuple[pl.Series, int]:
    """Return a column's times in milliseconds UTC, and how many name no zone."""
    kind = column.dtype
    if isinstance(kind, pl.Datetime):
        return column.dt.epoch("ms"), 0 if kind.time_zone else len(column)
    if kind == pl.Date:
        return column.cast(pl.Datetime("ms")).dt.epoch("ms"), len(column)
    if kind.is_numeric():
        return from_epoch(column.cast(pl.Int64, strict=False)), 0
    time, zoned = parse_times(column.cast(pl.String, strict=False))
    return time, int((time.is_not_null() & ~zoned).sum())


def _nothing(symbol: str, timeframe: str | None, *found: Finding) -> Reading:
    return Reading(history=from_rows(symbol, timeframe or "1s", ()), rows=0, findings=tuple(found))


def _megabytes(size: int) -> str:
    return f"at most {size >> 20:,} MB"
