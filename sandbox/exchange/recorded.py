"""A market out of recorded candles: one recorded bar becomes one bar of the served timeframe.

Row by row the recorded time becomes an index: the number of recorded bar lengths since the earliest row of all
files. A gap in a file stays a gap. Nothing is played before the first row or after the last.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

from sandbox.exchange.candle_files import CandleFile, read_candle_file
from sandbox.exchange.errors import CandleFileError
from sandbox.exchange.instruments import Bar, Instrument
from sandbox.exchange.source import WARM_UP_BARS

# The smallest order that Binance takes, by quote asset.
_MIN_NOTIONALS = {"USDT": "5.00000000", "BTC": "0.00010000", "ETH": "0.00100000"}
_QUOTE_DECIMALS = 8
_UNITS = ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Series:
    instrument: Instrument
    file: CandleFile
    indexes: "array[int]"

    def at(self, position: int) -> Bar:
        opens, highs, lows, closes = self.file.prices
        return Bar(
            index=self.indexes[position],
            open=opens[position],
            high=highs[position],
            low=lows[position],
            close=closes[position],
            volume=self.file.volumes[position],
        )


class RecordedSource:
    """Play one or several candle files on one timeline."""

    kind = "recorded"
    seed = None

    def __init__(self, paths: Sequence[Path]) -> None:
        """Read the files; raises CandleFileError for a wrong row, name or combination of files."""
        files = [read_candle_file(path) for path in paths]
        self.paths = tuple(path.resolve() for path in paths)
        self.digests = tuple(file.digest for file in files)
        self.bar_length = _shared_bar_length(files)
        self.origin = min(file.times[0] for file in files)
        self._series = _series_by_symbol(files, self.origin, self.bar_length)
        self.instruments = tuple(series.instrument for series in self._series.values())
        self.name = "recorded-" + "-".join(self._series)
        self.minimum_start = self._first_start(files)

    def last_index(self, symbol: str) -> int | None:
        """Give the index of an instrument's last recorded bar."""
        return self._series[symbol].indexes[-1]

    def bar(self, symbol: str, index: int) -> Bar | None:
        """Give the bar at an index, None in a gap or outside the file."""
        series = self._series[symbol]
        position = bisect_left(series.indexes, index)
        found = position < len(series.indexes) and series.indexes[position] == index
        return series.at(position) if found else None

    def latest_bar(self, symbol: str, index: int) -> Bar:
        """Give the newest bar at or before an index that is not before the instrument's first bar."""
        series = self._series[symbol]
        return series.at(bisect_right(series.indexes, index) - 1)

    def bars(self, symbol: str, first: int, last: int, *, limit: int | None = None, newest: bool = False) -> list[Bar]:
        """List the bars from `first` to `last`, oldest first, cut to `limit` at the old or the new end."""
        series = self._series[symbol]
        low, high = bisect_left(series.indexes, first), bisect_right(series.indexes, last)
        if limit is not None:
            low, high = (max(low, high - limit), high) if newest else (low, min(high, low + limit))
        return [series.at(position) for position in range(low, high)]

    def describe(self, bar_seconds: int) -> str:
        """Say in one sentence what is being played."""
        files = [series.file for series in self._series.values()]
        names = ", ".join(_stem(file.path) for file in files)
        first = min(file.times[0] for file in files)
        last = max(file.times[-1] for file in files)
        return f"Recorded {names}, {_day(first)} to {_day(last)}, {_pace(self.bar_length)} in {bar_seconds} s"

    def recorded_at(self, index: int) -> str | None:
        """Tell the recorded time of an index in ISO 8601."""
        return datetime.fromtimestamp(self.origin + index * self.bar_length, UTC).isoformat()

    def _first_start(self, files: list[CandleFile]) -> int:
        """Find the first index before which every file has its warm-up bars and at which none has ended."""
        for file in files:
            if len(file.times) <= WARM_UP_BARS:
                raise CandleFileError(
                    f"{file.path}: {len(file.times)} candles, expected more than {WARM_UP_BARS}; "
                    "the bars before the start warm up the strategies, so give a longer file"
                )
        start = max(series.indexes[WARM_UP_BARS] for series in self._series.values())
        for series in self._series.values():
            if series.indexes[-1] < start:
                raise CandleFileError(
                    f"{series.file.path}: ends before every other file has its {WARM_UP_BARS} bars of warm-up; "
                    "give files that overlap"
                )
        return start


