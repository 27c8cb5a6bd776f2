"""What a backtest comes to in numbers, each with its sample; below its least sample a number is none and says so."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt

from services.domain.edge import Z_975, student_t_975
from services.research.layouts import Counts, Floats, Rows
from services.research.simulation import Outcome

LEAST_TRADES = 30
LEAST_DAYS = 30
LEAST_IN_GROUP = 10
DAY_MS = 86_400_000
DAYS_A_YEAR = 365
"""Days are counted as crypto trades: all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stat:
    """One number with its sample: ``value`` is None where ``n`` is below ``least``, or nothing can be divided by.

    ``low`` and ``high`` bound it with 95 % confidence where they are given.
    """

    value: float | None
    n: int
    least: int
    low: float | None = None
    high: float | None = None

    @property
    def enough(self) -> bool:
        """Tell whether the sample is large enough."""
        return self.n >= self.least


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawdown:
    """The deepest fall of equity from a peak, as a share of it, with the times of peak, bottom and recovery (None: not yet).

    ``longest_ms`` is the longest time between a peak and its recovery or the end.
    """

    depth: float
    peak: int
    bottom: int
    recovered: int | None
    longest_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """The trades that have something in common: how many, the share that won, their mean R, and what they made.

    Share and mean are None below ``LEAST_IN_GROUP`` trades.
    """

    label: str
    n: int
    win_rate: float | None
    mean_r: float | None
    pnl: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """The whole: money in the quote currency, shares of one, ratios a year.

    ``exposure`` is the share of candles with a position. ``sharpe``, ``sortino`` and ``calmar`` are of daily equity.
    """

    trades: int
    won: int
    lost: int
    first_equity: float
    last_equity: float
    pnl: float
    fees: float
    funding: float
    returned: float
    drawdown: Drawdown
    exposure: float
    win_rate: Stat
    expectancy_r: Stat
    profit_factor: Stat
    sharpe: Stat
    sortino: Stat
    calmar: Stat


def figures_of(outcome: Outcome) -> Figures:
    """Return the figures of a backtest."""
    trades, equity, capital = outcome.trades, outcome.equity, outcome.rules.capital
    pnl = trades["pnl"]
    won, lost = int((pnl > 0).sum()), int((pnl < 0).sum())
    gross = float(-pnl[pnl < 0].sum())
    daily = _daily(outcome.time, equity, capital)
    fall = drawdown_of(outcome.time, equity, capital)
    return Figures(
        trades=len(trades),
        won=won,
        lost=lost,
        first_equity=capital,
        last_equity=float(equity[-1]),
        pnl=float(pnl.sum()),
        fees=float(trades["fees"].sum()),
        funding=float(trades["funding"].sum()),
        returned=float(equity[-1]) / capital - 1,
        drawdown=fall,
        exposure=_exposure(trades, len(equity)),
        win_rate=win_rate(won, len(trades)),
        expectancy_r=mean_with_bounds(trades["r"]),
        profit_factor=_stat(float(pnl[pnl > 0].sum()) / gross if gross else None, len(trades), LEAST_TRADES),
        sharpe=_stat(_ratio(daily, daily), len(daily), LEAST_DAYS),
        sortino=_stat(_ratio(daily, np.minimum(daily, 0), about=0.0), len(daily), LEAST_DAYS),
        calmar=_stat(_calmar(float(equity[-1]) / capital, len(daily), fall.depth), len(daily), LEAST_DAYS),
    )


def win_rate(won: int, n: int) -> Stat:
    """Return the share of trades that won, with Wilson's interval."""
    if n < LEAST_TRADES:
        return Stat(value=None, n=n, least=LEAST_TRADES)
    share, z2 = won / n, Z_975**2
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = Z_975 / (1 + z2 / n) * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    return Stat(value=share, n=n, least=LEAST_TRADES, low=middle - half, high=middle + half)


def mean_with_bounds(results: Floats) -> Stat:
    """Return the mean of results in R, with Student's interval."""
    n = len(results)
    if n < LEAST_TRADES:
        return Stat(value=None, n=n, least=LEAST_TRADES)
    mean = float(results.mean())
    half = student_t_975(n - 1) * float(results.std(ddof=1)) / math.sqrt(n)
    return Stat(value=mean, n=n, least=LEAST_TRADES, low=mean - half, high=mean + half)


