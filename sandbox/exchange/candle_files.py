"""Read recorded candles from CSV or gzipped CSV, strictly: a wrong row stops the start with its file and line."""

import gzip
import hashlib
import io
import math
import zlib
from array import array
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sandbox.exchange.errors import CandleFileError

COLUMNS = ("timestamp", "open", "high", "low", "close", "volume")
_MILLISECONDS_FROM = 100_000_000_000
_WIRE_DECIMALS = 8
_EXACT_INTEGERS = 2**53


@dataclass(frozen=True, slots=True, kw_only=True)
class CandleFile:
    """The rows of one file as columns of equal length.

    `times` are seconds since 1970, strictly rising. `prices` are open, high, low and close in ticks of
    10^-price_decimals, `volumes` are in units of 10^-volume_decimals. `usual_volume_decimals` are enough for 99 of
    100 rows: recordings hold a few volumes finer than anything that was ever traded.
    """

    path: Path
    digest: str
    times: "array[int]"
    prices: tuple["array[int]", "array[int]", "array[int]", "array[int]"]
    volumes: "array[int]"
    price_decimals: int
    volume_decimals: int
    usual_volume_decimals: int


def read_candle_file(path: Path) -> CandleFile:
    """Read and check one file of `timestamp,open,high,low,close,volume`, times in ISO 8601 or epoch seconds (UTC).

    The grid is the finest number of decimals in the file, eight at most; digits beyond the eighth are the noise of
    binary floats and are rounded away. Raises CandleFileError with file and line for whatever is wrong.
    """
    content = _content(path)
    times: array[int] = array("q")
    columns = [array("d") for _ in COLUMNS[1:]]
    price_decimals = 0
    volume_decimals: Counter[int] = Counter()
    for line, cells in _rows(path, content):
        times.append(_time(path, line, cells[0], times))
        values = _values(path, line, cells)
        for column, value in zip(columns, values, strict=True):
            column.append(value)
        price_decimals = max(price_decimals, *map(_decimals, cells[1:5]))
        volume_decimals[_decimals(cells[5])] += 1
    if not times:
        raise CandleFileError(f"{path}: the file has a header and no candles; give a file with recorded candles")
    price_decimals = _representable(price_decimals, max(columns[1]))
    finest = _representable(max(volume_decimals), max(columns[4]))
    opens, highs, lows, closes = (_whole(column, price_decimals) for column in columns[:4])
    return CandleFile(
        path=path,
        digest=hashlib.sha256(content).hexdigest(),
        times=times,
        prices=(opens, highs, lows, closes),
        volumes=_whole(columns[4], finest),
        price_decimals=price_decimals,
        volume_decimals=finest,
        usual_volume_decimals=min(finest, _usual(volume_decimals)),
    )


def _content(path: Path) -> bytes:
    try:
        raw = path.read_bytes()
        return gzip.decompress(raw) if path.suffix == ".gz" else raw
    except FileNotFoundError as error:
        raise CandleFileError(f"{path}: there is no such file; check the path given to --candles") from error
    except (OSError, EOFError, zlib.error) as error:
        raise CandleFileError(f"{path}: cannot be read ({error}); give a complete CSV or CSV.gz file") from error


def _rows(path: Path, content: bytes) -> Iterator[tuple[int, list[str]]]:
    """Yield line numbers and cells after the header; a blank line may only be the last."""
    try:
        lines = io.StringIO(content.decode("utf-8-sig")).read().splitlines()
    except UnicodeDecodeError as error:
        raise CandleFileError(f"{path}: is not text in UTF-8 ({error}); give a CSV or CSV.gz file") from error
    header = tuple(name.strip().lower() for name in lines[0].split(",")) if lines else ()
    if header != COLUMNS:
        raise _wrong(path, 1, f"the header is '{','.join(header)}', expected '{','.join(COLUMNS)}'")
    for line, text in enumerate(lines[1:], start=2):
        cells = text.split(",")
        if len(cells) != len(COLUMNS):
            raise _wrong(path, line, f"{len(cells)} columns, expected {len(COLUMNS)}")
        yield line, cells


def _time(path: Path, line: int, text: str, before: "array[int]") -> int:
    try:
        seconds = _epoch_seconds(text.strip())
    except (ValueError, OverflowError) as error:
        raise _wrong(path, line, f"the timestamp '{text}' is neither ISO 8601 nor epoch seconds") from error
    if before and seconds == before[-1]:
        raise _wrong(path, line, f"the timestamp '{text}' repeats the row before")
    if before and seconds < before[-1]:
        raise _wrong(path, line, f"the timestamp '{text}' is before the row above it; rows must rise")
    return seconds


def _epoch_seconds(text: str) -> int:
    if text.isdecimal():
        number = int(text)
        return number // 1000 if number >= _MILLISECONDS_FROM else number
    at = datetime.fromisoformat(text)
    return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp())


def _values(path: Path, line: int, cells: list[str]) -> tuple[float, float, float, float, float]:
    try:
        opening, high, low, close, volume = map(float, cells[1:])
    except ValueError as error:
        raise _wrong(path, line, f"not a number: {error}") from error
    if not all(map(math.isfinite, (opening, high, low, close, volume))):
        raise _wrong(path, line, "a value is not finite")
    if max(high, volume) >= _EXACT_INTEGERS:
        raise _wrong(path, line, f"a value is {max(high, volume):g}, too large to be exact")
    if high < low:
        raise _wrong(path, line, f"high {cells[2]} is below low {cells[3]}")
    if min(opening, low, close) <= 0:
        raise _wrong(path, line, "a price is not positive")
    if volume < 0:
        raise _wrong(path, line, f"volume {cells[5]} is negative")
    if not (low <= opening <= high and low <= close <= high):
        raise _wrong(path, line, f"open {cells[1]} or close {cells[4]} is outside {cells[3]} to {cells[2]}")
    return opening, high, low, close, volume


def _decimals(text: str) -> int:
    """Count the decimals that a number needs, eight at most."""
    fraction = text.partition(".")[2]
    if len(fraction) <= _WIRE_DECIMALS and "e" not in text and "E" not in text:
        return len(fraction.rstrip("0 "))
    return len(f"{float(text):.{_WIRE_DECIMALS}f}".partition(".")[2].rstrip("0"))


def _usual(counts: Counter[int]) -> int:
    """Give the fewest decimals that are enough for 99 of 100 rows."""
    rows = counts.total()
    return next(
        decimals
        for decimals in sorted(counts)
        if 100 * sum(count for fewer, count in counts.items() if fewer <= decimals) >= 99 * rows
    )


def _representable(decimals: int, largest: float) -> int:
    """Drop decimals that a 64-bit float could not have carried beside the largest value."""
    while decimals > 0 and largest * 10**decimals >= _EXACT_INTEGERS:
        decimals -= 1
    return decimals


def _whole(values: "array[float]", decimals: int) -> "array[int]":
    unit = 10**decimals
    return array("q", [round(value * unit) for value in values])


def _wrong(path: Path, line: int, what: str) -> CandleFileError:
    return CandleFileError(f"{path}, line {line}: {what}; correct or remove the row")
