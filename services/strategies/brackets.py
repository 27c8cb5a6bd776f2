"""From the rows that triggered to calls with stop and targets that keep to sane distances."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from services.strategies.calls import Calls, Sides
from services.strategies.indicators import Bars, Flags, Values

NEAREST_STOP = 0.002
FARTHEST_STOP = 0.06


@dataclass(frozen=True, slots=True, kw_only=True)
class Exits:
    """Where stop and targets go: the stop's nearest and farthest place in ATR, the targets in R.

    A base for the parameters of strategies. Raises ValueError unless all are above zero and in order.
    """

    stop_atr_min: float = 1.2
    stop_atr_max: float = 3.0
    target_1_r: float = 1.5
    target_2_r: float = 3.0

    def __post_init__(self) -> None:
        check_positive(
            stop_atr_min=self.stop_atr_min,
            stop_atr_max=self.stop_atr_max,
            target_1_r=self.target_1_r,
            target_2_r=self.target_2_r,
        )
        if self.stop_atr_max < self.stop_atr_min:
            raise ValueError(f"stop_atr_max is {self.stop_atr_max}, but must not be below stop_atr_min ({self.stop_atr_min})")
        if self.target_2_r <= self.target_1_r:
            raise ValueError(f"target_2_r is {self.target_2_r}, but must be above target_1_r ({self.target_1_r})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """The candles that call, by ``rows``, with a value of each other column for each of them.

    ``sign`` is 1 for long and -1 for short; prices are in the quote currency, ``risk`` is the distance from entry to stop.
    """

    count: int
    rows: npt.NDArray[np.intp]
    sign: Values
    entry: Values
    stop: Values
    targets: Values
    risk: Values
    atr: Values

    def calls(
        self, setup: Values, explain: Callable[[int, bool, Mapping[str, float]], tuple[str, Mapping[str, float]]]
    ) -> Calls:
        """Return the calls over all candles; ``explain`` gets row, whether it is a long, and the facts that all share."""
        side: Sides = np.zeros(self.count, dtype=np.int8)
        side[self.rows] = self.sign.astype(np.int8)

        def tell(row: int) -> tuple[str, Mapping[str, float]]:
            row %= self.count
            place = int(np.searchsorted(self.rows, row))
            shared = {"atr": float(self.atr[place]), "stop_atr": float(self.risk[place] / self.atr[place])}
            return explain(row, bool(side[row] > 0), shared)

        return Calls(
            side=side,
            entry=self._spread(self.entry),
            stop=self._spread(self.stop),
            targets=self._spread(self.targets),
            setup=self._spread(setup),
            leave=np.zeros(self.count, dtype=np.int8),
            explain=tell,
        )

    def _spread(self, values: Values) -> Values:
        column = np.full((self.count, *values.shape[1:]), np.nan)
        column[self.rows] = values
        return column


def draft(
    bars: Bars, *, longs: Flags, shorts: Flags, below: Values, above: Values, atr: Values, warm_up: int, exits: Exits
) -> Draft:
    """Draft a call on the close of each usable candle of ``longs`` or ``shorts``; one that is both is a long.

    The stop goes behind the structure, ``below`` a long and ``above`` a short, between the given multiples of ``atr`` and 0.2
    to 6 % of the price. A structure that lies nearer is widened and one that lies farther is cut: nearer the stop is noise,
    farther it is another trade. No call is drafted where that leaves no trade: a stop beyond 6 %, a target at or below 0,
    no ATR, no structure.
    """
    rows = np.flatnonzero((longs | shorts) & bars.usable(warm_up))
    sign = np.where(longs[rows], 1.0, -1.0)
    entry, width = bars.close[rows], atr[rows]
    behind = (entry - np.where(sign > 0, below[rows], above[rows])) * sign
    risk = np.clip(behind, exits.stop_atr_min * width, exits.stop_atr_max * width)
    risk = np.maximum(risk, NEAREST_STOP * entry)
    targets = np.stack([entry + sign * risk * each for each in (exits.target_1_r, exits.target_2_r)], axis=1)
    kept = np.flatnonzero((width > 0) & (risk <= FARTHEST_STOP * entry) & (targets > 0).all(axis=1))
    return Draft(
        count=len(bars),
        rows=rows[kept],
        sign=sign[kept],
        entry=entry[kept],
        stop=(entry - sign * risk)[kept],
        targets=targets[kept],
        risk=risk[kept],
        atr=width[kept],
    )


def graded(values: Values, worst: float, best: float, points: float) -> Values:
    """Return 0 at ``worst``, ``points`` at ``best`` and a straight line between; ``worst`` may lie above ``best``."""
    return points * np.clip((values - worst) / (best - worst), 0.0, 1.0)


def figures(row: int, **columns: Values) -> dict[str, float]:
    """Return what columns say in one row, by name."""
    return {name: float(column[row]) for name, column in columns.items()}


def grade(value: float, worst: float, best: float, points: float) -> float:
    """Return 0 at ``worst``, ``points`` at ``best`` and a straight line between; ``worst`` may lie above ``best``."""
    return points * min(1.0, max(0.0, (value - worst) / (best - worst)))


def check_periods(**periods: int) -> None:
    """Raise ValueError for a look-back that TA-Lib cannot take: each must be 2 to 200 candles."""
    for name, period in periods.items():
        if not 2 <= period <= 200:
            raise ValueError(f"{name} is {period}, but must be 2 to 200 candles")


def check_positive(**amounts: float) -> None:
    """Raise ValueError for a parameter that must be above zero and is not."""
    for name, amount in amounts.items():
        if not (math.isfinite(amount) and amount > 0):
            raise ValueError(f"{name} is {amount}, but must be above 0")
