"""The market: a source of bars laid on time, moved by nothing but the clock that it is given."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from sandbox.exchange.clock import Clock, milliseconds
from sandbox.exchange.course import CourseBook
from sandbox.exchange.errors import MarketHeld, StartRefused
from sandbox.exchange.grid import intervals_of, timeframe_of
from sandbox.exchange.instruments import Bar, Instrument
from sandbox.exchange.placement import Held, Placement, Running, Waiting, grid_of
from sandbox.exchange.snapshot import Snapshot
from sandbox.exchange.source import Source


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketInfo:
    """What is being played, and how far it is.

    `index` is the bar now open, None before the start; `recorded_at` is that bar's recorded time, None for a seeded
    market; `last_index` is None where the source has no end.
    """

    playing: str
    source: str
    seed: int | None
    bar_seconds: int
    timeframe: str
    started: bool
    index: int | None
    minimum_start: int
    last_index: int | None
    finished: bool
    recorded_at: str | None
    symbols: tuple[str, ...]
    now: datetime


class Market:
    """Lay a source's bars on wall time, one bar every `bar_seconds`, and read them at the clock's now.

    `keep` is called with each new placement, before anyone sees the market in it, so that a restart can go on.
    """

    def __init__(
        self,
        *,
        source: Source,
        clock: Clock,
        bar_seconds: int,
        placement: Placement,
        keep: Callable[[Placement], None],
    ) -> None:
        self.source = source
        self.clock = clock
        self.bar_seconds = bar_seconds
        self.timeframe = timeframe_of(bar_seconds)
        self.intervals = intervals_of(bar_seconds)
        self.placement = placement
        self._keep = keep
        self._courses = CourseBook(source.name)

    def now(self) -> int:
        """Tell the time in milliseconds since 1970."""
        return milliseconds(self.clock.now())

    @property
    def started(self) -> bool:
        """Tell whether there are prices."""
        return not isinstance(self.placement, Held)

    def start(self, index: int, close_in: float) -> None:
        """Place bar `index` so that it closes `close_in` seconds after the first look at candles.

        Until that look the market shows bar `index` standing still. Raises StartRefused once the market is running,
        and for a start without warm-up, past the end, or with a `close_in` that is not within one bar.
        """
        if isinstance(self.placement, Running):
            raise StartRefused("the market is already running; a start happens once")
        self._check_start(index)
        if not 0 < close_in <= self.bar_seconds:
            raise StartRefused(f"close_in is {close_in} s, expected more than 0 and at most {self.bar_seconds} s, a bar")
        self._place(Waiting(index=index, close_in=round(close_in * 1000)))

    def start_now(self, index: int) -> None:
        """Open bar `index` at the last multiple of the bar on the wall clock; raises StartRefused as `start` does."""
        self._check_start(index)
        bar = self.bar_seconds * 1000
        self._place(Running(index=index, opens_at=self.now() // bar * bar))

    def look(self) -> None:
        """Note that candles are being looked at: a waiting market starts to move at this moment."""
        if isinstance(self.placement, Waiting):
            grid = grid_of(self.placement, self.now(), self.bar_seconds * 1000)
            self._place(Running(index=grid.index, opens_at=grid.opens_at))

    def snapshot(self, at: int | None = None) -> Snapshot:
        """Read the market now, or at a time in milliseconds; raises MarketHeld before the start."""
        if isinstance(self.placement, Held):
            raise MarketHeld("the market is held; start it with POST /market/start")
        moment = self.now() if at is None else at
        grid = grid_of(self.placement, moment, self.bar_seconds * 1000)
        return Snapshot(source=self.source, courses=self._courses, grid=grid, at=moment)

    def info(self) -> MarketInfo:
        """Tell what is being played and how far it is."""
        snapshot = None if isinstance(self.placement, Held) else self.snapshot()
        symbols = tuple(instrument.symbol for instrument in self.source.instruments)
        last = self._last_index()
        finished = snapshot is not None and all(snapshot.ended(symbol) for symbol in symbols)
        index = None if snapshot is None else snapshot.index if last is None else min(snapshot.index, last)
        return MarketInfo(
            playing=self.source.describe(self.bar_seconds),
            source=self.source.kind,
            seed=self.source.seed,
            bar_seconds=self.bar_seconds,
            timeframe=self.timeframe,
            started=snapshot is not None,
            index=index,
            minimum_start=self.source.minimum_start,
            last_index=last,
            finished=finished,
            recorded_at=None if index is None else self.source.recorded_at(index),
            symbols=symbols,
            now=self.clock.now().astimezone(UTC),
        )

    def series(self, first: int, count: int) -> list[tuple[Instrument, list[Bar]]]:
        """List the bars at indexes from `first` on, `count` indexes long, whether or not they have been played yet."""
        last = first + count - 1
        return [(each, self.source.bars(each.symbol, first, last)) for each in self.source.instruments]

    def _last_index(self) -> int | None:
        ends = [self.source.last_index(instrument.symbol) for instrument in self.source.instruments]
        return max((end for end in ends if end is not None), default=None)

    def _check_start(self, index: int) -> None:
        if index < self.source.minimum_start:
            raise StartRefused(f"bar {index} has too little history; start at {self.source.minimum_start} or later")
        for instrument in self.source.instruments:
            end = self.source.last_index(instrument.symbol)
            if end is not None and index > end:
                raise StartRefused(f"{instrument.symbol} ends at bar {end}, before bar {index}; start earlier")

    def _place(self, placement: Placement) -> None:
        self._keep(placement)
        self.placement = placement