def falls(equity: Floats, capital: float) -> Floats:
    """Return how far equity lies below its highest so far, as a share of it: 0 or less."""
    peaks = np.maximum(np.maximum.accumulate(equity), capital)
    return equity / peaks - 1


def drawdown_of(time: Counts, equity: Floats, capital: float) -> Drawdown:
    """Return the deepest fall and the longest."""
    fallen = falls(equity, capital)
    bottom = int(fallen.argmin())
    # The account stood at its capital before the first candle, so a peak may be there.
    whole = np.flatnonzero(fallen >= 0)
    before, after = whole[whole <= bottom], whole[whole > bottom]
    peak = int(before[-1]) if len(before) else 0
    edges = np.concatenate(([0], whole, [len(equity) - 1]))
    return Drawdown(
        depth=max(0.0, -float(fallen[bottom])),
        peak=int(time[peak]),
        bottom=int(time[bottom]),
        recovered=int(time[after[0]]) if len(after) else None,
        longest_ms=int(np.diff(time[edges]).max()),
    )


def groups_of(trades: Rows, labels: Sequence[str]) -> tuple[Group, ...]:
    """Return the trades by their labels, in the order of these."""
    found, places = np.unique(np.array(labels, dtype=np.str_), return_inverse=True)
    n = np.bincount(places, minlength=len(found))
    sums = {name: np.bincount(places, weights=trades[name], minlength=len(found)) for name in ("r", "pnl")}
    won = np.bincount(places, weights=trades["pnl"] > 0, minlength=len(found))
    return tuple(
        Group(
            label=str(label),
            n=int(n[place]),
            win_rate=float(won[place] / n[place]) if n[place] >= LEAST_IN_GROUP else None,
            mean_r=float(sums["r"][place] / n[place]) if n[place] >= LEAST_IN_GROUP else None,
            pnl=float(sums["pnl"][place]),
        )
        for place, label in enumerate(found)
    )


def months_of(times: Counts) -> list[str]:
    """Return the months of instants in milliseconds UTC, such as 2024-03."""
    return [str(each) for each in times.astype("datetime64[ms]").astype("datetime64[M]")]


def hours_of(times: Counts) -> list[str]:
    """Return the hours of the day, UTC, such as 07."""
    return [f"{hour:02d}" for hour in (times // 3_600_000 % 24).tolist()]


def written_day(time: int) -> str:
    """Return the day of an instant in milliseconds UTC."""
    return f"{datetime.fromtimestamp(time / 1000, UTC):%Y-%m-%d}"


def stats_of(figures: Figures) -> Iterator[tuple[str, Stat]]:
    """Yield the figures that have a sample, by name."""
    for name in ("win_rate", "expectancy_r", "profit_factor", "sharpe", "sortino", "calmar"):
        yield name, getattr(figures, name)


def _stat(value: float | None, n: int, least: int) -> Stat:
    return Stat(value=value if n >= least else None, n=n, least=least)


def _daily(time: Counts, equity: Floats, capital: float) -> Floats:
    """Return the returns of UTC days from each day's last equity; a day without a candle is none."""
    days = time // DAY_MS
    last = equity[np.append(np.flatnonzero(np.diff(days)), len(equity) - 1)]
    before = np.append(capital, last[:-1])
    # From a ruined account nothing can be earned.
    returns: Floats = (last - before)[before > 0] / before[before > 0]
    return returns


def _ratio(returns: Floats, risky: Floats, about: float | None = None) -> float | None:
    """Return mean over deviation, a year; the deviation is that of ``risky`` about its mean, or about ``about``."""
    if len(returns) < 2:
        return None
    deviation = float(risky.std(ddof=1)) if about is None else math.sqrt(float(((risky - about) ** 2).mean()))
    return float(returns.mean()) / deviation * math.sqrt(DAYS_A_YEAR) if deviation > 0 else None


def _calmar(grown: float, days: int, depth: float) -> float | None:
    if depth <= 0 or grown <= 0 or days < LEAST_DAYS:
        return None
    return float((grown ** (DAYS_A_YEAR / days) - 1) / depth)


def _exposure(trades: Rows, rows: int) -> float:
    """Return the share of rows at whose close a position stood."""
    steps: npt.NDArray[np.int64] = np.zeros(rows + 1, dtype=np.int64)
    np.add.at(steps, trades["opened"], 1)
    np.add.at(steps, trades["closed"], -1)
    return float((np.cumsum(steps[:-1]) > 0).mean())
