"""Longer candles out of shorter ones, on the clock's own boundaries and without a look ahead."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from services.strategies.indicators import Bars, Counts, Values


@dataclass(frozen=True, slots=True, kw_only=True)
class Folded:
    """Longer candles that ended, and for each shorter one the last of them that had ended as it closed, -1 for none."""

    bars: Bars
    ended: Counts


def fold(bars: Bars, times: int) -> Folded:
    """Join candles into ones ``times`` as long; raise ValueError where nobody said when they opened.

    The first is left out when it began before ``bars`` do; a gap inside one is taken as it is.
    """
    return bars.kept(("folded", times), lambda: _fold(bars, times))


def as_they_ended(bars: Bars, times: int, name: str, column: Callable[[Bars], Values]) -> Values:
    """Return for each row what a column of the longer candles says in the last one that had ended, NaN before any had.

    ``name`` tells the column from others: what has been computed under it is not computed again.
    """

    def rows(part: Bars) -> Values:
        folded = fold(part, times)
        told = np.full(len(folded.bars) + 1, np.nan)
        told[:-1] = column(folded.bars)
        return told[folded.ended]

    return bars.over(("longer", times, name), rows)


def _fold(bars: Bars, times: int) -> Folded:
    if bars.opened is None or bars.length <= 0:
        raise ValueError("candles that are folded into longer ones need to say when they opened and how long they last")
    length = bars.length * times
    slots = bars.opened // length
    first = np.flatnonzero(np.append(True, slots[1:] != slots[:-1])) if len(slots) else np.zeros(0, dtype=np.intp)
    closed_at = bars.opened + bars.length
    begins = slots[first] * length
    ends = begins + length
    last = np.append(first[1:], len(slots))[: len(first)] - 1
    whole = np.flatnonzero((begins >= bars.opened[:1]) & (ends <= closed_at[-1:])) if len(slots) else first
    joined = Bars(
        open=bars.open[first][whole],
        high=_over(np.maximum, bars.high, first)[whole],
        low=_over(np.minimum, bars.low, first)[whole],
        close=bars.close[last][whole],
        volume=_over(np.add, bars.volume, first)[whole],
        opened=begins[whole],
        length=length,
    )
    if bars.whole():
        # What is joined of sound candles is sound.
        joined.kept(("whole",), lambda: len(joined) > 0)
    return Folded(bars=joined, ended=np.searchsorted(ends[whole], closed_at, side="right") - 1)


def _over(join: np.ufunc, values: Values, first: npt.NDArray[np.intp]) -> Values:
    return join.reduceat(values, first) if len(first) else values