def _series_by_symbol(files: list[CandleFile], origin: int, bar_length: int) -> dict[str, _Series]:
    found: dict[str, _Series] = {}
    for file in files:
        series = _Series(
            instrument=_instrument(file),
            file=file,
            indexes=array("q", [(time - origin) // bar_length for time in file.times]),
        )
        symbol = series.instrument.symbol
        if symbol in found:
            raise CandleFileError(f"{file.path}: {symbol} is already played from {found[symbol].file.path}; give one")
        found[symbol] = series
    return found


def _shared_bar_length(files: list[CandleFile]) -> int:
    """Take the usual distance between two rows as the length of a recorded bar, in seconds, the same in all files."""
    lengths = [_bar_length(file) for file in files]
    for file, length in zip(files, lengths, strict=True):
        if length != lengths[0]:
            raise CandleFileError(
                f"{file.path}: one candle is {length} s, in {files[0].path} it is {lengths[0]} s; "
                "play files of one timeframe together"
            )
        _check_grid(file, files[0].times[0], length)
    return lengths[0]


def _bar_length(file: CandleFile) -> int:
    if len(file.times) < 2:
        raise CandleFileError(f"{file.path}: has one candle; give a file with more than {WARM_UP_BARS}")
    return Counter(later - earlier for earlier, later in pairwise(file.times)).most_common(1)[0][0]


def _check_grid(file: CandleFile, start: int, length: int) -> None:
    for line, time in enumerate(file.times, start=2):
        if (time - start) % length:
            raise CandleFileError(
                f"{file.path}, line {line}: the timestamp is not a whole number of {length} s candles from "
                f"{datetime.fromtimestamp(start, UTC).isoformat()}; correct or remove the row"
            )


def _instrument(file: CandleFile) -> Instrument:
    """Name the instrument after the file, `BTCUSDT-1h.csv.gz`, and derive its grid from the file's decimals."""
    name = _stem(file.path).partition("-")[0].upper()
    quote = next((quote for quote in _MIN_NOTIONALS if name.endswith(quote)), "")
    # A perpetual's name ends in quote and settlement asset, XRPUSDTUSDT; its prices are played as XRPUSDT.
    symbol = name.removesuffix(quote) if name.endswith(quote + quote) else name
    asset = symbol.removesuffix(quote)
    if not quote or not asset.isalnum() or not asset.isascii():
        raise CandleFileError(
            f"{file.path}: the name gives no symbol; name the file like BTCUSDT-1h.csv.gz, quoted in "
            f"{', '.join(_MIN_NOTIONALS)}"
        )
    return Instrument(
        symbol=symbol,
        traded_asset=asset,
        quote_asset=quote,
        price_decimals=file.price_decimals,
        volume_decimals=file.volume_decimals,
        step_decimals=_step_decimals(file),
        min_notional=_MIN_NOTIONALS[quote],
    )


def _step_decimals(file: CandleFile) -> int:
    """Keep a step worth at least the smallest amount of the quote asset at the lowest price of the file."""
    finest = file.price_decimals - len(str(min(file.prices[2]))) + 1
    return min(file.usual_volume_decimals, max(0, _QUOTE_DECIMALS - finest))


def _stem(path: Path) -> str:
    return path.name.removesuffix(".gz").removesuffix(".csv")


def _day(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).date().isoformat()


def _pace(bar_length: int) -> str:
    size, unit = next((size, unit) for size, unit in _UNITS if bar_length % size == 0)
    count = bar_length // size
    return f"one recorded {unit} plays" if count == 1 else f"{count} recorded {unit}s play"
