"""The market at one moment: what has happened so far on every instrument, and nothing of what comes after."""

from collections.abc import Iterator
from dataclasses import dataclass

from sandbox.exchange.course import STEPS, Course, CourseBook, Totals
from sandbox.exchange.errors import invalid_symbol
from sandbox.exchange.grid import Grid
from sandbox.exchange.instruments import Bar, Instrument
from sandbox.exchange.source import Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Candle:
    """A candle as served: times in milliseconds, everything else as in Totals."""

    open_time: int
    close_time: int
    open: int
    totals: Totals


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """Where an instrument is: the newest bar that has opened, its course, and the step that it has reached."""

    bar: Bar
    course: Course
    step: int

    @property
    def price(self) -> int:
        """Give the last price in ticks."""
        return self.course.prices[self.step]


class Snapshot:
    """Read the market at a fixed moment."""

    def __init__(self, *, source: Source, courses: CourseBook, grid: Grid, at: int) -> None:
        self.source = source
        self.courses = courses
        self.grid = grid
        self.at = at
        self.index = grid.index_at(at)
        self.step = grid.step_at(at)

    def instrument(self, symbol: str) -> Instrument:
        """Look an instrument up; raises the exchange's refusal for a symbol that is not listed."""
        for instrument in self.source.instruments:
            if instrument.symbol == symbol:
                return instrument
        raise invalid_symbol()

    def ended(self, symbol: str) -> bool:
        """Tell whether the source has no further bar for an instrument."""
        last = self.source.last_index(symbol)
        return last is not None and self.index > last

    def position(self, symbol: str) -> Position:
        """Find the last thing that happened to an instrument; in a gap that is the close before it."""
        bar = self.source.latest_bar(symbol, self.index)
        step = self.step if bar.index == self.index else STEPS - 1
        return Position(bar=bar, course=self.courses.course(symbol, bar), step=step)

    def bar_before(self, symbol: str) -> Bar:
        """Give the newest bar that has closed."""
        return self.source.latest_bar(symbol, self.index - 1)

    def totals(self, symbol: str, bar: Bar) -> Totals:
        """Add up a bar as far as it has unfolded."""
        if bar.index == self.index:
            return self.courses.course(symbol, bar).totals(self.step)
        return self.courses.whole(symbol, bar)

    def candles(self, symbol: str, interval: int, *, start: int | None, end: int | None, limit: int) -> list[Candle]:
        """List candles of `interval` milliseconds that open within start and end (both included), oldest first.

        With a start the oldest `limit` are given, else the newest, as Binance does.
        """
        candles: list[Candle] = []
        for opens_at, first, last in self._spans(symbol, interval, start, end):
            bars = self.source.bars(symbol, first, last)
            if bars:
                candles.append(self._candle(symbol, opens_at, interval, bars))
            if len(candles) == limit:
                break
        return candles[::-1] if start is None else candles

    def _spans(self, symbol: str, interval: int, start: int | None, end: int | None) -> Iterator[tuple[int, int, int]]:
        """Yield open time, first and last bar of each candle, oldest first with a start, else newest first."""
        last = self.source.last_index(symbol)
        newest = self.index if last is None else min(self.index, last)
        low = 0 if start is None else max(0, self.grid.first_from(start))
        high = newest if end is None else min(newest, self.grid.index_at(end))
        if low > high:
            return
        numbers = range(self.grid.open_time(low) // interval, self.grid.open_time(high) // interval + 1)
        for number in numbers if start is not None else reversed(numbers):
            first = self.grid.first_from(number * interval)
            opens_at = self.grid.open_time(first)
            if start is None or opens_at >= start:
                yield opens_at, first, min(newest, self.grid.first_from((number + 1) * interval) - 1)

    def _candle(self, symbol: str, opens_at: int, interval: int, bars: list[Bar]) -> Candle:
        parts = [self.totals(symbol, bar) for bar in bars]
        return Candle(
            open_time=opens_at,
            close_time=opens_at + interval - 1,
            open=bars[0].open,
            totals=Totals(
                high=max(part.high for part in parts),
                low=min(part.low for part in parts),
                close=parts[-1].close,
                volume=sum(part.volume for part in parts),
                quote=sum(part.quote for part in parts),
                trades=sum(part.trades for part in parts),
                taker_volume=sum(part.taker_volume for part in parts),
                taker_quote=sum(part.taker_quote for part in parts),
            ),
        )
