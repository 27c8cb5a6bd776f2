"""Where bars come from: the one port that the seeded and the recorded market fill."""

from collections.abc import Sequence
from typing import Protocol

from sandbox.exchange.instruments import Bar, Instrument

WARM_UP_BARS = 500


class Source(Protocol):
    """A timeline of bars for several instruments; the same index is the same moment on all of them."""

    @property
    def kind(self) -> str:
        """Name the kind of source: `seeded` or `recorded`."""
        ...

    @property
    def seed(self) -> int | None:
        """Give the seed of a seeded market, None for a recorded one."""
        ...

    @property
    def name(self) -> str:
        """Name this very source; everything that is derived from its bars is seeded with the name."""
        ...

    @property
    def instruments(self) -> Sequence[Instrument]:
        """List the instruments in the order in which they are served."""
        ...

    @property
    def minimum_start(self) -> int:
        """Give the first index before which every instrument has its warm-up bars."""
        ...

    def last_index(self, symbol: str) -> int | None:
        """Give the index of an instrument's last bar, None where the source never ends."""
        ...

    def bar(self, symbol: str, index: int) -> Bar | None:
        """Give the bar at an index, None where the source has none there."""
        ...

    def latest_bar(self, symbol: str, index: int) -> Bar:
        """Give the newest bar at or before an index that is not before the instrument's first bar."""
        ...

    def bars(self, symbol: str, first: int, last: int, *, limit: int | None = None, newest: bool = False) -> list[Bar]:
        """List the bars from `first` to `last`, both included, oldest first.

        Of more than `limit` bars only that many are listed, from the old end, or from the new end with `newest`.
        """
        ...

    def describe(self, bar_seconds: int) -> str:
        """Say in one sentence what is being played."""
        ...

    def recorded_at(self, index: int) -> str | None:
        """Tell the recorded time of an index in ISO 8601, None for a market that was never recorded."""
        ...
